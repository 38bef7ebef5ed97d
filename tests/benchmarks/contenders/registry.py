"""Who computes features: leadheat its whole catalogue, the others 24 windowed counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from tests.benchmarks.world import World


@dataclass(frozen=True)
class Contender:
    """A function of a module of this package; a module is loaded by who runs it alone, so that none pays for the others' libraries.

    Attributes:
        title: for people.
        module: it also has ``counts`` (a result's counts, int64[snapshots, 24] in the order of ``windows.COUNTS``) and ``columns``.
        function: what is timed.
        ready: what is done to the world before, off the clock; None where the clock includes everything.
    """

    title: str
    module: str
    function: str
    ready: str | None = None

    def prepared(self, world: World) -> Any:
        """What the clock begins with."""
        return world if self.ready is None else self._named(self.ready)(world)

    def run(self, given: Any) -> Any:
        """What is timed."""
        return self._named(self.function)(given)

    def counts(self, result: Any) -> np.ndarray:
        """A result's counts, int64[snapshots, 24]."""
        counts: np.ndarray = self._named("counts")(result)
        return counts

    def columns(self, result: Any) -> int:
        """How many columns a result has."""
        columns: int = self._named("columns")(result)
        return columns

    def _named(self, name: str) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(import_module(f"tests.benchmarks.contenders.{self.module}"), name)
        return function


CONTENDERS = {
    "leadheat": Contender("leadheat, whole default catalogue", "with_leadheat", "whole_catalogue"),
    "polars_streaming": Contender("Polars, streaming join", "with_polars", "streaming_join"),
    "polars_merged": Contender("Polars, streaming join of sorted sides", "with_polars", "sorted_join"),
    "polars_running": Contender("Polars, running counts, no join", "with_polars", "running_counts"),
    "duckdb_join": Contender("DuckDB, join and filter", "with_duckdb", "filtered_join"),
    "duckdb_asof": Contender("DuckDB, running counts, ASOF joins", "with_duckdb", "asof_joins"),
    "pandas_asof": Contender("pandas, running counts, merge_asof", "with_pandas", "merge_asof"),
    "pandas_merge": Contender("pandas, merge and filter", "with_pandas", "merge_and_filter"),
    "numpy": Contender("NumPy, prefix sums by hand", "with_numpy", "from_unsorted"),
    "leadheat_sorted": Contender("leadheat, the kernel alone on sorted data", "with_leadheat", "kernel_alone", ready="ready"),
    "numpy_sorted": Contender("NumPy, prefix sums alone on sorted data", "with_numpy", "prefix_sums", ready="ready"),
}
"""leadheat first; who begins with sorted data last."""
ON_SPARK = {
    "leadheat_spark": Contender("leadheat on Spark, whole default catalogue", "with_spark", "whole_catalogue", ready="ready"),
    "sql_join": Contender("Spark SQL, join and filter", "with_spark", "filtered_join", ready="ready"),
    "sql_windows": Contender("Spark SQL, window functions", "with_spark", "window_functions", ready="ready"),
}
"""Who begins with Parquet files and a session that runs; leadheat first."""
ALL = CONTENDERS | ON_SPARK
