"""``make bench``: all parts of the page in one run. Results are told as they come, kept as JSON, and the page is written from them."""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import psutil
from rich.console import Console

from tests.benchmarks import batch, features, featuretools, scaling, train_share, training
from tests.benchmarks.contenders.registry import CONTENDERS
from tests.benchmarks.curves import draw
from tests.benchmarks.features import KINDS_OF_WORLD
from tests.benchmarks.limits import Limits, limited
from tests.benchmarks.page import page, with_short
from tests.conftest import REPO

PLACE = REPO / "tests" / "benchmarks"
PEERS = REPO / "build" / "bench" / "peers"
FEATURETOOLS = REPO / "build" / "bench" / "featuretools"
VERSIONS = ("numpy", "numba", "pyarrow", "polars", "duckdb", "pandas", "lightgbm", "scikit-learn", "fastapi", "mlflow", "bentoml")
CONSOLE = Console(width=125, highlight=False)


@dataclass(frozen=True)
class Options:
    """Sizes; each is an option of the command."""

    interactions: int
    snapshots: int
    worlds: tuple[str, ...]
    repeats: int
    cutoffs: int
    leads: int
    dataset: str | None
    rounds: int
    seconds: float
    batch: int
    sizes: tuple[int, ...]
    worlds_trained: tuple[int, ...]
    limits: Limits


