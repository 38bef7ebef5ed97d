"""What happens in the simulated world: the rates of sales practice, and what one would see in a company's own records."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.worlds import END, World, build


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("plain") / "world", 8000)


def test_rates_of_winning_are_those_of_practice(world: World) -> None:
    share = world.won().groupby(world.groups()).mean()
    assert 0.08 < world.won().mean() < 0.16
    assert share["cold"] < 0.07
    assert 0.13 < share["warm"] < 0.25 < share["hot"] < 0.5
    assert 0.02 < world.labelled()["won"].mean() < 0.06


def test_rates_of_answers_and_meetings_are_those_of_practice(world: World) -> None:
    rows = world.grouped()
    touches = rows[rows["type"].isin(["mail_sent", "cold_call"])].groupby("group").size()
    answers = rows[rows["type"].isin(["mail_reply", "call_back"])].groupby("group").size()
    assert 0.01 < answers["cold"] / touches["cold"] < 0.03
    assert 0.08 < answers["warm"] / touches["warm"] < 0.2
    met = followed(rows, {"mail_reply", "call_back"}, rows[rows["type"] == "meeting_held"], days=30)
    assert 0.1 < met["cold"] < 0.2
    assert 0.3 < met["warm"] < 0.5
    wins = world.outcomes[world.outcomes["outcome"] == "won"].rename(columns={"closed_at": "occurred_at"})
    chances = pd.concat([rows[rows["type"] == "offer_request"], wins])
    opportunity = followed(rows, {"meeting_held"}, chances, days=60)
    assert 0.15 < opportunity["cold"] < 0.45
    assert 0.35 < opportunity["warm"] < 0.6
    meetings = rows["type"].value_counts()
    assert 0.2 < meetings["no_show"] / (meetings["no_show"] + meetings["meeting_held"]) < 0.3


def followed(rows: pd.DataFrame, first: set[str], then: pd.DataFrame, days: int) -> pd.Series:
    """By group, the share of the first that something of ``then`` followed within so many days."""
    begin = rows.loc[rows["type"].isin(first) & (rows["occurred_at"] < END - pd.Timedelta(days=days)), ["lead_id", "group", "occurred_at"]]
    later = begin.reset_index().merge(then[["lead_id", "occurred_at"]], on="lead_id", suffixes=("", "_then"))
    wait = later["occurred_at_then"] - later["occurred_at"]
    hits = later.loc[(wait >= pd.Timedelta(0)) & (wait < pd.Timedelta(days=days)), "index"].unique()
    return begin.index.to_series().isin(hits).groupby(begin["group"]).mean()


def test_four_to_six_touches_begin_a_campaign(world: World) -> None:
    rows = world.grouped().merge(world.leads[["lead_id", "created_at"]])
    age = rows["occurred_at"] - rows["created_at"]
    early = rows[(age > pd.Timedelta(0)) & (age < pd.Timedelta(days=14)) & rows["type"].isin(["mail_sent", "cold_call", "sales_call"])]
    leads = world.groups().value_counts()
    assert 4 < early[early["group"] == "warm"].shape[0] / leads["warm"] < 6


def test_reactions_excite_each_other_and_fade(world: World) -> None:
    visits = world.interactions[world.interactions["type"].isin(["page_visit", "repeat_visit"])]
    gap = visits.groupby("lead_id")["occurred_at"].diff().dropna() / pd.Timedelta(days=1)
    assert gap.std() > 1.5 * gap.mean()
    assert (gap < 1).mean() > 3 * -np.expm1(-1 / gap.mean())


def test_the_world_works_in_office_hours_and_rests_at_christmas(world: World) -> None:
    moments = world.interactions["occurred_at"]
    assert (moments.dt.day_of_week < 5).mean() > 0.9
    assert moments.dt.hour.between(8, 17).mean() > 0.7
    created = world.leads["created_at"].dt.strftime("%m").value_counts()
    assert created["12"] < 0.9 * created["10"]


def test_the_fit_of_a_lead_counts(world: World) -> None:
    by_role = world.won().groupby(world.leads["role"].fillna("missing")).mean()
    assert by_role["head"] > 1.2 * by_role["specialist"]
    assert by_role["specialist"] > 1.5 * by_role["student"]


def test_some_things_are_recorded_late_and_some_twice(world: World) -> None:
    delay = world.interactions["recorded_at"] - world.interactions["occurred_at"]
    late = delay > pd.Timedelta(0)
    assert 0.01 < late.mean() < 0.06
    assert set(world.interactions.loc[late, "type"]) <= {"sales_call", "meeting_held", "no_show", "referral", "fair_visit"}
    written = pd.read_parquet(world.path / "interactions.parquet")
    assert world.interactions["interaction_id"].is_unique
    assert 0.005 < 1 - len(world.interactions) / len(written) < 0.02


def test_an_opt_out_is_honoured_at_once(world: World) -> None:
    last = world.interactions.groupby("lead_id")["type"].agg(list)
    opted = last[last.map(lambda kinds: "unsubscribe" in kinds)]
    assert len(opted) > 200
    assert (opted.map(lambda kinds: kinds.index("unsubscribe") == len(kinds) - 1)).all()


def test_mails_go_to_those_who_agreed_and_calls_to_the_others(world: World) -> None:
    rows = world.interactions.merge(world.leads[["lead_id", "email_opt_in"]])
    assert set(rows.loc[rows["type"].isin(["mail_sent", "mail_opened", "mail_reply"]), "email_opt_in"]) == {"yes"}
    assert set(rows.loc[rows["type"].isin(["cold_call", "call_taken", "call_back"]), "email_opt_in"]) == {"no"}


def test_time_runs_forward(world: World) -> None:
    rows = world.interactions.merge(world.leads[["lead_id", "created_at"]]).merge(world.outcomes, on="lead_id", how="left")
    assert (rows["occurred_at"] >= rows["created_at"]).all()
    assert not (rows["occurred_at"] > rows["closed_at"]).any()
    assert (rows["recorded_at"] >= rows["occurred_at"]).all()
    assert (rows["recorded_at"] < END).all()
    assert (world.outcomes["closed_at"] < END).all()
