"""Interactions without the consent that they need reach no feature, on no way, and are counted."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from features.catalogue import FeatureSet
from features.compute import compute
from features.consent import OPTING_OUT, ConsentRule
from features.contract import DAY, SettingsError, parse_moment
from features.data_settings import DataSettings
from features.dataset import Dataset
from features.history import History
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord
from features.schema import Schema
from features.vocabulary import fit_features
from models.fallback import RulesScorer
from models.parity import parity
from models.settings import Settings, parse_settings
from tests.naive import naive
from tests.naive_view import known_at, newest_first
from tests.random_histories import DICE, SETTINGS, World, same, tables_of, worlds
from tests.small_world import SmallWorld

TOLD = ConsentRule(types=("visit", "mail/*"), attribute="agreed", values=("yes", "1"))
GRANTED = ConsentRule(types=("*",), granted=("demo", "asked"), withdrawn=("call", "asked"))
RULES = st.sampled_from([(TOLD,), (GRANTED,), (GRANTED, TOLD), (ConsentRule(types=("mail/*",), granted=("visit",)),)])
EXAMPLES = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def with_consents(world: World, dice: random.Random) -> list[LeadRecord]:
    """The world's leads with an attribute on some interactions that says whether they agreed."""

    def told(event: InteractionRecord) -> InteractionRecord:
        return event._replace(attributes={**(event.attributes or {}), "agreed": dice.choice(["yes", "no", "1", "YES", "", None])})

    return [lead._replace(interactions=[told(event) for event in lead.interactions]) for lead in world.leads]


def agreed(event: InteractionRecord, events: Sequence[InteractionRecord], rule: ConsentRule) -> InteractionRecord | None:
    """The interaction as far as a rule lets it count, straight from the definition."""
    if not rule.asks(event.type):
        return event
    if rule.attribute is not None:
        return event if (event.attributes or {}).get(rule.attribute) in rule.values else None
    spoken = [one for one in events if one.occurred_at <= event.occurred_at and one.type in (*rule.granted, *rule.withdrawn)]
    refusals = [one.occurred_at for one in spoken if one.type in rule.withdrawn]
    grants = [one for one in spoken if one.type not in rule.withdrawn and one.occurred_at > max(refusals, default=-(2**62))]
    return event._replace(recorded_at=max(known_at(event), min(map(known_at, grants)))) if grants else None


def counting(lead: LeadRecord, rules: Sequence[ConsentRule], features: FeatureSet) -> tuple[LeadRecord, list[int]]:
    """The lead with what counts, in the order that it has among all, and when the rest was known."""
    kept, rest = [], []
    for place, event in enumerate(reversed(newest_first(lead, features))):
        ways = [agreed(event, lead.interactions, rule) for rule in rules]
        late = [known_at(way) for way in ways if way is not None]
        if len(late) == len(ways):
            kept.append(event._replace(recorded_at=max(late), order=place))
        else:
            rest.append(known_at(event))
    return lead._replace(interactions=kept), rest


@EXAMPLES
@given(worlds(), DICE, RULES)
def test_what_lacks_consent_is_as_if_it_never_was_on_every_way(world: World, dice: random.Random, rules: tuple[ConsentRule, ...]) -> None:
    leads, features = with_consents(world, dice), replace(world.features, consent=rules)
    plain = [counting(lead, rules, world.features) for lead in leads]
    expected = naive(world.features, [lead for lead, _ in plain], world.snapshots)
    told = replace(world.features.schema, categorical=tuple(sorted({*world.features.schema.categorical, "agreed"})))
    tables = tables_of(leads, told, dice, order=True)
    for history in (
        history_of(leads, features.schema),
        History.from_tables(tables, features.schema, dice.randint(1, 3)),
        History.from_tables(tables, told).with_schema(features.schema),
        history_of(leads, features.schema).with_schema(features.schema),
    ):
        same(compute(features, history, world.lead, world.as_of), expected, features.names)
        withheld = [sum(moment < as_of for moment in plain[position][1]) for position, as_of in world.snapshots]
        assert history.without_consent(world.lead, world.as_of).tolist() == withheld
        assert "agreed" not in {*history.attributes.numeric, *history.attributes.categorical}


