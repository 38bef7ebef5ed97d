"""The ``[rules]`` table by itself."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from models.rules_settings import RulesSettings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"warm": 50, "hot": 50}, r"warm \(50 points\) must be less than hot"),
        ({"points": {"asked_for_demo": math.inf}}, "less than or equal|finite"),
        ({"caps": {"asked_for_demo": 0}}, "greater than 0"),
        ({"fit": {"employees": [{"at_least": 1, "below": 9, "points": 1}, {"at_least": 8, "points": 2}]}}, "ranges of employees overlap"),
        ({"fit": {"employees": [{"at_least": 9, "below": 9, "points": 1}]}}, "range of employees is empty"),
        ({"half_live": "3d"}, "half_live"),
    ],
)
def test_rules_that_make_no_sense(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        RulesSettings.model_validate(changes)


def test_what_the_feature_set_must_have() -> None:
    settings = RulesSettings.model_validate(
        {"points": {"a": 1}, "caps": {"b": 1}, "hot_at_once": ["c"], "fit": {"industry": {"x": 1, "y": 2}}}
    )
    assert settings.signals_needed() == {"a", "b", "c"}
    assert settings.levels_needed() == {"industry": {"x", "y"}}
