"""The store's JSON as typed columns, without a Python object for each value."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from features.columns import text

_NUMBER = r"^-?\d"
_CONFIG: dict[str, str | bool | int | float | list[str]] = {"autoinstall_known_extensions": False}


def names_in(objects: pa.ChunkedArray) -> list[str]:
    """The names that occur in a column of JSON objects, sorted; a null has none."""
    import duckdb

    table = pa.table({"one": objects})
    with duckdb.connect(config=_CONFIG) as connection:
        connection.register("objects", table)
        return sorted(name for (name,) in connection.execute("SELECT DISTINCT unnest(json_keys(one)) FROM objects").fetchall())


def values_of(objects: pa.ChunkedArray, names: Sequence[str]) -> dict[str, pa.Array]:
    """The values of each name in a column of JSON objects, as JSON; null where an object lacks it, or is none."""
    import duckdb

    paths = ["/" + name.replace("~", "~0").replace("/", "~1") for name in names]
    table = pa.table({"one": objects})
    with duckdb.connect(config=_CONFIG) as connection:
        connection.register("objects", table)
        query = "SELECT json_extract(coalesce(one, '{}'), $paths) AS found FROM objects"
        found = connection.sql(query, params={"paths": paths}).to_arrow_table()["found"].combine_chunks()
    flat = found.flatten()
    steps = pa.array(range(len(objects)), pa.int64())
    return {name: flat.take(pc.add(pc.multiply(steps, len(names)), i)) for i, name in enumerate(names)}


def typed(scalars: pa.Array) -> pa.Array:
    """A column of JSON scalars as numbers, truths or texts; where they are mixed, all as the texts that the scorer would read in them."""
    scalars = pc.if_else(pc.equal(scalars, "null"), None, scalars)
    given = scalars.drop_null()
    if pc.all(pc.match_substring_regex(given, _NUMBER), min_count=0).as_py():
        return scalars.cast(pa.float64())
    if pc.all(pc.is_in(given, pa.array(["true", "false"]))).as_py():
        return pc.equal(scalars, "true")
    if pc.all(pc.starts_with(given, '"')).as_py() and not pc.any(pc.match_substring(given, "\\")).as_py():
        words = pc.utf8_slice_codeunits(scalars, 1, -1)
        return pc.if_else(pc.equal(words, ""), None, words)
    coded = scalars.dictionary_encode()
    words = pa.array([text(json.loads(one)) for one in coded.dictionary.to_pylist()], pa.string())
    return words.take(coded.indices)
