"""The lot that has some cold and warm leads worked whatever their score."""

from __future__ import annotations

import numpy as np
import pytest

from features.contract import DAY, SettingsError, parse_moment
from models.exploration import ExplorationSettings, explored
from models.settings import ScoringSettings, parse_settings

MONDAY = parse_moment("2026-03-02")
LEADS = [f"lead {number}" for number in range(20_000)]
COLD = np.zeros(len(LEADS), np.int8)


def drawn(share: float, as_of: int = MONDAY, seed: int = 0, temperature: int = 0) -> np.ndarray:
    return explored(ExplorationSettings(share=share, seed=seed), lambda: LEADS, np.full(len(LEADS), as_of), COLD + temperature)


def test_the_share_is_drawn_and_the_larger_share_holds_the_smaller() -> None:
    some, more = drawn(0.02), drawn(0.1)
    assert some.mean() == pytest.approx(0.02, abs=0.003)
    assert more.mean() == pytest.approx(0.1, abs=0.007)
    assert more[some].all()
    assert not drawn(0.0).any()


def test_the_lot_holds_for_a_week_and_each_week_and_seed_draws_anew() -> None:
    first = drawn(0.1)
    assert (drawn(0.1, MONDAY + 7 * DAY - 1) == first).all()
    for other in (drawn(0.1, MONDAY - 1), drawn(0.1, MONDAY + 7 * DAY), drawn(0.1, seed=1)):
        assert (other & first).mean() == pytest.approx(0.01, abs=0.003)


def test_warm_leads_are_explored_and_hot_ones_are_not() -> None:
    assert (drawn(0.1, temperature=1) == drawn(0.1)).all()
    assert not drawn(0.5, temperature=2).any()


def test_a_share_above_a_half_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"exploration\.share"):
        parse_settings({"exploration": {"share": 0.6}}, ScoringSettings, "here")
