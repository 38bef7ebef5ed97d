"""Words that every part shares: errors, findings, durations and the clock.

Inside leadheat a moment is an ``int``: microseconds since 1970-01-01 UTC. A duration is an ``int`` of microseconds too.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
NEVER = 2**62
"""A moment after every other: when an open lead closes."""
UNKNOWN_TIME = -(2**62)
"""A moment that was not stated, such as the creation of a lead that came without one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
_UNITS = {"min": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}
_DURATION = re.compile(r"(\d+)\s*(min|h|d|w)")


class LeadheatError(Exception):
    """Something a person can mend; as text it is the message and the hint.

    Args:
        message: what is wrong, where, and what was expected: whole sentences.
        hint: what to do about it; none where the message says it already.

    ``exit_code`` is the command line's: 1 when data, audit or gate refuse, 2 when the call itself is wrong.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class SettingsError(LeadheatError):
    """``leadheat.toml``, an option or a variable does not say what it must."""

    exit_code = 2


class ModelError(LeadheatError):
    """A model folder or a tracked version cannot be used."""


class DataError(LeadheatError):
    """A data set cannot be used.

    Args:
        message: as of ``LeadheatError``.
        hint: likewise.
        findings: all that is wrong with it, not only the first.
    """

    def __init__(self, message: str, hint: str = "", findings: Iterable[Finding] = ()) -> None:
        super().__init__(message, hint)
        self.findings = tuple(findings)


Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was noticed about a data set: where it is, how often, an example, and what to do."""

    severity: Severity
    code: str
    table: str
    column: str
    count: int
    detail: str
    hint: str = ""
    example: str = ""

    @property
    def place(self) -> str:
        """The table and the column, ``leads.size``, as far as it is about any."""
        return ".".join(filter(None, (self.table, self.column)))

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON-ready values."""
        return asdict(self)


class Strict(BaseModel):
    """A part of the settings: read-only, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def parse_duration(value: object) -> int:
    """Microseconds of a duration such as ``"30min"``, ``"36h"``, ``"14d"`` or ``"2w"``; an ``int`` passes through.

    Raises:
        ValueError: it is no such duration, or not longer than nothing.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        micros = value
    else:
        match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            raise ValueError(f'{value!r} is no duration; write a number and a unit, such as "30min", "36h", "14d" or "2w"')
        micros = int(match[1]) * _UNITS[match[2]]
    if not 0 < micros < NEVER:
        raise ValueError(f"a duration must be longer than nothing and shorter than 100,000 years, not {value!r}")
    return micros


def format_duration(micros: int) -> str:
    """The shortest text that ``parse_duration`` reads back: ``14d``, ``36h``, ``90min``."""
    for unit, size in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        if micros % size == 0:
            return f"{micros // size}{unit}"
    return f"{micros / MINUTE:g}min"


Duration = Annotated[int, BeforeValidator(parse_duration), PlainSerializer(format_duration, return_type=str)]
"""A duration in microseconds, written in settings as ``"14d"``."""


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC of an aware ``datetime``.

    Raises:
        ValueError: the moment bears no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f'{moment.isoformat()} bears no time zone; write it with one, such as "{moment.isoformat()}Z"')
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_micros(micros: int) -> datetime:
    """The aware UTC ``datetime`` of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=int(micros))


def now() -> int:
    """This machine's clock, microseconds UTC."""
    return time.time_ns() // 1_000


def iso(micros: int) -> str:
    """ISO 8601 in UTC with microseconds, as all answers and logs write a moment."""
    moment = _NAIVE_EPOCH + timedelta(microseconds=int(micros))  # to ask a time zone for its offset would cost as much again
    return moment.isoformat(timespec="microseconds") + "+00:00"


def iso_or_none(micros: int | None) -> str | None:
    """The same of a moment that may be missing."""
    return None if micros is None else iso(micros)


def parse_moment(text: str) -> int:
    """Microseconds of an ISO 8601 date (midnight UTC) or of a time with its zone.

    Raises:
        SettingsError: it is neither, or a time without a zone.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        if len(text.strip()) <= len("2026-01-31"):
            moment = moment.replace(tzinfo=UTC)
        return to_micros(moment)
    except ValueError as error:
        hint = f"Write a date (2026-01-31) or a time with its zone (2026-01-31T08:00:00Z): {error}"
        raise SettingsError(f"{text!r} is no moment.", hint) from error
