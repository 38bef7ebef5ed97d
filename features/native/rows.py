"""The function that is compiled to read a lead: that of ``features.native.reading``, with its arguments by address."""

from __future__ import annotations

import numpy as np
from numba.core import types

from features.contract import UNKNOWN_TIME
from features.native.arrays import item, matrix, vector
from features.native.block import block
from features.native.capi import (
    call,
    dict_get,
    dict_size,
    entry,
    float_of,
    item_of,
    length,
    raised,
    release,
    set_add,
    set_clear,
    set_size,
    text_length,
    to_float64,
    to_int64,
    type_of,
)
from features.native.reading import (
    BEYOND,
    DONE,
    FAILED,
    LEAD_FIELDS,
    MORE,
    ODD_LEAD,
    ODD_ROW,
    ROW_FIELDS,
    UNORDERED,
    Beyond,
    Columns,
    Named,
    Reading,
)
from features.plan import Events

TAKES, RETURNS = (types.int64,) * 7, types.int64


# Where the fields lie in the tuples that are read: by their names, so that a place follows its field.
_DICT, _ROW, _LEAD, _FLOAT, _LARGEST, _TEXT = map(Reading._fields.index, ("mapping", "row", "lead", "number", "largest", "text"))
_NOTHING, _FIELDS, _DIRECTIONS, _TO_TEXT = map(Reading._fields.index, ("nothing", "fields", "directions", "to_text"))
_TYPES, _OF_ROWS, _OF_LEADS = map(Reading._fields.index, ("types", "of_rows", "of_leads"))
_NUMERIC, _TO_NUMBER, _CATEGORICAL, _KNOWN = map(Named._fields.index, ("numeric", "to_number", "categorical", "known"))
_EVENTS, _SEEN, _BEYOND = map(Columns._fields.index, ("events", "seen", "beyond"))
_OTHER_TYPES, _OTHER_LEVELS, _OTHER_LEAD_LEVELS = map(Beyond._fields.index, ("types", "levels", "lead_levels"))
_START, _OCCURRED, _KNOWN_AT, _KIND, _WAY = map(Events._fields.index, ("start", "occurred_at", "known_at", "type", "direction"))
_NUMBERS, _CODES, _CREATED = map(Events._fields.index, ("numeric", "categorical", "created_at"))
_LEADS_NUMBERS, _LEADS_CODES = map(Events._fields.index, ("lead_numeric", "lead_categorical"))
_TYPE, _OCCURRED_AT, _RECORDED_AT, _DIRECTION = map(ROW_FIELDS.index, ("type", "occurred_at", "recorded_at", "direction"))
_ID, _ATTRIBUTES = map(ROW_FIELDS.index, ("interaction_id", "attributes"))
_CREATED_AT, _LEAD_ATTRIBUTES = map(LEAD_FIELDS.index, ("created_at", "attributes"))
if not DONE < MORE < min(UNORDERED, BEYOND, FAILED, ODD_ROW, ODD_LEAD):
    raise ImportError("what is more than MORE must be what ends the reading")
_RAISED, _NO_PLACE = -2, -3
"""No codes: an error was raised; the text is beyond the vocabulary, and there is no place for it."""


def take(reading: int, lead: int, rows: int, columns: int, number: int, place: int, settled: int) -> int:
    """Read a lead, and its rows from a place on, into columns; returns what comes of it."""
    events, nothing = item(columns, _EVENTS), item(reading, _NOTHING)
    if type_of(lead) != item(reading, _LEAD):
        return ODD_LEAD
    created, created_at = item(lead, _CREATED_AT), vector(item(events, _CREATED), np.int64)
    created_at[number] = UNKNOWN_TIME if created == nothing else to_int64(created)
    if created_at[number] == -1 and raised() != 0:
        return FAILED
    numbers, codes = matrix(item(events, _LEADS_NUMBERS), np.float64), matrix(item(events, _LEADS_CODES), np.int32)
    attributes, named = item(lead, _LEAD_ATTRIBUTES), item(reading, _OF_LEADS)
    told = _values(reading, named, attributes, number, numbers, codes, _others(reading, columns, _OTHER_LEAD_LEVELS))
    if told > MORE:
        return ODD_LEAD if told == ODD_ROW else told
    vector(item(events, _START), np.int64)[number + 1] = place + length(rows)
    return max(told, _take_rows(reading, rows, place, columns, settled))


@block
def _take_rows(reading: int, rows: int, place: int, columns: int, settled: int) -> int:
    """Read the rows of a lead."""
    occurred_at, seen = vector(item(item(columns, _EVENTS), _OCCURRED), np.int64), item(columns, _SEEN)
    ids, ascending, more = 0, True, False
    set_clear(seen)
    for number in range(length(rows)):
        row, here = entry(rows, number), place + number
        told = _take_row(reading, row, here, columns)
        if told > MORE:
            return told
        more = more or told == MORE
        ascending = ascending and (number == 0 or occurred_at[here] > occurred_at[here - 1])
        named = _field(reading, row, _ID)
        if named != item(reading, _NOTHING):
            ids += 1
            if set_add(seen, named) != 0:
                return FAILED
    if settled == 0 and (not ascending or set_size(seen) < ids):
        return UNORDERED
    return MORE if more else DONE


