"""Pouring: the rows of a table, as they come, into one file for each bucket."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from features.buckets.hashing import deal
from features.progress import Advance
from features.raw import RawTable, with_places, without_places
from features.streams import Batch, Stream


@dataclass(frozen=True, eq=False)
class Poured:
    """A table in buckets, as its source has it."""

    folder: Path
    name: str
    place: Callable[[int, int], str]
    untyped: bool
    skipped: tuple[tuple[int, int], ...]

    def bucket(self, number: int) -> RawTable:
        """The rows of one bucket; those that could not be read are told with the first."""
        with pa.OSFile(str(_file(self.folder, self.name, number))) as file, pa.ipc.open_stream(file) as reader:
            rows = reader.read_all()
        rows, place = without_places(rows, self.place)
        skipped = self.skipped if number == 0 else ()
        return RawTable(
            rows=rows,
            place=place,
            untyped=self.untyped,
            skipped=len(skipped),
            skipped_at=self.place(*skipped[0]) if skipped else "",
        )


def pour(stream: Stream, folder: Path, name: str, lead_id: str, buckets: int, advance: Advance) -> Poured:
    """Pour a table.

    Args:
        stream: the table.
        folder: where the files come to lie.
        name: of the table.
        lead_id: the table's column of the lead's id.
        buckets: how many.
        advance: is told how many bytes of the source are done.

    Raises:
        DataError: the source cannot be read.
        OSError: the disk is full, or fails.
    """
    schema = with_places(stream.schema)
    with ExitStack() as stack:
        files = [stack.enter_context(pa.OSFile(str(_file(folder, name, one)), "wb")) for one in range(buckets)]
        writers = [stack.enter_context(pa.ipc.new_stream(file, schema)) for file in files]
        for rows, start, read in _dealt(stream.batches, schema, lead_id, buckets):
            for writer, low, high in zip(writers, start.tolist(), start[1:].tolist(), strict=False):
                if high > low:
                    writer.write_batch(rows.slice(low, high - low))
            advance(read)
    return Poured(folder, name, stream.place, stream.untyped, tuple(stream.skipped))


def _dealt(batches: Iterator[Batch], schema: pa.Schema, lead_id: str, buckets: int) -> Iterator[tuple[pa.RecordBatch, np.ndarray, int]]:
    """The batches, dealt out by several threads, in their order; few are in memory at a time."""
    threads = os.cpu_count() or 1

    def one(batch: Batch) -> tuple[pa.RecordBatch, np.ndarray, int]:
        return (*deal(batch.placed(schema), lead_id, buckets), batch.read)

    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[tuple[pa.RecordBatch, np.ndarray, int]]] = deque()
        for batch in batches:
            waiting.append(pool.submit(one, batch))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _file(folder: Path, name: str, number: int) -> Path:
    return folder / f"{name}-{number:04d}.poured"
