"""What a score log holds of single leads: to show it, and to erase it."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path
from time import sleep
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic_core import to_json

from features.contract import DataError
from models.score_log import SCHEMA, files, folder, held, read_file
from models.whole_file import whole_file

PIECE = 1_000_000
"""Bytes of a file that are searched at once."""


def rows_of_leads(lead_ids: Collection[str], place: Path | None = None) -> list[dict[str, Any]]:
    """All rows of some leads, in the order in which they were scored; moments as ``datetime`` in UTC.

    Raises:
        DataError: a file is damaged.
    """
    place = place or folder()
    found = [_rows_in(file, lead_ids) for file in files(place)] if place is not None else []
    table = pa.concat_tables([SCHEMA.empty_table(), *found]).sort_by([("scored_at", "ascending"), ("source", "ascending")])
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def forget(lead_ids: Collection[str], place: Path | None = None, since: float = 0.0) -> int:
    """Erase leads from all files; returns how many rows there were.

    A service that scores a lead at this very moment logs it within a second or so: ``serving.erasure`` comes back for that.

    Args:
        lead_ids: whom to erase.
        place: the log's folder; by default that of ``score_log.folder``.
        since: seconds since 1970; files that were last written to before are passed by.

    Raises:
        DataError: a file is damaged; the leads are erased from all others.
        OSError: a file cannot be written; likewise.
    """
    place, gone = place or folder(), 0
    problems: list[DataError | OSError] = []
    for file in files(place) if place is not None else []:
        try:
            gone += _forget(file, lead_ids, since)
        except (DataError, OSError) as error:
            problems.append(error)
    if problems:
        raise problems[0]
    return gone


def _rows_in(file: Path, lead_ids: Collection[str]) -> pa.Table:
    if file.suffix == ".jsonl" and not _may_hold(file.read_bytes(), lead_ids):
        return SCHEMA.empty_table()
    table = read_file(file)
    return table.filter(pc.is_in(table["lead_id"], pa.array(lead_ids, pa.string())))


def _forget(file: Path, lead_ids: Collection[str], since: float) -> int:
    """Rewrite a file without the leads' rows, while nobody appends to it; it stays as old as it was."""
    try:
        if file.stat().st_mtime < since:
            return 0
        with held(file, os.O_RDWR):
            times = file.stat()
            content = None if file.suffix == ".parquet" else file.read_bytes()
            if content is not None and not _may_hold(content, lead_ids):
                return 0
            gone, kept = _without(file, lead_ids) if content is None else _lines_without(content, lead_ids)
            if gone:
                with whole_file(file, "The score log") as unfinished:
                    unfinished.touch(mode=0o600)
                    if isinstance(kept, bytes):
                        unfinished.write_bytes(kept)
                    else:
                        pq.write_table(kept, unfinished, compression="zstd")
                os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
            return gone
    except FileNotFoundError:  # it has become too old, and was removed
        return 0


def _without(file: Path, lead_ids: Collection[str]) -> tuple[int, pa.Table]:
    ids = pa.array(lead_ids, pa.string())
    if not pc.any(pc.is_in(read_file(file, ["lead_id"])["lead_id"], ids)).as_py():
        return 0, SCHEMA.empty_table()
    table = read_file(file)
    kept = table.filter(pc.invert(pc.is_in(table["lead_id"], ids)))
    return len(table) - len(kept), kept


def _lines_without(content: bytes, lead_ids: Collection[str]) -> tuple[int, bytes]:
    lines = content.splitlines(keepends=True)
    left = [line for line in lines if not _is_of(line, lead_ids)]
    return len(lines) - len(left), b"".join(left)


def _may_hold(content: bytes, lead_ids: Collection[str]) -> bool:
    """Whether the ids stand anywhere in some lines, as ``score_log.lines_of`` writes them; other threads have their turn in between."""
    for written in map(to_json, lead_ids):
        for low in range(0, len(content), PIECE):
            if content.find(written, low, low + PIECE + len(written)) >= 0:
                return True
            sleep(0)
    return False


def _is_of(line: bytes, lead_ids: Collection[str]) -> bool:
    try:
        return json.loads(line)["lead_id"] in lead_ids
    except ValueError:  # cut off: nobody reads it
        return True
