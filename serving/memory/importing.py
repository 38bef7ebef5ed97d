"""Bringing a data set into the store, so that the service knows what happened before it was asked to remember."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import DataError, now
from features.history import lead_positions
from features.progress import progress
from features.sources import Tables
from features.times import UTC_MICROS
from models.temperature import Temperature
from serving.endpoints import LONGEST
from serving.memory.memory import Memory
from serving.memory.requests import AHEAD

PORTION = 200
"""Leads of one transaction: what a killed import has stored stays, and the same import again adds the rest."""
_OWN = ("lead_id", "type", "occurred_at", "recorded_at", "order", "interaction_id", "direction")


@dataclass
class Imported:
    """What an import did: leads that were read, interactions and outcomes that were new, and the bands of all leads now."""

    leads: int = 0
    interactions: int = 0
    outcomes: int = 0
    temperatures: Counter[Temperature] = field(default_factory=Counter)


def import_tables(memory: Memory, tables: Tables, origin: str) -> Imported:
    """Store what a data set holds and score its leads as of now; what is stored already is left as it is.

    An interaction counts from when the data set says that it was recorded, or else from when it occurred: unlike one that is sent now, it
    was known before. What lies after the end of what was observed, or further ahead than the service takes it, is left out.

    Args:
        memory: the store and what scores.
        tables: as ``features.sources.read_tables`` gives them, with the ids of interactions.
        origin: is noted with everything.

    Raises:
        DataError: an id cannot be stored.
        StoreError: the store cannot be reached, or is full.
    """
    _check_ids(tables.leads["lead_id"])
    until = pa.scalar(min(tables.observed_until, now() + AHEAD)).cast(UTC_MICROS)
    interactions = _Portions(tables.interactions.filter(pc.less_equal(tables.interactions["occurred_at"], until)), tables.leads)
    outcomes = _Portions(tables.outcomes.filter(pc.less_equal(tables.outcomes["closed_at"], until)), tables.leads)
    done = Imported()
    with progress("importing", tables.leads.num_rows) as advance:
        for low in range(0, tables.leads.num_rows, PORTION):
            leads = tables.leads.slice(low, PORTION)
            high = low + leads.num_rows
            brought = memory.bring(
                [_lead(row) for row in _rows(leads)],
                [_interaction(row) for row in interactions.between(low, high)],
                [_outcome(row) for row in outcomes.between(low, high)],
                origin,
            )
            done.leads += leads.num_rows
            done.interactions += brought.interactions
            done.outcomes += brought.outcomes
            done.temperatures.update(score.temperature for score in brought.scores)
            advance(leads.num_rows)
    return done


class _Portions:
    """A table's rows by the place of their lead in the leads table."""

    def __init__(self, table: pa.Table, leads: pa.Table) -> None:
        lead = lead_positions(table["lead_id"], leads["lead_id"])
        order = np.argsort(lead, kind="stable")
        self._start = np.searchsorted(lead[order], np.arange(leads.num_rows + 1))
        self._table, self._order = table, order

    def between(self, low: int, high: int) -> Iterator[dict[str, Any]]:
        """The rows of the leads ``low <= i < high``."""
        return _rows(self._table.take(pa.array(self._order[self._start[low] : self._start[high]])))


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """A table's rows; moments in microseconds UTC."""
    columns = [_values(column) for column in table.columns]
    return (dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True))


def _values(column: pa.ChunkedArray) -> list[Any]:
    values = column.cast(UTC_MICROS).cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
    return list(values.to_pylist())


def _lead(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"lead_id": row["lead_id"], "created_at": row["created_at"], "attributes": _others(row, ("lead_id", "created_at"))}


def _interaction(row: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: row[name] for name in _OWN if row.get(name) is not None}
    return {"recorded_at": row["occurred_at"]} | own | {"attributes": _others(row, _OWN)}


def _outcome(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"lead_id": row["lead_id"], "closed_at": row["closed_at"], "outcome": "won" if row["won"] else "lost"}


def _others(row: Mapping[str, Any], own: tuple[str, ...]) -> dict[str, Any]:
    """The attributes that are known; NaN is not."""
    return {name: value for name, value in row.items() if name not in own and value is not None and value == value}  # noqa: PLR0124


def _check_ids(ids: pa.ChunkedArray) -> None:
    wrong = pc.or_(pc.greater(pc.utf8_length(ids), LONGEST), pc.match_substring(ids, "\0"))
    found = ids.filter(wrong)
    if len(found):
        hint = f"An id has at most {LONGEST} characters, and no character zero."
        raise DataError(f"{len(found)} ids of leads cannot be stored, such as {found[0].as_py()[:40]!r}.", hint)
