"""The path as a picture: where every line, band and letter stands. Widths are shares of the page's, heights are pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np

from features.contract import DAY
from features.history import DIRECTIONS, History
from models.scorer import LeadScorer
from models.temperature import NAMES
from serving.page.language import Language
from serving.page.path import Path

BOTTOM = 200.0
"""Pixels from the top to the line of nothing."""
MOST_DAYS = 6


@dataclass(frozen=True, slots=True)
class Ground:
    """A band behind the line; ``line`` is where it begins, None for the lowest and where it is out of sight."""

    name: str
    y: float
    height: float
    line: float | None
    label: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A value or a day beside its axis."""

    label: str
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True, slots=True)
class Mark:
    """An interaction below the line, or a change of band on it."""

    name: str
    x: float
    y: float = 0.0


@dataclass(frozen=True, slots=True)
class End:
    """What the line says now."""

    x: float
    y: float
    label: str
    left: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table behind the picture."""

    moment: str
    value: str
    temperature: str
    what: str


@dataclass(frozen=True, slots=True)
class Chart:
    """All that is drawn; ``words`` says the same."""

    title: str
    words: str
    note: str
    unit: str
    bottom: float
    bands: list[Ground]
    values: list[Tick]
    days: list[Tick]
    line: str
    ahead: str
    now: float
    marks: list[Mark]
    changes: list[Mark]
    end: End
    table: list[Line]


class _Frame:
    """Where moments and values stand."""

    def __init__(self, path: Path, thresholds: tuple[float, float], *, by_rules: bool) -> None:
        self.begin, self.now = int(path.moments[0]), int(path.moments[-1])
        beyond = min(int(path.ahead[-1]), self.now + max((self.now - self.begin) // 3, 3 * DAY))
        self.end = max(beyond, self.begin + DAY)
        highest = max(float(path.value.max()), float(path.value_ahead.max()), thresholds[0])
        near = thresholds[1] if thresholds[1] <= 1.6 * highest else highest
        self.low = min(0.0, float(path.value.min()) * 1.1) if by_rules else 0.0
        self.top = (1.22 * max(near, highest)) if by_rules else min(1.0, 1.22 * max(near, highest))

    def x(self, moment: float) -> float:
        """Where a moment, microseconds UTC, stands, in hundredths of the width."""
        return round(100 * (moment - self.begin) / (self.end - self.begin), 2)

    def y(self, value: float) -> float:
        """How far from the top a value stands, in the picture's own units."""
        return round(BOTTOM * (1 - (value - self.low) / (self.top - self.low)), 1)


def chart_of(t: Language, scorer: LeadScorer, history: History, path: Path) -> Chart:
    """The picture of a path."""
    by_rules = scorer.bands is None
    rules = scorer.rules.settings
    thresholds = (rules.warm, rules.hot) if scorer.bands is None else scorer.bands.thresholds
    frame = _Frame(path, thresholds, by_rules=by_rules)
    tell = (lambda value: t.number(value, 0)) if by_rules else t.percent
    changed = np.flatnonzero(np.diff(path.temperature)) + 1
    title = t("chart.title_points") if by_rules else t("chart.title", days=f"{scorer.horizon / DAY:g}")
    seen = path.ahead <= frame.end
    return Chart(
        title=title,
        words=_words(t, path, [tell(float(value)) for value in (path.value[0], path.value[-1], path.value.max())], len(changed)),
        note=t("chart.note_rules" if by_rules else "chart.note"),
        unit=t("column.points" if by_rules else "column.chance"),
        bottom=BOTTOM,
        bands=_bands(t, frame, thresholds, [tell(one) for one in thresholds]),
        values=[Tick(tell(value), y=frame.y(value)) for value in _round_values(frame.low, frame.top) if value],
        days=_days(t, frame),
        line=_line(frame, path.moments, path.value),
        ahead=_line(frame, path.ahead[seen], path.value_ahead[seen]),
        now=frame.x(frame.now),
        marks=_marks(frame, history),
        changes=[Mark(NAMES[path.temperature[i]], frame.x(path.moments[i]), frame.y(path.value[i])) for i in changed],
        end=End(frame.x(frame.now), frame.y(path.value[-1]), tell(float(path.value[-1])), left=frame.x(frame.now) < 75),
        table=_table(t, path, history, [tell(float(value)) for value in path.value]),
    )