@block
def _take_row(reading: int, row: int, place: int, columns: int) -> int:
    """Read a row into a place; returns what comes of it."""
    events = item(columns, _EVENTS)
    occurred_at, known_at = vector(item(events, _OCCURRED), np.int64), vector(item(events, _KNOWN_AT), np.int64)
    kind, direction = vector(item(events, _KIND), np.int32), vector(item(events, _WAY), np.int8)
    if type_of(row) != item(reading, _ROW) and type_of(row) != item(reading, _DICT):
        return ODD_ROW
    moment, recorded_at = to_int64(_field(reading, row, _OCCURRED_AT)), _field(reading, row, _RECORDED_AT)
    recorded = moment if recorded_at == item(reading, _NOTHING) else to_int64(recorded_at)
    if (moment == -1 or recorded == -1) and raised() != 0:
        return FAILED
    way = dict_get(item(reading, _DIRECTIONS), _field(reading, row, _DIRECTION))
    if way == 0:
        return ODD_ROW
    code = _code(reading, item(reading, _TYPES), _others(reading, columns, _OTHER_TYPES), _field(reading, row, _TYPE))
    if code < 0:
        return _why(code)
    occurred_at[place], known_at[place], kind[place], direction[place] = moment, max(moment, recorded), code, to_int64(way)
    numbers, codes = matrix(item(events, _NUMBERS), np.float64), matrix(item(events, _CODES), np.int32)
    attributes, named = _field(reading, row, _ATTRIBUTES), item(reading, _OF_ROWS)
    return _values(reading, named, attributes, place, numbers, codes, _others(reading, columns, _OTHER_LEVELS))


@block
def _field(reading: int, row: int, number: int) -> int:
    """A field of a row, None where a dict has no such key."""
    if type_of(row) == item(reading, _ROW):
        return item(row, number)
    return _or_nothing(reading, dict_get(row, item(item(reading, _FIELDS), number)))


@block
def _or_nothing(reading: int, given: int) -> int:
    return item(reading, _NOTHING) if given == 0 else given


@block
def _values(reading: int, named: int, attributes: int, place: int, numbers: np.ndarray, codes: np.ndarray, beyond: int) -> int:
    """Read the attributes that are named; returns what comes of it: MORE where there are others."""
    nothing, found = item(reading, _NOTHING), 0
    if attributes != nothing and type_of(attributes) != item(reading, _DICT):
        return ODD_ROW
    for i in range(length(item(named, _NUMERIC))):
        given = 0 if attributes == nothing else dict_get(attributes, item(item(named, _NUMERIC), i))
        value, number = _or_nothing(reading, given), np.nan
        found += given != 0
        if type_of(value) == item(reading, _FLOAT):
            number = float_of(value)
        elif value != nothing:
            made = call(item(item(named, _TO_NUMBER), i), value)
            if made == 0:
                return FAILED
            number = to_float64(made)
            release(made)
        numbers[place, i] = number if abs(number) <= float_of(item(reading, _LARGEST)) else np.nan
    for i in range(length(item(named, _CATEGORICAL))):
        given = 0 if attributes == nothing else dict_get(attributes, item(item(named, _CATEGORICAL), i))
        value, known, others = _or_nothing(reading, given), item(item(named, _KNOWN), i), nothing if beyond == nothing else item(beyond, i)
        found += given != 0
        if value == nothing or (type_of(value) == item(reading, _TEXT) and text_length(value) > 0):
            code = _code(reading, known, others, value)
        else:
            made = call(item(reading, _TO_TEXT), value)
            if made == 0:
                return FAILED
            code = _code(reading, known, others, made)
            release(made)
        if code < -1:
            return _why(code)
        codes[place, i] = code
    return MORE if attributes != nothing and dict_size(attributes) > found else DONE


@block
def _others(reading: int, columns: int, which: int) -> int:
    """What is met beyond some vocabularies, or None."""
    beyond = item(columns, _BEYOND)
    return beyond if beyond == item(reading, _NOTHING) else item(beyond, which)


@block
def _code(reading: int, known: int, others: int, text: int) -> int:
    """The code of a text, -1 of None; one beyond the vocabulary is given the next, where there is a place for it."""
    found = dict_get(known, text)
    if found != 0:
        return int(to_int64(found))
    if others == item(reading, _NOTHING):
        return _NO_PLACE
    given = item_of(others, text)
    if given == 0:
        return _RAISED
    code = to_int64(given)
    release(given)
    return int(code)


@block
def _why(code: int) -> int:
    """What comes of no code; None is no type."""
    if code == _NO_PLACE:
        return BEYOND
    return FAILED if code == _RAISED else ODD_ROW
