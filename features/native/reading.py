"""From rows, as Python holds them, to columns, by machine code, lead by lead."""

from __future__ import annotations

import ctypes
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from features.native import objects
from features.plan import Events

DONE, MORE, UNORDERED, BEYOND, FAILED, ODD_ROW, ODD_LEAD = range(7)
"""What comes of ``take``: all is read; it is, and the lead or a row of it has attributes besides those that are named; its rows are out of
order, or two share an id; a text is beyond the vocabulary, and no place for such; an error was raised; a row, or the lead, is none."""
ROW_FIELDS = ("type", "occurred_at", "recorded_at", "direction", "order", "interaction_id", "attributes")
LEAD_FIELDS = ("lead_id", "created_at", "attributes", "interactions")
"""The fields of a row, and of a lead, in their order: the machine code finds them by their places."""
_ASKED = {
    ODD_ROW: "Each interaction must be an InteractionRecord, or a dict of its fields, with a known direction and attributes in a dict.",
    ODD_LEAD: "Each lead must be a LeadRecord with attributes in a dict.",
}

Known = dict[str | None, int]
"""The code of each text of a vocabulary: its position, and -1 of what is missing."""
Others = defaultdict[str, int]
"""The codes of texts beyond a vocabulary, which go on from its own in the order in which they are met."""


_OF_LEADS = Events._fields.index("created_at")
"""From here on events tell of leads, and from 1 up to here of rows."""


class Named(NamedTuple):
    """Attributes by their names.

    Attributes:
        numeric: those that are numbers.
        to_number: for each of them, what makes a float of a value that is none.
        categorical: those that are texts.
        known: their vocabularies.
    """

    numeric: tuple[str, ...]
    to_number: tuple[Callable[[object], float], ...]
    categorical: tuple[str, ...]
    known: tuple[Known, ...]


class Reading(NamedTuple):
    """How rows are read; types are told by their identity.

    Attributes:
        mapping: ``dict``: a row by the names of its fields, and attributes.
        row: the named tuple that a row may be instead.
        lead: the named tuple of a lead.
        number: ``float``, which is taken as it is up to ``largest`` either way, and is missing beyond.
        largest: see there.
        text: ``str``, which is taken as it is unless it is empty.
        nothing: None.
        fields: the names of a row's fields, in the order of ``row``.
        directions: from what a row says to a code.
        to_text: makes a text, or None, of a value that is neither.
        types: the vocabulary of the rows' types.
        of_rows: the attributes to read of rows.
        of_leads: and of leads.
    """

    mapping: type
    row: type
    lead: type
    number: type
    largest: float
    text: type
    nothing: None
    fields: tuple[str, ...]
    directions: dict[Any, int]
    to_text: Callable[[object], str | None]
    types: Known
    of_rows: Named
    of_leads: Named


class Beyond(NamedTuple):
    """What is met beyond the vocabularies: among the types, and among the levels of each categorical attribute of rows and of leads."""

    types: Others
    levels: tuple[Others, ...]
    lead_levels: tuple[Others, ...]


class Columns(NamedTuple):
    """Where rows and leads go.

    Attributes:
        events: arrays with room for so many, whose codes go on beyond the vocabularies.
        seen: for the ids of one lead's rows.
        beyond: None while nothing is: for most requests it is never made.
    """

    events: Events
    seen: set[Any]
    beyond: Beyond | None = None

    @classmethod
    def of(cls, reading: Reading, leads: int, rows: int) -> Columns:
        """Room for so many, and nothing met yet."""
        of_rows, of_leads = reading.of_rows, reading.of_leads
        events = Events(
            start=np.zeros(leads + 1, np.int64),
            occurred_at=np.empty(rows, np.int64),
            known_at=np.empty(rows, np.int64),
            type=np.empty(rows, np.int32),
            direction=np.empty(rows, np.int8),
            numeric=np.empty((rows, len(of_rows.numeric))),
            categorical=np.empty((rows, len(of_rows.categorical)), np.int32),
            created_at=np.empty(leads, np.int64),
            lead_numeric=np.empty((leads, len(of_leads.numeric))),
            lead_categorical=np.empty((leads, len(of_leads.categorical)), np.int32),
        )
        return cls(events, set())

    def with_beyond(self, reading: Reading) -> Columns:
        """These, with a place for what is beyond the vocabularies."""
        if self.beyond is not None:
            return self
        of_rows, of_leads = reading.of_rows.known, reading.of_leads.known
        return self._replace(beyond=Beyond(_others(reading.types), tuple(map(_others, of_rows)), tuple(map(_others, of_leads))))

    def with_room(self, reading: Reading, leads: int, rows: int) -> Columns:
        """These, or twice as much room with what is in them, for so many leads and rows."""
        had_leads, had_rows = len(self.events.created_at), len(self.events.occurred_at)
        if leads <= had_leads and rows <= had_rows:
            return self
        more = Columns.of(reading, max(leads, 2 * had_leads), max(rows, 2 * had_rows))
        for old, new in zip(self.events, more.events, strict=True):
            new[: len(old)] = old
        return self._replace(events=more.events)

    def part(self, leads: int, rows: int) -> Events:
        """The events of the first so many, as views."""
        if leads == len(self.events.created_at) and rows == len(self.events.occurred_at):
            return self.events
        of_rows, of_leads = self.events[1:_OF_LEADS], self.events[_OF_LEADS:]
        return Events(self.events.start[: leads + 1], *(one[:rows] for one in of_rows), *(one[:leads] for one in of_leads))

    def within(self, reading: Reading, events: Events) -> Events:
        """Events whose codes go on beyond the vocabularies as the kernel takes them: beyond, all are one."""
        if self.beyond is None:
            return events
        return events._replace(
            type=np.minimum(events.type, np.int32(len(reading.types) - 1)),
            categorical=np.minimum(events.categorical, _counts(reading.of_rows.known)),
            lead_categorical=np.minimum(events.lead_categorical, _counts(reading.of_leads.known)),
        )


def _counts(known: tuple[Known, ...]) -> np.ndarray:
    return np.array([len(one) - 1 for one in known], np.int32)


def _others(known: Known) -> Others:
    return defaultdict(count(len(known) - 1).__next__)


def take(reading: Reading, lead: Any, rows: list[Any], columns: Columns, number: int, place: int, *, settled: bool) -> int:
    """Have a lead and its rows in columns, which have room for them.

    Args:
        reading: how they are read.
        lead: of its ``lead``.
        rows: of the lead, in place of its own.
        columns: where they go.
        number: the lead's place there.
        place: that of its first row.
        settled: whether the rows come in their order, and once.

    Returns:
        DONE, MORE, BEYOND, or UNORDERED: the order is not said and cannot be seen, for moments do not ascend, or two are the same, or ids.

    Raises:
        TypeError: a row or the lead is of another type, or a moment is no whole number.
        OverflowError: a moment does not fit into 64 bits.
        DataError: whatever ``to_number`` raises.
    """
    told = ctypes.c_int64()
    _take()(ctypes.byref(told), None, reading, lead, rows, columns, number, place, settled)
    if told.value in _ASKED:
        raise TypeError(_ASKED[told.value])
    return told.value


@cache
def _take() -> Callable[..., object]:
    """The function of ``features.native.rows``, called with the interpreter's lock held; what it raises is raised."""
    given, number, place = ctypes.py_object, ctypes.c_int64, ctypes.c_void_p
    kind = ctypes.PYFUNCTYPE(ctypes.c_int32, place, place, given, given, given, given, number, number, number)
    return kind(objects.address("leadheat_take"))
