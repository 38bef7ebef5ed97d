"""LeadScorer on a small world: the same number by every way, reasons that add up, and what a Score says beside its numbers."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from features.contract import DAY, from_micros
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord
from features.snapshots import open_leads
from models.answer import answers
from models.calibration import Calibration, to_probability
from models.exploration import ExplorationSettings
from models.margin import LinearMargin, squash
from models.score import Score
from models.scorer import LeadScorer
from models.temperature import NAMES
from tests.small_world import SmallWorld

CALIBRATIONS = {
    "none": Calibration(),
    "offset": Calibration("offset", intercept=-0.7),
    "sigmoid": Calibration("sigmoid", slope=1.3, intercept=0.4),
    "isotonic": Calibration("isotonic", slope=0.9, knots=(-4.0, -2.5, 0.0), levels=(-5.0, -2.0, -1.9)),
}


@pytest.fixture(params=["boosting", "logistic"])
def scorer(world: SmallWorld, request: pytest.FixtureRequest) -> LeadScorer:
    return world.scorer if request.param == "boosting" else world.logistic


def some(world: SmallWorld, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Test snapshots from the coldest to the warmest: leads and moments."""
    scored = world.scorer.numbers(world.dataset.history, world.parts.test.lead, world.parts.test.as_of)
    rows = np.argsort(scored.probability)[np.linspace(0, len(world.parts.test) - 1, count).astype(np.intp)]
    return world.parts.test.lead[rows], world.parts.test.as_of[rows]


def scores(world: SmallWorld, scorer: LeadScorer, count: int, **how: Any) -> list[Score]:
    lead, as_of = some(world, count)
    return [scorer.score(world.alone(number), moment, **how) for number, moment in zip(lead.tolist(), as_of.tolist(), strict=True)]


def warmest(world: SmallWorld, count: int) -> list[int]:
    """The open leads with the highest probability at the end of what was observed, with warm ones among them."""
    leads = open_leads(world.dataset, world.now)
    scored = world.scorer.numbers(world.dataset.history, leads, np.full(len(leads), world.now))
    return [int(number) for number in leads[np.argsort(-scored.probability)][:count]]


@pytest.mark.parametrize("method", CALIBRATIONS)
def test_reasons_and_base_add_up_to_the_log_odds(world: SmallWorld, scorer: LeadScorer, method: str) -> None:
    for score in scores(world, replace(scorer, calibration=CALIBRATIONS[method]), 40):
        assert score.base is not None
        assert score.base + sum(reason.contribution for reason in score.reasons) == pytest.approx(score.log_odds, abs=1e-9)
        assert score.probability == float(to_probability(np.array([score.log_odds]))[0])


@pytest.mark.parametrize("method", CALIBRATIONS)
def test_every_calibration_keeps_the_sides_of_the_reasons(world: SmallWorld, scorer: LeadScorer, method: str) -> None:
    lead, as_of = some(world, 200)
    rows = np.arange(200)
    raw, calibrated = (
        one.contributions(one.numbers(world.dataset.history, lead, as_of), rows)[0]
        for one in (replace(scorer, calibration=Calibration()), replace(scorer, calibration=CALIBRATIONS[method]))
    )
    assert (np.sign(raw) == np.sign(calibrated)).all()


def test_reasons_do_not_vanish_where_they_cancel(world: SmallWorld) -> None:
    history, columns = world.alone(warmest(world, 1)[0]), [world.scorer.features.column(name) for name in ("age_days", "count(all, ever)")]
    x = squash(world.scorer.numbers(history, np.zeros(1, np.int64), np.array([world.now])).X[0, columns])
    width = len(world.scorer.features.names)
    outweighing = LinearMargin(-1.0, tuple(columns), (0.0, 0.0), (1.0, 1.0), (2.0 / x[0], -2.0 / x[1]), (), width)
    score = replace(world.scorer, margin=outweighing, calibration=CALIBRATIONS["isotonic"]).score(history, world.now)
    assert sorted(reason.signal for reason in score.reasons) == ["activity", "time"]
    assert min(abs(reason.contribution) for reason in score.reasons) > 0.05


