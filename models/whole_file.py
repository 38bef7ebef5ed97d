"""Files that are whole or absent: written beside their place, which they take by a rename when they are done."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.contract import SettingsError
from features.processes import runs
from features.writing import writing


@contextmanager
def whole_file(out: Path, what: str) -> Iterator[Path]:
    """A path beside ``out`` to write to; it takes the place of ``out`` when the block ends, and goes when the block fails.

    Args:
        out: where the file shall appear; what was there before stays until then.
        what: what the file holds, for the error: "The scores".

    Raises:
        LeadheatError: the disk is full, or fails.
    """
    unfinished = out.with_name(f".{out.name}.{os.getpid()}.unfinished")
    try:
        with writing(what, out):
            _remove_left_behind(out)
            yield unfinished
            with unfinished.open("rb+") as file:
                os.fsync(file.fileno())
            unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)


def check_place(out: Path) -> None:
    """Refuse early what could not be written in the end.

    Raises:
        SettingsError: no file can be made there.
    """
    folder = out.resolve().parent
    if not folder.is_dir():
        raise SettingsError(f"There is no folder {folder}.", "Make it first, or write elsewhere.")
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise SettingsError(f"No file can be written in {folder}: {error.strerror}.", "Write elsewhere.") from error


def _remove_left_behind(out: Path) -> None:
    """Remove what killed processes left beside ``out``."""
    for file in out.parent.iterdir():
        process = file.name.removeprefix(f".{out.name}.").removesuffix(".unfinished")
        if file.name == f".{out.name}.{process}.unfinished" and process.isdecimal() and not runs(int(process)):
            file.unlink(missing_ok=True)
