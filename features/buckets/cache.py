"""A cache of folders, each whole or absent: what was poured from sources that have not changed since.

A folder is made beside its place and takes it by a rename. Who uses one holds a shared lock on it, so that it is not removed meanwhile;
what killed processes left, and all but the latest few, go when the next one is made.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TextIO

from features.data_settings import DataSettings
from features.files import expand, in_duckdb, place_of
from features.processes import runs
from features.writing import writing

KEPT = 3
"""How many folders stay."""
_FORMAT = 3
_LOCK = "lock"


def key_of(settings: DataSettings, root: Path, buckets: int) -> str | None:
    """What two readings of the same, unchanged files share; None where tables do not lie in files.

    Raises:
        DataError: there is no such file.
    """
    files = []
    for name, table in settings.tables.items():
        if not table.in_files:
            return None
        path = place_of(table, root)
        found = [path, path.with_name(f"{path.name}.wal")] if in_duckdb(table, path) else expand(path, name)
        stats = [(str(file), file.stat()) for file in found if file.exists()]
        files.append([(file, one.st_size, one.st_mtime_ns, one.st_ctime_ns, one.st_ino) for file, one in stats])
    told = json.dumps([_FORMAT, buckets, str(root), settings.model_dump(mode="json"), files], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


@contextmanager
def cached(place: Path, key: str | None, make: Callable[[Path], None], *, anew: bool = False) -> Iterator[Path]:
    """A folder of the cache, to read from while the block lasts.

    Args:
        place: where the cache lies.
        key: what it is found by; without one it is made anew and goes when the block ends.
        make: fills the folder where it is not there.
        anew: what is there is damaged, and goes first.

    Raises:
        LeadheatError: the disk is full, or fails.
    """
    with _writing(place):
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        _prune(place)
    if key is None:
        folder = _unfinished(place)
        try:
            with _writing(place):
                folder.mkdir(mode=0o700)
                make(folder)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    if anew:
        shutil.rmtree(place / key, ignore_errors=True)
    lock = _held(place / key)
    while lock is None:
        _make(place, key, make)
        lock = _held(place / key)
    with lock:
        yield place / key


def _make(place: Path, key: str, make: Callable[[Path], None]) -> None:
    folder = _unfinished(place)
    try:
        with _writing(place):
            folder.mkdir(mode=0o700)
            make(folder)
            (folder / _LOCK).touch(mode=0o600)
            _settle(folder, place / key)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unfinished(place: Path) -> Path:
    return place / f".{os.getpid()}.{uuid.uuid4().hex}"


def _settle(folder: Path, place: Path) -> None:
    """Rename, unless another process was sooner."""
    try:
        folder.rename(place)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise


def _writing(place: Path) -> AbstractContextManager[None]:
    hint = "Make room, or let LEADHEAT_CACHE name a folder on a larger disk; with more --memory fewer data need it."
    return writing("The cache", place, hint)


def _held(folder: Path, how: int = fcntl.LOCK_SH) -> TextIO | None:
    """The folder's lock, or None where the folder is not there, or is in use and was to be locked for oneself."""
    try:
        file = (folder / _LOCK).open("r+", encoding="utf-8")
    except OSError:
        return None
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB if how == fcntl.LOCK_EX else how)
        same = os.fstat(file.fileno()).st_ino == (folder / _LOCK).stat().st_ino
    except OSError:
        same = False
    if not same:
        file.close()
        return None
    os.utime(folder)
    return file


def _prune(place: Path) -> None:
    for left in place.glob(".*.*"):
        process = left.name.split(".")[1]
        if process.isdecimal() and not runs(int(process)):
            shutil.rmtree(left, ignore_errors=True)
    whole = sorted((one for one in place.glob("[!.]*") if (one / _LOCK).exists()), key=lambda one: one.stat().st_mtime, reverse=True)
    for folder in whole[KEPT - 1 :]:
        used = folder.stat()
        lock = _held(folder, fcntl.LOCK_EX)
        if lock is None:
            continue
        with lock:
            os.utime(folder, ns=(used.st_atime_ns, used.st_mtime_ns))
            shutil.rmtree(folder, ignore_errors=True)