def test_a_lead_alone_has_every_bit_it_has_among_all(world: SmallWorld, scorer: LeadScorer) -> None:
    lead, as_of = some(world, 60)
    rows = scorer.score_many(world.dataset.history, lead, as_of, threads=2, explain=True).to_pylist()
    explained = 0
    for row, score in zip(rows, scores(world, scorer, 60), strict=True):
        alone = asdict(score)
        told = ("lead_id", "probability", "horizon_days", "score", "temperature", "log_odds", "agreement", "stage", "funnel")
        assert {name: row[name] for name in told} == {name: alone[name] for name in told}
        assert (row["points"], row["rules_temperature"]) == (score.baseline.points, score.baseline.temperature)
        assert (row["next_step"], row["respond_within_minutes"]) == (score.next_step.words, score.respond_within_minutes)
        assert (row["contactable"], row["version"], row["fingerprint"]) == (score.contactable.allowed, None, scorer.fingerprint)
        assert row["contactable_why"] == score.contactable.why
        assert row["as_of"].isoformat(timespec="microseconds") == score.as_of
        if row["temperature"] != "cold":
            explained += 1
            assert (row["base"], row["reasons"]) == (score.base, alone["reasons"])
        else:
            assert (row["base"], row["reasons"]) == (None, None)
    assert explained > 0


def test_the_lot_falls_on_a_lead_alone_as_among_all(world: SmallWorld) -> None:
    exploring = world.scorer.settings.model_copy(update={"exploration": ExplorationSettings(share=0.4, seed=3)})
    scorer, (lead, as_of) = replace(world.scorer, settings=exploring), some(world, 60)
    among_all = scorer.score_many(world.dataset.history, lead, as_of)["explored"].to_pylist()
    assert ["explored" in one.flags for one in scores(world, scorer, 60, explain=False)] == among_all
    assert 10 < sum(among_all) < 40
    assert not any(world.scorer.score_many(world.dataset.history, lead, as_of)["explored"].to_pylist())


def test_without_reasons_the_numbers_are_the_same(world: SmallWorld) -> None:
    for short, long in zip(scores(world, world.scorer, 20, explain=False), scores(world, world.scorer, 20), strict=True):
        assert short == replace(long, reasons=[], base=None, cools_on=None, baseline=replace(long.baseline, reasons=[]))


def test_leads_are_scored_together_as_each_alone(world: SmallWorld, scorer: LeadScorer) -> None:
    count, history = 100, world.dataset.history.slice(0, 100)
    as_of, explain = history.created_at + DAY * (5 + np.arange(count) % 30), np.arange(count) % 3 > 0
    previous = np.arange(count) % 4 - 1
    together = answers(scorer, history, as_of, previous, explain=explain)
    for number, (one, x, _) in enumerate(together):
        before = NAMES[previous[number]] if previous[number] >= 0 else None
        alone = scorer.answer(world.alone(number), int(as_of[number]), before, explain=bool(explain[number]))
        assert one == alone.score
        assert x.tobytes() == alone.features.tobytes()
    assert sum(one.cools_on is not None for one, *_ in together) > 3


def test_the_score_is_the_share_of_the_reference_population_below(world: SmallWorld) -> None:
    for score in scores(world, world.scorer, 20):
        assert score.probability is not None
        assert score.score == pytest.approx(100 * (world.scorer.reference < score.probability).mean())


def test_what_lies_ahead_changes_nothing(world: SmallWorld) -> None:
    lead, as_of = some(world, 40)
    for number, moment in zip(lead.tolist(), as_of.tolist(), strict=True):
        history = world.alone(number)
        assert world.scorer.score(history, moment) == world.scorer.score(history.known_before(moment), moment)


