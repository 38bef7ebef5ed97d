"""``/``: whom to call first, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from markupsafe import Markup
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from features.contract import iso, now, parse_moment
from models.next_steps import Stage
from models.reasons import EVERYTHING_ELSE
from models.temperature import NAMES, Temperature
from serving.desk import Desk
from serving.memory.views import WorklistEntry, WorklistPage
from serving.memory.worklist import UnknownAttributeError, WorklistQuery
from serving.page import render, told
from serving.page.language import Language
from serving.page.told import Due, ReasonLine

ROWS = 50
REASONS = 3
ABOUT = 3
"""Attributes that stand below a lead's id."""
TOLD_FIRST = ("name", "company", "role", "industry", "country")
"""The attributes that tell most of a lead come first, where it has them."""
STAGES: tuple[Stage, ...] = ("sql", "pql", "mql", "unqualified")
CURL = """curl -X POST http://{host}/interactions -H 'Content-Type: application/json' -d '{{"interactions": [
  {{"lead_id": "anna@example.org", "type": "demo_request", "direction": "inbound", "occurred_at": "{now}"}}
]}}'"""


@dataclass(frozen=True, slots=True)
class Filters:
    """What the form says, as it was written."""

    temperature: str
    stage: str
    owner: str
    segment: str
    since: str

    @property
    def used(self) -> int:
        """How many filters of the form are in use."""
        return sum(map(bool, (self.stage, self.owner, self.segment, self.since)))


