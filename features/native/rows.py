"""The functions that are compiled to read rows: those of ``features.native.reading``, with their arguments by address."""

from __future__ import annotations

import numpy as np
from numba.core import types

from features.contract import UNKNOWN_TIME
from features.kernel import block
from features.native.arrays import item, matrix, vector
from features.native.capi import (
    call,
    dict_get,
    dict_size,
    entry,
    float_of,
    keep,
    length,
    list_set,
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
    DONE,
    FAILED,
    LEAD_FIELDS,
    ODD_LEAD,
    ODD_ROW,
    ROW_FIELDS,
    UNORDERED,
    Coding,
    Columns,
    Named,
    Reading,
    Values,
)

TAKES, CODES, RETURNS = (types.int64,) * 4, (types.int64,), types.int64

# Where the fields lie in the tuples that are read: by their names, so that a place follows its field.
_DICT, _ROW, _LEAD, _FLOAT, _LARGEST, _TEXT = map(Reading._fields.index, ("mapping", "row", "lead", "number", "largest", "text"))
_NOTHING, _FIELDS, _DIRECTIONS, _TO_TEXT = map(Reading._fields.index, ("nothing", "fields", "directions", "to_text"))
_OF_ROWS, _OF_LEADS = map(Reading._fields.index, ("of_rows", "of_leads"))
_NUMERIC, _TO_NUMBER, _CATEGORICAL = map(Named._fields.index, ("numeric", "to_number", "categorical"))
_NUMBERS, _TEXTS = map(Values._fields.index, ("numeric", "categorical"))
_TYPES, _OCCURRED, _KNOWN, _WAYS = map(Columns._fields.index, ("types", "occurred_at", "known_at", "direction"))
_ROWS_VALUES, _LEAD_IDS, _CREATED = map(Columns._fields.index, ("of_rows", "lead_ids", "created_at"))
_LEADS_VALUES, _WITH_OTHERS, _SEEN = map(Columns._fields.index, ("of_leads", "with_others", "seen"))
_ASKED, _POSITIONS, _CODES = map(Coding._fields.index, ("columns", "positions", "codes"))
_TYPE, _OCCURRED_AT, _RECORDED_AT, _DIRECTION = map(ROW_FIELDS.index, ("type", "occurred_at", "recorded_at", "direction"))
_ID, _ATTRIBUTES = map(ROW_FIELDS.index, ("interaction_id", "attributes"))
_LEAD_ID, _CREATED_AT, _LEAD_ATTRIBUTES = map(LEAD_FIELDS.index, ("lead_id", "created_at", "attributes"))


def take(reading: int, leads: int, columns: int, settled: int) -> int:
    """Read leads, a tuple of pairs of a lead and its rows, into columns; returns what comes of it."""
    created_at, place, nothing = vector(item(columns, _CREATED), np.int64), 0, item(reading, _NOTHING)
    for number in range(length(leads)):
        lead, rows = item(item(leads, number), 0), item(item(leads, number), 1)
        if type_of(lead) != item(reading, _LEAD):
            return ODD_LEAD
        _put(item(columns, _LEAD_IDS), number, item(lead, _LEAD_ID))
        created = item(lead, _CREATED_AT)
        created_at[number] = UNKNOWN_TIME if created == nothing else to_int64(created)
        if created_at[number] == -1 and raised() != 0:
            return FAILED
        attributes = item(lead, _LEAD_ATTRIBUTES)
        told, found = _values(reading, item(reading, _OF_LEADS), attributes, number, item(columns, _LEADS_VALUES))
        if told != DONE:
            return FAILED if told == FAILED else ODD_LEAD
        if attributes != nothing and dict_size(attributes) > found:
            _put(item(columns, _WITH_OTHERS), number, attributes)
        told, place = _take_rows(reading, rows, place, columns, settled)
        if told != DONE:
            return told
    return DONE