def test_a_lead_that_was_hotter_cools_only_below_the_exit(world: SmallWorld) -> None:
    bands = world.scorer.bands
    assert bands is not None
    lead, as_of = world.parts.test.lead, world.parts.test.as_of
    scored = world.scorer.numbers(world.dataset.history, lead, as_of)
    between = (scored.probability < bands.thresholds[0]) & (scored.probability >= bands.exits[0])
    below = scored.probability < bands.exits[0]
    for rows, kept in ((between, "warm"), (below, "cold")):
        for row in np.flatnonzero(rows)[:5].tolist():
            history, moment = world.alone(int(lead[row])), int(as_of[row])
            assert world.scorer.score(history, moment).temperature == "cold"
            assert world.scorer.score(history, moment, "warm").temperature == kept
    assert between.any()


def test_the_trend_compares_with_a_week_before(world: SmallWorld) -> None:
    seen = set()
    for number in warmest(world, 40) + open_leads(world.dataset, world.now)[:200].tolist():
        history = world.alone(number)
        now, before = (world.scorer.score(history, world.now - days * DAY, explain=False).log_odds for days in (0, 7))
        assert now is not None
        assert before is not None
        new = min(history.created_at[0], *history.occurred_at[:1]) >= world.now - 7 * DAY
        expected = "new" if new else "heating" if now - before > 0.25 else "cooling" if now - before < -0.25 else "steady"
        assert world.scorer.score(history, world.now, explain=False).trend == expected
        seen.add(expected)
    assert seen == {"new", "heating", "cooling", "steady"}


def test_it_cools_on_the_first_day_that_is_cooler(world: SmallWorld) -> None:
    found = 0
    for number in warmest(world, 20):
        history = world.alone(number)
        score = world.scorer.score(history, world.now)
        days = [world.now + day * DAY for day in range(1, 91)]
        later = [world.scorer.score(history, day, score.temperature, explain=False).temperature for day in days]
        cooler = [day for day, temperature in zip(days, later, strict=True) if NAMES.index(temperature) < NAMES.index(score.temperature)]
        assert score.cools_on == (from_micros(cooler[0]).date().isoformat() if cooler else None)
        found += score.cools_on is not None
    assert found > 5


def made_up(world: SmallWorld, *kinds: str, created: int | None = -30) -> Score:
    """The score of a lead created some days ago that did something yesterday."""
    rows = [InteractionRecord(kind, world.now - DAY) for kind in kinds]
    lead = LeadRecord("made up", None if created is None else world.now + created * DAY, interactions=rows)
    return world.scorer.score(history_of([lead], world.scorer.schema), world.now)


def test_flags_tell_what_is_unusual(world: SmallWorld) -> None:
    assert made_up(world, "price_page").flags == []
    assert made_up(world).flags == ["no_history"]
    assert made_up(world, "price_page", "carrier_pigeon").flags == ["unknown_types"]
    assert made_up(world, "price_page", created=None).flags == ["created_at_unknown"]
    assert made_up(world, created=3).flags == ["no_history", "created_later"]


def test_a_lead_of_which_nothing_is_known_is_scored(world: SmallWorld) -> None:
    score = made_up(world, created=None)
    assert score.probability is not None
    assert 0 < score.probability < 1
    assert (score.trend, score.flags) == ("new", ["no_history", "created_at_unknown"])


def test_a_score_names_its_model(world: SmallWorld) -> None:
    (score,) = scores(world, replace(world.scorer, version="7"), 1)
    assert asdict(score.model) == {"name": "leadheat", "version": "7", "fingerprint": world.scorer.fingerprint}


def test_no_leads_make_an_empty_table_with_all_columns(world: SmallWorld) -> None:
    nobody = np.zeros(0, np.int64)
    table = world.scorer.score_many(world.dataset.history, nobody, nobody, explain=True)
    assert table.num_rows == 0
    assert table.schema == world.scorer.score_many(world.dataset.history, np.zeros(1, np.int64), np.array([world.now])).schema