def _names(known: tuple[str, ...]) -> Callable[[click.Context, click.Parameter, str], tuple[str, ...]]:
    def names(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[str, ...]:
        wanted = tuple(text.split(","))
        if unknown := set(wanted) - set(known):
            raise click.BadParameter(f"{', '.join(sorted(unknown))}: there are {', '.join(known)}")
        return wanted

    return names


def _sizes(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[int, ...]:
    return tuple(int(float(one)) for one in text.split(","))


def of_features(options: Options) -> Iterator[dict[str, Any]]:
    """The whole catalogue beside 24 counts by others."""
    worlds: list[dict[str, Any]] = []
    for world in features.measure(
        options.interactions, options.snapshots, options.worlds, tuple(CONTENDERS), options.repeats, options.limits
    ):
        CONSOLE.print(f"  {world['title']}: {world.get('failure') or ''}")
        for row in world["rows"]:
            _say(row)
        worlds.append(world)
        yield {"worlds": worlds}
    counted = featuretools.measure(20_000, options.cutoffs, FEATURETOOLS, options.limits)
    _say(counted | {"title": f"featuretools, {options.cutoffs} cutoff times"})
    yield {"worlds": worlds, "featuretools": counted}


def of_training(options: Options) -> Iterator[dict[str, Any]]:
    """``learn`` beside others on the same matrices."""
    packages = REPO / "requirements-bench.lock"
    install = ["install", "-qq", "--no-deps", "--upgrade", "--target", PEERS, "--requirement", packages]
    installed = limited("pip", *install, limits=options.limits)
    if installed.failure:
        CONSOLE.print(f"  XGBoost and CatBoost cannot be installed: {installed.failure}")
    done = []
    for dataset in [str(options.leads), *([options.dataset] if options.dataset else [])]:
        done.append(training.measure(dataset, options.limits, {"PYTHONPATH": str(PEERS)}))
        CONSOLE.print(f"  {done[-1].get('name', dataset)}: {done[-1].get('failure') or ''}")
        for row in done[-1]["rows"]:
            _say(row)
        yield {"data": done}


def of_train_share(options: Options) -> Iterator[dict[str, Any]]:
    """How much of the command is LightGBM and the kernel."""
    rows = []
    for row in train_share.measure(options.worlds_trained, Limits(3 * options.limits.seconds, options.limits.gigabytes)):
        _say(row | {"title": f"leadheat train, {row['interactions']:,} interactions"})
        rows.append(row)
        yield {"rows": rows}


def of_http(options: Options) -> Iterator[dict[str, Any]]:
    """The service beside others."""
    out = REPO / "build" / "bench" / "http.json"
    out.unlink(missing_ok=True)
    sizes = ["--rounds", options.rounds, "--seconds", options.seconds, "--leads", options.leads, "--out", out]
    most = Limits(3 * options.limits.seconds, options.limits.gigabytes)
    served = limited("tests.benchmarks.serving.run", *sizes, limits=most)
    result: dict[str, Any] = {"failure": served.failure} if served.failure else told(json.loads(out.read_text()))
    for row in result.get("rows", []):
        CONSOLE.print(f"  {row['title']:<60} {row['per_second']:>9,.0f} a second")
    yield result


def told(figures: dict[str, Any]) -> dict[str, Any]:
    """What ``tests.benchmarks.serving.run`` found, a row for each contender: medians of the rounds, leadheat's ratio to it."""
    from statistics import median

    from tests.benchmarks.serving.contenders import CONTENDERS as SERVERS

    rows = []
    for name, per_second in figures["per_second"].items():
        ratio = figures["ratios"].get(name) if name != "reasons" else None
        title = "leadheat, with reasons" if name == "reasons" else SERVERS[name].title
        spread = {
            which: None if ratio is None else ratio[key] for which, key in (("ratio", "median"), ("least", "least"), ("most", "most"))
        }
        rows.append(
            {
                "name": name,
                "title": title,
                "per_second": median(per_second),
                "processor_ms": median(figures["processor_ms"][name]),
                **spread,
            }
        )
    steady = figures["steady"]
    return {"rows": rows, "steady": steady | {name: median(steady[name]) for name in ("p50_ms", "p99_ms")}}


def of_one_lead(options: Options) -> Iterator[dict[str, Any]]:
    """One lead in process."""
    outcome = limited("tests.benchmarks.one_lead", options.leads, 2000, limits=options.limits)
    if outcome.failure:
        yield {"failure": outcome.failure}
        return
    for row in outcome.answers[-1]:
        CONSOLE.print(f"  {row['title']:<90} {row['median_us']:>9.1f} µs")
    yield {"rows": outcome.answers[-1]}


def of_report(options: Options) -> Iterator[dict[str, Any]]:
    """The report of a large test part."""
    outcome = limited("tests.benchmarks.report", options.leads, limits=options.limits)
    result: dict[str, Any] = {"failure": outcome.failure} if outcome.failure else outcome.answers[-1]
    for step in result.get("steps", []):
        _say(step)
    yield result


def of_batch(options: Options) -> Iterator[dict[str, Any]]:
    """From Parquet files to scores with bands."""
    rows = []
    for row in batch.measure(options.batch, options.leads, Limits(3 * options.limits.seconds, options.limits.gigabytes)):
        _say(row)
        rows.append(row)
        yield {"rows": rows}


def of_scaling(options: Options) -> Iterator[dict[str, Any]]:
    """Time and memory by size."""
    rows = []
    most = Limits(3 * options.limits.seconds, options.limits.gigabytes)
    for row in scaling.measure(options.sizes, options.leads, most):
        _say(row | {"title": f"{row['what']}, {row.get('interactions', 0):,} interactions of {row.get('leads', 0):,} leads"})
        rows.append(row)
        yield {"command": f"leadheat score {' '.join(scaling.SCORE)}", "rows": rows, "summary": scaling.summary(rows)}


PARTS: dict[str, Callable[[Options], Iterator[dict[str, Any]]]] = {
    "features": of_features,
    "train": of_training,
    "train-share": of_train_share,
    "http": of_http,
    "one-lead": of_one_lead,
    "report": of_report,
    "batch": of_batch,
    "scaling": of_scaling,
}
"""Each yields its result as far as it is, again and again: what is there is kept when the run is ended."""


@click.command()
@click.option("--only", default=",".join(PARTS), callback=_names(tuple(PARTS)), help="Parts, with commas; the others keep what they had.")
@click.option("--interactions", default=10_000_000, show_default=True, help="Of each world whose features are computed.")
@click.option("--snapshots", default=1_000_000, show_default=True)
@click.option("--worlds", default=",".join(KINDS_OF_WORLD), show_default=True, callback=_names(tuple(KINDS_OF_WORLD)))
@click.option("--repeats", default=3, show_default=True, help="Each time is the median of so many runs, fewer of long ones.")
@click.option("--cutoffs", default=100, show_default=True, help="Cutoff times that featuretools is given.")
@click.option("--leads", default=5_000, show_default=True, help="Of the simulated world that models are trained on.")
@click.option("--dataset", envvar="LEADHEAT_BENCH_DATASET", help="A data set to train on, too, such as tests/datasets/bpic2012.toml.")
@click.option("--rounds", default=3, show_default=True, help="Of requests over HTTP.")
@click.option("--seconds", default=3.0, show_default=True, help="Of each contender in each round.")
@click.option("--batch", default=50_000_000, show_default=True, help="Interactions of the leads that are scored in batch, 50 each.")
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


def _say(row: dict[str, Any]) -> None:
    if row.get("failure"):
        CONSOLE.print(f"  {row['title']:<60} {row['failure']}")
    else:
        memory = f"{row['peak_gb']:>9.2f} GB" if "peak_gb" in row else ""
        CONSOLE.print(f"  {row['title']:<60} {row['seconds']:>9.2f} s {memory}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
