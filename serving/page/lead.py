"""``/lead/{lead_id}``: one lead, what it did, how its chance went, and why."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import log
from typing import Literal, NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from features.contract import HOUR, NEVER, from_micros, parse_moment, to_micros
from features.history import History
from features.records import LeadRecord, history_of
from models.next_steps import Stage
from models.score import Score
from models.scorer import LeadScorer
from models.temperature import NAMES, Temperature
from serving.access import allowed, caller_of
from serving.champion import Scorer
from serving.desk import Desk
from serving.errors import RequestError
from serving.memory import lead_view
from serving.memory.memory import Memory
from serving.memory.scoring import previous_band
from serving.memory.stored import read_leads
from serving.memory.views import ChangeView, InteractionView, LeadView, OverrideView
from serving.page import render, told, whatif_options
from serving.page.chart import Chart, chart_of
from serving.page.language import Language
from serving.page.path import Path, path_of
from serving.page.told import Due, Fall, ReasonLine

SHOWN = 200
"""Interactions that the timeline shows; the store has all."""
OPEN = 25
"""Of these, how many are seen at once; whole days."""
LATE = HOUR
"""What became known so much later than it happened is told to have been late."""
CHANGES = 12
MOVED = 0.1
"""Log-odds, or points, that an interaction must move to be told."""

Direction = Literal["inbound", "outbound", "unknown"]


class Read(NamedTuple):
    """All that the page needs of the store, as of one moment.

    Attributes:
        view: what ``GET /leads/{lead_id}`` tells.
        record: the lead as the scorer takes it.
        history: the same with the scorer's schema.
        unfitted: the scorer in service.
        scorer: fitted to the history.
        previous: the band before, for hysteresis.
        due: when an answer is due.
        handed_over_at: when the lead went to sales.
    """

    view: LeadView
    record: LeadRecord
    history: History
    unfitted: Scorer
    scorer: LeadScorer
    previous: Temperature | None
    due: int | None
    handed_over_at: int | None


@dataclass(frozen=True, slots=True)
class Named:
    """A name and its value, with a note, which may need the whole width."""

    name: str
    value: str
    note: str = ""
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """How far an interaction moved the chance, and into which band."""

    words: str
    up: bool
    band: str


@dataclass(frozen=True, slots=True)
class Happened:
    """One interaction."""

    iso: str
    clock: str
    words: str
    direction: Direction
    details: str
    late: str
    move: Move | None


@dataclass(frozen=True, slots=True)
class Day:
    """A day's interactions, the latest first; ``older`` days are folded away."""

    name: str
    older: bool
    interactions: list[Happened]


@dataclass(frozen=True, slots=True)
class Side:
    """What the model says, or what the rules say."""

    title: str
    temperature: str
    number: str
    reasons: list[ReasonLine]
    nothing: str


@dataclass(frozen=True, slots=True)
class Beside:
    """Both, and how they compare."""

    verdict: str
    sides: list[Side]


@dataclass(frozen=True, slots=True)
class Change:
    """A step of the path of the temperature."""

    iso: str
    moment: str
    temperature: str
    stage: str
    cause: str
    version: str | None


@dataclass(frozen=True, slots=True)
class Override:
    """A decision of a person."""

    key: str
    field: str
    value: str
    instead: str
    reason: str
    by: str
    until: str


@dataclass(frozen=True, slots=True)
class Lead:
    """The page."""

    lead_id: str
    temperature: Temperature
    trend: str
    stage: Stage
    funnel: str
    flags: list[str]
    step: str
    rule: str
    due: Due | None
    facts: list[Named]
    by_rules: bool
    horizon: str
    chart: Chart | None
    waterfall: list[Fall]
    beside: Beside
    interactions: str
    days: list[Day]
    older: int
    left_out: int
    outcomes: list[Named]
    attributes: list[Named]
    overrides: list[Override]
    override_action: str
    may_write: bool
    handed_over: str
    changes: list[Change]


async def lead(desk: Desk, request: Request, t: Language) -> Response:
    """The page of one lead."""
    return await show(desk, request, t, request.path_params["lead_id"])


async def find(desk: Desk, request: Request, t: Language) -> Response:
    """``/lead?id=``: what the search field asks, and where the ids are found that no path can hold."""
    lead_id = request.query_params.get("id", "").strip()
    if lead_id and len(lead_id) <= 200 and lead_id not in told.DOTS and "\0" not in lead_id:
        return RedirectResponse(told.lead_address(lead_id), 303, render.HEADERS)
    request.path_params["lead_id"] = lead_id
    return await show(desk, request, t, lead_id)


