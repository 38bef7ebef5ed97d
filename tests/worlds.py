"""Simulated worlds, read back for tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from sklearn.metrics import roc_auc_score

from training.simulation.simulate import TABLES, WorldSettings, simulate

HORIZON = pd.Timedelta(days=30)
END = pd.Timestamp("2025-03-31", tz="UTC")
PLAIN = WorldSettings()
GROUPS = {"bought_list": "cold", "cold_call": "cold", "fair": "cold", "referral": "hot", "enquiry": "hot"}


@dataclass(frozen=True)
class World:
    """A simulated data set, read back; repeated deliveries are left out."""

    path: Path
    interactions: pd.DataFrame
    leads: pd.DataFrame
    outcomes: pd.DataFrame
    truth: pd.DataFrame

    def labelled(self) -> pd.DataFrame:
        """The truth of matured snapshots beside what came of them."""
        rows = self.truth.merge(self.outcomes, on="lead_id", how="left")
        rows["won"] = (rows["outcome"] == "won") & (rows["closed_at"] < rows["as_of"] + HORIZON)
        return rows[rows["as_of"] + HORIZON <= END]

    def grouped(self) -> pd.DataFrame:
        """The interactions with the group of their lead's source."""
        group = self.groups().set_axis(self.leads["lead_id"])
        return self.interactions.assign(group=self.interactions["lead_id"].map(group))

    def groups(self) -> pd.Series:
        """Of each lead: cold, warm or hot, by its source."""
        return self.leads["source"].map(GROUPS).fillna("warm")

    def won(self) -> pd.Series:
        """Of each lead: whether it was won."""
        return self.leads["lead_id"].isin(self.outcomes.loc[self.outcomes["outcome"] == "won", "lead_id"])


def build(path: Path, leads: int, seed: int = 0, options: WorldSettings = PLAIN) -> World:
    simulate(path, leads, seed, options)
    tables = {name: pd.read_parquet(path / f"{name}.parquet") for name in TABLES}
    tables["interactions"] = tables["interactions"].drop_duplicates()
    return World(path, **tables)


def auc(rows: pd.DataFrame) -> float:
    """Of the truth, on labelled snapshots."""
    return float(roc_auc_score(rows["won"], rows["probability"]))
