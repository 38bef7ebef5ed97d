"""How the report writes numbers, intervals and verdicts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from features.contract import DAY, format_duration
from training.bootstrap import Difference, Verdict
from training.plots.comparison import FIGURES

NOTHING = "-"

_NUMERIC = re.compile(r"|-|[-+]?[\d,.]+%?( \(.*\)| to [-+\d,.]+%?)?")
_DIGITS = {"lift_at_10": 2, "lift_at_5": 2, "lift_at_20": 2, "brier": 4, "ece": 4}


@dataclass(frozen=True)
class Table:
    """A table of texts; the first column names the rows."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Which columns hold nothing but numbers, and are set to the right."""
        columns = list(zip(*self.rows, strict=True))
        return tuple(at > 0 and any(column) and all(map(_NUMERIC.fullmatch, column)) for at, column in enumerate(columns))


def number(value: float | None, digits: int = 3) -> str:
    """A number, or a dash where it is not defined."""
    return NOTHING if value is None or math.isnan(value) else f"{value:,.{digits}f}"


def rate(value: float | None) -> str:
    """A share in percent."""
    return NOTHING if value is None or math.isnan(value) else f"{value:.1%}"


def span(low: float | None, high: float | None) -> str:
    """An interval of shares: ``17.9 to 33.4%``."""
    return NOTHING if low is None or high is None or math.isnan(low + high) else f"{100 * low:.1f} to {high:.1%}"


def figure(figures: Mapping[str, Any], name: str) -> str:
    """A figure with its interval, as far as they are defined."""
    value, digits = figures.get(name), _DIGITS.get(name, 3)
    low, high = figures.get("intervals", {}).get(name) or (None, None)
    if value is None:
        return NOTHING
    return number(value, digits) + ("" if low is None or high is None else f" ({number(low, digits)} to {number(high, digits)})")


def share(figures: Mapping[str, Any], name: str) -> str:
    """A figure that is a share, with its interval, in percent."""
    low, high = figures["intervals"][name]
    return f"{rate(figures[name])} ({span(low, high)})"


def difference(one: Difference, digits: int = 3) -> str:
    """``+0.067 (+0.045 to +0.088)``."""
    if math.isnan(one.difference):
        return NOTHING
    return f"{one.difference:+.{digits}f} ({one.low:+.{digits}f} to {one.high:+.{digits}f})"


def differences(against: Mapping[str, Difference], first: str, other: str) -> Table:
    """Paired differences as a table."""
    rows = tuple(
        (words, number(one.a, digits), number(one.b, digits), difference(one, digits), one.verdict)
        for name, words in FIGURES.items()
        if (one := against.get(name)) and (digits := _DIGITS.get(name, 3))
    )
    caption = f"{first} minus {other}, with 95% intervals over the same resamples of leads; a tie where the interval holds 0"
    return Table(caption, ("figure", first, other, "difference", "verdict"), rows)


def standing(verdict: Verdict, other: str) -> str:
    """How the model stands to another by AUC, as the headline of the report."""
    return {
        "better": f"The model puts leads in a better order than {other}.",
        "worse": f"The model puts leads in a worse order than {other}.",
        "tie": f"The model and {other} are tied.",
    }[verdict]


def listed(words: Iterable[str], last: str = "and") -> str:
    """``a, b and c``."""
    *some, end = words
    return f"{', '.join(some)} {last} {end}" if some else end


def plural(count: int, one: str, many: str = "") -> str:
    """``1 lead``, ``2 leads``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def days(micros: int) -> str:
    """A duration in days, as far as it is one: ``30 days``, ``36h``."""
    whole, rest = divmod(micros, DAY)
    return format_duration(micros) if rest else plural(whole, "day")


def some(names: Iterable[str], at_most: int = 12) -> str:
    """Names with commas, the first ones only where there are many."""
    known = list(names)
    more = f" and {len(known) - at_most:,} more" if len(known) > at_most else ""
    return ", ".join(known[:at_most]) + more
