"""The points baseline on a feature set and rows made by hand."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from features.catalogue import FeatureSet
from features.contract import DAY, SettingsError
from features.signals import Signal
from models.rules import RuleReason, Rules, ago
from models.rules_settings import RulesSettings

DEMO = Signal("asked_for_demo", ("demo_request",), "inbound", "strong", "bottom", "asked for a demo")
PAPER = Signal("white_paper", ("white_paper_download",), "inbound", "medium", "middle", "downloaded a white paper")
LEFT = Signal("unsubscribed", ("unsubscribe",), "inbound", "negative", None, "unsubscribed")
VISIT = Signal("page_view", ("page_view",), words="page view", declared=False)
MAIL = Signal("mail", ("email",), "outbound", words="mail from us")


def feature_set(*signals: Signal) -> FeatureSet:
    return FeatureSet(
        types=tuple(sorted({kind for signal in signals for kind in signal.types})),
        signals=signals,
        windows=(7 * DAY,),
        half_lives=(30 * DAY,),
        session_gap=DAY,
        last_types=1,
        numeric=(),
        levels={},
        lead_numeric=("employees",),
        lead_levels={"industry": ("retail", "software"), "opt_in": ("no", "yes")},
    )


FEATURES = feature_set(DEMO, PAPER, LEFT, VISIT, MAIL)


def row(values: Mapping[str, float]) -> np.ndarray:
    """One row of the matrix float32[1, F] in which all that is not given is missing."""
    made = np.full((1, len(FEATURES.names)), np.nan, np.float32)
    for name, value in values.items():
        made[0, FEATURES.column(name)] = value
    return made


def written(**changes: object) -> Rules:
    rules = {
        "points": {"asked_for_demo": 40, "white_paper": 15, "unsubscribed": -20},
        "caps": {"white_paper": 25},
        "fit": {
            "industry": {"software": 8, "retail": -4},
            "employees": [{"at_least": 50, "below": 250, "points": 6}, {"below": 5, "points": -3}],
        },
    }
    return Rules(RulesSettings.model_validate(rules | changes), FEATURES)


@pytest.mark.parametrize(
    ("seen", "points", "why"),
    [
        ({}, 0.0, "a lead without history or attributes"),
        ({"decayed(asked_for_demo, 30d)": 1.0}, 40.0, "one fresh interaction earns the points"),
        ({"decayed(asked_for_demo, 30d)": 0.5}, 20.0, "and half of them after a half-life"),
        ({"decayed(asked_for_demo, 30d)": 2.75}, 110.0, "several add up"),
        ({"decayed(asked_for_demo, 30d)": 50.0}, 120.0, "up to three times the points"),
        ({"decayed(white_paper, 30d)": 50.0}, 25.0, "or up to the cap that is declared"),
        ({"decayed(unsubscribed, 30d)": 50.0}, -60.0, "what takes points has a cap too"),
        ({"lead.industry": 1}, 8.0, "the second level is software"),
        ({"lead.industry": 0}, -4.0, "the first is retail"),
        ({"lead.industry": 2}, 0.0, "a rare industry earns nothing"),
        ({"lead.employees": 50}, 6.0, "a range begins with its lower side"),
        ({"lead.employees": 250}, 0.0, "and ends before its upper one"),
        ({"lead.employees": -1e30}, -3.0, "an open side has no end"),
        (
            {"decayed(asked_for_demo, 30d)": 1.0, "decayed(unsubscribed, 30d)": 0.25, "lead.industry": 1, "lead.employees": 60},
            49.0,
            "all parts",
        ),
        ({"decayed(mail, 30d)": 9.0, "decayed(page_view, 30d)": 9.0}, 0.0, "what the rules do not name"),
    ],
)
def test_points(seen: Mapping[str, float], points: float, why: str) -> None:
    assert written().points(row(seen)).tolist() == [points], why


@pytest.mark.parametrize(
    ("seen", "temperature"),
    [
        ({}, 0),
        ({"decayed(white_paper, 30d)": 9.99 / 15}, 0),
        ({"decayed(white_paper, 30d)": 10 / 15}, 1),
        ({"decayed(asked_for_demo, 30d)": 0.99}, 1),
        ({"decayed(asked_for_demo, 30d)": 1.0}, 2),
        ({"decayed(unsubscribed, 30d)": 9.0, "days_since_last(asked_for_demo)": 7.0}, 2),
        ({"decayed(unsubscribed, 30d)": 9.0, "days_since_last(asked_for_demo)": 7.01}, 0),
        ({"days_since_last(white_paper)": 0.0}, 0),
    ],
)
def test_temperature(seen: Mapping[str, float], temperature: int) -> None:
    rules = written()
    matrix = row(seen)
    assert rules.temperature(matrix).tolist() == [temperature]
    assert rules.temperature(matrix, rules.points(matrix)).tolist() == [temperature]
    assert rules.temperature(matrix).dtype == np.int8


def test_reasons_speak_of_facts() -> None:
    seen = {
        "decayed(asked_for_demo, 30d)": 0.5,
        "count(asked_for_demo, ever)": 1,
        "days_since_last(asked_for_demo)": 30.2,
        "decayed(white_paper, 30d)": 1.5,
        "count(white_paper, ever)": 3,
        "days_since_last(white_paper)": 0.25,
        "lead.industry": 0,
        "lead.employees": 120,
    }
    x, rules = row(seen), written()
    assert rules.reasons(x[0], rules.contributions(x)[0]) == [
        RuleReason("white_paper", "downloaded a white paper 3 times, last 6 hours ago", 22.5),
        RuleReason("asked_for_demo", "asked for a demo 30 days ago", 20.0),
        RuleReason("lead.employees", "employees is 50 to 250", 6.0),
        RuleReason("lead.industry", "industry is retail", -4.0),
    ]


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (0, "less than an hour ago"),
        (0.05, "1 hour ago"),
        (0.99, "23 hours ago"),
        (1, "1 day ago"),
        (59.9, "59 days ago"),
        (400, "13 months ago"),
    ],
)
def test_ago(days: float, words: str) -> None:
    assert ago(days) == words


decayed = st.floats(0, 1e6, width=32)
rows = st.fixed_dictionaries(
    {},
    optional={
        **{f"decayed({name}, 30d)": decayed for name in ("asked_for_demo", "white_paper", "unsubscribed", "page_view", "mail")},
        "lead.industry": st.integers(0, 2),
        "lead.employees": st.floats(width=32, allow_nan=False, allow_infinity=False),
    },
)


@settings(deadline=None)
@given(rows, st.randoms(use_true_random=False))
def test_reasons_add_up_exactly_in_any_order(seen: dict[str, float], shuffle: random.Random) -> None:
    rules = Rules(RulesSettings.model_validate({"fit": {"industry": {"retail": 0.1, "software": -0.7}}}), FEATURES)
    facts = {
        f"{measure}({signal.name}{of})": 2.0
        for signal in FEATURES.signals
        for measure, of in (("count", ", ever"), ("days_since_last", ""))
    }
    x = row(seen | facts)
    reasons = rules.reasons(x[0], rules.contributions(x)[0])
    shuffle.shuffle(reasons)
    total = 0.0
    for reason in reasons:
        total += reason.points
    assert total == rules.points(row(seen))[0]
    assert math.isfinite(total)


@settings(deadline=None)
@given(rows, st.sampled_from(["asked_for_demo", "white_paper", "page_view"]), st.floats(0, 1, width=32))
def test_one_more_inbound_signal_never_lowers_the_points(seen: dict[str, float], signal: str, weight: float) -> None:
    rules = Rules(RulesSettings(), FEATURES)
    column = f"decayed({signal}, 30d)"
    more = seen | {column: float(np.float32(seen.get(column, 0.0)) + np.float32(weight))}
    assert rules.points(row(more))[0] >= rules.points(row(seen))[0]
    assert rules.temperature(row(more))[0] >= rules.temperature(row(seen))[0]


@settings(deadline=None)
@given(st.lists(rows, min_size=2, max_size=8))
def test_a_lead_alone_has_the_points_it_has_in_the_batch(batch: list[dict[str, float]]) -> None:
    rules = written()
    matrix = np.concatenate([row(seen) for seen in batch])
    assert rules.points(matrix).tolist() == [rules.points(row(seen))[0] for seen in batch]
    assert rules.temperature(matrix).tolist() == [rules.temperature(row(seen))[0] for seen in batch]


def test_no_rows_have_no_points() -> None:
    assert written().points(row({})[:0]).shape == (0,)
    assert written().temperature(row({})[:0]).shape == (0,)


def test_default_rules_follow_the_declared_strength() -> None:
    settings = Rules(RulesSettings(), FEATURES).settings
    assert settings.points == {"asked_for_demo": 40.0, "white_paper": 15.0, "unsubscribed": -20.0, "page_view": 5.0}
    assert settings.caps == {"asked_for_demo": 120.0, "white_paper": 45.0, "unsubscribed": 60.0, "page_view": 15.0}
    assert settings.hot_at_once == ("asked_for_demo",)


def test_an_opt_out_that_is_a_declared_signal_costs_points_once() -> None:
    consent = Signal("consent.opted_out", ("unsubscribe",), strength="negative", words="opted out")
    assert Rules(RulesSettings(), feature_set(DEMO, LEFT, consent)).settings.points == {"asked_for_demo": 40.0, "unsubscribed": -20.0}
    assert Rules(RulesSettings(), feature_set(DEMO, consent)).settings.points == {"asked_for_demo": 40.0, "consent.opted_out": -20.0}


def test_rules_survive_json() -> None:
    for rules in (written(), Rules(RulesSettings(), FEATURES)):
        again = Rules.from_dict(json.loads(json.dumps(rules.to_dict())), FeatureSet.from_dict(json.loads(json.dumps(FEATURES.to_dict()))))
        assert again.settings == rules.settings
        matrix = row({"decayed(asked_for_demo, 30d)": 1.1, "lead.industry": 1, "lead.employees": 51})
        assert again.points(matrix).tolist() == rules.points(matrix).tolist()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"points": {"asked_for_a_demo": 4}}, r'no signal "asked_for_a_demo" \(did you mean "asked_for_demo"\?\)'),
        ({"hot_at_once": ["demo"]}, r'no signal "demo" \(did you mean "asked_for_demo"\?\)'),
        ({"caps": {"whitepaper": 4}}, r'no signal "whitepaper" \(did you mean "white_paper"\?\)'),
        ({"fit": {"industri": {"retail": 1}}}, r'no attribute "industri" \(did you mean "industry"\?\)'),
        ({"fit": {"industry": {"retial": 1}}}, r'no level of industry "retial" \(did you mean "retail"\?\)'),
        ({"fit": {"industry": [{"below": 4, "points": 1}]}}, "points of industry must be given by level: it is no number"),
        ({"fit": {"employees": {"many": 1}}}, "points of employees must be given by range: it is a number"),
    ],
)
def test_rules_that_do_not_fit_the_data(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        written(**changes)


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(SettingsError, match=r"industri.*; .*employees must be given by range") as error:
        written(fit={"industri": {"retail": 1}, "employees": {"many": 1}})
    assert "[rules]" in error.value.hint


def test_the_baseline_ranks_like_an_estimator() -> None:
    matrix = np.concatenate([row({"decayed(asked_for_demo, 30d)": value}) for value in (0.1, 0.9, 0.3, 0.6)])
    rules = written().fit(matrix, [0, 1, 0, 1])
    assert roc_auc_score([0, 1, 0, 1], rules.decision_function(matrix)) == 1.0
