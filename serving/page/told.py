"""What the pages tell of a lead: a Score, turned into words, numbers and moments in one language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Literal
from urllib.parse import quote

from markupsafe import Markup, escape

from features.contract import MINUTE, from_micros
from models.reasons import EVERYTHING_ELSE, Reason
from models.score import RulePoints, Score
from serving.page.language import Language

Kind = Literal["base", "up", "down", "total"]
NOTHING = "\N{EN DASH}"
DOTS = {".", ".."}
"""Ids that a browser would take for folders."""


_BREAK = Markup("<wbr>")


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """A reason in words, and whether it speaks for the lead; ``weight`` where it is told in numbers."""

    words: str
    up: bool
    weight: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """When an answer is due: on the clock, and how far off."""

    iso: str
    clock: str
    distance: str
    late: bool


@dataclass(frozen=True, slots=True)
class Fall:
    """One row of the way from the average lead to this one; places and widths in percent."""

    kind: Kind
    words: str
    x: float
    width: float
    zero: float
    weight: str
    chance: str


def lead_address(lead_id: str, rest: str = "") -> str:
    """Where a lead's page is, whatever its id holds."""
    return f"/lead/{quote(lead_id, safe='')}{rest}" if lead_id not in DOTS else f"/lead?id={quote(lead_id)}"


def breakable(lead_id: str) -> Markup:
    """An id as text that a narrow column breaks where people would, such as before the @ of an address."""
    return escape(lead_id).replace("@", _BREAK + "@")


def reasons(t: Language, score: Score, most: int) -> list[ReasonLine]:
    """The weightiest reasons: the model's, or the rules' where they score alone."""
    if score.probability is None:
        return [ReasonLine(t.phrase(one.words), one.points > 0) for one in score.baseline.reasons[:most]]
    told = [one for one in score.reasons if one.signal != EVERYTHING_ELSE]
    return [ReasonLine(t.phrase(one.words), one.contribution > 0) for one in told[:most]]


def points(t: Language, parts: Sequence[RulePoints]) -> list[ReasonLine]:
    """The rules' reasons with their points."""
    return [ReasonLine(rule_words(t, one), one.points > 0, t.signed(one.points)) for one in parts]


def weights(t: Language, parts: Sequence[Reason]) -> list[ReasonLine]:
    """The model's reasons with their log-odds."""
    return [ReasonLine(t.phrase(one.words), one.contribution > 0, t.signed(one.contribution, 2)) for one in parts]


def rule_words(t: Language, part: RulePoints) -> str:
    """``industry: software`` for ``industry is software``, which needs no language."""
    name = part.signal.removeprefix("lead.")
    return f"{name}: {part.words.removeprefix(f'{name} is ')}" if part.signal.startswith("lead.") else t.phrase(part.words)


def value(t: Language, one: object) -> str:
    """An attribute's value."""
    if isinstance(one, bool):
        return t("attribute.true") if one else t("attribute.false")
    if isinstance(one, int | float):
        return t.number(one, next((digits for digits in (0, 1) if round(one, digits) == round(one, 2)), 2))
    return NOTHING if one is None else str(one)


def chance(t: Language, score: Score) -> str:
    """The chance, or the points where the rules score alone."""
    return t.number(score.baseline.points) if score.probability is None else t.percent(score.probability)


def due(t: Language, moment: int | None, now: int) -> Due | None:
    """A moment at which an answer is due; None where none is."""
    if moment is None:
        return None
    local, today = t.local(moment), t.local(now)
    clock = t.time(local) if local.date() == today.date() else f"{t.day(local, today)} {t.time(local)}"
    away = moment - now
    distance = t("due.now") if abs(away) < MINUTE else t("due.late" if away < 0 else "due.in", span=t.span(abs(away)))
    return Due(from_micros(moment).isoformat(timespec="minutes"), clock, distance, away <= -MINUTE)


def waterfall(t: Language, score: Score) -> list[Fall]:
    """From the average lead to this one: each reason begins where the one before it ended, on the scale of log-odds."""
    if score.base is None or score.log_odds is None or not score.reasons:
        return []
    ends = [score.base]
    for one in score.reasons:
        ends.append(ends[-1] + one.contribution)
    low, high = min(ends), max(ends)
    room = (high - low) * 0.04 or 1.0
    low, high = low - room, high + room

    def x(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    zero = x(score.base)
    rows = [Fall("base", t("reason.base"), zero, 0, zero, t.signed(score.base, 2), t.percent(_probability(score.base)))]
    for one, before, after in zip(score.reasons, ends, ends[1:], strict=False):
        kind: Kind = "up" if one.contribution > 0 else "down"
        width = max(round(abs(x(after) - x(before)), 2), 0.6)
        words, weight = t.phrase(one.words), t.signed(one.contribution, 2)
        rows.append(Fall(kind, words, min(x(before), x(after)), width, zero, weight, t.percent(_probability(after))))
    end = score.log_odds
    return [*rows, Fall("total", t("reason.total"), x(end), 0, zero, t.signed(end, 2), t.percent(_probability(end)))]


def flags(t: Language, names: Sequence[str]) -> list[str]:
    """What is unusual, in words; a flag that has none stays as it is."""
    return [t(f"flag.{name}") if t.has(f"flag.{name}") else name.replace("_", " ") for name in names]


def _probability(log_odds: float) -> float:
    return 1 / (1 + exp(-log_odds)) if log_odds > -700 else 0.0