async def show(
    desk: Desk, request: Request, t: Language, lead_id: str, *, problem: str = "", filled: Mapping[str, str] | None = None
) -> Response:
    """The page of one lead, with what is wrong with a decision that was sent.

    Raises:
        RequestError: there is no such lead.
    """
    scorer = desk.current.scorer
    held = await desk.run(read, desk.memory, scorer, lead_id)
    page = await to_thread(_page, t, held, may_write=allowed(request, "write"))
    form = {"decision": "", "words": "", "reason": "", "until": "", "by": caller_of(request)} | dict(filled or {})
    now = to_micros(datetime.now(UTC))
    form["earliest"] = f"{t.local(now):%Y-%m-%d}"
    form["latest"] = f"{t.local(now + desk.settings.qualification.longest_override):%Y-%m-%d}"
    options = whatif_options.options(t, held.scorer, held.view.lead_id)
    status = 422 if problem else 200
    return render.show(desk, request, t, "lead.html", status=status, lead=page, options=options, problem=problem, filled=form)


def read(memory: Memory, scorer: Scorer, lead_id: str) -> Read:
    """All that is needed of a lead, in one transaction.

    Raises:
        RequestError: there is no such lead.
        StoreError: the store cannot be reached.
    """
    with memory.reading() as connection:
        view = None if "\0" in lead_id else lead_view.view(connection, lead_id, scorer, repeatable=memory.repeatable)
        if view is None:
            raise RequestError(404, "There is no such lead.")
        stored = read_leads(connection, [view.lead_id], scorer.schema)[view.lead_id]
    record, standing = stored.record(), stored.standing
    history = history_of([record], scorer.schema)
    return Read(
        view=view,
        record=record,
        history=history,
        unfitted=scorer,
        scorer=scorer.fitted(history),
        previous=previous_band(stored),
        due=standing["due"] if standing is not None and standing["due"] < NEVER else None,
        handed_over_at=None if standing is None else standing["handed_over_at"],
    )


def _page(t: Language, held: Read, *, may_write: bool) -> Lead:
    view, score = held.view, held.view.score
    now = parse_moment(score.as_of)
    path = path_of(held.scorer, held.history, now) if len(held.history.occurred_at) else None
    days = _days(t, held, path, now)
    return Lead(
        lead_id=view.lead_id,
        temperature=score.temperature,
        trend=score.trend,
        stage=score.stage,
        funnel=score.funnel,
        flags=told.flags(t, score.flags),
        step=t.phrase(score.next_step.words),
        rule=t.phrase(score.next_step.rule),
        due=told.due(t, held.due, now),
        facts=_facts(t, score),
        by_rules=score.probability is None,
        horizon=f"{score.horizon_days:g}",
        chart=None if path is None else chart_of(t, held.scorer, held.history, path),
        waterfall=told.waterfall(t, score),
        beside=_beside(t, score),
        interactions=t.number(view.interactions_stored),
        days=days,
        older=sum(len(day.interactions) for day in days if day.older),
        left_out=max(0, view.interactions_stored - SHOWN),
        outcomes=[Named(t(f"outcome.{one.outcome}"), _moment(t, parse_moment(one.closed_at))) for one in view.outcomes],
        attributes=[Named(one.name, told.value(t, one.value), one.origin) for one in view.attributes],
        overrides=[_override(t, one, score) for one in view.overrides if parse_moment(one.expires_at) > now],
        override_action=told.lead_address(view.lead_id, "/overrides"),
        may_write=may_write and view.lead_id not in told.DOTS,
        handed_over="" if held.handed_over_at is None else _moment(t, held.handed_over_at),
        changes=[_change(t, one) for one in view.changes[:CHANGES]],
    )


def _facts(t: Language, score: Score) -> list[Named]:
    """The numbers of the head."""
    facts = []
    if score.probability is None or score.score is None:
        facts.append(Named(t("lead.points"), t.number(score.baseline.points)))
    else:
        facts.append(Named(t("lead.chance", days=f"{score.horizon_days:g}"), t.percent(score.probability)))
        facts.append(Named(t("lead.warmer_than"), t.percent(score.score / 100), t("lead.of_leads")))
    if score.temperature != "cold":
        cools = Named(t("lead.cools_on"), told.NOTHING, t("lead.cools_never"))
        if score.cools_on is not None:
            cools = Named(t("lead.cools_on"), t.date(score.cools_on, year=False), t("lead.cools_if"))
        facts.append(cools)
    allowed = score.contactable.allowed
    return [*facts, Named(t("lead.contact"), t("lead.yes" if allowed else "lead.no"), t.phrase(score.contactable.why), wide=True)]


