"""Histories: every lead's interactions as flat arrays, sorted by lead and time.

One flat array for each column and one array of boundaries are the only data structure of the project: lead ``i`` owns the rows
``start[i]:start[i + 1]``, oldest first. Interactions at one moment are ordered by the declared order, then by their content, so
that the order in which rows arrive never matters.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from features.columns import Attributes, Categorical
from features.consent import ConsentRule, Withheld, in_force
from features.contract import UNKNOWN_TIME
from features.plan import Events
from features.schema import Schema
from features.sorting import in_order, settle_ties, sort_rows

if TYPE_CHECKING:
    from features.sources import Tables

UNKNOWN, INBOUND, OUTBOUND = 0, 1, 2
DIRECTIONS = {"inbound": INBOUND, "outbound": OUTBOUND}


class Coded(NamedTuple):
    """A history as the kernel takes it, in the vocabulary of a schema."""

    schema: Schema
    events: Events


@dataclass(frozen=True, eq=False)
class History:
    """The interactions of L leads, n in all.

    Attributes:
        ids: the leads' ids, [L], as they came: an Arrow array of strings, or a list.
        start: int64[L + 1], the boundaries of each lead's rows.
        occurred_at: int64[n], microseconds UTC, ascending within a lead: where an interaction lies in time.
        known_at: int64[n], microseconds UTC, never before ``occurred_at``: from when on it may be seen.
        type: Categorical[n].
        direction: int8[n]: 0 unknown, 1 inbound (the lead acted), 2 outbound (we did).
        attributes: of the interactions, [n].
        created_at: int64[L], microseconds UTC, or ``UNKNOWN_TIME``.
        lead_attributes: of the leads, [L].
        consented: the rules of consent that hold in it already.
        withheld: what does not count for want of consent; None where nothing does.
        unknown: of leads that came as records, the attributes that say something and that the schema does not name, sorted, those of
            their interactions as ``interactions.name``; empty where no lead has any, and where leads came in tables, whose further
            columns are told once (``features.dataset``).
        coded: the same once more, where records were encoded as they were read; whatever is made of a history is not.
    """

    ids: pa.Array | list[str]
    start: np.ndarray
    occurred_at: np.ndarray
    known_at: np.ndarray
    type: Categorical
    direction: np.ndarray
    attributes: Attributes
    created_at: np.ndarray
    lead_attributes: Attributes
    consented: tuple[ConsentRule, ...] = ()
    withheld: Withheld | None = None
    unknown: tuple[tuple[str, ...], ...] = ()
    coded: Coded | None = field(default=None, init=False)

    def __len__(self) -> int:
        return len(self.created_at)

    @cached_property
    def lead_ids(self) -> pa.Array:
        """string[L], Arrow."""
        return pa.array(self.ids, pa.string()) if isinstance(self.ids, list) else self.ids

    @cached_property
    def id_texts(self) -> list[str]:
        """The same as texts, [L]: of a history of few leads, for each is an object."""
        return self.ids if isinstance(self.ids, list) else self.ids.to_pylist()

    @cached_property
    def lead_of_row(self) -> np.ndarray:
        """int64[n]: the lead that each interaction belongs to."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    @classmethod
    def from_tables(cls, tables: Tables, schema: Schema | None = None, threads: int = 1) -> History:
        """Sort validated tables into histories; leads keep the order of the leads table.

        Args:
            tables: as ``features.sources`` reads them.
            schema: the attributes to take and the consent to ask for; by default all that the tables hold, and none.
            threads: how many threads share the work; the result is the same for any number.

        Raises:
            DataError: an attribute is not of the schema's kind.
        """
        from features.lookup import places  # with Numba, which a service's worker does without

        schema = schema or Schema.of_tables(tables.interactions, tables.leads)
        leads, rows = tables.leads, tables.interactions
        lead = places(rows["lead_id"], leads["lead_id"], threads)
        kind = Categorical.of_arrow(rows["type"], threads)
        direction = _directions(rows["direction"], threads)
        attributes = Attributes.of_arrow(rows, schema.numeric, sorted({*schema.categorical, *schema.telling}), threads)
        occurred_at = micros(rows["occurred_at"])
        known_at = np.maximum(occurred_at, micros(rows["recorded_at"])) if "recorded_at" in rows.column_names else None
        order = rows["order"].cast(pa.int64()).fill_null(0).to_numpy() if "order" in rows.column_names else None
        start, rank, times = sort_rows(lead, occurred_at, len(leads), threads)
        # What tells consent orders nothing.
        content = attributes.conform(schema.numeric, schema.categorical, len(rows)) if schema.telling else attributes
        settle_ties(rank, times, start, _content(order, kind, direction, known_at, content))
        order_all = partial(in_order, rank=rank, threads=threads)
        history = cls(
            ids=leads["lead_id"].cast(pa.string()).combine_chunks(),
            start=start,
            occurred_at=times,
            known_at=times if known_at is None else order_all(known_at),
            type=kind.ordered(order_all),
            direction=order_all(direction),
            attributes=attributes.ordered(order_all),
            created_at=micros(leads["created_at"]),
            lead_attributes=Attributes.of_arrow(leads, schema.lead_numeric, schema.lead_categorical),
        )
        return history.with_schema(schema) if schema.consent else history

    def with_schema(self, schema: Schema) -> History:
        """The same histories with the attributes of a schema, missing where they are not there, without what it does not let count.

        Raises:
            DataError: an attribute is not of the schema's kind.
        """
        unseen = [code for code, kind in enumerate(self.type.levels) if schema.excludes(kind)]
        kept = (self.only(~np.isin(self.type.codes, unseen)) if unseen else self).with_consent(schema.consent)
        return replace(
            kept,
            attributes=kept.attributes.conform(schema.numeric, schema.categorical, len(kept.occurred_at)),
            lead_attributes=self.lead_attributes.conform(schema.lead_numeric, schema.lead_categorical, len(self)),
        )

    def with_consent(self, rules: tuple[ConsentRule, ...]) -> History:
        """The same histories without the interactions that lack the consent that rules ask for; those that hold already change nothing."""
        new = [rule for rule in rules if rule not in self.consented]
        if not new:
            return self
        decided = [in_force(rule, self) for rule in new]
        counts = np.logical_and.reduce([one for one, _ in decided])
        known_at = self.known_at if all(one is self.known_at for _, one in decided) else np.maximum.reduce([one for _, one in decided])
        withheld = self.withheld or Withheld.of(np.zeros(0, np.int64), np.zeros(0, np.int64), len(self))
        withheld = withheld.and_also(self.lead_of_row[~counts], self.known_at[~counts])
        kept = replace(self, known_at=known_at, consented=(*self.consented, *new), withheld=withheld)
        return kept if counts.all() else kept.only(counts)

    def without_consent(self, lead: np.ndarray, as_of: np.ndarray) -> np.ndarray:
        """int64[m]: how many interactions of a lead, known before a moment, do not count for want of consent."""
        return np.zeros(len(lead), np.int64) if self.withheld is None else self.withheld.before(lead, as_of)

    def known_before(self, as_of: int | np.ndarray) -> History:
        """The same leads as they were known before ``as_of``: without interactions that happened, or were recorded, at or after it.

        Args:
            as_of: microseconds UTC, one moment for all leads or int64[L].
        """
        known = self.known_at < np.repeat(np.broadcast_to(as_of, len(self)), np.diff(self.start))
        return self if known.all() else self.only(known)

    def only(self, rows: np.ndarray) -> History:
        """The same leads with some of their interactions, bool[n]."""
        return replace(
            self,
            start=np.append(0, np.cumsum(rows))[self.start],
            occurred_at=self.occurred_at[rows],
            known_at=self.known_at[rows],
            type=self.type.take(rows),
            direction=self.direction[rows],
            attributes=self.attributes.take(rows),
        )

    def slice(self, low: int, high: int) -> History:
        """The leads ``low <= i < high``, as views."""
        if (low, high) == (0, len(self)):
            return self
        rows = slice(int(self.start[low]), int(self.start[high]))
        return History(
            ids=self.ids[low:high],
            start=self.start[low : high + 1] - self.start[low],
            occurred_at=self.occurred_at[rows],
            known_at=self.known_at[rows],
            type=self.type.take(rows),
            direction=self.direction[rows],
            attributes=self.attributes.take(rows),
            created_at=self.created_at[low:high],
            lead_attributes=self.lead_attributes.take(slice(low, high)),
            consented=self.consented,
            withheld=None if self.withheld is None else self.withheld.slice(low, high),
            unknown=self.unknown[low:high],
        )


