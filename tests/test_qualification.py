"""Stage, funnel position, next step, time to answer and consent, on rows made by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from features.catalogue import FeatureSet
from features.contract import DAY, SettingsError
from features.signals import SignalSettings, fit_signals
from models.consent import ConsentSettings
from models.lifecycle import Fact, Situation
from models.qualification import AGREEMENT, Qualification, Qualifier, agreement
from models.qualification_settings import QualificationSettings

COLD, WARM, HOT = range(3)
TYPES = ("demo_no_show", "demo_request", "newsletter_signup", "page_view", "sales_email", "trial_login", "unsubscribe", "webinar")
SIGNALS = {
    "demo": SignalSettings(types=("demo_request",), direction="inbound", strength="strong", funnel="bottom"),
    "trial": SignalSettings(types=("trial_login",), strength="weak", funnel="middle"),
    "sales_email": SignalSettings(types=("sales_email",), direction="outbound", funnel="bottom"),
}
ASKED = ConsentSettings.model_validate({"contact": {"attribute": "opt_in", "types": ["newsletter_signup"]}})


def features_for(consent: ConsentSettings) -> FeatureSet:
    return FeatureSet(
        types=TYPES,
        signals=fit_signals(SIGNALS | consent.signals(TYPES), TYPES, ()),
        windows=(7 * DAY,),
        half_lives=(30 * DAY,),
        session_gap=DAY,
        last_types=1,
        numeric=(),
        levels={},
        lead_numeric=("permitted",),
        lead_levels={"opt_in": ("no", "yes")},
    )


def qualify(seen: Mapping[str, float], temperature: int = COLD, consent: ConsentSettings | None = None, **policy: object) -> Qualification:
    """Decide for a lead whose signals were last seen so many days ago; other columns are named in full."""
    consent = consent or ConsentSettings()
    features = features_for(consent)
    x = np.full(len(features.names), np.nan, np.float32)
    for name, value in seen.items():
        x[features.column(name if name in features.names else f"days_since_last({name})")] = value
    return Qualifier(QualificationSettings.model_validate(policy), consent, features).qualify(x, temperature)


@pytest.mark.parametrize(
    ("seen", "temperature", "stage", "funnel", "why"),
    [
        ({}, COLD, "unqualified", "top", "nothing is known"),
        ({}, WARM, "mql", "top", "warm by its fit alone"),
        ({}, HOT, "sql", "top", "the threshold hands over"),
        ({"demo": 3}, COLD, "sql", "bottom", "a strong signal hands over at any temperature"),
        ({"demo": 14}, COLD, "sql", "bottom", "to the end of its time"),
        ({"demo": 14.01}, COLD, "unqualified", "bottom", "and then no more"),
        ({"demo": 31}, COLD, "unqualified", "top", "old signals place nobody"),
        ({"webinar": 3}, COLD, "unqualified", "middle", "a medium signal is the middle of the funnel"),
        ({"trial": 3}, COLD, "unqualified", "middle", "using the product is not enough when cold"),
        ({"trial": 3}, WARM, "pql", "middle", "but it is when warm"),
        ({"trial": 3, "demo": 3}, COLD, "pql", "bottom", "or with a strong signal"),
        ({"sales_email": 1}, COLD, "unqualified", "top", "what we did qualifies nobody"),
        ({"demo_no_show": 1}, COLD, "unqualified", "top", "nor does a missed appointment"),
    ],
)
def test_stage_and_funnel(seen: Mapping[str, float], temperature: int, stage: str, funnel: str, why: str) -> None:
    decided = qualify(seen, temperature)
    assert (decided.stage, decided.funnel) == (stage, funnel), why


def test_the_threshold_for_hand_over_is_a_setting() -> None:
    assert qualify({}, WARM, hand_over="warm").stage == "sql"
    assert qualify({"demo": 3}, strong_within="2d").stage == "unqualified"


@pytest.mark.parametrize(
    ("threshold", "probability", "score", "temperature", "due", "why"),
    [
        ({"probability": 0.2}, 0.2, 50.0, COLD, True, "the probability is at least 0.2"),
        ({"probability": 0.2}, 0.19, 99.0, HOT, False, "no strong signal, and the threshold is not reached"),
        ({"score": 95}, 0.01, 95.0, COLD, True, "the score is at least 95"),
        ({"score": 95, "probability": 0.2}, 0.3, 10.0, COLD, True, "the probability is at least 0.2 or the score is at least 95"),
        ({"score": 95}, np.nan, np.nan, HOT, True, "the score is at least 95"),
        ({"score": 95}, np.nan, np.nan, WARM, False, "no strong signal, and the threshold is not reached"),
        ("hot", 0.9, 99.0, WARM, False, "no strong signal, and the threshold is not reached"),
        ("warm", 0.1, 9.0, WARM, True, "the temperature is warm"),
    ],
)
def test_a_number_may_be_the_threshold_for_hand_over(
    threshold: object,
    probability: float,
    score: float,
    temperature: int,
    due: bool,  # noqa: FBT001
    why: str,
) -> None:
    policy, features = QualificationSettings.model_validate({"hand_over": threshold}), features_for(ConsentSettings())
    qualifier = Qualifier(policy, ConsentSettings(), features)
    decided = qualifier.qualify(np.full(len(features.names), np.nan, np.float32), temperature, probability, score)
    assert decided.hand_over == (due, why)
    assert (decided.stage == "sql") is due


def test_a_strong_signal_hands_over_whatever_the_threshold() -> None:
    assert qualify({"demo": 3}, hand_over={"score": 99}).hand_over == (True, "a strong signal")
    assert qualify({"demo": 3, "consent.opted_out": 1}, HOT).hand_over == (False, "it is not permitted")
    with pytest.raises(ValidationError, match=r"name a probability, such as 0\.2, or a score"):
        QualificationSettings.model_validate({"hand_over": {}})


@pytest.mark.parametrize(
    ("seen", "minutes", "why"),
    [
        ({"demo": 0.5}, 15, "a fresh strong signal"),
        ({"demo": 1.0}, 15, "fresh for a day"),
        ({"demo": 1.01}, None, "not for longer"),
        ({"webinar": 0.5}, 30, "a fresh medium signal"),
        ({"webinar": 0.5, "demo": 0.6}, 15, "the stronger one counts"),
        ({"page_view": 0.5}, None, "a weak one does not hurry anybody"),
        ({"demo": 0.5, "inbound": 0.5, "outbound": 0.4}, None, "somebody has answered"),
        ({"demo": 0.5, "inbound": 0.5, "outbound": 0.6}, 15, "what we did before is no answer"),
        ({"demo": 0.5, "inbound": 0.5, "outbound": 0.5}, 15, "nor is what we did at the same moment"),
        ({"demo": 0.5, "consent.opted_out": 0.4}, None, "an opt-out ends the hurry"),
    ],
)
def test_respond_within(seen: Mapping[str, float], minutes: int | None, why: str) -> None:
    assert qualify(seen).respond_within_minutes == minutes, why


@pytest.mark.parametrize(
    ("seen", "temperature", "words", "rule"),
    [
        ({}, COLD, "newsletter", "cold"),
        ({}, WARM, "webinar", "warm, at the top of the funnel"),
        ({"webinar": 5}, WARM, "case study", "warm, beyond the top of the funnel"),
        ({}, HOT, "ask what they need", "belongs to sales"),
        ({"demo": 5}, COLD, "offer two dates", "a strong signal"),
        ({"demo": 0.2}, COLD, "Call now", "a fresh strong signal without an answer"),
        ({"demo": 0.2, "inbound": 0.2, "outbound": 0.1}, HOT, "Wait for their reply", "a fresh strong signal, answered"),
        ({"webinar": 0.2}, COLD, "Answer now", "a fresh medium signal without an answer"),
        ({"trial": 5}, HOT, "help them with the product", "uses the product and belongs to sales"),
        ({"demo": 5, "demo_no_show": 1}, HOT, "two new dates", "missed an appointment"),
        ({"outbound_since_inbound": 6}, HOT, "Wait", "enough touches without an answer"),
        ({"outbound_since_inbound": 5}, HOT, "Call", "belongs to sales"),
        ({"demo": 0.2, "consent.opted_out": 9}, HOT, "Do not contact", "opted out"),
    ],
)
def test_next_step(seen: Mapping[str, float], temperature: int, words: str, rule: str) -> None:
    step = qualify(seen, temperature).next_step
    assert step.rule == rule
    assert words in step.words


@pytest.mark.parametrize(
    ("consent", "seen", "allowed", "why"),
    [
        (ConsentSettings(), {}, True, "no ground is asked for"),
        (ConsentSettings(), {"consent.opted_out": 0.0}, False, "an opt-out is honoured at once"),
        (ConsentSettings(), {"consent.opted_out": 900.0}, False, "and for ever"),
        (ASKED, {}, False, "no consent is on record"),
        (ASKED, {"lead.opt_in": 0}, False, "the attribute says no"),
        (ASKED, {"lead.opt_in": 2}, False, "or something else"),
        (ASKED, {"lead.opt_in": 1}, True, "or yes"),
        (ASKED, {"consent.agreed_to_contact": 400}, True, "the lead signed up"),
        (ASKED, {"lead.opt_in": 1, "consent.opted_out": 3}, False, "an opt-out outranks the attribute"),
        (ASKED, {"consent.agreed_to_contact": 4, "consent.opted_out": 3}, False, "and an older interaction"),
        (ASKED, {"consent.agreed_to_contact": 3, "consent.opted_out": 3}, False, "and one of the same moment"),
        (ASKED, {"consent.agreed_to_contact": 2, "consent.opted_out": 3}, True, "until the lead agrees again"),
    ],
)
def test_contactable(consent: ConsentSettings, seen: Mapping[str, float], allowed: bool, why: str) -> None:  # noqa: FBT001
    decided = qualify(seen, HOT, consent)
    assert decided.contactable.allowed is allowed, why
    assert decided.stage == ("sql" if allowed else "unqualified")
    assert decided.next_step.words.startswith("Do not contact") is not allowed


def test_an_opt_out_is_read_from_the_types_of_the_data() -> None:
    assert list(ConsentSettings().signals(TYPES)) == ["consent.opted_out"]
    assert list(ConsentSettings().signals(["page_view"])) == []
    assert list(ConsentSettings(opt_out=("stop",)).signals(["page_view"])) == ["consent.opted_out"]
    assert qualify({"consent.opted_out": 1.0}, consent=ConsentSettings(opt_out=("unsub*",))).contactable.why == "opted out"


def test_consent_by_a_number() -> None:
    consent = ConsentSettings.model_validate({"contact": {"attribute": "permitted"}})
    assert qualify({"lead.permitted": 1.0}, consent=consent).contactable.allowed
    assert not qualify({"lead.permitted": 0.0}, consent=consent).contactable.allowed


def test_without_consent_to_profiling_the_score_is_not_used() -> None:
    consent = ConsentSettings.model_validate({"profile": {"attribute": "opt_in"}})
    assert qualify({"demo": 3}, HOT, consent).next_step.rule == "no consent to profiling"
    assert qualify({"demo": 3}, HOT, consent).stage == "unqualified"
    assert qualify({"demo": 3, "lead.opt_in": 1}, HOT, consent).stage == "sql"


def test_consent_names_an_attribute_that_is_not_there() -> None:
    with pytest.raises(SettingsError, match=r'"optin", which the leads do not have.*Did you mean "opt_in"'):
        qualify({}, consent=ConsentSettings.model_validate({"contact": {"attribute": "optin"}}))
    with pytest.raises(ValidationError, match="name an attribute of the leads or types"):
        ConsentSettings.model_validate({"contact": {}})


def test_levels_that_consent_needs() -> None:
    consent = ConsentSettings.model_validate(
        {"contact": {"attribute": "opt_in", "values": ["yes"]}, "profile": {"attribute": "opt_in", "values": ["all"]}}
    )
    assert consent.levels_needed() == {"opt_in": {"yes", "all"}}


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(["demo", "trial", "webinar", "unsubscribe"]), st.floats(0, 40, width=32)), st.integers(0, 2)
        )
    )
)
def test_many_leads_are_decided_as_one(leads: list[tuple[dict[str, float], int]]) -> None:
    features = features_for(ConsentSettings())
    qualifier = Qualifier(QualificationSettings(), ConsentSettings(), features)
    matrix = np.full((len(leads), len(features.names)), np.nan, np.float32)
    for one, (seen, _) in zip(matrix, leads, strict=True):
        for name, value in seen.items():
            one[features.column(f"days_since_last({'consent.opted_out' if name == 'unsubscribe' else name})")] = value
    bands, unknown = np.array([temperature for _, temperature in leads], np.int8), np.full(len(leads), np.nan)
    position, few = qualifier.qualify_many(matrix, bands, unknown, unknown)
    assert [few[at] for at in position] == [
        qualifier.qualify(one, temperature) for one, (_, temperature) in zip(matrix, leads, strict=True)
    ]


@settings(deadline=None)
@given(st.integers(0, 2**14 - 1), st.integers(0, 2))
def test_no_situation_is_without_a_step_and_no_opt_out_is_contacted(facts: int, temperature: int) -> None:
    situation = Situation(Fact(facts), temperature, QualificationSettings())
    assert situation.next_step.words
    if situation.has(Fact.OPTED_OUT) and not situation.has(Fact.RETURNED):
        assert not situation.contactable.allowed
        assert situation.respond_within is None
        assert situation.stage == "unqualified"
        assert not situation.hand_over.due


def test_agreement() -> None:
    model, rules = np.array([0, 2, 1, 0], np.int8), np.array([2, 0, 1, 1], np.int8)
    assert [AGREEMENT[code] for code in agreement(model, rules)] == ["rules warmer", "model warmer", "agree", "rules warmer"]


OBJECTED = "consent.withdrew_profile"


@pytest.mark.parametrize(
    ("ground", "seen", "scored"),
    [
        ({"withdrawn": ["unsubscribe"]}, {}, True),
        ({"withdrawn": ["unsubscribe"]}, {OBJECTED: 3}, False),
        ({"types": ["newsletter_signup"], "withdrawn": ["unsubscribe"]}, {}, False),
        ({"types": ["newsletter_signup"], "withdrawn": ["unsubscribe"]}, {"consent.agreed_to_profile": 3}, True),
        ({"types": ["newsletter_signup"], "withdrawn": ["unsubscribe"]}, {"consent.agreed_to_profile": 3, OBJECTED: 1}, False),
        ({"types": ["newsletter_signup"], "withdrawn": ["unsubscribe"]}, {"consent.agreed_to_profile": 3, OBJECTED: 3}, False),
        ({"types": ["newsletter_signup"], "withdrawn": ["unsubscribe"]}, {"consent.agreed_to_profile": 1, OBJECTED: 3}, True),
        ({"attribute": "opt_in", "withdrawn": ["unsubscribe"]}, {"lead.opt_in": 1, OBJECTED: 1}, False),
    ],
)
def test_who_withdraws_from_profiling_is_not_worked_by_the_score_until_they_agree_again(
    ground: dict[str, object],
    seen: dict[str, float],
    scored: bool,  # noqa: FBT001
) -> None:
    found = qualify(seen, HOT, ConsentSettings.model_validate({"profile": ground, "opt_out": ()}))
    assert (found.stage == "unqualified") == (not scored)
    assert (found.next_step.rule == "no consent to profiling") == (not scored)
