"""Reasons: which are told, in which words, and that what is not told is told as the rest."""

from __future__ import annotations

import numpy as np
import pytest

from features.catalogue import FeatureSet, FeatureSettings
from features.compute import compute
from features.contract import DAY, parse_moment
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord
from features.schema import Schema
from features.signals import SignalSettings
from features.vocabulary import fit_features
from models.reasons import Explainer, Reason, ReasonSettings

NOW = parse_moment("2026-03-01")
SCHEMA = Schema(("value",), ("channel",), ("size",), ("home_country",))
SIGNALS = {"demo": SignalSettings(types=("demo",), words="asked for a demo"), "paper": SignalSettings(types=("paper", "leaflet"))}


def lead(*rows: InteractionRecord, created: int | None = NOW - 40 * DAY, **attributes: object) -> LeadRecord:
    return LeadRecord("one", created, attributes, rows)


def call(kind: str, days: float, **attributes: object) -> InteractionRecord:
    return InteractionRecord(kind, NOW - round(days * DAY), direction=1, attributes=attributes)


def mail(days: float) -> InteractionRecord:
    return InteractionRecord("mail", NOW - round(days * DAY), direction=2)


def fitted() -> FeatureSet:
    rows = [call(kind, 1, value=1.0, channel="mail") for kind in ("demo", "paper", "leaflet", "price_page")]
    return fit_features(history_of([lead(*rows, size=3, home_country="DE")], SCHEMA), FeatureSettings(min_count=1), SIGNALS)


FEATURES = fitted()


def explain(one: LeadRecord, sums: dict[str, float], **settings: object) -> list[Reason]:
    """The reasons of a lead whose signals add what ``sums`` says."""
    explainer = Explainer(FEATURES, ReasonSettings.model_validate(settings))
    x = compute(FEATURES, history_of([one], SCHEMA), np.zeros(1, np.int64), np.array([NOW]))[0]
    return explainer.reasons(x, np.array([sums.get(signal, 0.0) for signal in explainer.signals]))


def words(one: LeadRecord, signal: str) -> str:
    (reason,) = explain(one, {signal: 1.0})
    assert reason.signal == signal
    return reason.words


@pytest.mark.parametrize(
    ("one", "signal", "expected"),
    [
        (lead(call("demo", 2)), "demo", "asked for a demo 2 days ago"),
        (lead(call("demo", 2), call("demo", 0.5)), "demo", "asked for a demo 2 times, last 12 hours ago"),
        (lead(), "demo", "not yet: asked for a demo"),
        (lead(call("leaflet", 1)), "paper", "paper 1 day ago"),
        (lead(call("price_page", 70)), "price_page", "price page 2 months ago"),
        (lead(call("pigeon", 3)), "other", "an interaction of an unknown type 3 days ago"),
        (lead(), "activity", "no interaction so far"),
        (lead(call("demo", 0.01)), "activity", "1 interaction in all, the latest less than an hour ago"),
        (lead(call("demo", 9), call("paper", 3)), "activity", "2 interactions in all, the latest 3 days ago"),
        (lead(), "inbound", "they have not acted yet"),
        (lead(call("demo", 2)), "inbound", "they acted once, 2 days ago"),
        (lead(call("demo", 9), call("paper", 3)), "inbound", "they acted 2 times, 1 in the last 7 days, last 3 days ago"),
        (lead(), "outbound", "we have not reached out yet"),
        (lead(call("demo", 2), mail(9), mail(8)), "outbound", "we reached out 2 times, 0 in the last 7 days, last 8 days ago"),
        (lead(call("demo", 2), mail(1)), "outbound", "we reached out once, 1 day ago, 1 unanswered"),
        (lead(), "time", "first known 40 days ago"),
        (lead(created=None), "time", "age of the lead unknown"),
        (lead(call("price_page", 3)), "latest steps", "latest step: price page"),
        (lead(), "latest steps", "latest step: none"),
        (lead(call("pigeon", 3)), "latest steps", "latest step: other"),
        (lead(call("paper", 3), call("demo", 1)), "first touch", "first touch: paper"),
        (lead(size=250), "lead.size", "size: 250"),
        (lead(), "lead.size", "size: not stated"),
        (lead(home_country="DE"), "lead.home_country", "home country: DE"),
        (lead(home_country="FR"), "lead.home_country", "home country: other"),
        (lead(call("demo", 1, value=2.5, channel="mail")), "value", "value: 2.5"),
        (lead(call("demo", 1, value=2.5, channel="mail")), "channel", "channel: mail"),
    ],
)
def test_words_tell_the_fact(one: LeadRecord, signal: str, expected: str) -> None:
    assert words(one, signal) == expected


