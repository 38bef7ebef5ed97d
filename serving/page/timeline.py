"""A lead's interactions, day by day, and how far each moved its chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import log
from typing import Literal

from features.contract import HOUR, from_micros, parse_moment
from models.scorer import LeadScorer
from models.temperature import NAMES
from serving.memory.views import InteractionView
from serving.page import told
from serving.page.language import Language
from serving.page.path import Path

SHOWN = 200
"""Interactions that the timeline shows; the store has all."""
OPEN = 25
"""Of these, how many are seen at once; whole days."""
LATE = HOUR
"""What became known so much later than it happened is told to have been late."""
MOVED = 0.1
"""Log-odds, or points, that an interaction must move to be told."""

Direction = Literal["inbound", "outbound", "unknown"]


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


def days_of(t: Language, scorer: LeadScorer, stored: Sequence[InteractionView], path: Path | None, now: int) -> list[Day]:
    """The days, the latest first, of interactions in the same order."""
    words = {kind: signal.words for signal in scorer.features.signals if signal.declared for kind in signal.types}
    days: dict[date, list[Happened]] = {}
    told_moves: set[int] = set()
    for one in stored[:SHOWN]:
        occurred, known = parse_moment(one.occurred_at), max(parse_moment(one.occurred_at), parse_moment(one.recorded_at))
        move = None if path is None or known in told_moves else _move(t, scorer, path, known)
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
    late = t("timeline.known", moment=t.moment(known)) if known - occurred >= LATE else ""
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