@EXAMPLES
@given(worlds(leads=9), DICE, RULES)
def test_a_part_of_the_leads_knows_what_it_withholds(world: World, dice: random.Random, rules: tuple[ConsentRule, ...]) -> None:
    history = history_of(with_consents(world, dice), replace(world.features, consent=rules).schema)
    low, high = sorted(dice.choices(range(len(world.leads) + 1), k=2))
    mine = (world.lead >= low) & (world.lead < high)
    part = history.slice(low, high).without_consent(world.lead[mine] - low, world.as_of[mine])
    assert part.tolist() == history.without_consent(world.lead[mine], world.as_of[mine]).tolist()


@pytest.mark.parametrize(
    ("value", "counts"), [(True, True), (1, True), (1.0, True), ("1", True), ("yes", True), (False, False), ("YES", False), (None, False)]
)
def test_an_interaction_tells_its_consent_in_any_form(value: object, counts: bool) -> None:  # noqa: FBT001
    rule, visit = ConsentRule(types=("visit",), attribute="agreed"), InteractionRecord("visit", DAY, attributes={"agreed": value})
    history = history_of([LeadRecord("a", 0, None, [visit])], Schema(consent=(rule,)))
    assert len(history.occurred_at) == counts


def test_a_repeated_interaction_is_judged_as_it_was_first_known() -> None:
    rows = [
        InteractionRecord("visit", DAY, 3 * DAY, interaction_id="i", attributes={"agreed": "yes"}),
        InteractionRecord("visit", DAY, 2 * DAY, interaction_id="i", attributes={"agreed": "no"}),
    ]
    history = history_of([LeadRecord("a", 0, None, rows)], Schema(consent=(TOLD,)))
    assert (len(history.occurred_at), history.without_consent(np.zeros(1, np.int64), np.array([4 * DAY])).tolist()) == (0, [1])


def dataset(folder: Path, consent: object, rows: Sequence[str]) -> Dataset:
    (folder / "i.csv").write_text("\n".join(["lead_id,occurred_at,type,agreed", *rows, ""]), encoding="utf-8")
    (folder / "l.csv").write_text("lead_id,created_at\na,2026-01-01T00:00:00Z\nb,2026-01-01T00:00:00Z\n", encoding="utf-8")
    described = {"leads": {"path": "l.csv"}, "interactions": {"path": "i.csv"}, "consent": consent}
    return Dataset.read(DataSettings.model_validate(described), folder)


ROWS = ["a,2026-01-02T00:00:00Z,visit,1", "a,2026-01-03T00:00:00Z,visit,0", "b,2026-01-03T00:00:00Z,visit,", "b,2026-01-04T00:00:00Z,call,"]


def test_a_data_set_tells_how_many_do_not_count(tmp_path: Path) -> None:
    data = dataset(tmp_path, {"types": ["visit"], "attribute": "agreed"}, ROWS)
    (found,) = data.findings
    assert (found.severity, found.code, found.count) == ("info", "without_consent", 2)
    assert data.history.start.tolist() == [0, 1, 2]
    assert not data.history.attributes.numeric
    features = fit_features(data.history, SETTINGS[0], {}, consent=data.history.consented)
    assert asdict(FeatureSet.from_dict(json.loads(json.dumps(features.to_dict()))).schema) == asdict(features.schema)
    assert features.fingerprint != replace(features, consent=()).fingerprint


