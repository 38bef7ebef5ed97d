"""What a long batch has done so far: parts in a folder beside its output, so that a job that was killed can go on where it stopped.

The folder holds a ``manifest.json``, which says of what the parts are, and for every share of the leads, once it is done, its scores,
its rows of the score log and what was noticed of its data. Each file is whole or absent.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from features.contract import SettingsError
from features.notes import NOTES, Notes
from features.writing import writing
from models.whole_file import whole_file

_KINDS = ("notes", "scores", "log")


@dataclass(frozen=True)
class Work:
    """The parts in a folder; ``manifest`` says of what."""

    folder: Path
    manifest: Mapping[str, Any]

    def has(self, share: int) -> bool:
        """Whether a share is done."""
        try:
            for kind in _KINDS:
                with pa.memory_map(str(self._file(kind, share))) as file:
                    pa.ipc.open_file(file)
        except (OSError, pa.ArrowInvalid):
            return False
        return True

    def put(self, share: int, scores: pa.Table, log: pa.Table, notes: Notes) -> None:
        """Keep what a share gave.

        Raises:
            LeadheatError: the disk is full, or fails.
        """
        told = pa.table({"notes": [NOTES.dump_json(notes).decode()]})
        for kind, table in zip(_KINDS, (told, scores, log), strict=True):
            with whole_file(self._file(kind, share), "The scores") as unfinished, pa.ipc.new_file(str(unfinished), table.schema) as writer:
                writer.write_table(table)

    def get(self, share: int) -> tuple[pa.Table, pa.Table]:
        """The scores and the log's rows of a share that is done."""
        return self._read("scores", share), self._read("log", share)

    def notes(self, share: int) -> Notes:
        """What was noticed of the data of a share that is done."""
        return NOTES.validate_json(self._read("notes", share)["notes"][0].as_py())

    def _read(self, kind: str, share: int) -> pa.Table:
        return pa.ipc.open_file(pa.memory_map(str(self._file(kind, share)))).read_all()

    def _file(self, kind: str, share: int) -> Path:
        return self.folder / f"{kind}-{share:04d}.arrow"


@contextmanager
def alone(folder: Path, what: str) -> Iterator[None]:
    """Be the only job that works in a folder, which need not be there, for as long as the block lasts.

    Args:
        folder: the job's own.
        what: it writes to, for the error.

    Raises:
        SettingsError: another job does.
    """
    lock = folder.with_name(f"{folder.name}.lock")
    with writing("The scores", lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with writing("The scores", lock):
            file = os.fdopen(os.open(lock, os.O_CREAT | os.O_RDWR, 0o600), "r+", encoding="utf-8")
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                other = file.read().strip() or "?"
                message = f"Another job, process {other}, is writing to {what}."
                raise SettingsError(message, "Wait for it, or write elsewhere.") from None
            if not _is(file.fileno(), lock):  # removed by the job that held it until now
                continue
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)
            return


@contextmanager
def working(folder: Path, manifest: Mapping[str, Any], now: int, *, resume: bool) -> Iterator[Work]:
    """The parts of a job, which go when the block ends, and stay when it fails or is killed.

    Args:
        folder: where they lie.
        manifest: what the result depends on, by what people call it.
        now: when the job begins, microseconds UTC; one that is resumed began when it did.
        resume: go on with what is there; else that is discarded.

    Raises:
        SettingsError: what is there is of another job.
        LeadheatError: the disk is full, or fails.
    """
    begun = _begun(folder) if resume else None
    if begun is None:
        shutil.rmtree(folder, ignore_errors=True)
        with writing("The scores", folder):
            folder.mkdir(parents=True, mode=0o700)
        begun = {**manifest, "scored_at": now}
        with whole_file(folder / "manifest.json", "The scores") as unfinished:
            unfinished.write_text(json.dumps(begun), encoding="utf-8")
    differing = [name for name in manifest if begun.get(name) != manifest[name]]
    if differing:
        told = "; ".join(f"{name} was {begun.get(name)}, is {manifest[name]}" for name in differing)
        raise SettingsError(f"What was begun cannot be resumed: {told}.", "Call it as before, or without --resume to begin anew.")
    yield Work(folder, begun)
    shutil.rmtree(folder, ignore_errors=True)


def _begun(folder: Path) -> dict[str, Any] | None:
    try:
        begun = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return begun if isinstance(begun, dict) else None


def _is(descriptor: int, file: Path) -> bool:
    try:
        return os.fstat(descriptor).st_ino == file.stat().st_ino
    except FileNotFoundError:
        return False
