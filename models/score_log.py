"""The score log: what was said of whom, when and by which version, so that it can be held against what came of it.

It lies under ``LEADHEAT_HOME/scores`` (or where ``LEADHEAT_SCORE_LOG`` says; ``off`` turns it off)::

    service-20260301T080000-4711-1.jsonl   a process of the service: a line a score, appended
    batch-3f0c9a1b2c4d5e6f.parquet         a batch run, whole or absent; the same run again replaces it

A row has the columns of ``SCHEMA``. It holds no attribute and no feature of a lead: of the feature row there is a hash and, in a share
of the rows, a checksum of 16 bits for each feature, so that a replay can tell which of them differ. Lead ids are personal data, and
small numbers can be guessed from checksums, so the files are readable by their owner only, are removed after
``LEADHEAT_SCORE_LOG_KEEP`` days (400), and ``models.logged`` erases a lead.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq
from pydantic_core import to_json

from features.contract import DataError, iso
from features.writing import writing
from models import home
from models.digests import Matrix, digested
from models.score import Score
from models.whole_file import whole_file

if TYPE_CHECKING:
    from models.answer import Answer

SCHEMA = pa.schema(
    [
        ("scored_at", pa.timestamp("us", "UTC")),
        ("lead_id", pa.string()),
        ("as_of", pa.timestamp("us", "UTC")),
        ("horizon_days", pa.float64()),
        ("probability", pa.float64()),
        ("score", pa.float64()),
        ("temperature", pa.string()),
        ("points", pa.float64()),
        ("rules_temperature", pa.string()),
        ("version", pa.string()),
        ("fingerprint", pa.string()),
        ("features", pa.string()),
        ("checksums", pa.string()),
        ("unknown_types", pa.bool_()),
        ("explored", pa.bool_()),
        ("source", pa.string()),
    ]
)
"""The columns.

``probability`` and ``score`` are null where the rules scored alone; ``version`` too, and where a model is of no registry. ``features`` is
the hash of the feature row, ``checksums`` those of its columns, null but for a share of the rows (``models.digests``).
``source`` is ``service``, ``batch``, or ``rescored`` for rows that were never logged (``training.monitoring``).
"""
KEEP_DAYS = 400.0


def folder() -> Path | None:
    """Where the log lies, whether or not it is there yet; None where it is turned off."""
    named = os.environ.get("LEADHEAT_SCORE_LOG", "")
    if named.lower() == "off":
        return None
    return Path(named).absolute() if named else home.home() / "scores"


def lines_of(answers: Sequence[Answer], scored_at: int) -> list[bytes]:
    """The service's rows of answers as lines of JSON; ``scored_at`` in microseconds UTC."""
    at = iso(scored_at)
    alike = groupby((one.features for one in answers), len)  # the rules alone have features of its own for each lead
    told = chain.from_iterable(zip(*digested(np.stack(list(rows))), strict=True) for _, rows in alike)
    return [_line(answer.score, at, *row) for answer, row in zip(answers, told, strict=True)]


def _line(score: Score, scored_at: str, digest: str, checksums: str | None) -> bytes:
    row = {
        "scored_at": scored_at,
        "lead_id": score.lead_id,
        "as_of": score.as_of,
        "horizon_days": score.horizon_days,
        "probability": score.probability,
        "score": score.score,
        "temperature": score.temperature,
        "points": score.baseline.points,
        "rules_temperature": score.baseline.temperature,
        "version": score.model.version,
        "fingerprint": score.model.fingerprint,
        "features": digest,
        "checksums": checksums,
        "unknown_types": "unknown_types" in score.flags,
        "explored": "explored" in score.flags,
        "source": "service",
    }
    return to_json(row) + b"\n"


