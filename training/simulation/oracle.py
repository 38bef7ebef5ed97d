"""What the best possible prediction achieves on a simulated world, whose true probabilities are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from features.columns import Categorical
from features.contract import DataError
from features.dataset import Dataset
from features.history import micros
from features.snapshots import Snapshots
from training.evaluate import figures


def oracle_figures(folder: Path, dataset: Dataset, snapshots: Snapshots) -> dict[str, Any]:
    """The figures of the true probabilities on the same snapshots and labels, JSON-ready as those of a model.

    Args:
        folder: of a simulated data set, with its ``truth.parquet``.
        dataset: read from it.
        snapshots: of its reference grid.

    Raises:
        DataError: there is no truth for a snapshot.
    """
    truth = pq.read_table(folder / "truth.parquet")
    names = Categorical.of_arrow(truth["lead_id"])
    lead = names.recode(dataset.history.lead_ids.to_pylist()).astype(np.int64)
    as_of = micros(truth["as_of"])
    order = np.lexsort((as_of, lead))
    key = _keys(lead[order], as_of[order])
    asked = _keys(snapshots.lead, snapshots.as_of)
    place = np.minimum(np.searchsorted(key, asked), len(key) - 1)
    if not (key[place] == asked).all():
        raise DataError(f"{folder} knows no truth for some of these snapshots.", "Look at the leads on the world's own grid: every 7 days.")
    probability = truth["probability"].to_numpy()[order][place]
    return figures(snapshots.label, probability, snapshots.lead)


def _keys(lead: np.ndarray, as_of: np.ndarray) -> np.ndarray:
    """Both as one sortable column."""
    keys = np.empty(len(lead), [("lead", np.int64), ("as_of", np.int64)])
    keys["lead"], keys["as_of"] = lead, as_of
    return keys
