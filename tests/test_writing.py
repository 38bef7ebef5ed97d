from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from features.contract import LeadheatError
from features.writing import writing

FULL = Path("/dev/full")


def with_arrow(file: Path) -> None:
    with pa.OSFile(str(file), "wb") as out:
        out.write(b"scores")


def with_python(file: Path) -> None:
    file.write_bytes(b"scores")


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is full")
@pytest.mark.parametrize("write", [with_arrow, with_python])
def test_a_full_disk_is_told_in_the_systems_words_with_what_where_and_what_to_do(write: Callable[[Path], None]) -> None:
    told = r"^The scores cannot be written to out\.parquet: No space left on device\. Take another disk\.$"
    with pytest.raises(LeadheatError, match=told), writing("The scores", Path("out.parquet"), "Take another disk."):
        write(FULL)


def test_what_has_no_number_is_told_in_its_own_words(tmp_path: Path) -> None:
    told = r"^The scores cannot be written to .*: Expected file path, but .* is a directory\. Make room, or write elsewhere\.$"
    with pytest.raises(LeadheatError, match=told), writing("The scores", tmp_path):
        with_arrow(tmp_path)


def test_what_is_no_error_of_the_disk_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="could not convert"), writing("The scores", tmp_path):
        float("many")
