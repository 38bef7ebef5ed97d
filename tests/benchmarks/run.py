"""``make bench``: all parts of the page in one run. Results are told as they come, kept as JSON, and the page is written from them."""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import psutil

from tests.benchmarks.curves import draw
from tests.benchmarks.features import KINDS_OF_WORLD
from tests.benchmarks.limits import Limits
from tests.benchmarks.page import page, with_short
from tests.benchmarks.parts import CONSOLE, PARTS, Options
from tests.conftest import REPO

PLACE = REPO / "tests" / "benchmarks"
VERSIONS = ("numpy", "numba", "pyarrow", "polars", "duckdb", "pandas", "lightgbm", "scikit-learn", "fastapi", "mlflow", "bentoml")


def _names(known: tuple[str, ...]) -> Callable[[click.Context, click.Parameter, str], tuple[str, ...]]:
    def names(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[str, ...]:
        wanted = tuple(text.split(","))
        if unknown := set(wanted) - set(known):
            raise click.BadParameter(f"{', '.join(sorted(unknown))}: there are {', '.join(known)}")
        return wanted

    return names


def _sizes(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[int, ...]:
    return tuple(int(float(one)) for one in text.split(","))


@click.command()
@click.option("--only", default=",".join(PARTS), callback=_names(tuple(PARTS)), help="Parts, with commas; the others keep what they had.")
@click.option("--interactions", default=10_000_000, show_default=True, help="Of each world whose features are computed.")
@click.option("--snapshots", default=1_000_000, show_default=True)
@click.option("--worlds", default=",".join(KINDS_OF_WORLD), show_default=True, callback=_names(tuple(KINDS_OF_WORLD)))
@click.option("--repeats", default=5, show_default=True, help="Each time is the median of so many runs, fewer of long ones.")
@click.option("--cutoffs", default=100, show_default=True, help="Cutoff times that featuretools is given.")
@click.option("--leads", default=5_000, show_default=True, help="Of the simulated world that models are trained on.")
@click.option("--dataset", envvar="LEADHEAT_BENCH_DATASET", help="A data set to train on, too, such as tests/datasets/bpic2012.toml.")
@click.option("--rounds", default=3, show_default=True, help="Of requests over HTTP.")
@click.option("--seconds", default=3.0, show_default=True, help="Of each contender in each round.")
@click.option("--batch", default=50_000_000, show_default=True, help="Interactions of the leads that are scored in batch, 50 each.")
@click.option("--spark", default=10_000_000, show_default=True, help="Interactions scored on Spark; features are of a fifth.")
@click.option("--sizes", default="1e5,1e6,1e7,1e8", show_default=True, callback=_sizes, help="Interactions of the scaling curves.")
@click.option("--worlds-trained", default="20000", show_default=True, callback=_sizes, help="Leads of the worlds that train is timed on.")
@click.option("--limit", default=150.0, show_default=True, help="Seconds that a contender may take; a part may take three times that.")
@click.option("--memory", default=12.0, show_default=True, help="Gigabytes that a contender may hold.")
@click.option("--folder", type=click.Path(path_type=Path), default=PLACE, help="Where results and page go.")
def main(only: tuple[str, ...], limit: float, memory: float, folder: Path, **sizes: Any) -> None:
    """Run parts of the benchmark and write its page."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the contender of the moment is ended, too
    options = Options(**sizes, limits=Limits(limit, memory))
    for name in only:
        CONSOLE.print(f"[bold]{name}")
        began = time.perf_counter()
        for result in PARTS[name](options):
            write(folder, keep(folder, name, result))
        CONSOLE.print(f"  ({time.perf_counter() - began:.0f} s)")


def keep(folder: Path, name: str, result: dict[str, Any]) -> dict[str, Any]:
    """Put a part's result in its place in ``results.json`` and return all that is there."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "results.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    results |= {"machine": _machine(), name: result}
    file.write_text(json.dumps(results, indent=1) + "\n")
    return results


def write(folder: Path, results: dict[str, Any]) -> None:
    """The page, its picture, and in the place of the published page the README's table."""
    (folder / "README.md").write_text(page(results))
    if results.get("scaling", {}).get("rows"):
        (folder / "scaling.svg").write_bytes(draw(results["scaling"]))
    if folder.resolve() == PLACE:
        readme = REPO / "README.md"
        readme.write_text(with_short(readme.read_text(), results))


def _machine() -> dict[str, Any]:
    return {
        "processors": os.cpu_count(),
        "memory_gb": psutil.virtual_memory().total / 1e9,
        "python": f"Python {platform.python_version()}",
        "versions": {name: version(name) for name in VERSIONS},
    }


if __name__ == "__main__":
    main()
