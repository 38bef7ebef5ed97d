"""featuretools, in an environment of its own: the 24 windowed counts by deep feature synthesis. It imports nothing of leadheat's.

Called as a file with a folder of Parquet files (interactions, leads, looks; moments without a zone) and a JSON text of types, windows in
days. Writes ``counted.parquet``, the counts in the order of the looks, and prints the seconds.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import featuretools as ft
import pandas as pd

warnings.filterwarnings("ignore")


def main(folder: Path, asked: dict[str, Any]) -> None:
    """Time it."""
    interactions, leads, looks = (pd.read_parquet(folder / f"{name}.parquet") for name in ("interactions", "leads", "looks"))
    interactions = interactions.rename_axis("row").reset_index()
    started, used = time.perf_counter(), time.process_time()
    entities = ft.EntitySet("leads")
    entities.add_dataframe(dataframe_name="leads", dataframe=leads, index="lead_id")
    kinds = {"type": "Categorical", "lead_id": "Categorical"}
    entities.add_dataframe(
        dataframe_name="interactions", dataframe=interactions, index="row", time_index="occurred_at", logical_types=kinds
    )
    entities.add_relationship("leads", "lead_id", "interactions", "lead_id")
    events = entities["interactions"].ww
    features = [
        ft.Feature(events["row"], parent_dataframe_name="leads", primitive=ft.primitives.Count, where=ft.Feature(events["type"]) == kind)
        for kind in asked["types"]
    ]
    times = looks.rename(columns={"as_of": "time"})[["lead_id", "time"]]
    tables = [_counted(entities, features, times, days) for days in asked["days"]]
    seconds, processor_seconds = time.perf_counter() - started, time.process_time() - used
    columns = {
        f"count({kind}, {days}d)": table.iloc[:, i]
        for i, kind in enumerate(asked["types"])
        for days, table in zip(asked["days"], tables, strict=True)
    }
    pd.DataFrame({name: column.to_numpy() for name, column in columns.items()}).to_parquet(folder / "counted.parquet")
    print(json.dumps({"seconds": seconds, "processor_seconds": processor_seconds, "version": ft.__version__, "pandas": pd.__version__}))


def _counted(entities: ft.EntitySet, features: list[Any], times: pd.DataFrame, days: int) -> pd.DataFrame:
    """Counts in ``[time - days, time)``, in the order of ``times``."""
    return ft.calculate_feature_matrix(
        features, entityset=entities, cutoff_time=times, training_window=f"{days} days", include_cutoff_time=False, n_jobs=1
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
