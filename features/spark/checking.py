"""A data set validated on a cluster, share by share, by the code that validates it at once on one machine."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as sql
from pyspark.sql.pandas.types import from_arrow_schema

from features.contract import DataError, Finding
from features.data_settings import TABLES, DataSettings
from features.notes import Notes, conclude, merged
from features.raw import RawTable
from features.sources import Checked, Kinds, Tables, check_tables, join_all
from features.spark.parcels import conform, read, written
from features.spark.session import readable, told
from features.spark.sources import Sources

Beside = Mapping[str, pa.Table]
OfShare = Callable[[int, Tables, Beside], Iterable[pa.Table]]

_SHARE = pa.schema([("group", pa.int32()), ("notes", pa.binary()), ("names", pa.list_(pa.string())), ("tables", pa.list_(pa.binary()))])


@dataclass(frozen=True, eq=False)
class CheckedShares:
    """A data set that can be used, in shares of whole leads.

    Attributes:
        shares: a row a share, kept on the workers' disks until ``release``.
        buckets: how many hash buckets the shares were made of, neighbours of each other.
        findings, observed_until, fingerprint: of the whole, as of ``features.sources.Tables``.
        kept: what is on the disks.
    """

    shares: DataFrame
    buckets: int
    findings: tuple[Finding, ...]
    observed_until: int
    fingerprint: str
    kept: tuple[DataFrame, ...]

    def map(self, function: OfShare, schema: pa.Schema) -> DataFrame:
        """What a function gives for each share.

        Args:
            function: gets the number of a share, its validated tables and what was poured beside them; runs on the cluster.
            schema: of the tables that it gives.
        """
        observed_until, fingerprint = self.observed_until, self.fingerprint

        def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for row in (row for batch in batches for row in batch.to_pylist()):
                own = {name: read(content) for name, content in zip(row["names"], row["tables"], strict=True)}
                tables = Tables(**{name: own.pop(name) for name in TABLES}, **_of_whole(observed_until, fingerprint))
                for given in function(row["group"], tables, own):
                    yield from conform([given], schema).to_batches()

        return self.shares.select("group", "names", "tables").mapInArrow(told(run), from_arrow_schema(schema))

    def release(self) -> None:
        """Free the disks; what ``map`` has given and is not kept elsewhere cannot be read any more."""
        _release(self.kept)


def _release(kept: Iterable[DataFrame]) -> None:
    for one in kept:
        one.unpersist()


def _of_whole(observed_until: int, fingerprint: str) -> dict[str, Any]:
    return {"findings": (), "observed_until": observed_until, "fingerprint": fingerprint}


def check(sources: Sources, settings: DataSettings) -> CheckedShares:
    """Validate poured tables, as ``features.sources.read_tables`` does.

    Raises:
        DataError: as of ``read_tables``, with all findings.
        LeadheatError: a task failed.
    """
    nothing = {name: origin.nothing for name, origin in sources.origins.items()}
    first = _checked(sources, settings)
    notes = _notes(first)
    kinds = join_all([check_tables(settings, nothing).kinds, *(own for _, own in notes.values())])
    again = [group for group, (_, own) in notes.items() if own != kinds]
    shares, kept = first, [sources.shares.parcels, first]
    if again:  # an attribute seemed to be of another kind than it is in all
        second = _checked(sources, settings, kinds, again)
        notes |= _notes(second)
        shares = first.where(~sql.col("group").isin(again)).unionAll(second)
        kept.append(second)
    whole = merged([check_tables(settings, _of_kinds(nothing, kinds)).notes, *(notes[group][0] for group in sorted(notes))])
    try:
        findings = conclude(settings, [whole, Notes(said=sources.failures)])
    except DataError:
        _release(kept)
        raise
    return CheckedShares(shares, len(sources.shares.group_of), findings, whole.observed_until(settings), whole.fingerprint, tuple(kept))


def _checked(sources: Sources, settings: DataSettings, kinds: Kinds | None = None, only: list[int] | None = None) -> DataFrame:
    origins = sources.origins

    def run(group: int, tables: dict[str, pa.Table]) -> Iterator[pa.Table]:
        raw = {name: origin.share(tables.pop(name)) for name, origin in origins.items()}
        checked = check_tables(settings, raw if kinds is None else _of_kinds(raw, kinds))
        yield _row(group, checked, tables)

    return sources.shares.map(run, _SHARE, only).persist(StorageLevel.DISK_ONLY)


def _of_kinds(raw: Mapping[str, RawTable], kinds: Kinds) -> dict[str, RawTable]:
    return {name: replace(table, kinds=kinds[name]) for name, table in raw.items()}


def _row(group: int, checked: Checked, beside: Beside) -> pa.Table:
    tables = {name: getattr(checked, name) for name in TABLES} | dict(beside)
    notes = pickle.dumps((checked.notes, checked.kinds))
    return pa.table([[group], [notes], [list(tables)], [[written(table) for table in tables.values()]]], schema=_SHARE)


def _notes(shares: DataFrame) -> dict[int, tuple[Notes, Kinds]]:
    with readable():
        rows = shares.select("group", "notes").collect()
    return {group: pickle.loads(notes) for group, notes in rows}  # noqa: S301 - what _row has written