def _words(t: Language, path: Path, told: Sequence[str], changes: int) -> str:
    first, last, highest = told
    begin = t.date(t.local(int(path.moments[0])))
    return t("chart.words", first=first, begin=begin, last=last, highest=highest, changes=t("chart.times", n=changes))


def _bands(t: Language, frame: _Frame, thresholds: tuple[float, float], told: Sequence[str]) -> list[Ground]:
    edges = [frame.low, *(min(max(one, frame.low), frame.top) for one in thresholds), frame.top]
    grounds = []
    for i, name in enumerate(NAMES):
        y, below = frame.y(edges[i + 1]), frame.y(edges[i])
        shown = i > 0 and thresholds[i - 1] < frame.top
        label = t("chart.from_on", band=t(f"band.{name}"), value=told[i - 1]) if shown else ""
        grounds.append(Ground(name, y, round(below - y, 1), below if shown else None, label))
    return grounds


def _round_values(low: float, top: float) -> list[float]:
    """Two to five round numbers between low and top."""
    rough = (top - low) / 4
    size = 10.0 ** floor(log10(rough))
    step = next(one * size for one in (1, 2, 2.5, 5, 10) if one * size >= rough)
    return [i * step for i in range(ceil(low / step), floor(0.97 * top / step) + 1)]


def _days(t: Language, frame: _Frame) -> list[Tick]:
    """Midnights at even distances."""
    days = (frame.end - frame.begin) / DAY
    every = next((one for one in (1, 2, 3, 7, 14, 28) if days / one <= MOST_DAYS), ceil(days / MOST_DAYS))
    first = t.local(frame.begin).replace(hour=0, minute=0, second=0, microsecond=0)
    start = int(first.timestamp()) * 1_000_000
    moments = [start + i * every * DAY for i in range(1, int(days / every) + 2)]
    return [Tick(t.date(t.local(one + DAY // 2), year=False), x=frame.x(one)) for one in moments if frame.x(one) <= 98]


def _line(frame: _Frame, moments: Sequence[int] | np.ndarray, values: Sequence[float] | np.ndarray) -> str:
    points = [f"{10 * frame.x(int(moment)):.1f} {frame.y(float(value)):.1f}" for moment, value in zip(moments, values, strict=True)]
    return "M" + "L".join(points) if len(points) > 1 else ""


def _marks(frame: _Frame, history: History) -> list[Mark]:
    inside = (history.occurred_at >= frame.begin) & (history.occurred_at < frame.now)
    ours = DIRECTIONS["outbound"]
    names = ["outbound" if direction == ours else "inbound" for direction in history.direction[inside].tolist()]
    return sorted(
        {Mark(name, frame.x(moment)) for name, moment in zip(names, history.occurred_at[inside].tolist(), strict=True)}, key=_place
    )


def _place(mark: Mark) -> tuple[float, str]:
    return mark.x, mark.name


def _table(t: Language, path: Path, history: History, told: Sequence[str]) -> list[Line]:
    """What was said just after each moment at which something became known, the latest first, and now."""
    kinds = np.array(history.type.levels, dtype=object)[history.type.codes] if len(history.type.codes) else np.zeros(0, object)
    rows = [(len(path.moments) - 1, "")]
    for moment in sorted(path.moves, reverse=True):
        place = min(int(np.searchsorted(path.moments, moment + 1)), len(path.moments) - 1)
        rows.append((place, ", ".join(dict.fromkeys(kinds[history.known_at == moment]))))
    return [Line(t.moment(int(path.moments[i])), told[i], NAMES[path.temperature[i]], what) for i, what in rows]
