"""Where leadheat keeps its state on this machine, and which champion is in service there.

``LEADHEAT_HOME`` (``./.leadheat`` by default) holds::

    versions/7-3f0c9a1b2c4d/    an unpacked version: its number and the digest of its files
    champion -> versions/7-...  the version in service

A version's folder appears whole, by a rename, and is never changed. The champion is a link that is replaced in one step: who reads
it once and follows it sees all of the old version or all of the new. Reading it needs neither MLflow nor any other library.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from features.contract import ModelError

KEPT = 5
"""How many unpacked versions stay beside those in use."""


@dataclass(frozen=True, slots=True)
class Champion:
    """The version in service on this machine and the folder ``LeadScorer.load`` reads."""

    version: str
    folder: Path


def home() -> Path:
    """The absolute folder of this machine's state; it need not be there yet."""
    return Path(os.environ.get("LEADHEAT_HOME") or ".leadheat").absolute()


def cache() -> Path:
    """Where large data sets are poured into buckets; ``LEADHEAT_CACHE`` names another place, such as a larger disk."""
    named = os.environ.get("LEADHEAT_CACHE")
    return Path(named).absolute() if named else home() / "cache"


def champion() -> Champion | None:
    """The champion of this machine, or None while there is none."""
    try:
        target = (home() / "champion").readlink()
    except OSError:
        return None
    folder = home() / target
    return Champion(target.name.partition("-")[0], folder) if folder.is_dir() else None


def promoted_at() -> int | None:
    """When the champion of this machine became it, microseconds UTC, or None while there is none."""
    try:
        return (home() / "champion").lstat().st_mtime_ns // 1_000
    except OSError:
        return None


def put_in_service(folder: Path) -> None:
    """Make an unpacked version the champion of this machine, in one step.

    Raises:
        ModelError: ``champion`` is there and no link.
    """
    link = home() / "champion"
    if link.exists() and not link.is_symlink():
        raise ModelError(f"{link} is a folder of its own and no link to a version.", "Move it away and promote again.")
    fresh = link.with_name(f".champion-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(folder.relative_to(home()))
    fresh.replace(link)


def unpacked(version: str, digest: str) -> Path:
    """Where a version with these files lies, or would lie, on this machine."""
    return home() / "versions" / f"{version}-{digest[:12]}"


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for what is being unpacked, beside the unpacked versions and gone when the block ends."""
    versions = home() / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=versions, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def adopt(fresh: Path, folder: Path) -> None:
    """Move a folder out of ``scratch`` to its place among the unpacked versions; a damaged one there makes way."""
    if folder.exists():
        folder.replace(fresh.with_name("damaged"))
    fresh.replace(folder)


def digest(folder: Path) -> str:
    """SHA-256 over the names and bytes of all files of a folder."""
    total = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update(f"{file.relative_to(folder).as_posix()}\0{content}\n".encode())
    return total.hexdigest()


def prune(in_use: Path) -> None:
    """Remove what interrupted processes left, and unpacked versions other than ``in_use`` but for the newest few."""
    places = [place for place in (home() / "versions").iterdir() if place != in_use]
    left = [place for place in places if place.name.startswith(".")]
    spare = sorted((place for place in places if place not in left), key=lambda place: place.stat().st_mtime, reverse=True)[KEPT:]
    for place in left + spare:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold an exclusive lock on ``file`` against other processes; it ends with the block, or with the process."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def changing(lock: str) -> Iterator[None]:
    """Hold one of this machine's locks while its state is changed.

    Raises:
        ModelError: the state cannot be written.
    """
    try:
        with locked(home() / lock):
            yield
    except OSError as error:
        raise ModelError(f"{home()} cannot be written: {error}.", "LEADHEAT_HOME says where leadheat keeps its state.") from error