def codes(asked: int) -> int:
    """Write the codes of a tuple of ``Coding``."""
    for number in range(length(asked)):
        columns, positions, found = (
            item(item(asked, number), _ASKED),
            item(item(asked, number), _POSITIONS),
            matrix(item(item(asked, number), _CODES), np.int32),
        )
        for column in range(length(columns)):
            texts, known = item(columns, column), item(positions, column)
            other = dict_size(known) - 1
            for row in range(length(texts)):
                position = dict_get(known, entry(texts, row))
                found[row, column] = other if position == 0 else to_int64(position)
    return DONE


@block
def _take_rows(reading: int, rows: int, place: int, columns: int, settled: int) -> tuple[int, int]:
    """Read those of one lead from a place on; returns what comes of it, and the place after them."""
    occurred_at, seen = vector(item(columns, _OCCURRED), np.int64), item(columns, _SEEN)
    ids, ascending = 0, True
    set_clear(seen)
    for number in range(length(rows)):
        row = entry(rows, number)
        told = _take_row(reading, row, place, columns)
        if told != DONE:
            return told, place
        ascending = ascending and (number == 0 or occurred_at[place] > occurred_at[place - 1])
        named = _field(reading, row, _ID)
        if named != item(reading, _NOTHING):
            ids += 1
            if set_add(seen, named) != 0:
                return FAILED, place
        place += 1
    return (UNORDERED if settled == 0 and (not ascending or set_size(seen) < ids) else DONE), place


@block
def _take_row(reading: int, row: int, place: int, columns: int) -> int:
    """Read a row into a place; returns what comes of it."""
    occurred_at, known_at = vector(item(columns, _OCCURRED), np.int64), vector(item(columns, _KNOWN), np.int64)
    direction = vector(item(columns, _WAYS), np.int8)
    if type_of(row) != item(reading, _ROW) and type_of(row) != item(reading, _DICT):
        return ODD_ROW
    moment, recorded_at = to_int64(_field(reading, row, _OCCURRED_AT)), _field(reading, row, _RECORDED_AT)
    recorded = moment if recorded_at == item(reading, _NOTHING) else to_int64(recorded_at)
    if (moment == -1 or recorded == -1) and raised() != 0:
        return FAILED
    way = dict_get(item(reading, _DIRECTIONS), _field(reading, row, _DIRECTION))
    if way == 0:
        return ODD_ROW
    occurred_at[place], known_at[place], direction[place] = moment, max(moment, recorded), to_int64(way)
    _put(item(columns, _TYPES), place, _field(reading, row, _TYPE))
    return _values(reading, item(reading, _OF_ROWS), _field(reading, row, _ATTRIBUTES), place, item(columns, _ROWS_VALUES))[0]


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
def _values(reading: int, named: int, attributes: int, place: int, values: int) -> tuple[int, int]:
    """Read the attributes that are named; returns what comes of it, and how many of them are there."""
    nothing, found = item(reading, _NOTHING), 0
    if attributes != nothing and type_of(attributes) != item(reading, _DICT):
        return ODD_ROW, found
    numbers = matrix(item(values, _NUMBERS), np.float64)
    for i in range(length(item(named, _NUMERIC))):
        given = 0 if attributes == nothing else dict_get(attributes, item(item(named, _NUMERIC), i))
        value, number = _or_nothing(reading, given), np.nan
        found += given != 0
        if type_of(value) == item(reading, _FLOAT):
            number = float_of(value)
        elif value != nothing:
            made = call(item(item(named, _TO_NUMBER), i), value)
            if made == 0:
                return FAILED, found
            number = to_float64(made)
            release(made)
        numbers[i, place] = number if abs(number) <= float_of(item(reading, _LARGEST)) else np.nan
    for i in range(length(item(named, _CATEGORICAL))):
        given = 0 if attributes == nothing else dict_get(attributes, item(item(named, _CATEGORICAL), i))
        value, texts = _or_nothing(reading, given), item(item(values, _TEXTS), i)
        found += given != 0
        if type_of(value) == item(reading, _TEXT) and text_length(value) > 0:
            _put(texts, place, value)
        elif value != nothing:
            made = call(item(reading, _TO_TEXT), value)
            if made == 0:
                return FAILED, found
            list_set(texts, place, made)
    return DONE, found


@block
def _put(given: int, place: int, value: int) -> None:
    """Have a list hold a value."""
    keep(value)
    list_set(given, place, value)
