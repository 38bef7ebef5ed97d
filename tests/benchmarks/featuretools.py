"""featuretools on few cutoff times, for it computes everything anew at each: the cost of one is what can be compared."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.contenders.windows import COUNTS
from tests.benchmarks.limits import Limits, limited, limited_command
from tests.benchmarks.oracle import naive_counts
from tests.benchmarks.world import KINDS, WINDOW_DAYS, World, make_world
from tests.conftest import REPO

SCRIPT = Path(__file__).parent / "contenders" / "featured.py"
LOCK = REPO / "requirements-featuretools.lock"
PER_LEAD = 50


def measure(interactions: int, cutoffs: int, environment: Path, most: Limits) -> dict[str, Any]:
    """Time it, and check its counts against plain loops.

    Args:
        interactions: of the world.
        cutoffs: looks, each at a moment of its own.
        environment: a folder; made when it is not there, or was made by another lock.
        most: of making the environment, and of the run.
    """
    facts = {"interactions": interactions, "cutoffs": cutoffs}
    made = limited(__name__, environment, limits=most)
    if made.failure:
        return facts | {"failure": f"its environment cannot be made: {made.failure}"}
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(interactions, cutoffs, PER_LEAD)
        write(world, Path(folder))
        asked = json.dumps({"types": KINDS, "days": WINDOW_DAYS})
        outcome = limited_command([*made.answers[-1], str(SCRIPT), folder, asked], most)
        if outcome.failure:
            return facts | {"failure": outcome.failure}
        table = pq.read_table(Path(folder) / "counted.parquet")
    counted = np.stack([table[name].to_numpy() for name in COUNTS], axis=1)
    if not np.array_equal(counted, naive_counts(world, np.arange(cutoffs))):
        return facts | {"failure": "counts otherwise than plain loops"}
    return {**facts, **outcome.answers[-1], "failure": None}


def write(world: World, folder: Path) -> None:
    """As its script reads it, moments without a zone."""
    interactions = world.interactions.select(["lead_id", "occurred_at", "type"])
    for name, table in (("interactions", interactions), ("leads", world.leads.select(["lead_id"])), ("looks", world.snapshots)):
        plain = pa.table({one: _plain(table[one]) for one in table.column_names})
        pq.write_table(plain, folder / f"{name}.parquet")


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.timestamp("us")) if pa.types.is_timestamp(column.type) else column


if __name__ == "__main__":
    from tests.slim import slim_python

    print(json.dumps([str(slim_python(Path(sys.argv[1]), LOCK))]))
