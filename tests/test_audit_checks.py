"""Each further thing the audit looks for: changed into a clean world by hand, found by its code, and not found where it is honest."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.contract import Finding
from tests.audited import audit_of, follow, the_finding
from tests.command import Place
from training.simulation.simulate import simulate

pytestmark = pytest.mark.slow

Change = Callable[[dict[str, pd.DataFrame]], None]
Altered = Callable[[Change], Path]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("clean") / "world"
    simulate(place, 1200, 5)
    return place


def test_a_table_of_interactions_without_any_is_an_error_unless_none_was_named(clean: Path, tmp_path: Path) -> None:
    world = shutil.copytree(clean, tmp_path / "world")
    rows = pd.read_parquet(world / "interactions.parquet")
    rows.head(0).to_parquet(world / "interactions.parquet")
    told = Place(tmp_path).run("check", "world")
    assert told.code == 1
    assert told.out.count("Training must not go on") == 1
    found = the_finding(audit_of(world), "no_interactions", "")
    assert (found.severity, found.count) == ("error", 1200)
    assert "none of the 1,200 leads has an interaction that counts, so that nothing can be learnt" in found.detail
    file = world / "leadheat.toml"
    rows.to_parquet(world / "interactions.parquet")
    written = file.read_text()
    file.write_text(written.replace("[data]\n", '[data]\nexclude_types = ["*"]\n'))
    assert the_finding(audit_of(world), "no_interactions", "").severity == "error"
    file.write_text(written.replace('interactions = { path = "interactions.parquet" }\n', ""))
    assert not [one for one in audit_of(world) if one.severity == "error"]


@pytest.fixture
def altered(clean: Path, tmp_path: Path) -> Altered:
    """The clean world, changed."""

    def change(how: Change) -> Path:
        place = tmp_path / "world"
        shutil.copytree(clean, place)
        tables = {name: pd.read_parquet(place / f"{name}.parquet") for name in ("interactions", "leads", "outcomes")}
        how(tables)
        for name, table in tables.items():
            table.to_parquet(place / f"{name}.parquet")
        return place

    return change


def codes(found: tuple[Finding, ...]) -> set[str]:
    return {one.code for one in found if one.severity != "info"}


def outcome_of(tables: dict[str, pd.DataFrame]) -> pd.Series:
    """Of each lead: won, lost, or missing."""
    return tables["leads"]["lead_id"].map(tables["outcomes"].set_index("lead_id")["outcome"])


def test_winners_of_whom_nothing_else_is_known_are_counted(altered: Altered) -> None:
    def forget(tables: dict[str, pd.DataFrame]) -> None:
        won = tables["outcomes"].query("outcome == 'won'").sort_values("closed_at")["lead_id"]
        some = {*won.head(3), *won.tail(3)}
        tables["leads"].loc[tables["leads"]["lead_id"].isin(some), "created_at"] = pd.NaT
        tables["interactions"] = tables["interactions"][~tables["interactions"]["lead_id"].isin(some)]

    assert codes(audit_of(altered(forget))) <= {"missing_creation"}


def test_the_clean_world_is_clean(clean: Path) -> None:
    assert codes(audit_of(clean)) == set()


def test_equal_interactions_without_an_id_are_duplicates(altered: Altered) -> None:
    place = altered(lambda tables: tables.update(interactions=tables["interactions"].drop(columns="interaction_id")))
    rows = pd.read_parquet(place / "interactions.parquet")
    found = the_finding(audit_of(place), "duplicate_interaction", "interaction_id")
    assert (found.severity, found.count) == ("warning", rows.duplicated().sum())


def test_one_lead_under_two_ids_is_a_twin(altered: Altered) -> None:
    def twice(tables: dict[str, pd.DataFrame]) -> None:
        some = tables["leads"]["lead_id"].iloc[::40]
        for name, table in tables.items():
            again = table[table["lead_id"].isin(some)]
            tables[name] = pd.concat([table, again.assign(lead_id="X" + again["lead_id"])])

    found = the_finding(audit_of(altered(twice)), "twin_leads", "lead_id")
    assert found.count == 30
    assert found.example.startswith("L")
    assert " and XL" in found.example


def test_outcomes_that_end_before_the_data_do_are_found_and_mended(altered: Altered) -> None:
    def cut(tables: dict[str, pd.DataFrame]) -> None:
        outcomes = tables["outcomes"]
        tables["outcomes"] = outcomes[outcomes["closed_at"] < pd.Timestamp("2024-11-01", tz="UTC")]

    place = altered(cut)
    found = the_finding(audit_of(place), "immature_labels", "closed_at")
    assert found.severity == "error"
    follow(place, found.hint)
    assert "immature_labels" not in codes(audit_of(place))


def test_a_reason_that_only_lost_leads_have_is_found_also_where_every_lead_is_closed(altered: Altered) -> None:
    def reason(tables: dict[str, pd.DataFrame]) -> None:
        lost = outcome_of(tables) == "lost"
        tables["leads"]["loss_reason"] = lost.map({True: "too dear", False: None})

    place = altered(reason)
    assert the_finding(audit_of(place), "closed_attribute", "loss_reason").severity == "error"

    def all_closed(tables: dict[str, pd.DataFrame]) -> None:
        closed = outcome_of(tables).notna()
        tables["leads"] = tables["leads"][closed]
        tables["interactions"] = tables["interactions"][tables["interactions"]["lead_id"].isin(tables["leads"]["lead_id"])]
        reason(tables)

    shutil.rmtree(place)
    found = the_finding(audit_of(altered(all_closed)), "closed_attribute", "loss_reason")
    assert "only 0 of" in found.detail


def test_a_total_of_the_end_is_found_though_it_tells_little_about_winning(altered: Altered) -> None:
    def total(tables: dict[str, pd.DataFrame]) -> None:
        number = tables["interactions"].drop_duplicates("interaction_id").groupby("lead_id").size()
        tables["leads"]["touches"] = tables["leads"]["lead_id"].map(number).fillna(0).astype(float)

    found = the_finding(audit_of(altered(total)), "later_attribute", "touches")
    assert "number of interactions in the end" in found.detail


def test_the_days_until_closing_are_found_with_their_unit(altered: Altered) -> None:
    def days(tables: dict[str, pd.DataFrame]) -> None:
        leads = tables["leads"]
        end = leads["lead_id"].map(tables["outcomes"].set_index("lead_id")["closed_at"])
        leads["days_open"] = ((end - leads["created_at"]) / pd.Timedelta(days=1)).round()

    found = [one for one in audit_of(altered(days)) if one.column == "days_open"]
    assert {one.code for one in found} <= {"closed_attribute", "later_attribute"}
    assert found[0].severity == "error"


def test_a_value_of_an_interaction_that_only_winners_have_is_found(altered: Altered) -> None:
    def channel(tables: dict[str, pd.DataFrame]) -> None:
        rows = tables["interactions"]
        closings = rows["lead_id"].map(tables["outcomes"].set_index("lead_id")["closed_at"])
        won = rows["lead_id"].map(tables["outcomes"].set_index("lead_id")["outcome"]) == "won"
        last = won & (rows["occurred_at"] > closings - pd.Timedelta(days=5))
        rows["handled_by"] = np.where(last, "contracts", "sales")

    place = altered(channel)
    found = the_finding(audit_of(place), "outcome_value", "handled_by")
    assert "handled_by = contracts" in found.detail
    follow(place, found.hint)
    assert codes(audit_of(place)) == set()


def test_an_attribute_that_is_new_after_training_drifts(altered: Altered) -> None:
    def late(tables: dict[str, pd.DataFrame]) -> None:
        leads = tables["leads"]
        new = leads["created_at"] > pd.Timestamp("2025-01-01", tz="UTC")
        leads["form"] = new.map({True: "short", False: None})

    found = the_finding(audit_of(altered(late)), "attribute_drift", "form")
    assert found.severity == "warning"


def test_times_beyond_the_data_are_untrue_labels_where_no_end_is_declared(altered: Altered) -> None:
    def ahead(tables: dict[str, pd.DataFrame]) -> None:
        rows = tables["interactions"]
        rows.loc[rows.index[::200], ["occurred_at", "recorded_at"]] += pd.Timedelta(days=300)

    place = altered(ahead)
    file = place / "leadheat.toml"
    file.write_text("".join(line for line in file.read_text().splitlines(keepends=True) if not line.startswith("observed_until")))
    found = the_finding(audit_of(place), "immature_labels", "closed_at")
    follow(place, found.hint)
    assert "immature_labels" not in codes(audit_of(place))
