"""Parcels: the rows of one table that fall into one hash bucket, as bytes of Arrow, so that an engine moves them untouched.

A bucket is the upper bits of a 64-bit hash of the lead id as text, so all rows of a lead, of whatever table, fall into one bucket, and
the order of buckets is the order of hashes, however many buckets there are.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.fingerprint import hashes
from features.layout import as_text

SCHEMA = pa.schema([("bucket", pa.int32()), ("source", pa.string()), ("place", pa.int64()), ("size", pa.int64()), ("content", pa.binary())])
"""``place`` orders the parcels of a source, ``size`` is that of the rows in memory, in bytes."""
NO_LEAD = -1
"""The bucket of parcels that hold no rows: what a task has to say of its source."""

Hashes = npt.NDArray[np.uint64]


def lead_hashes(ids: pa.ChunkedArray) -> Hashes:
    """uint64[n]: of ids of any type, equal where their texts are."""
    return hashes(pa.table([as_text(ids).cast(pa.string())], ["lead_id"]))


def pack(source: str, rows: pa.Table, lead_id: str, buckets: int, place: int) -> pa.RecordBatch:
    """Rows in parcels, one for each bucket that occurs.

    Args:
        source: the table's name.
        rows: of any columns.
        lead_id: the column of the ids.
        buckets: how many there are, a power of two from 2 to 65,536.
        place: where these rows lie among all of the source.
    """
    bucket = (lead_hashes(rows[lead_id]) >> np.uint64(65 - buckets.bit_length())).astype(np.uint16)
    order = np.argsort(bucket, kind="stable")
    sorted_rows = _plain(rows).take(pa.array(order)).combine_chunks()
    numbers, starts = np.unique(bucket[order], return_index=True)
    parts = [sorted_rows.slice(low, high - low) for low, high in zip(starts, np.append(starts[1:], len(order)), strict=True)]
    return parcels(source, numbers, place, [part.nbytes for part in parts], [_written(part) for part in parts])


def parcels(source: str, bucket: Iterable[int], place: int, size: list[int], content: list[bytes]) -> pa.RecordBatch:
    """Parcels of one source and place."""
    columns = [pa.array(bucket, pa.int32()), pa.repeat(source, len(size)), pa.repeat(pa.scalar(place, pa.int64()), len(size))]
    return pa.record_batch([*columns, pa.array(size, pa.int64()), pa.array(content, pa.binary())], schema=SCHEMA)


def unpack(batches: Iterable[pa.RecordBatch], schemas: dict[str, pa.Schema]) -> dict[str, pa.Table]:
    """The tables that lie in parcels, each with its schema, in the order of their places; one of which nothing is there is empty."""
    read = [
        (row["source"], row["place"], pa.ipc.open_stream(row["content"]).read_all())
        for batch in batches
        for row in batch.select(["source", "place", "content"]).to_pylist()
    ]
    read.sort(key=lambda one: one[:2])
    return {name: conform([rows for source, _, rows in read if source == name], schema) for name, schema in schemas.items()}


def conform(parts: list[pa.Table], schema: pa.Schema) -> pa.Table:
    """Parts of a table below each other, with the columns of ``schema``: missing where a part lacks them, widened where it is narrower."""
    whole = pa.concat_tables([schema.empty_table(), *parts], promote_options="permissive")
    return whole.select(schema.names).cast(schema)


def _plain(rows: pa.Table) -> pa.Table:
    """Without dictionaries, which each parcel would carry whole."""
    kinds = [field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field for field in rows.schema]
    return rows.cast(pa.schema(kinds))


def _written(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(rows)
    content: bytes = sink.getvalue().to_pybytes()
    return content
