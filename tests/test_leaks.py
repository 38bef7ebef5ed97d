"""Planted faults: each is there when asked for, leaves its own trace, and no other world shows it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from tests.worlds import END, World, build
from training.simulation.leaks import PLANTERS, Leak
from training.simulation.simulate import WorldSettings


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("plain") / "world", 1500)


@pytest.fixture(params=list(PLANTERS))
def leak(request: pytest.FixtureRequest) -> Leak:
    return request.param  # type: ignore[no-any-return]


def shows(world: World, leak: Leak) -> bool:
    """Whether the world has this fault."""
    return bool(TRACES[leak](world))


def test_every_leak_shows_when_it_is_planted_and_only_then(tmp_path: Path, plain: World, leak: Leak) -> None:
    assert not shows(plain, leak)
    assert shows(build(tmp_path / "world", 1500, options=WorldSettings(leaks=(leak,))), leak)


def test_leaks_add_up(tmp_path: Path) -> None:
    leaks: tuple[Leak, ...] = ("outcome_type", "after_closing", "winner_attribute", "renamed_type", "telling_ids")
    world = build(tmp_path / "world", 1500, options=WorldSettings(leaks=leaks))
    assert all(shows(world, leak) for leak in leaks)
    assert "leaks" in (world.path / "README.txt").read_text(encoding="utf-8")


def _closed_then(world: World, kind: str) -> pd.DataFrame:
    """The interactions of a kind beside the outcomes of their leads."""
    rows = world.interactions[world.interactions["type"] == kind]
    return rows.merge(world.outcomes, on="lead_id", how="left")


def _outcome_type(world: World) -> bool:
    rows = _closed_then(world, "contract_signed")
    return len(rows) == world.won().sum() and set(rows["outcome"]) == {"won"} and bool((rows["occurred_at"] <= rows["closed_at"]).all())


def _closing_type(world: World) -> bool:
    rows = _closed_then(world, "file_reviewed")
    return len(rows) == len(world.outcomes) and set(rows["outcome"]) == {"won", "lost"}


def _after_closing(world: World) -> bool:
    rows = world.interactions.merge(world.outcomes, on="lead_id")
    return bool((rows["occurred_at"] > rows["closed_at"]).sum() > 50)


def _winner_attribute(world: World) -> bool:
    return "customer_number" in world.leads and (world.leads["customer_number"].notna() == world.won()).all()


def _later_attribute(world: World) -> bool:
    return "last_stage" in world.leads and world.won()[world.leads["last_stage"] == "contract"].all()


def _telling_attribute(world: World) -> bool:
    return "sales_estimate" in world.leads and roc_auc_score(world.won(), world.leads["sales_estimate"]) > 0.97


def _future_times(world: World) -> bool:
    return bool((world.interactions["occurred_at"] > END).mean() > 0.005)


def _late_outcomes(world: World) -> bool:
    return bool(world.outcomes["closed_at"].min() > pd.Timestamp("2024-06-01", tz="UTC"))


def _bulk_closing(world: World) -> bool:
    return bool(world.outcomes["closed_at"].value_counts().iloc[0] > 50)


def _duplicate_leads(world: World) -> bool:
    return bool(world.leads["lead_id"].duplicated().sum() > 20)


def _telling_ids(world: World) -> bool:
    return bool(roc_auc_score(world.won(), -world.leads["lead_id"].str[1:].astype(int)) > 0.99)


def _renamed_type(world: World) -> bool:
    days = world.interactions.groupby("type")["occurred_at"].agg(["min", "max"])
    return "pricing_view" in days.index and bool(days.loc["price_page", "max"] < days.loc["pricing_view", "min"])


TRACES = {
    "outcome_type": _outcome_type,
    "closing_type": _closing_type,
    "after_closing": _after_closing,
    "winner_attribute": _winner_attribute,
    "later_attribute": _later_attribute,
    "telling_attribute": _telling_attribute,
    "future_times": _future_times,
    "late_outcomes": _late_outcomes,
    "bulk_closing": _bulk_closing,
    "duplicate_leads": _duplicate_leads,
    "telling_ids": _telling_ids,
    "renamed_type": _renamed_type,
}