def micros(column: pa.ChunkedArray) -> np.ndarray:
    """int64 microseconds; null becomes ``UNKNOWN_TIME``."""
    values = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    filled: np.ndarray = (values.fill_null(UNKNOWN_TIME) if values.null_count else values).to_numpy()
    return filled


def _directions(column: pa.ChunkedArray, threads: int) -> np.ndarray:
    """int8[n] codes; null is unknown."""
    from features.lookup import places  # with Numba, which a service's worker does without

    return places(column, pa.chunked_array([list(DIRECTIONS)]), threads).astype(np.int8) + np.int8(1)


def lead_positions(lead_id: pa.ChunkedArray, known: pa.ChunkedArray, threads: int = 1) -> np.ndarray:
    """int64[n]: the place of each row's lead in the leads table (sources.py has set orphans aside)."""
    from features.lookup import places

    return places(lead_id, known, threads).astype(np.int64)


def _content(
    order: np.ndarray | None, kind: Categorical, direction: np.ndarray, known_at: np.ndarray | None, attributes: Attributes
) -> list[np.ndarray]:
    """The columns that order interactions at one moment, the most important first; as unsigned numbers the missing codes come last."""
    numeric = [attributes.numeric[name] for name in sorted(attributes.numeric)]
    categorical = [attributes.categorical[name].codes.view(np.uint32) for name in sorted(attributes.categorical)]
    way = (direction - np.int8(1)).view(np.uint8)
    return [column for column in (order, kind.codes, way, *numeric, *categorical, known_at) if column is not None]
