"""Data sets whose files hold the same rows in another order."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def shuffled(data: Path, copy: Path, seed: int = 0) -> Path:
    """Copy the folder of a data set, and shuffle the rows of its Parquet files."""
    shutil.copytree(data, copy)
    chance = np.random.default_rng(seed)
    for file in sorted(copy.glob("*.parquet")):
        rows = pq.read_table(file)
        pq.write_table(rows.take(pa.array(chance.permutation(len(rows)))), file)
    return copy
