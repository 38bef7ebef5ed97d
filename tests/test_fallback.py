"""The rules alone, while there is no model: they answer for any lead, also for types nobody has seen before."""

from __future__ import annotations

import numpy as np
import pytest

from features.contract import DAY, parse_moment
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord
from models.fallback import RulesScorer
from models.score import Score
from models.settings import ScoringSettings

NOW = parse_moment("2026-03-01")
FITTED = ScoringSettings.model_validate(
    {
        "signals": {"demo": {"types": ["demo_*"], "strength": "strong", "words": "asked for a demo"}},
        "rules": {"fit": {"industry": {"steel": 12, "retail": -5}, "size": [{"at_least": 50, "points": 6}]}},
        "consent": {"contact": {"attribute": "newsletter"}},
    }
)


def score(scorer: RulesScorer, *kinds: str, **attributes: object) -> Score:
    rows = [InteractionRecord(kind, NOW - DAY, direction=1) for kind in kinds]
    lead = LeadRecord("one", NOW - 30 * DAY, attributes, rows)
    return scorer.score(history_of([lead], scorer.schema), NOW)


def test_it_says_that_there_is_no_model() -> None:
    answer = score(RulesScorer(), "demo_request")
    assert (answer.probability, answer.score, answer.log_odds, answer.base, answer.agreement) == (None, None, None, None, None)
    assert (answer.reasons, answer.flags) == ([], ["no_model"])
    assert (answer.model.name, answer.horizon_days) == ("rules", 30)


def test_well_known_types_count_without_any_settings() -> None:
    assert score(RulesScorer(), "demo_request").temperature == "hot"
    assert score(RulesScorer(), "white_paper").baseline.points > score(RulesScorer(), "page_view").baseline.points > 0
    assert score(RulesScorer()).temperature == "cold"


def test_types_never_seen_before_belong_to_the_declared_signals() -> None:
    scorer = RulesScorer(FITTED)
    assert score(scorer, "demo_of_next_year").temperature == "hot"
    assert [reason.signal for reason in score(scorer, "demo_of_next_year").baseline.reasons] == ["demo"]
    assert score(scorer, "carrier_pigeon").flags == ["no_model"]


def test_reasons_add_up_to_the_points_and_fit_counts() -> None:
    answer = score(RulesScorer(FITTED), "demo_request", industry="steel", size=50)
    assert answer.baseline.points == sum(reason.points for reason in answer.baseline.reasons)
    points = {reason.signal: reason.points for reason in answer.baseline.reasons}
    assert (points["lead.industry"], points["lead.size"]) == (12, 6)


@pytest.mark.parametrize(
    ("attributes", "points"),
    [({}, 0), ({"industry": "retail"}, -5), ({"industry": "space"}, 0), ({"size": 49}, 0), ({"size": None, "colour": "red"}, 0)],
)
def test_any_attributes_are_taken(attributes: dict[str, object], points: float) -> None:
    assert score(RulesScorer(FITTED), **attributes).baseline.points == points


def test_consent_is_asked_for_without_a_model_too() -> None:
    assert score(RulesScorer(FITTED), newsletter="yes").contactable.allowed
    assert not score(RulesScorer(FITTED)).contactable.allowed
    assert not score(RulesScorer(), "unsubscribe").contactable.allowed


def test_an_opt_out_is_told_by_what_and_when() -> None:
    scorer = RulesScorer(ScoringSettings.model_validate({"consent": {"contact": {"types": ["opt_in"]}}}))
    days = [(20, "opt_in"), (9, "unsubscribe"), (5, "stop_opt_out"), (3, "page_view"), (2, "unsubscribe"), (1, "opt_in")]
    rows = [InteractionRecord(kind, NOW - day * DAY, direction=1) for day, kind in days]
    rows.append(InteractionRecord("unsubscribe", NOW - 4 * DAY, NOW - 3 * DAY))
    history = history_of([LeadRecord("other"), LeadRecord("one", NOW - 30 * DAY, None, rows)], scorer.schema).slice(1, 2)
    told = {
        10: "a ground to contact is on record or not asked for, and the lead has not opted out",
        9: "opted out by unsubscribe on 2026-02-20",
        4: "opted out by stop_opt_out on 2026-02-24",
        3: "opted out by unsubscribe on 2026-02-25",
        2: "opted out by unsubscribe on 2026-02-27",
        1: "a ground to contact is on record or not asked for, and the lead has not opted out",
    }
    for day, why in told.items():
        assert scorer.score(history, NOW - day * DAY + 1).contactable.why == why, day
    lead, as_of = np.zeros(len(told), np.int64), np.array([NOW - day * DAY + 1 for day in told])
    assert scorer.fitted(history).score_many(history, lead, as_of)["contactable_why"].to_pylist() == list(told.values())


def test_points_that_fade_cool_the_lead_on_the_day_that_is_told() -> None:
    scorer = RulesScorer(FITTED)
    lead = LeadRecord("one", NOW - 30 * DAY, None, [InteractionRecord("demo_request", NOW - DAY, direction=1)])
    scores = [scorer.score(history_of([lead], scorer.schema), NOW + days * DAY) for days in (0, 6, 7)]
    assert [score.temperature for score in scores] == ["hot", "hot", "warm"]
    assert [score.cools_on for score in scores[:2]] == ["2026-03-08", "2026-03-08"]


def test_the_trend_is_that_of_the_points() -> None:
    scorer = RulesScorer(FITTED)
    rows = [InteractionRecord("demo_request", NOW - days * DAY, direction=1) for days in (9, 1)]
    twice, once = (history_of([LeadRecord("one", NOW - 30 * DAY, None, part)], scorer.schema) for part in (rows, rows[:1]))
    assert scorer.score(twice, NOW).trend == "heating"
    assert scorer.score(once, NOW).trend == "cooling"
    assert scorer.score(once, NOW + 60 * DAY).trend == "steady"
    assert scorer.score(once, NOW - 2 * DAY).trend == "heating"


def test_more_types_than_a_vocabulary_holds_are_still_answered() -> None:
    answer = score(RulesScorer(FITTED), "demo_request", *(f"page {number}" for number in range(100)))
    assert answer.temperature == "hot"
    assert answer.flags == ["no_model", "unknown_types"]
