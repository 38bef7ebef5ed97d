"""``/lead/{lead_id}``: one lead, what it did, how its chance went, and why."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from features.contract import now, parse_moment
from models.next_steps import Stage
from models.score import Score
from models.temperature import Temperature
from serving.access import allowed, caller_of
from serving.desk import Desk
from serving.memory.views import ChangeView, OverrideView
from serving.page import render, told, whatif_options
from serving.page.chart import Chart, chart_of
from serving.page.language import Language
from serving.page.path import path_of
from serving.page.read import Read, read
from serving.page.timeline import SHOWN, Day, days_of
from serving.page.told import Due, Fall, ReasonLine

CHANGES = 12


@dataclass(frozen=True, slots=True)
class Named:
    """A name and its value, with a note, which may need the whole width."""

    name: str
    value: str
    note: str = ""
    wide: bool = False


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
    if not lead_id:
        return RedirectResponse("/", 303, render.HEADERS)
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
    moment = now()
    form["earliest"] = t.iso_day(moment)
    form["latest"] = t.iso_day(moment + desk.settings.qualification.longest_override)
    options = whatif_options.options(t, held.scorer, held.view.lead_id)
    status = 422 if problem else 200
    return render.show(desk, request, t, "lead.html", status=status, lead=page, options=options, problem=problem, filled=form)


def _page(t: Language, held: Read, *, may_write: bool) -> Lead:
    view, score = held.view, held.view.score
    now = parse_moment(score.as_of)
    path = path_of(held.scorer, held.history, now) if len(held.history.occurred_at) else None
    days = days_of(t, held.scorer, view.interactions, path, now)
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
        outcomes=[Named(t(f"outcome.{one.outcome}"), t.moment(parse_moment(one.closed_at))) for one in view.outcomes],
        attributes=[Named(one.name, told.value(t, one.value), one.origin) for one in view.attributes],
        overrides=[_override(t, one, score) for one in view.overrides if parse_moment(one.expires_at) > now],
        override_action=told.lead_address(view.lead_id, "/overrides"),
        may_write=may_write and view.lead_id not in told.DOTS,
        handed_over="" if held.handed_over_at is None else t.moment(held.handed_over_at),
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


def _change(t: Language, one: ChangeView) -> Change:
    moment = parse_moment(one.at)
    cause = t(f"change.{one.cause}") if t.has(f"change.{one.cause}") else one.cause
    return Change(one.at, t.moment(moment), one.temperature, one.stage, cause, one.version)


def _override(t: Language, one: OverrideView, score: Score) -> Override:
    instead = next((entry.model for entry in score.overridden if entry.field == one.field), "")
    return Override(
        key=one.field,
        field=t(f"override.{one.field}"),
        value=_decided(t, one.field, one.value),
        instead=_decided(t, one.field, instead) if instead else "",
        reason=one.reason,
        by=one.by,
        until=t.moment(parse_moment(one.expires_at)),
    )


def _decided(t: Language, field: str, value: str) -> str:
    key = {"temperature": "band", "stage": "stage"}.get(field, "")
    return t(f"{key}.{value}") if t.has(f"{key}.{value}") else t.phrase(value)