@dataclass(frozen=True, slots=True)
class Tab:
    """All leads, or those of one band, with their number."""

    name: str
    count: str
    href: str
    here: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One lead; ``rules`` is their temperature where it is another one."""

    shown_id: Markup
    href: str
    about: str
    temperature: Temperature
    overridden: bool
    rules: str
    chance: str
    trend: str
    reasons: list[ReasonLine]
    step: str
    rule: str
    due: Due | None


@dataclass(frozen=True, slots=True)
class Worklist:
    """The page."""

    lede: str
    caption: str
    tabs: list[Tab]
    filters: Filters
    stages: tuple[Stage, ...]
    cleared: str
    problem: str
    by_rules: bool
    empty: Literal["", "nobody", "none"]
    curl: str
    docs: Markup
    rows: list[Row]
    first: str
    next: str


async def worklist(desk: Desk, request: Request, t: Language) -> Response:
    """The page at ``/``."""
    asked = request.query_params
    filters = Filters(*(asked.get(name, "").strip() for name in ("temperature", "stage", "owner", "segment", "since")))
    query, problem = _query(t, filters, asked.get("after"))
    try:
        found = await desk.run(desk.memory.worklist, query)
    except UnknownAttributeError as error:
        found = await desk.run(desk.memory.worklist, query.model_copy(update={"segment": []}))
        meant = t("filter.meant", name=error.meant) if error.meant else ""
        problem = f"{t('filter.unknown_attribute', name=error.name)} {meant}".strip()
    page = _page(desk, request, t, filters, found, problem)
    return render.show(desk, request, t, "worklist.html", at="worklist", status=422 if problem else 200, page=page)


def _query(t: Language, filters: Filters, after: str | None) -> tuple[WorklistQuery, str]:
    """What to ask the store, and what is wrong with the filters; what cannot be read filters nothing."""
    values: dict[str, Any] = {"limit": ROWS, "after": after or None}
    values["temperature"] = filters.temperature if filters.temperature in NAMES else None
    values["stage"] = filters.stage if filters.stage in get_args(Stage) else None
    values["owner"] = filters.owner or None
    problem = ""
    if filters.segment:
        name, colon, value = filters.segment.partition(":")
        values["segment"] = [f"{name.strip()}:{value.strip()}"] if colon and name.strip() else []
        problem = "" if values["segment"] else t("filter.bad_segment")
    if filters.since:
        since = t.midnight(filters.since)
        values["changed_since"] = None if since is None else iso(since)
        problem = problem or (t("filter.bad_since") if since is None else "")
    try:
        return WorklistQuery.model_validate(values), problem
    except ValidationError:
        return WorklistQuery(limit=ROWS), problem or t("problem.other")


def _page(desk: Desk, request: Request, t: Language, filters: Filters, found: WorklistPage, problem: str) -> Worklist:
    moment = now()
    rows = [_row(t, one, moment) for one in found.leads]
    filtered = any((filters.temperature, filters.used, request.query_params.get("after")))
    shown = sum(found.counts.values())
    return Worklist(
        lede=lede_of(t, [row.due for row in rows if row.due is not None]),
        caption=t("worklist.caption", n=shown),
        tabs=_tabs(request, t, filters, found.counts),
        filters=filters,
        stages=STAGES,
        cleared=render.with_query(request, stage=None, owner=None, segment=None, since=None, after=None),
        problem=problem,
        by_rules=desk.current.version is None,
        empty="" if rows else "none" if filtered else "nobody",
        curl=CURL.format(host=request.headers.get("host", "127.0.0.1:3000"), now=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"),
        docs=Markup('<a href="/docs.json">/docs.json</a>'),
        rows=rows,
        first=render.with_query(request, after=None) if request.query_params.get("after") else "",
        next="" if found.next is None else render.with_query(request, after=found.next),
    )


def lede_of(t: Language, waiting: Sequence[Due]) -> str:
    """How many leads wait for an answer, and how many of them too long."""
    if not waiting:
        return t("worklist.nobody_waits")
    late = sum(one.late for one in waiting)
    told = t("worklist.all_late" if late == len(waiting) else "worklist.late", n=late) if late else ""
    return f"{t('worklist.waiting', n=len(waiting))}{told}. {t('worklist.order')}"


def _tabs(request: Request, t: Language, filters: Filters, counts: Mapping[Temperature, int]) -> list[Tab]:
    """Counts are known of what the filters let through; of one band alone only its own is."""
    one_band = filters.temperature in NAMES
    every = "" if one_band else t.number(sum(counts.values()))
    tabs = [Tab("", every, render.with_query(request, temperature=None, after=None), not one_band)]
    for name in reversed(NAMES):
        known = not one_band or name == filters.temperature
        href = render.with_query(request, temperature=name, after=None)
        tabs.append(Tab(name, t.number(counts.get(name, 0)) if known else "", href, name == filters.temperature))
    return tabs


def _row(t: Language, entry: WorklistEntry, now: int) -> Row:
    score = entry.score
    probability, rules = score["probability"], score["baseline"]
    by_rules = probability is None
    parts = rules["reasons"] if by_rules else [one for one in score["reasons"] if one["signal"] != EVERYTHING_ELSE]
    values = [(one["words"], one["points" if by_rules else "contribution"]) for one in parts[:REASONS]]
    differ = not by_rules and rules["temperature"] != score["temperature"]
    return Row(
        shown_id=told.breakable(entry.lead_id),
        href=told.lead_address(entry.lead_id),
        about=_about(entry.attributes),
        temperature=score["temperature"],
        overridden=any(one["field"] == "temperature" for one in score["overridden"]),
        rules=rules["temperature"] if differ else "",
        chance=t.number(rules["points"]) if by_rules else t.percent(probability),
        trend=score["trend"],
        reasons=[ReasonLine(t.phrase(words), value > 0) for words, value in values],
        step=t.phrase(score["next_step"]["words"]),
        rule=t.phrase(score["next_step"]["rule"]),
        due=told.due(t, None if entry.due is None else parse_moment(entry.due), now),
    )


def _about(attributes: Mapping[str, Any]) -> str:
    """Who a lead is, in a few words of its attributes: what says yes, no or how many says nothing by itself."""
    names = sorted(attributes, key=lambda name: (TOLD_FIRST.index(name) if name in TOLD_FIRST else len(TOLD_FIRST), name))
    words = [value for name in names if name != "owner" and isinstance(value := attributes[name], str) and value not in ("yes", "no")]
    return " · ".join(words[:ABOUT])
