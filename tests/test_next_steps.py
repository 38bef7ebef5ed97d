"""The declared next steps: the default table, what a file may change of it, and what it is told when it is wrong."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import numpy as np
import pytest

from features.contract import DAY, SettingsError
from models.fallback import RulesScorer
from models.lifecycle import WARM, Fact, Situation
from models.next_steps import DEFAULT_STEPS, Steps
from models.qualification import Qualifier
from models.qualification_settings import QualificationSettings
from models.settings import ScoringSettings, Settings, parse_settings
from tests.small_world import SmallWorld

LEAST = '[data]\nleads = { path = "leads.csv" }\n[signals.prices]\ntypes = ["price_page"]\n'
CALL = '[[next_steps]]\nwhen = { signal = "prices", within = "3d", temperature = "warm" }\nwords = "Anrufen"\nrule = "read the prices"\n'


def declared(rows: str) -> Steps:
    return parse_settings(tomllib.loads(LEAST + rows), Settings, "leadheat.toml").next_steps


def refusal(rows: str) -> str:
    with pytest.raises(SettingsError, match=r"leadheat\.toml") as refused:
        declared(rows)
    return refused.value.message


def in_practice(case: Situation) -> str:  # noqa: PLR0911 - one for each case
    """The rule of each case, as sales practice has it, in the plainest way."""
    if not case.contactable.allowed:
        return "opted out" if case.has(Fact.OPTED_OUT) else "no consent to be contacted"
    if not case.has(Fact.PROFILE):
        return "no consent to profiling"
    if case.respond_within is not None:
        return f"a fresh {'strong' if case.has(Fact.FRESH_STRONG) else 'medium'} signal without an answer"
    if case.has(Fact.EXHAUSTED):
        return "enough touches without an answer"
    if case.has(Fact.MISSED):
        return "missed an appointment"
    if case.has(Fact.FRESH_STRONG):
        return "a fresh strong signal, answered"
    if case.handed_over:
        product, strong = case.has(Fact.PRODUCT), case.has(Fact.STRONG)
        return "uses the product and belongs to sales" if product else "a strong signal" if strong else "belongs to sales"
    if case.temperature < WARM:
        return "cold"
    return "warm, at the top of the funnel" if case.funnel == "top" else "warm, beyond the top of the funnel"


def test_the_default_table_is_sales_practice_in_every_situation() -> None:
    for facts in range(int(Fact.PASSED)):
        for temperature in range(3):
            case = Situation(Fact(facts), temperature, QualificationSettings())
            assert case.next_step.rule == in_practice(case), case


def test_a_file_that_declares_nothing_has_the_default_table() -> None:
    assert declared("") == DEFAULT_STEPS == ScoringSettings().next_steps


def test_a_row_comes_first_or_before_the_one_it_names_or_in_place_of_its_namesake() -> None:
    rules = [row.rule for row in declared(CALL)]
    assert rules == ["read the prices", *(row.rule for row in DEFAULT_STEPS)]
    rules = [row.rule for row in declared(CALL + 'before = "a strong signal"\n')]
    assert rules[rules.index("read the prices") + 1] == "a strong signal"
    reworded = declared('[[next_steps]]\nrule = "missed an appointment"\nwhen = { missed = true }\nwords = "Neu verabreden"\n')
    assert [row.rule for row in reworded] == [row.rule for row in DEFAULT_STEPS]
    assert {row.words for row in reworded} - {row.words for row in DEFAULT_STEPS} == {"Neu verabreden"}


def test_rows_of_a_file_keep_their_order() -> None:
    def row(rule: str, before: str = "") -> str:
        return f'[[next_steps]]\nwhen = {{ strong = true }}\nwords = "x"\nrule = "{rule}"\n' + (f'before = "{before}"\n' if before else "")

    rules = [one.rule for one in declared(row("a") + row("b", "cold") + row("c", "cold") + row("d") + row("e", "a"))]
    assert rules[:3] == ["e", "a", "d"]
    assert rules[-3:] == ["b", "c", "cold"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (CALL.replace("temperature", "temprature"), 'next_steps.0.when.temprature is no key (did you mean "temperature"?)'),
        (CALL.replace('"warm"', '"wram"'), "next_steps.0.when.temperature.0: input should be 'cold', 'warm' or 'hot'"),
        (CALL.replace('"prices"', '"price"'), 'names the signal "price", which is not declared (did you mean "prices"?)'),
        (CALL.replace('"prices"', '"webinar"'), "which is not declared; declare it: [signals.webinar]"),
        (CALL.replace('signal = "prices", ', ""), '"within" says how long ago a signal may be; name it'),
        (CALL.replace('"3d"', '"3 days"'), "next_steps.0.when.within: '3 days' is no duration"),
        (CALL + 'before = "a strong signl"\n', 'is to come before "a strong signl", which is no rule (did you mean "a strong signal"?)'),
        (CALL + CALL, 'two rows are called "read the prices"'),
        (CALL.replace("read the prices", "cold"), 'the row "cold" must take every lead that no other takes: when = { }'),
        (CALL.replace("read the prices", "opted out"), 'when = { permission = "opted_out" }'),
        (CALL.replace("words", "word"), "next_steps.0.words is missing"),
        ("".join(CALL.replace("3d", f"{n}d").replace("read", f"{n}") for n in range(1, 43)), "40 are the most"),
    ],
)
def test_what_is_wrong_is_told_with_the_nearest_right_one(rows: str, words: str) -> None:
    assert words in refusal(rows)


def test_a_row_for_a_signal_holds_within_its_time_and_its_band_only(world: SmallWorld) -> None:
    features = world.scorer.features
    qualifier = Qualifier(QualificationSettings(), world.settings.consent, features, declared(CALL))
    for days, temperature, rule in (
        (3.0, WARM, "read the prices"),
        (3.01, WARM, "warm, beyond"),
        (3.0, 0, "cold"),
        (np.nan, WARM, "warm, at"),
    ):
        x = np.full(len(features.names), np.nan, np.float32)
        x[features.column("days_since_last(prices)")] = days
        x[features.column("days_since_last(inbound)")], x[features.column("days_since_last(outbound)")] = 5, 4
        assert qualifier.qualify(x, temperature).next_step.rule.startswith(rule)


def test_nobody_who_opted_out_meets_a_row_that_does_not_speak_of_it(world: SmallWorld) -> None:
    features = world.scorer.features
    qualifier = Qualifier(
        QualificationSettings(), world.settings.consent, features, declared('[[next_steps]]\nwords = "Call"\nrule = "all"')
    )
    x = np.full(len(features.names), np.nan, np.float32)
    assert qualifier.qualify(x, 2).next_step == ("Call", "all")
    x[features.column("days_since_last(consent.opted_out)")] = 5
    assert qualifier.qualify(x, 2).next_step.rule == "opted out"


def test_the_table_is_part_of_the_model_and_batch_and_one_lead_agree_on_it(world: SmallWorld) -> None:
    steps = declared(CALL.replace('"warm"', '["warm", "hot", "cold"]').replace("3d", "30d"))
    settings = world.scorer.settings.model_copy(update={"next_steps": steps})
    scorer = replace(world.scorer, settings=settings).save(world.folder / "with-steps")
    loaded = type(scorer).load(world.folder / "with-steps")
    assert loaded.settings.next_steps == steps
    assert scorer.fingerprint != world.scorer.fingerprint
    table = loaded.score_many(world.dataset.history, np.arange(100), np.full(100, world.now - 200 * DAY))
    alone = [loaded.score(world.alone(n), world.now - 200 * DAY, explain=False) for n in range(100)]
    assert table["next_step"].to_pylist() == [one.next_step.words for one in alone]
    assert table["stage"].to_pylist() == [one.stage for one in alone]
    assert "Anrufen" in table["next_step"].to_pylist()


def test_the_small_world_meets_sales_practice_and_the_rules_alone_know_declared_steps(world: SmallWorld) -> None:
    assert world.scorer.settings.next_steps == DEFAULT_STEPS
    settings = ScoringSettings(signals=world.settings.signals, next_steps=declared(CALL))
    assert RulesScorer(settings).score(world.alone(0), world.now).next_step.rule in {row.rule for row in DEFAULT_STEPS}
