"""What a person may rely on, from the interactions through features to points and consent."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue import FeatureSet, FeatureSettings
from features.compute import compute
from features.contract import DAY, HOUR, parse_moment
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord
from features.schema import Schema
from features.signals import SignalSettings
from features.vocabulary import fit_features
from models.consent import ConsentSettings
from models.qualification import Qualification, Qualifier
from models.qualification_settings import QualificationSettings
from models.rules import Rules
from models.rules_settings import RulesSettings

NOW = parse_moment("2026-03-01")
TYPES = ("demo_request", "white_paper", "page_view", "no_show", "mail_sent", "something_new")
INBOUND = 1
SIGNALS = {
    "demo": SignalSettings(types=("demo_request",), direction="inbound", strength="strong"),
    "paper": SignalSettings(types=("white_paper",), strength="medium"),
    "missed": SignalSettings(types=("no_show",), strength="negative"),
}
CONSENT = ConsentSettings(opt_out=("please_stop",))

interactions = st.tuples(st.sampled_from(TYPES), st.integers(NOW - 90 * DAY, NOW + DAY), st.integers(0, 2)).map(
    lambda drawn: InteractionRecord(drawn[0], drawn[1], direction=drawn[2])
)
histories = st.lists(interactions, max_size=30)


def fitted() -> FeatureSet:
    known = history_of([LeadRecord("known", interactions=[InteractionRecord(kind, NOW - DAY) for kind in TYPES[:-1]])], Schema())
    return fit_features(known, FeatureSettings(min_count=1), SIGNALS | CONSENT.signals(TYPES), keep_half_lives=[RulesSettings().half_life])


FEATURES = fitted()
RULES = Rules(RulesSettings(), FEATURES)
QUALIFIER = Qualifier(QualificationSettings(), CONSENT, FEATURES)


def matrix(history: list[InteractionRecord], as_of: int = NOW) -> np.ndarray:
    return compute(FEATURES, history_of([LeadRecord("one", interactions=history)], Schema()), np.zeros(1, np.int64), np.array([as_of]))


def qualify(history: list[InteractionRecord], as_of: int = NOW) -> Qualification:
    x = matrix(history, as_of)
    return QUALIFIER.qualify(x[0], int(RULES.temperature(x)[0]))


@settings(deadline=None)
@given(histories, st.sampled_from(["demo_request", "white_paper", "page_view"]), st.integers(NOW - 90 * DAY, NOW - 1))
def test_one_more_inbound_signal_never_cools(history: list[InteractionRecord], kind: str, when: int) -> None:
    before, after = matrix(history), matrix([*history, InteractionRecord(kind, when, direction=INBOUND)])
    assert RULES.points(after)[0] >= RULES.points(before)[0]
    assert RULES.temperature(after)[0] >= RULES.temperature(before)[0]


@settings(deadline=None)
@given(histories, st.integers(1, 30 * DAY))
def test_one_more_missed_appointment_never_warms(history: list[InteractionRecord], since: int) -> None:
    assert RULES.points(matrix([*history, InteractionRecord("no_show", NOW - since)]))[0] <= RULES.points(matrix(history))[0]


@settings(deadline=None)
@given(histories)
def test_what_lies_ahead_changes_nothing(history: list[InteractionRecord]) -> None:
    past = [one for one in history if one.occurred_at < NOW]
    assert RULES.points(matrix(history)).tolist() == RULES.points(matrix(past)).tolist()
    assert qualify(history) == qualify(past)


def test_points_halve_with_every_half_life() -> None:
    asked = [InteractionRecord("demo_request", NOW - 1, direction=INBOUND)]
    points = [RULES.points(matrix(asked, NOW - 1 + months * 30 * DAY))[0] for months in (1, 2, 3)]
    assert points == [20.0, 10.0, 5.0]


@settings(deadline=None)
@given(histories, st.integers(NOW - 90 * DAY, NOW - 1))
def test_an_opt_out_is_honoured_at_once_though_nobody_ever_opted_out_before(history: list[InteractionRecord], when: int) -> None:
    stop = InteractionRecord("please_stop", when)
    for as_of in (when + 1, NOW):
        assert qualify([*history, stop], as_of).contactable == (False, "opted out")
        assert qualify([*history, stop], as_of).respond_within_minutes is None
    assert qualify([*history, stop], when).contactable.allowed


def test_our_answer_ends_the_hurry() -> None:
    asked = InteractionRecord("demo_request", NOW - 2 * HOUR, direction=1)
    mailed = InteractionRecord("mail_sent", NOW - HOUR, direction=2)
    assert qualify([asked]).respond_within_minutes == 15
    assert qualify([asked, mailed]).respond_within_minutes is None
    assert qualify([asked, mailed]).next_step.words.startswith("Wait for their reply")


def test_six_touches_without_an_answer_are_enough() -> None:
    touches = [InteractionRecord("mail_sent", NOW - days * DAY, direction=2) for days in range(1, 7)]
    assert qualify(touches).next_step.rule == "enough touches without an answer"
    assert qualify(touches[1:]).next_step.rule == "cold"
