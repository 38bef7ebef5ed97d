"""Times as files write them, to microseconds UTC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import DataError

UTC_MICROS = pa.timestamp("us", "UTC")
ISO_TIME = (
    r"^(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"
    r"(?:[T ](?P<hour>\d{2})(?::?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?)?"
    r" ?(?P<zone>Z|z|UTC|(?P<sign>[+-])(?P<zone_hour>\d{2}):?(?P<zone_minute>\d{2})?)?)?$"
)
_EARLIEST = np.datetime64("1970-01-01", "us").astype(np.int64)
_LATEST = np.datetime64("2200-01-01", "us").astype(np.int64)
_FAR = 2**60
_NOTHING = -(2**62)


@dataclass(frozen=True, eq=False)
class Moments:
    """A column of times; the masks do not overlap, and rows in none of them are known.

    Attributes:
        values: timestamp[us, UTC]; null where any mask holds.
        missing, unparseable, naive, out_of_range: bool[n].
    """

    values: pa.Array
    missing: np.ndarray
    unparseable: np.ndarray
    naive: np.ndarray
    out_of_range: np.ndarray


def read_times(column: pa.ChunkedArray, zone: str | None) -> Moments:
    """Moments of a column of timestamps, dates, or ISO 8601 text.

    A time without a zone, and a date (its midnight), are taken in ``zone``; without one they are ``naive``. Where clocks were set back
    the first of the two moments is taken, where they were set forward the first moment after the gap. What lies before 1970
    or from 2200 on is ``out_of_range``.

    Raises:
        DataError: this machine does not know the zone.
    """
    missing = column.is_null().to_numpy()
    micros, local = _join([_read_chunk(chunk) for chunk in column.chunks])
    unparseable = (micros == _NOTHING) & ~missing
    in_range = (micros >= _EARLIEST) & (micros < _LATEST)
    out_of_range = ~in_range & ~missing & ~unparseable
    naive = local & in_range if zone is None else np.zeros(len(micros), dtype=bool)
    if zone is not None:
        move = local & in_range
        micros[move] = _to_utc(micros[move], zone)
    known = in_range & ~naive
    values = pa.array(micros, mask=~known).cast(UTC_MICROS)
    return Moments(values, missing, unparseable, naive, out_of_range)


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds text."""
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_string_view(inner))


def _join(chunks: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    if not chunks:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
    return np.concatenate([micros for micros, _ in chunks]), np.concatenate([local for _, local in chunks])


def _to_utc(local_micros: np.ndarray, zone: str) -> np.ndarray:
    local = pa.array(local_micros).cast(pa.timestamp("us"))
    try:
        moments = pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="latest")
    except pa.ArrowInvalid as error:
        hint = "Name it as the IANA list does, and install the system's time zone data (the package tzdata)."
        raise DataError(f"The time zone {zone} is not known to this machine.", hint) from error
    return np.asarray(moments.cast(pa.int64()))


def _read_chunk(chunk: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Microseconds, still local where the second array says so, and _NOTHING where there is no time."""
    if pa.types.is_dictionary(chunk.type):
        chunk = chunk.cast(chunk.type.value_type)
    if pa.types.is_date(chunk.type):
        chunk = chunk.cast(pa.timestamp("ms"))
    if pa.types.is_timestamp(chunk.type):
        return _read_timestamps(chunk)
    if is_text(chunk.type):
        return _read_text(chunk.cast(pa.string()))
    return np.full(len(chunk), _NOTHING), np.zeros(len(chunk), dtype=bool)


def _read_timestamps(chunk: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    micros = chunk.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    if chunk.type.unit == "ns":
        micros = micros // 1000
    elif chunk.type.unit != "us":
        factor = 10**6 if chunk.type.unit == "s" else 10**3
        micros = np.clip(micros, -_FAR // factor, _FAR // factor) * factor
    if chunk.null_count:
        micros = np.where(np.asarray(chunk.is_null()), _NOTHING, micros)
    return micros, np.full(len(chunk), chunk.type.tz is None)


def _read_text(chunk: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Arrow's parser takes a chunk that is all of one kind; the other chunks are taken apart, which is 30 times slower."""
    for kind in (UTC_MICROS, pa.timestamp("us")):
        try:
            return _read_timestamps(pc.cast(chunk, kind))
        except pa.ArrowInvalid:
            continue
    return _take_apart(chunk)


def _take_apart(chunk: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    parts = pc.extract_regex(chunk, ISO_TIME)
    number = {name: _number(parts, name) for name in ("year", "month", "day", "hour", "minute", "second", "zone_hour", "zone_minute")}
    month = ((number["year"] - 1970) * 12 + number["month"] - 1).astype("datetime64[M]")
    first, after = (days.astype("datetime64[D]").astype(np.int64) for days in (month, month + 1))
    possible = np.asarray(parts.is_valid()) & (number["month"] >= 1) & (number["month"] <= 12)
    possible &= (number["day"] >= 1) & (number["day"] <= after - first)
    for name, end in (("hour", 24), ("minute", 60), ("second", 60), ("zone_hour", 24), ("zone_minute", 60)):
        possible &= number[name] < end
    zone = (number["zone_hour"] * 60 + number["zone_minute"]) * np.where(_texts(parts, "sign") == "-", -1, 1)
    minutes = (first + number["day"] - 1) * 1440 + number["hour"] * 60 + number["minute"] - zone
    fraction = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.fill_null(pc.struct_field(parts, "fraction"), ""), 6, "0"), 0, 6)
    micros = (minutes * 60 + number["second"]) * 1_000_000 + np.asarray(fraction.cast(pa.int64()))
    return np.where(possible, micros, _NOTHING), _texts(parts, "zone") == ""


def _texts(parts: pa.Array, name: str) -> np.ndarray:
    return np.asarray(pc.fill_null(pc.struct_field(parts, name), ""))


def _number(parts: pa.Array, name: str) -> np.ndarray:
    text = pc.fill_null(pc.struct_field(parts, name), "")
    return np.asarray(pc.if_else(pc.equal(text, ""), "0", text).cast(pa.int64()))
