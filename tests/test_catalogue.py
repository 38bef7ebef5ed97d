"""The fitted catalogue: its vocabulary, its names, its JSON form and its fingerprint."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from features.catalogue import FeatureSet, FeatureSettings
from features.contract import DAY, SettingsError
from features.history import History
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord
from features.schema import Schema
from features.signals import Signal, SignalSettings
from features.vocabulary import fit_features
from tests.random_histories import World, worlds

SMALL = FeatureSet(
    types=("call", "demo", "visit"),
    signals=(
        Signal("asked", ("call", "demo"), "inbound", "strong", "bottom", "asked"),
        Signal("visit", ("visit",), words="visit", declared=False),
    ),
    windows=(DAY,),
    half_lives=(7 * DAY,),
    session_gap=DAY,
    last_types=1,
    numeric=("amount",),
    levels={"channel": ("web",)},
    lead_numeric=("size",),
    lead_levels={"industry": ("steel", "trade")},
)
GROUP = ("count({}, 1d)", "count({}, ever)", "days_since_last({})", "days_since_first({})", "decayed({}, 7d)")
STREAM = (
    "active_days({}, 1d)", "active_days({}, ever)", "sessions({}, 1d)", "sessions({}, ever)", "trend({}, 1d)",
    "last_gap({})", "mean_gap({})", "spread_gap({})",
)  # fmt: skip
REST = """inbound_share(1d); inbound_share(ever); outbound_since_inbound; response_hours; last_type_1; first_type; distinct_types;
    sum(amount, 1d); sum(amount, ever); mean(amount, 1d); mean(amount, ever); max(amount, 1d); max(amount, ever); last(amount);
    last(channel); first(channel); distinct(channel); age_days; created_hour; created_weekday; last_hour; last_weekday;
    lead.size; lead.industry"""
FINGERPRINT = "928dfe3bdc61f205ed08a2c25b1e43e39102677f1bb68578047c195a0587e960"


def history(counts: dict[str, int], at: int = 0, channels: dict[str, int] | None = None) -> History:
    """One lead with so many interactions of each type and, beside them, of each channel."""
    events = [InteractionRecord(kind, at) for kind, count in counts.items() for _ in range(count)]
    came = [channel for channel, count in (channels or {}).items() for _ in range(count)]
    events += [InteractionRecord("x", at, attributes={"channel": channel}) for channel in came]
    return history_of([LeadRecord("L", at, {"industry": "steel"}, events)], Schema((), ("channel",), (), ("industry",)))


def test_the_names_of_a_small_feature_set() -> None:
    groups = ("all", "inbound", "outbound", "other", "asked", "visit", "type:call", "type:demo")
    names = [form.format(group) for group in groups for form in GROUP]
    names += [form.format(stream) for stream in groups[:3] for form in STREAM]
    assert SMALL.names == names + [name.strip() for name in REST.split(";")]


def test_levels_stand_at_the_categorical_columns_and_end_with_other() -> None:
    levels = {SMALL.names[i]: SMALL.features[i].levels for i in SMALL.categorical_columns}
    kinds = ("call", "demo", "visit", "other")
    channels = ("web", "other")
    assert levels == {
        "last_type_1": kinds, "first_type": kinds, "last(channel)": channels, "first(channel)": channels,
        "lead.industry": ("steel", "trade", "other"),
    }  # fmt: skip


def test_each_column_tells_the_signal_whose_reason_it_belongs_to() -> None:
    signal_of = {feature.name: feature.signal for feature in SMALL.features}
    assert signal_of["count(asked, 1d)"] == signal_of["decayed(type:demo, 7d)"] == "asked"
    assert signal_of["count(visit, ever)"] == "visit"
    assert signal_of["trend(inbound, 1d)"] == signal_of["count(all, ever)"] == "activity"
    assert (signal_of["lead.size"], signal_of["last_hour"], signal_of["first_type"]) == ("lead.size", "time", "first touch")


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(leads=6))
def test_names_are_unique_and_json_gives_the_same_set_back(world: World) -> None:
    features = world.features
    assert len(set(features.names)) == len(features.names)
    assert [features.column(name) for name in features.names] == list(range(len(features.names)))
    again = FeatureSet.from_dict(json.loads(json.dumps(features.to_dict())))
    assert again.features == features.features
    assert again.signals == features.signals
    assert again.fingerprint == features.fingerprint


def test_a_fingerprint_stays_and_tells_every_difference() -> None:
    assert SMALL.fingerprint == FINGERPRINT
    changes: dict[str, Any] = {
        "types": ("call", "demo", "visits"), "signals": SMALL.signals[::-1], "windows": (2 * DAY,), "half_lives": (), "session_gap": 1,
        "last_types": 2, "numeric": (), "levels": {}, "lead_numeric": ("age",), "lead_levels": {"industry": ("steel",)},
        "excluded": ("won*",),
    }  # fmt: skip
    others = [replace(SMALL, **{name: value}) for name, value in changes.items()]
    assert len({FINGERPRINT, *(other.fingerprint for other in others)}) == len(others) + 1


def test_a_column_that_is_not_there_is_an_error() -> None:
    with pytest.raises(SettingsError, match=r"There is no feature 'count\(nothing, 1d\)'"):
        SMALL.column("count(nothing, 1d)")


def test_frequent_types_are_kept_and_equals_in_alphabetical_order() -> None:
    data = history({"often": 9, "b": 5, "a": 5, "c": 5, "rare": 2})
    assert fit_features(data, FeatureSettings(max_types=3, min_count=3), {}).types == ("a", "b", "often")
    assert fit_features(data, FeatureSettings(max_types=9, min_count=5), {}).types == ("a", "b", "c", "often")


def test_types_of_declared_signals_are_kept_however_rare() -> None:
    data = history({"often": 9, "mail/open": 1, "mail/click": 1, "rare": 1})
    signals = {"mail": SignalSettings(types=("mail/*", "demo", "letter/?")), "none": SignalSettings(types=("fax*",))}
    features = fit_features(data, FeatureSettings(min_count=5), signals)
    assert features.types == ("demo", "mail/click", "mail/open", "often")
    assert [(signal.name, signal.types, signal.declared) for signal in features.signals] == [
        ("mail", ("demo", "mail/click", "mail/open"), True),
        ("none", (), True),
        ("often", ("often",), False),
    ]


def test_the_time_after_until_teaches_nothing() -> None:
    early = [InteractionRecord("early", 1, attributes={"channel": "web"})] * 3
    late = [InteractionRecord("late", 5, attributes={"channel": "fair"}), InteractionRecord("known late", 1, 9)] * 3
    old = LeadRecord("old", 1, {"industry": "steel"}, early + late)
    others = [LeadRecord("new", 5, {"industry": "trade"}), LeadRecord("undated", None, {"industry": "arts"})]
    data = history_of([old, *others], Schema((), ("channel",), (), ("industry",)))
    signals = {"asked": SignalSettings(types=("*late*",))}
    features = fit_features(data, FeatureSettings(min_count=1), signals, until=5)
    assert (features.types, features.signals[0].types) == (("early",), ())
    assert dict(features.levels) == {"channel": ("web",)}
    assert dict(features.lead_levels) == {"industry": ("arts", "steel")}


def test_levels_are_kept_by_count_and_on_request() -> None:
    data = history({}, channels={"web": 4, "fair": 4, "ads": 5, "mail": 1})
    features = fit_features(data, FeatureSettings(max_levels=2, min_count=2), {}, keep_levels={"industry": ["mining", "steel"]})
    assert dict(features.levels) == {"channel": ("ads", "fair")}
    assert dict(features.lead_levels) == {"industry": ("steel",)}  # no lead mines, and one of steel is too few but asked for


def test_windows_and_half_lives_are_sorted_and_once() -> None:
    wanted = FeatureSettings(windows=("7d", "1d", 7 * DAY), half_lives=("30d",))
    features = fit_features(history({"a": 1}), wanted, {}, keep_half_lives=[3 * DAY, 30 * DAY])
    assert features.windows == (DAY, 7 * DAY)
    assert features.half_lives == (3 * DAY, 30 * DAY)


@pytest.mark.parametrize("name", ["all", "inbound", "other", "activity", "time", "type:visit", "lead.size"])
def test_a_signal_may_not_bear_a_word_of_ours(name: str) -> None:
    with pytest.raises(SettingsError, match=r"is a word that leadheat uses itself"):
        fit_features(history({"visit": 1}), FeatureSettings(), {name: SignalSettings(types=("visit",))})


def test_a_type_whose_name_is_taken_is_told_apart() -> None:
    signals = {"demo": SignalSettings(types=("visit",))}
    data = history(dict.fromkeys(["demo", "all", "type:demo", "visit", "lead.size"], 1))
    features = fit_features(data, FeatureSettings(min_count=1), signals)
    assert [signal.name for signal in features.signals] == ["demo", "type:all", "type:demo", "type:lead.size", "type:type:demo"]
    assert len(set(features.names)) == len(features.names)


def test_a_directed_signal_leaves_its_types_to_be_counted_beside_it() -> None:
    signals = {"answered": SignalSettings(types=("mail",), direction="inbound"), "called": SignalSettings(types=("call",))}
    features = fit_features(history({"mail": 1, "call": 1}), FeatureSettings(min_count=1), signals)
    assert features.groups[4:] == ("answered", "called", "type:mail")
