"""``make ablation``: what each group of features brings, on folds of the training part.

The folds are those of a tuning (``training.tuning``), so the test part is not looked at. Each group is left out once and used alone once.
Log loss and AUC are means over the folds, the gain is against all features, and its standard error is over leads. Which columns a tree may
look at is drawn anew where columns are missing, so gains of a standard error or two mean little.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Column, Table
from sklearn.metrics import roc_auc_score

from features.dataset import Dataset
from features.progress import progress
from models.calibration import Floats
from models.settings import Settings, read_settings
from tests.conftest import DATASETS
from training.split import split
from training.tuning.folds import rolling_origin
from training.tuning.objective import Objective

GROUPS = {
    "counts": {"count"},
    "recency": {"days_since_last", "days_since_first"},
    "decayed counts": {"decayed"},
    "days, sessions, trends": {"active_days", "sessions", "trend"},
    "gaps": {"last_gap", "mean_gap", "spread_gap"},
    "who acted": {"inbound_share", "outbound_since_inbound", "response_hours"},
    "latest and first types": {"last_type", "first_type", "distinct_types"},
    "interactions' attributes": {"sum", "mean", "max", "last_value", "last", "first", "distinct"},
    "age and clock": {"age_days", "created_hour", "created_weekday", "last_hour", "last_weekday"},
    "leads' attributes": {"lead"},
}
"""Measures of the catalogue that are left out or used together."""
EVERYTHING = frozenset().union(*GROUPS.values())


@click.command()
@click.argument("dataset", type=click.Path(path_type=Path, exists=True), default=DATASETS / "bpic2012.toml")
def main(dataset: Path) -> None:
    """Take the groups of features apart for a DATASET: a folder with a leadheat.toml, or such a file."""
    source = read_settings(dataset)
    data = Dataset.read(source.settings.data, source.root)
    Console(width=110).print(account(data, source.settings))


def account(data: Dataset, settings: Settings) -> Table:
    """A row for all features, one without each group, and one with each group alone."""
    parts = split(data, settings.snapshots, settings.model.calibration_share)
    folds = rolling_origin(parts.train, settings.snapshots.horizon, settings.tuning.folds)
    objective = Objective(data, folds, settings, parts.learn.won_leads)
    left_out = {"all features": frozenset[str]()}
    left_out |= {f"without {name}": frozenset(measures) for name, measures in GROUPS.items()}
    left_out |= {f"{name} alone": EVERYTHING - measures for name, measures in GROUPS.items()}
    rows = sum(len(fold.validate) for fold in folds)
    numbers = (Column(name, justify="right") for name in ("log loss", "gain", "standard error", "AUC"))
    table = Table(Column(f"{data.name}: {rows:,} snapshots in {len(folds)} folds", no_wrap=True), *numbers)
    standing: list[Floats] = []
    with progress("taking features apart", len(left_out)) as advance:
        for name, measures in left_out.items():
            margins = [objective.margin(settings, fold, measures) for fold in range(len(folds))]
            losses = [objective.loss_of(margin, fold) for fold, margin in enumerate(margins)]
            standing = standing or losses
            gain, error = objective.gain(standing, losses)
            auc = np.mean([roc_auc_score(fold.validate.label, margin) for fold, margin in zip(folds, margins, strict=True)])
            loss = np.mean([loss.mean() for loss in losses])
            table.add_row(name, f"{loss:.4f}", f"{gain:+.4f}", f"{error:.4f}", f"{auc:.4f}")
            advance(1)
    return table


if __name__ == "__main__":
    main()
