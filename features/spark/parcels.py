"""Parcels: the rows of one table that fall into one hash bucket, as bytes of Arrow, so that an engine moves them untouched.

A bucket is that of ``features.buckets.hashing``: all rows of a lead, of whatever table, fall into the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from features.buckets.hashing import deal

SCHEMA = pa.schema([("bucket", pa.int32()), ("source", pa.string()), ("place", pa.int64()), ("size", pa.int64()), ("content", pa.binary())])
"""``place`` orders the parcels of a source, ``size`` is that of the rows in memory, in bytes."""
CHUNK_BYTES = 64 << 20
"""So much of a table is cut into parcels at a time."""
NO_LEAD = -1
"""The bucket of parcels that hold no rows: what a task has to say of its source."""


def pack(source: str, rows: pa.RecordBatch, lead_id: str, buckets: int, place: int) -> pa.RecordBatch:
    """Rows in parcels, one for each bucket that occurs.

    Args:
        source: the table's name.
        rows: of any columns; with no dictionaries, which each parcel would carry whole.
        lead_id: the column of the ids.
        buckets: how many there are.
        place: where these rows lie among all of the source.
    """
    dealt, start = deal(rows, lead_id, buckets)
    bucket = np.flatnonzero(np.diff(start))
    parts = [dealt.slice(start[one], start[one + 1] - start[one]) for one in bucket.tolist()]
    content = [written(pa.Table.from_batches([part])) for part in parts]
    return parcels(source, bucket, place, [part.nbytes for part in parts], content)


def parcels(source: str, bucket: Iterable[int], place: int, size: list[int], content: list[bytes]) -> pa.RecordBatch:
    """Parcels of one source and place."""
    columns = [pa.array(bucket, pa.int32()), pa.repeat(source, len(size)), pa.repeat(pa.scalar(place, pa.int64()), len(size))]
    return pa.record_batch([*columns, pa.array(size, pa.int64()), pa.array(content, pa.binary())], schema=SCHEMA)


def unpack(batches: Iterable[pa.RecordBatch], schemas: dict[str, pa.Schema]) -> dict[str, pa.Table]:
    """The tables that lie in parcels, each with its schema, in the order of their places; one of which nothing is there is empty."""
    content = [
        (row["source"], row["place"], read(row["content"]))
        for batch in batches
        for row in batch.select(["source", "place", "content"]).to_pylist()
    ]
    content.sort(key=lambda one: one[:2])
    return {name: conform([rows for source, _, rows in content if source == name], schema) for name, schema in schemas.items()}


def conform(parts: list[pa.Table], schema: pa.Schema) -> pa.Table:
    """Parts of a table below each other, with the columns of ``schema``: missing where a part lacks them, widened where it is narrower."""
    whole = pa.concat_tables([schema.empty_table(), *parts], promote_options="permissive")
    return whole.select(schema.names).cast(schema)


def plain(schema: pa.Schema) -> pa.Schema:
    """The same columns without dictionaries."""
    return pa.schema([field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field for field in schema])


def chunks(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Batches put together to about ``CHUNK_BYTES``, so that parcels are not tiny, with the types of ``schema``."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch.cast(schema))
        if sum(one.nbytes for one in held) >= CHUNK_BYTES:
            yield from pa.Table.from_batches(held).combine_chunks().to_batches()
            held = []
    yield from pa.Table.from_batches(held, schema).combine_chunks().to_batches()


def written(rows: pa.Table) -> bytes:
    """A table as bytes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(rows)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def read(content: bytes) -> pa.Table:
    """What ``written`` wrote."""
    return pa.ipc.open_stream(content).read_all()
