"""What monitoring finds: nothing where nothing has changed, and each planted fault by its own code."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from features.contract import DAY, SettingsError
from models.monitoring import MonitorSettings, WorkedSettings
from models.temperature import Bands
from tests.monitored import codes, logged, renamed, watch, with_column, with_employees, with_wins
from tests.small_world import SmallWorld
from training.monitoring import Monitoring
from training.monitoring.joined import join
from training.monitoring.rates import worked_rows

KINDS = ("mail_sent", "mail_opened", "page_visit", "sales_call")


@pytest.fixture(scope="module")
def log(world: SmallWorld) -> pa.Table:
    return logged(world)


def detail(result: Monitoring, code: str) -> str:
    return next(alert.detail for alert in result.alerts if alert.code == code)


def test_a_world_in_which_nothing_changes_raises_no_alarm(world: SmallWorld, log: pa.Table) -> None:
    result = watch(world.dataset, log, world.scorer)
    assert result.ok, result.alerts
    assert not codes(result, "warning")
    report = result.versions[0]
    assert (report.rows, report.matured) == (len(log), len(world.parts.test))
    assert report.overall.positives == world.parts.test.label.sum()
    assert report.overall.expected == pytest.approx(log["probability"].to_numpy().mean())
    assert sum(band.rows for band in report.bands) == report.matured
    assert report.skew.replayed == len(log)
    assert report.skew.mismatched == 0
    assert {one.name.partition(":")[0] for one in report.segments} >= {"month", "age", "history", "industry", "source"}


def test_the_result_is_json(world: SmallWorld, log: pa.Table) -> None:
    told = json.loads(json.dumps(watch(world.dataset, log, world.scorer).to_dict(), allow_nan=False))
    assert {"ok", "alerts", "bands", "versions", "dataset", "rescored"} == set(told)
    assert [band["name"] for band in told["bands"]] == ["cold", "warm", "hot"]
    assert {"version", "expected", "rate", "rate_low", "rate_high", "stated_low", "stated_high", "inside"} <= set(told["bands"][0])


def test_no_figure_follows_the_order_of_the_lines(world: SmallWorld, log: pa.Table) -> None:
    doubled = with_column(log, "probability", pa.array(np.minimum(log["probability"].to_numpy() * 2, 1)))  # the same looks, told otherwise
    other = with_column(with_column(log, "fingerprint", pa.repeat("another", len(log))), "version", pa.repeat("2", len(log)))
    told = pa.concat_tables([log, doubled, other])
    settings = MonitorSettings(most_replayed=len(log) // 3, worked=WorkedSettings(types=["sales_call"]))
    expected = watch(world.dataset, told, world.scorer, settings=settings).to_dict()
    for seed in range(3):
        shuffled = told.take(np.random.default_rng(seed).permutation(len(told)))
        assert watch(world.dataset, shuffled, world.scorer, settings=settings).to_dict() == expected


def test_a_stale_vocabulary_is_told_by_unknown_types_and_drift(world: SmallWorld) -> None:
    later = renamed(world.dataset, *KINDS)
    result = watch(later, logged(world, later), world.scorer)
    assert {"unknown_types", "feature_drift"} <= codes(result)
    assert "skew" not in codes(result)
    report = result.versions[0]
    assert report.unknown_types is not None
    assert report.unknown_types > 0.5
    assert report.unknown_types_before is not None
    assert report.unknown_types_before < 0.05


def test_types_that_were_renamed_after_scoring_are_skew(world: SmallWorld, log: pa.Table) -> None:
    result = watch(renamed(world.dataset, "mail_sent"), log, world.scorer)
    assert "skew" in codes(result)
    assert "our_mails" in " ".join(result.versions[0].skew.features)
    assert 0 < result.versions[0].skew.mismatched <= len(log)


def test_another_unit_in_the_service_is_skew_and_names_the_feature(world: SmallWorld) -> None:
    result = watch(world.dataset, logged(world, with_employees(world.dataset, 1_000)), world.scorer)
    skew = result.versions[0].skew
    employees = world.dataset.history.lead_attributes.numeric["employees"][world.parts.test.lead]
    assert skew.mismatched == np.isfinite(employees).sum()
    assert set(skew.features) == {"lead.employees"}
    assert "lead.employees" in detail(result, "skew")
    assert skew.features["lead.employees"] == pytest.approx(skew.mismatched / 8, rel=0.3)


def test_an_attribute_that_vanished_is_told(world: SmallWorld) -> None:
    later = with_employees(world.dataset, np.nan)
    result = watch(later, logged(world, later), world.scorer)
    assert "feature_missing" in codes(result)
    assert "lead.employees (100%" in detail(result, "feature_missing")
    assert "lead.employees" not in [alert.detail for alert in result.alerts if alert.code == "feature_drift"]


def test_a_shifted_base_rate_is_told_by_bands_and_calibration(world: SmallWorld, log: pa.Table) -> None:
    later = with_wins(world.dataset, world.parts.test, 0.1)
    result = watch(later, log, world.scorer)
    assert {"band_off", "calibration_off"} <= codes(result)
    severities = [("error", "warning", "info").index(alert.severity) for alert in result.alerts]
    assert severities == sorted(severities)
    assert len(set(severities)) > 1
    assert {"score_drift", "feature_drift", "skew", "hot_inflation"}.isdisjoint(codes(result))
    assert result.versions[0].bands[0].inside is False
    assert next(alert.where for alert in result.alerts if alert.code == "band_off") == "cold"


def test_a_world_in_which_nobody_is_won_any_more_is_told_too(world: SmallWorld, log: pa.Table) -> None:
    result = watch(with_wins(world.dataset, world.parts.test, 0.0), log, world.scorer)
    assert {"band_off", "calibration_off"} <= codes(result)


def test_a_band_outside_by_chance_is_told_but_no_error(world: SmallWorld, log: pa.Table) -> None:
    bands = world.scorer.bands
    assert bands is not None
    cold = watch(world.dataset, log, world.scorer).versions[0].bands[0]
    assert cold.rate is not None
    narrow = replace(bands.bands[0], rate_low=cold.rate * 1.01, rate_high=cold.rate * 1.3)
    stated = Bands(bands.policy, bands.hysteresis, bands.base_rate, (narrow, *bands.bands[1:]))
    result = watch(world.dataset, log, replace(world.scorer, bands=stated))
    assert result.ok
    assert "band_outside" in codes(result, "info")


def test_more_hot_leads_than_stated_are_inflation(world: SmallWorld, log: pa.Table) -> None:
    temperature = log["temperature"].to_pylist()
    hot = ["hot" if i % 6 == 0 else one for i, one in enumerate(temperature)]
    result = watch(world.dataset, with_column(log, "temperature", pa.array(hot)), world.scorer)
    assert "hot_inflation" in codes(result)
    assert result.versions[0].bands[2].share == pytest.approx(hot.count("hot") / len(hot))


def test_moved_scores_are_drift(world: SmallWorld, log: pa.Table) -> None:
    lower = pa.array(log["probability"].to_numpy() / 4)
    result = watch(world.dataset, with_column(log, "probability", lower), world.scorer)
    assert {"score_drift", "calibration_off"} <= codes(result)


def test_too_few_leads_are_not_judged(world: SmallWorld, log: pa.Table) -> None:
    some = log.filter(pa.array(world.parts.test.lead % 30 == 0))
    result = watch(with_wins(world.dataset, world.parts.test, 0.5), some, world.scorer)
    assert result.ok
    assert codes(result, "info") == {"too_few_matured"}
    assert codes(watch(world.dataset, log.slice(0, 0), world.scorer), "info") == {"too_few_matured"}


def test_versions_are_judged_apart_and_one_that_is_gone_by_its_rates_alone(world: SmallWorld, log: pa.Table) -> None:
    other = replace(world.scorer, fingerprint="f" * 64)
    shifted = with_column(logged(world, None, other, "2"), "probability", pa.array(log["probability"].to_numpy() * 0.4))
    result = watch(world.dataset, pa.concat_tables([shifted, log]), world.scorer, other)
    assert {report.version for report in result.versions} == {"1", "2"}
    assert {alert.version for alert in result.alerts if alert.severity == "error"} == {"2"}
    gone = watch(world.dataset, pa.concat_tables([shifted, log]), world.scorer)
    lost = next(report for report in gone.versions if report.version == "2")
    assert lost.bands[0].rate is not None
    assert lost.bands[0].stated is None
    assert (lost.skew.replayed, lost.features, lost.scores) == (0, (), None)
    assert [alert.version for alert in gone.alerts if alert.code == "no_model"] == ["2"]


def test_rows_that_have_no_place_in_the_data_are_counted_by_kind(world: SmallWorld, log: pa.Table) -> None:
    rows = log.to_pylist()
    strange = [rows[0] | {"lead_id": "nobody"}, rows[1] | {"lead_id": "nobody else"}]
    late = [rows[2] | {"as_of": rows[2]["as_of"].replace(year=2035)}]
    early = [rows[3] | {"as_of": rows[3]["as_of"].replace(year=2019)}]
    table = pa.concat_tables([log, pa.Table.from_pylist(strange + late + early, log.schema)])
    parts = join(world.dataset, table, world.scorer)
    assert (parts.missing, parts.ahead, parts.extra, len(parts.known)) == (2, 1, 1, len(log) + 1)
    assert len(parts.judged) == len(log)


def test_moments_that_the_model_has_learnt_from_are_left_out(world: SmallWorld) -> None:
    train = world.parts.train.take(np.arange(200))
    world_log = logged(replace(world, parts=replace(world.parts, test=train)))
    parts = join(world.dataset, world_log, world.scorer)
    assert (parts.learnt_from, len(parts.judged)) == (200, 0)


def test_who_is_asked_for_again_and_again_counts_once_a_day_and_band(world: SmallWorld, log: pa.Table) -> None:
    again = log.to_pylist()
    for row in again:
        row["as_of"] += np.timedelta64(3, "h").item()
    table = pa.concat_tables([log, log, pa.Table.from_pylist(again, log.schema)])
    once = join(world.dataset, table, world.scorer).judged
    assert len(once) == len(log)
    assert set(once.as_of.tolist()) == set(world.parts.test.as_of.tolist())
    hotter = with_column(log, "temperature", pa.repeat("hot", len(log)))
    both = join(world.dataset, pa.concat_tables([log, hotter]), world.scorer).judged
    assert len(both) == 2 * len(log) - log["temperature"].to_pylist().count("hot")


def naive_worked(world: SmallWorld, kinds: set[str], within: int) -> list[bool]:
    history = world.dataset.history
    moments: dict[int, list[int]] = {}
    for lead, code, moment in zip(history.lead_of_row.tolist(), history.type.codes.tolist(), history.occurred_at.tolist(), strict=True):
        if history.type.levels[code] in kinds:
            moments.setdefault(lead, []).append(moment)
    pairs = zip(world.parts.test.lead.tolist(), world.parts.test.as_of.tolist(), strict=True)
    return [any(as_of <= moment < as_of + within for moment in moments.get(lead, ())) for lead, as_of in pairs]


def test_leads_that_sales_worked_are_told_from_those_it_did_not(world: SmallWorld, log: pa.Table) -> None:
    rows = join(world.dataset, log, world.scorer).known
    mails = {"mail_sent", "mail_opened", "mail_reply"}
    for pattern, kinds, within in (("sales_c*", {"sales_call"}, 7 * DAY), ("mail_?*", mails, DAY)):
        worked = worked_rows(world.dataset, WorkedSettings(types=(pattern,), within=within), rows, 0)
        assert worked.tolist() == naive_worked(world, kinds, within)
        assert 0 < worked.sum() < len(worked)
    result = watch(world.dataset, log, world.scorer, settings=MonitorSettings(worked=WorkedSettings(types=("sales_call",))))
    rates = {rate.name: rate for rate in result.versions[0].worked}
    assert list(rates) == [f"{band}, {how}" for band in ("cold", "warm", "hot") for how in ("worked", "not worked")]
    assert sum(rate.rows for rate in rates.values()) == len(log)


def test_an_attribute_can_say_who_was_worked(world: SmallWorld, log: pa.Table) -> None:
    rows = join(world.dataset, log, world.scorer).known
    column = world.dataset.history.lead_attributes.categorical["email_opt_in"]
    stated = [column.levels[code] if code >= 0 else "" for code in column.codes[rows.lead]]
    worked = worked_rows(world.dataset, WorkedSettings(attribute="email_opt_in"), rows, 0)
    assert worked.tolist() == [one == "yes" for one in stated]
    with pytest.raises(SettingsError, match=r"no attribute 'owner'.*There are: country"):
        worked_rows(world.dataset, WorkedSettings(attribute="owner"), rows, 0)


def test_exploration_uncovers_scores_that_make_themselves_true(world: SmallWorld, log: pa.Table) -> None:
    test = world.parts.test
    lot = np.random.default_rng(0).random(len(world.dataset.history))[test.lead] < 0.15
    table = with_column(log, "explored", pa.array(lot))
    assert "feedback_loop" not in codes(watch(world.dataset, table, world.scorer), "warning")
    worked = with_wins(world.dataset, test.take(lot), 0.25)
    result = watch(worked, table, world.scorer)
    assert "feedback_loop" in codes(result, "warning")
    rates = {rate.name: rate for rate in result.versions[0].explored}
    assert list(rates) == ["cold, explored", "cold, others", "warm, explored", "warm, others"]
    assert rates["cold, explored"].rows == (lot & np.array([one == "cold" for one in log["temperature"].to_pylist()])).sum()