def test_a_rule_that_finds_nothing_to_go_by_is_told(tmp_path: Path) -> None:
    rules = [{"types": ["visit"], "attribute": "agred"}, {"types": ["call"], "granted": ["opt_in"]}]
    data = dataset(tmp_path, rules, ROWS)
    told = {finding.code: finding for finding in data.findings if finding.severity == "warning"}
    assert "agred" in told["consent_not_told"].detail
    assert "opt_in" in told["pattern_without_match"].detail
    assert len(data.history.occurred_at) == 0


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"types": ["a"]}, "name either the attribute"),
        ({"types": ["a"], "attribute": "x", "granted": ["b"]}, "name either the attribute"),
        ({"types": ["a"], "attribute": "x", "withdrawn": ["b"]}, "withdrawn needs granted"),
        ({"types": [], "attribute": "x"}, "at least 1 item"),
        ({"types": ["a"], "attribute": "x", "values": []}, "at least 1 item"),
        ({"types": ["a"], "granted": ["opt_in"]}, "exclude_types leaves"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(rule: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DataSettings.model_validate({"leads": {"path": "l.csv"}, "consent": rule, "exclude_types": ["opt*"]})


def test_a_score_says_how_many_interactions_do_not_count(world: SmallWorld) -> None:
    rule = ConsentRule(types=("page_*", "nothing"), granted=("cookies_accepted",), withdrawn=("cookies_declined",))
    scorer = replace(world.scorer, features=replace(world.scorer.features, consent=(rule,)))
    day = parse_moment("2026-01-10")
    visits = [InteractionRecord("page_view", day + number * DAY) for number in range(5)]
    banner = [InteractionRecord("cookies_accepted", day + DAY), InteractionRecord("cookies_declined", day + 3 * DAY)]
    lead = LeadRecord("a", day, {}, [*visits, *banner])
    history, as_of = history_of([lead], scorer.schema), day + 4 * DAY
    score = scorer.score(history, as_of)
    assert score.interactions_without_consent == 2  # the first, and of the two after the withdrawal the one before as_of
    row = scorer.score_many(history, np.zeros(1, np.int64), np.array([as_of])).to_pylist()[0]
    assert row["interactions_without_consent"] == 2
    without = history_of([lead._replace(interactions=[*visits[1:3], *banner])], world.scorer.schema)
    assert scorer.answer(without, as_of).features.tobytes() == scorer.answer(history, as_of).features.tobytes()
    alone = RulesScorer(consent=(rule,))
    assert alone.score(history_of([lead], alone.schema), as_of).interactions_without_consent == 2


def test_service_and_batch_agree_where_consent_is_asked_for(world: SmallWorld) -> None:
    kinds = world.dataset.history.type.levels
    rule = ConsentRule(types=("*",), granted=tuple(kinds[:2]), withdrawn=tuple(kinds[2:3]))
    told = ConsentRule(types=(kinds[-1],), attribute="agreed")
    features = replace(world.scorer.features, consent=(rule,))
    scorer = replace(world.scorer, features=features)
    history = world.dataset.history.with_consent((rule,))
    assert 0 < len(history.occurred_at) < len(world.dataset.history.occurred_at)
    marked = replace(history, consented=(*history.consented, told))  # as if every interaction that was left had told its consent
    scorer = replace(scorer, features=replace(features, consent=(rule, told)))
    test = world.parts.test
    assert parity(scorer, scorer, marked, test.lead[:40], test.as_of[:40]).differing == ()


def test_an_opt_out_is_heard_without_any_other_consent(world: SmallWorld) -> None:
    rule = ConsentRule(types=("*",), attribute="tracking")
    assert [kind for kind in ("unsubscribe", "opt-out", "page_view") if rule.asks(kind)] == ["page_view"]
    told = {**world.settings.model_dump(mode="json", include={"data"}), "consent": {"contact": {"types": ["newsletter_signup"]}}}
    told["data"]["consent"] = [{"types": ["*"], "attribute": "tracking"}]
    with pytest.raises(SettingsError, match=r"withholds \['newsletter_signup'\]"):
        parse_settings(told, Settings, "leadheat.toml")
    told["data"]["consent"][0]["except_types"] = ["*unsub*", "newsletter_signup"]
    with pytest.raises(SettingsError, match="goes by"):
        parse_settings(told, Settings, "leadheat.toml")
    told["data"]["consent"][0]["except_types"] = [*OPTING_OUT, "newsletter_signup"]
    assert parse_settings(told, Settings, "leadheat.toml").data.consent[0].asks("page_view")