def test_every_signal_can_speak_of_any_lead() -> None:
    for one in (lead(), lead(created=None), lead(call("demo", 1)), lead(call("pigeon", 0))):
        for signal in Explainer(FEATURES, ReasonSettings()).signals:
            assert words(one, signal)


def test_the_weightiest_come_first_and_the_rest_is_one() -> None:
    told = explain(lead(), {"demo": 0.5, "time": -2.0, "activity": 1.0, "lead.size": 0.25}, show=2)
    assert [(reason.signal, reason.contribution) for reason in told] == [("time", -2.0), ("activity", 1.0), ("other", 0.75)]
    assert told[-1].words == "everything else together"


def test_what_adds_nothing_is_not_told() -> None:
    assert explain(lead(), {}) == []
    assert [reason.signal for reason in explain(lead(), {"demo": 1.0})] == ["demo"]


@pytest.mark.parametrize(("sign", "setting"), [(1, "never_plus"), (-1, "never_minus")])
def test_a_reason_against_all_sense_is_folded_into_the_rest(sign: int, setting: str) -> None:
    sums = {"lead.size": sign * 2.0, "demo": sign * 1.0}
    told = explain(lead(), sums, **{setting: ["lead.size"]})
    assert [(reason.signal, reason.contribution) for reason in told] == [("demo", sign * 1.0), ("other", sign * 2.0)]
    other_way = explain(lead(), {name: -value for name, value in sums.items()}, **{setting: ["lead.size"]})
    assert [reason.signal for reason in other_way] == ["lead.size", "demo"]


def test_folded_reasons_leave_their_place_to_others() -> None:
    told = explain(lead(), {"lead.size": 2.0, "demo": 1.0, "time": 0.5}, never_plus=["lead.size"], show=1)
    assert [(reason.signal, reason.contribution) for reason in told] == [("demo", 1.0), ("other", 2.5)]


@pytest.mark.parametrize(
    ("column", "signal"),
    [
        ("count(demo, 7d)", "demo"),
        ("decayed(type:leaflet, 7d)", "paper"),
        ("days_since_last(other)", "other"),
        ("trend(inbound, 7d)", "inbound"),
        ("inbound_share(ever)", "inbound"),
        ("last_gap(outbound)", "outbound"),
        ("outbound_since_inbound", "outbound"),
        ("response_hours", "outbound"),
        ("decayed(all, 7d)", "activity"),
        ("distinct_types", "activity"),
        ("last_type_2", "latest steps"),
        ("first_type", "first touch"),
        ("last_hour", "time"),
        ("mean(value, 7d)", "value"),
        ("distinct(channel)", "channel"),
        ("lead.home_country", "lead.home_country"),
    ],
)
def test_each_column_belongs_to_one_reason(column: str, signal: str) -> None:
    explainer = Explainer(FEATURES, ReasonSettings())
    values = np.zeros((2, len(FEATURES.names) + 1))
    values[:, -1] = 9.0  # the base belongs to none
    values[1, FEATURES.column(column)] = 1.0
    nothing, one = explainer.by_signal(values)
    assert not nothing.any()
    assert {name: value for name, value in zip(explainer.signals, one, strict=True) if value} == {signal: 1.0}


def test_the_columns_of_a_reason_are_added_up() -> None:
    explainer = Explainer(FEATURES, ReasonSettings())
    values = np.random.default_rng(0).normal(size=(3, len(FEATURES.names)))
    assert explainer.by_signal(values).sum(axis=1).tolist() == pytest.approx(values.sum(axis=1).tolist())
