"""``/lead/{lead_id}/what-if``: one interaction more, through the same scorer. Nothing is stored, nothing is logged."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from features.contract import DAY, parse_moment
from features.history import DIRECTIONS, UNKNOWN
from features.intake import history_of
from features.records import InteractionRecord
from models.score import Score
from serving.desk import Desk
from serving.errors import RequestError
from serving.page import render, told, whatif_options
from serving.page.language import Language
from serving.page.read import Read, read
from serving.page.told import ReasonLine
from serving.page.whatif_options import Option

REASONS = 4


@dataclass(frozen=True, slots=True)
class Side:
    """The lead as it is, or as it would be."""

    temperature: str
    chance: str
    rules: str
    points: str
    step: str
    rule: str
    reasons: list[ReasonLine]
    rule_reasons: list[ReasonLine]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The page."""

    lead_id: str
    href: str
    question: str
    answer: str
    by_rules: bool
    sides: list[Side]


async def whatif(desk: Desk, request: Request, t: Language) -> Response:
    """The page.

    Raises:
        RequestError: there is no such lead, or the scorer does not know the type.
    """
    kind, when = request.query_params.get("type", ""), request.query_params.get("when", "now")
    return await desk.run(_whatif, desk, request, t, kind, "yesterday" if when == "yesterday" else "now")


def _whatif(desk: Desk, request: Request, t: Language, kind: str, when: str) -> Response:
    held = read(desk.memory, desk.current.scorer, request.path_params["lead_id"])
    option = next((one for one in whatif_options.known(held.scorer) if one.type == kind), None)
    if option is None:
        raise RequestError(422, t("whatif.unknown"), t("whatif.unknown_hint"))
    before, after = scores(held, option, yesterday=when == "yesterday")
    page = WhatIf(
        lead_id=held.view.lead_id,
        href=told.lead_address(held.view.lead_id),
        question=t("whatif.question", words=option.words, when=t(f"whatif.{when}")),
        answer=_answer(t, before, after),
        by_rules=before.probability is None,
        sides=[_side(t, one) for one in (before, after)],
    )
    options = whatif_options.options(t, held.scorer, held.view.lead_id, kind, when)
    return render.show(desk, request, t, "whatif.html", page=page, options=options)


def scores(held: Read, option: Option, *, yesterday: bool) -> tuple[Score, Score]:
    """The score as it is and as it would be, at one moment, by one scorer."""
    as_of = parse_moment(held.view.score.as_of) + 1
    occurred_at = as_of - DAY if yesterday else as_of - 1
    direction = UNKNOWN if option.direction is None else DIRECTIONS[option.direction]
    one_more = InteractionRecord(option.type, occurred_at, None, direction)
    record = held.record._replace(interactions=[*held.record.interactions, one_more])
    scorer = held.unfitted
    before, after = (scorer.score(history_of([lead], scorer.schema), as_of, held.previous) for lead in (held.record, record))
    return before, after


def _answer(t: Language, before: Score, after: Score) -> str:
    one, other = told.chance(t, before), told.chance(t, after)
    if before.probability is None or after.probability is None:
        return t("whatif.points", before=one, after=other)
    if one == other:
        return t("whatif.unmoved", chance=one)
    return t("whatif.raised" if after.probability > before.probability else "whatif.lowered", before=one, after=other)


def _side(t: Language, score: Score) -> Side:
    return Side(
        temperature=score.temperature,
        chance=told.chance(t, score),
        rules=score.baseline.temperature,
        points=t("beside.points", n=round(score.baseline.points)),
        step=t.phrase(score.next_step.words),
        rule=t.phrase(score.next_step.rule),
        reasons=told.reasons(t, score, REASONS),
        rule_reasons=told.points(t, score.baseline.reasons),
    )
