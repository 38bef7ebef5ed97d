"""JSON of the store in bulk: the same columns as from one Python object after the other."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from features.columns import text
from features.store.engine import as_json
from features.store.scalars import names_in, typed, values_of

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.sampled_from(["", "true", "12", "null", 'a"b\\', "ü\0"])
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)
NAMES = st.sampled_from(["a", "A", "~", "/", '"', "0", "a b", "ä.b", "*", "$.x"])
KINDS = st.sampled_from([WORDS, NUMBERS, st.booleans(), WORDS | NUMBERS | st.booleans()])
ROWS = st.dictionaries(NAMES, KINDS, max_size=4).flatmap(
    lambda kinds: st.lists(
        st.none() | st.fixed_dictionaries({}, optional={name: st.none() | kind for name, kind in kinds.items()}), min_size=1
    )
)


def one_after_the_other(objects: list[dict[str, Any] | None], name: str) -> pa.Array:
    values = [one.get(name) if one else None for one in objects]
    kinds = {type(one) for one in values if one is not None}
    if kinds <= {float, int}:
        return pa.array([None if one is None else float(one) for one in values], pa.float64())
    return pa.array(values, pa.bool_()) if kinds == {bool} else pa.array([text(one) for one in values], pa.string())


@given(ROWS)
def test_columns_are_those_of_one_object_after_the_other(rows: list[dict[str, Any] | None]) -> None:
    column = pa.chunked_array([[None if one is None else as_json(one) for one in rows]], pa.string())
    read = [None if one is None else json.loads(as_json(one)) for one in rows]
    names = names_in(column)
    assert names == sorted({name for one in read if one for name in one})
    for name, values in (values_of(column, names) if names else {}).items():
        assert typed(values).equals(one_after_the_other(read, name)), name
