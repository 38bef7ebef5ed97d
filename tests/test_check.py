"""What checking says of settings beside the data: names that the data do not have are told before anything is learnt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from features.contract import SettingsError
from features.signals import SignalSettings
from models.settings import Settings
from tests.small_world import SmallWorld
from training.check import unheard_signals
from training.naming import features_of


def with_signal(settings: Settings, *types: str) -> Settings:
    return settings.model_copy(update={"signals": {**settings.signals, "extra": SignalSettings(types=types)}})


def changed(settings: Settings, **parts: Any) -> Settings:
    return Settings.model_validate(settings.model_dump(by_alias=True) | parts)


def test_a_signal_none_of_whose_types_occur_is_told_with_the_nearest(world: SmallWorld) -> None:
    assert not unheard_signals(world.dataset, with_signal(world.settings, "demo_*"))
    assert not unheard_signals(world.dataset, with_signal(world.settings, "demorequest", "demo_request"))
    (found,) = unheard_signals(world.dataset, with_signal(world.settings, "demorequest"))
    assert (found.severity, found.code, found.column) == ("warning", "unheard_signal", "extra")
    assert (found.detail, found.hint) == ("no type is any of ['demorequest']", "Did you mean 'demo_request'?")


def test_of_a_sample_of_the_leads_no_signal_is_called_unheard(world: SmallWorld) -> None:
    assert not unheard_signals(replace(world.dataset, share=0.5), with_signal(world.settings, "demorequest"))


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"rules": {"points": {"demmo": 5}}}, r'there is no signal "demmo" \(did you mean "demo"\?\)'),
        ({"rules": {"fit": {"industri": {"software": 5}}}}, r'no attribute "industri" \(did you mean "industry"\?\)'),
        ({"consent": {"contact": {"attribute": "opt_in"}}}, 'names the attribute "opt_in", which the leads do not have'),
    ],
)
def test_rules_and_consent_must_fit_the_data_before_anything_is_learnt(world: SmallWorld, parts: dict[str, Any], words: str) -> None:
    assert features_of(world.dataset, world.parts, world.settings).names == world.scorer.features.names
    with pytest.raises(SettingsError, match=words):
        features_of(world.dataset, world.parts, changed(world.settings, **parts))
