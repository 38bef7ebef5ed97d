"""``/reports/funnel``: how many answer us, meet us and become an opportunity, and how fast we answer them, by group and over a period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response

from features.contract import MINUTE, now
from models.funnel import By, FunnelSettings
from serving.desk import Desk
from serving.funnel.counting import RATES, Period
from serving.funnel.report import USUAL, FirstResponse, Funnel, Group, Rate, report
from serving.page import render
from serving.page.language import Language

BYS: tuple[By, ...] = get_args(By)
ROOM = 1.15
"""The bars' scale ends so far beyond the greatest share that is seen or expected."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form says; days as ISO dates."""

    start: str
    to: str
    by: By


@dataclass(frozen=True, slots=True)
class Share:
    """A rate in words, and where it stands on its column's bar, in per cent: the interval, the share, and what is expected."""

    name: str
    value: str
    of: str
    between: str
    expected: str
    low: float = 0.0
    high: float = 0.0
    at: float = 0.0
    usual: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """How fast we answer, in words."""

    median: str
    of: str
    slow: str


@dataclass(frozen=True, slots=True)
class Row:
    """A group; ``band`` where it is a temperature."""

    name: str
    band: str
    shares: list[Share]
    answered: Answered


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a column counts."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Report:
    """The page."""

    lede: str
    asked: Asked
    bys: tuple[By, ...]
    problem: str
    rows: list[Row]
    meanings: list[Meaning]


async def funnel(desk: Desk, request: Request, t: Language) -> Response:
    """The page."""
    asked, period, problem = _read(t, request)
    found = await desk.run(report, desk.memory, desk.settings, period, asked.by)
    page = Report(
        lede=t("report.lede", start=t.date(asked.start), to=t.date(asked.to)),
        asked=asked,
        bys=BYS,
        problem=problem,
        rows=_rows(t, found),
        meanings=_meanings(t, desk.settings.funnel),
    )
    return render.show(desk, request, t, "funnel.html", at="report", status=422 if problem else 200, page=page)


def _read(t: Language, request: Request) -> tuple[Asked, Period, str]:
    """What the form asks for, with the usual period in place of one that cannot be; and what is wrong with it."""
    query, moment = request.query_params, now()
    by = next((one for one in BYS if one == query.get("by")), BYS[0])
    usual = [t.iso_day(moment - USUAL), t.iso_day(moment)]
    said = [query.get(name, "").strip() or day for name, day in zip(("from", "to"), usual, strict=True)]
    for days, problem in ((said, ""), (usual, t("report.bad_period"))):
        start, end = (t.midnight(day, after) for day, after in zip(days, (0, 1), strict=True))
        if start is not None and end is not None and start < min(end, moment):
            return Asked(days[0], days[1], by), Period(start, min(end, moment)), problem
    raise AssertionError("the usual period is one")


def _rows(t: Language, found: Funnel) -> list[Row]:
    groups = [*found.groups, found.total]
    top = {name: ROOM * max(_ends(getattr(one, name)) for one in groups) for name in RATES}
    return [_row(t, one, found, top) for one in groups]


def _ends(rate: Rate) -> float:
    """The greatest of what is drawn of a rate."""
    return max(rate.high if rate.of else 0.0, rate.expected[1] if rate.expected else 0.0, 0.01)


def _row(t: Language, group: Group, found: Funnel, top: dict[str, float]) -> Row:
    band = group.group if group is not found.total and found.by == "temperature" and t.has(f"band.{group.group}") else ""
    shares = [_share(t, name, getattr(group, name), top[name]) for name in RATES]
    return Row(_name(t, group, found), band, shares, _answered(t, group.first_response))


def _name(t: Language, group: Group, found: Funnel) -> str:
    if group is found.total:
        return t("report.all")
    key = next((key for key in (f"band.{group.group}", f"size.{group.group}") if t.has(key) and found.by in ("temperature", "size")), "")
    if key or group.group in ("unknown", "other"):
        return t(key or f"report.{group.group}")
    return group.group


def _share(t: Language, name: str, rate: Rate, top: float) -> Share:
    usual = None if rate.expected is None else (_place(rate.expected[0], top), _place(rate.expected[1], top))
    expected = "" if rate.expected is None else t("report.expected", low=t.percent(rate.expected[0]), high=t.percent(rate.expected[1]))
    if rate.rate is None:
        return Share(name, t("report.none"), t(f"report.none_of_{name}"), "", expected, usual=usual)
    of = t(f"report.of_{name}", k=t.number(rate.count), n=rate.of)
    between = t("report.between", low=t.percent(rate.low), high=t.percent(rate.high))
    low, high, at = (_place(one, top) for one in (rate.low, rate.high, rate.rate))
    return Share(name, t.percent(rate.rate), of, between, expected, low, high, at, usual)


def _place(share: float, top: float) -> float:
    return round(100 * share / top, 1)


def _answered(t: Language, first: FirstResponse) -> Answered:
    if not first.asked:
        return Answered(t("report.none"), t("report.nobody_asked"), "")
    of = t("report.answered", k=t.number(first.answered), n=first.asked)
    median, slow = (None if one is None else t.span(round(one * MINUTE)) for one in (first.median_minutes, first.p90_minutes))
    return Answered(median or t("report.longer"), of, t("report.slow", span=slow) if slow else "")


def _meanings(t: Language, settings: FunnelSettings) -> list[Meaning]:
    within = {name: t.span(getattr(settings, f"{name}_within")) for name in ("response", "meeting", "opportunity")}
    told = {name: t(f"report.means_{name}", **({"span": within[name]} if name in within else {})) for name in (*RATES, "first_response")}
    return [Meaning(t(f"report.{name}"), words) for name, words in told.items()]
