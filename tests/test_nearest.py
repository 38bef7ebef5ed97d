"""One place knows what somebody may have meant."""

from __future__ import annotations

import pytest

from features.nearest import aside, did_you_mean, nearest
from tests.conftest import REPO

BANDS = ("cold", "warm", "hot")


@pytest.mark.parametrize(
    ("name", "meant"), [("hott", "hot"), ("HOT", "hot"), ("wram", "warm"), ("lukewarm", "warm"), ("tepid", None), ("", None)]
)
def test_a_slip_of_the_finger_is_understood_whatever_the_case(name: str, meant: str | None) -> None:
    assert nearest(name, BANDS) == meant
    assert did_you_mean(name, BANDS) == (f'Did you mean "{meant}"?' if meant else "")
    assert aside(name, BANDS) == (f' (did you mean "{meant}"?)' if meant else "")


def test_the_known_name_is_told_as_it_is_written() -> None:
    assert nearest("ts", ["Ts", "TS"]) == "Ts"


def test_where_any_is_better_than_none_the_nearest_is_told() -> None:
    assert nearest("tepid", BANDS, 0.0) in BANDS
    assert nearest("tepid", (), 0.0) is None


def test_a_name_without_end_is_compared_as_soon_as_a_short_one() -> None:
    assert nearest("hot" + "t" * 1_000_000, BANDS) is None


def test_nobody_else_guesses() -> None:
    rooms = (path for room in ("features", "models", "training", "serving") for path in (REPO / room).rglob("*.py"))
    assert [path.name for path in rooms if "difflib" in path.read_text()] == ["nearest.py"]