def _beside(t: Language, score: Score) -> Beside:
    rules = score.baseline
    by_rules = Side(
        t("beside.rules"), rules.temperature, t("beside.points", n=round(rules.points)), told.points(t, rules.reasons), t("beside.nothing")
    )
    if score.probability is None:
        return Beside(t("beside.alone"), [by_rules])
    bands = {"model": t(f"band.{score.temperature}").lower(), "rules": t(f"band.{rules.temperature}").lower()}
    words = {"agree": "beside.agree", "model warmer": "beside.model_warmer", "rules warmer": "beside.rules_warmer"}
    verdict = t(words[score.agreement or "agree"], **bands, band=bands["model"])
    model = Side(t("beside.model"), score.temperature, t.percent(score.probability), told.weights(t, score.reasons), t("reason.none"))
    return Beside(verdict, [model, by_rules])


def _days(t: Language, held: Read, path: Path | None, now: int) -> list[Day]:
    words = {kind: signal.words for signal in held.scorer.features.signals if signal.declared for kind in signal.types}
    days: dict[date, list[Happened]] = {}
    told_moves: set[int] = set()
    for one in held.view.interactions[:SHOWN]:
        occurred, known = parse_moment(one.occurred_at), max(parse_moment(one.occurred_at), parse_moment(one.recorded_at))
        move = None if path is None or known in told_moves else _move(t, held.scorer, path, known)
        told_moves.add(known)
        days.setdefault(t.local(occurred).date(), []).append(_happened(t, one, occurred, known, words, move))
    today, shown, result = t.local(now), 0, []
    for interactions in days.values():
        moment = t.local(parse_moment(interactions[0].iso))
        away = abs((moment.date() - today.date()).days)
        name = t.day(moment, today)
        result.append(Day(name[0].upper() + name[1:] if away < 2 else f"{t.weekday(moment)}, {name}", shown >= OPEN, interactions))
        shown += len(interactions)
    return result


def _happened(t: Language, one: InteractionView, occurred: int, known: int, words: Mapping[str, str], move: Move | None) -> Happened:
    details = ", ".join(f"{name}: {told.value(t, value)}" for name, value in one.attributes.items() if value is not None)
    late = t("timeline.known", moment=_moment(t, known)) if known - occurred >= LATE else ""
    told_as = words.get(one.type, one.type.replace("_", " "))
    iso = from_micros(occurred).isoformat()
    return Happened(iso, t.time(t.local(occurred)), told_as, one.direction or "unknown", details, late, move)


def _move(t: Language, scorer: LeadScorer, path: Path, known: int) -> Move | None:
    """What becoming known moved; None where it was nothing to speak of."""
    if known not in path.moves:
        return None
    before, after = path.moves[known]
    by_rules = scorer.bands is None
    tell = t.number if by_rules else t.percent
    if tell(before) == tell(after) or not _worth_telling(before, after, by_rules=by_rules):
        return None
    bands = path.temperature_after(known)
    changed = t("timeline.now_band", band=t(f"band.{NAMES[bands[1]]}").lower()) if bands[0] != bands[1] else ""
    return Move(f"{tell(before)} → {tell(after)}", after > before, changed)


def _worth_telling(before: float, after: float, *, by_rules: bool) -> bool:
    if by_rules:
        return abs(after - before) >= 1
    return abs(log(after / (1 - after)) - log(before / (1 - before))) >= MOVED


def _change(t: Language, one: ChangeView) -> Change:
    moment = parse_moment(one.at)
    cause = t(f"change.{one.cause}") if t.has(f"change.{one.cause}") else one.cause
    return Change(one.at, _moment(t, moment), one.temperature, one.stage, cause, one.version)


def _override(t: Language, one: OverrideView, score: Score) -> Override:
    instead = next((entry.model for entry in score.overridden if entry.field == one.field), "")
    return Override(
        key=one.field,
        field=t(f"override.{one.field}"),
        value=_decided(t, one.field, one.value),
        instead=_decided(t, one.field, instead) if instead else "",
        reason=one.reason,
        by=one.by,
        until=_moment(t, parse_moment(one.expires_at)),
    )


def _decided(t: Language, field: str, value: str) -> str:
    key = {"temperature": "band", "stage": "stage"}.get(field, "")
    return t(f"{key}.{value}") if t.has(f"{key}.{value}") else t.phrase(value)


def _moment(t: Language, micros: int) -> str:
    local = t.local(micros)
    return f"{t.date(local)}, {t.time(local)}"