def rows_of(scores: pa.Table, X: Matrix, scored_at: int, source: str) -> pa.Table:
    """The rows of a table of scores (``models.table``) and their features, float32[m, F]."""
    digests, checksums = digested(X)
    m, columns = len(digests), {name: scores[name] for name in SCHEMA.names if name in scores.column_names}
    columns |= {
        "scored_at": pa.repeat(pa.scalar(scored_at).cast(pa.timestamp("us", "UTC")), m),
        "features": pa.array(digests, pa.string()),
        "checksums": pa.array(checksums, pa.string()),
        "source": pa.repeat(source, m),
    }
    return pa.table([columns[field.name] for field in SCHEMA], schema=SCHEMA)


@contextmanager
def batch_log(*run: object) -> Iterator[Callable[[pa.Table], None]]:
    """Where a batch run logs: takes tables of ``SCHEMA``; the file appears when the block ends, and not at all when it fails.

    Args:
        run: what makes two runs the same, such as model, moment and data; the same run is logged once, however often it is repeated.

    Raises:
        LeadheatError: the log cannot be written.
    """
    place = folder()
    if place is None:
        yield lambda _: None
        return
    with writing("The score log", place, "LEADHEAT_SCORE_LOG says where it lies; off turns it off."):
        prune(made(place))
    key = hashlib.blake2b("\0".join(map(str, run)).encode(), digest_size=8).hexdigest()
    with whole_file(place / f"batch-{key}.parquet", "The score log") as unfinished:
        unfinished.touch(mode=0o600)
        with pq.ParquetWriter(unfinished, SCHEMA, compression="zstd") as writer:
            yield writer.write_table


def append(file: Path, lines: Iterable[bytes]) -> int:
    """Add lines, as ``lines_of`` makes them, to a file of the service; returns its size.

    Raises:
        OSError: the disk is full, or fails; then the file may end in half a line, and must not be appended to any more.
    """
    with held(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY) as handle:
        handle.writelines(lines)
        handle.flush()
        return os.fstat(handle.fileno()).st_size


def made(place: Path) -> Path:
    """The folder, made where it is not there yet, for its owner only."""
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return place


def read(place: Path) -> pa.Table:
    """All rows of a log, in the order of their files; a line that was cut off when its process was killed is left out.

    Raises:
        DataError: a file is damaged.
    """
    return pa.concat_tables([SCHEMA.empty_table(), *(read_file(file) for file in files(place))])


def files(place: Path) -> list[Path]:
    """The log's files, in the order of their names."""
    return sorted(file for file in place.glob("[!.]*") if file.suffix in (".jsonl", ".parquet"))


def read_file(file: Path, columns: list[str] | None = None) -> pa.Table:
    """All rows of one file; of a Parquet file, only some columns if they are named; errors as of ``read``."""
    try:
        if file.suffix == ".parquet":
            return pq.read_table(file, schema=SCHEMA, columns=columns)
        content = file.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        options = pj.ParseOptions(explicit_schema=SCHEMA, unexpected_field_behavior="ignore")
        return pj.read_json(pa.BufferReader(whole), parse_options=options).select(SCHEMA.names) if whole else SCHEMA.empty_table()
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"The score log's file {file} cannot be read: {error}.", "Move it away, or restore it.") from error


def prune(place: Path) -> None:
    """Remove files that were last written to longer ago than ``LEADHEAT_SCORE_LOG_KEEP`` days."""
    try:
        days = float(os.environ.get("LEADHEAT_SCORE_LOG_KEEP", KEEP_DAYS))
    except ValueError:
        days = KEEP_DAYS
    for file in files(place):
        if file.stat().st_mtime < time.time() - days * 86_400:
            file.unlink(missing_ok=True)


@contextmanager
def held(file: Path, flags: int) -> Iterator[BinaryIO]:
    """The file, open and locked; opened anew where it was replaced before the lock was had."""
    while True:
        with os.fdopen(os.open(file, flags, 0o600), "ab" if flags & os.O_APPEND else "rb+") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            try:
                same = os.fstat(handle.fileno()).st_ino == file.stat().st_ino
            except FileNotFoundError:
                same = False
            if same:
                yield handle
                return
