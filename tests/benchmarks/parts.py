"""The parts of the benchmark's run: what is measured, told as it comes, and yielded for the page."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from tests.benchmarks import batch, features, featuretools, scaling, spark, train_share, training
from tests.benchmarks.contenders.registry import CONTENDERS, ON_SPARK
from tests.benchmarks.limits import Limits, limited
from tests.conftest import REPO

PEERS = REPO / "build" / "bench" / "peers"
FEATURETOOLS = REPO / "build" / "bench" / "featuretools"
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
    spark: int
    sizes: tuple[int, ...]
    worlds_trained: tuple[int, ...]
    limits: Limits

    @property
    def long(self) -> Limits:
        """Of what is no single contender: three times its time."""
        return Limits(3 * self.limits.seconds, self.limits.gigabytes)


def of_features(options: Options) -> Iterator[dict[str, Any]]:
    """The whole catalogue beside 24 counts by others."""
    worlds: dict[str, dict[str, Any]] = {}
    for world in features.measure(
        options.interactions, options.snapshots, options.worlds, tuple(CONTENDERS), options.repeats, options.limits
    ):
        if world["world"] not in worlds:
            CONSOLE.print(f"  {world['title']}: {world.get('failure') or ''}")
        _say_last(world["rows"])
        worlds[world["world"]] = world
        yield {"worlds": [*worlds.values()]}
    counted = featuretools.measure(20_000, options.cutoffs, FEATURETOOLS, options.limits)
    _say(counted | {"title": f"featuretools, {options.cutoffs} cutoff times"})
    yield {"worlds": [*worlds.values()], "featuretools": counted}


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
    for row in train_share.measure(options.worlds_trained, options.long):
        _say(row | {"title": f"leadheat train, {row['interactions']:,} interactions"})
        rows.append(row)
        yield {"rows": rows}


def of_http(options: Options) -> Iterator[dict[str, Any]]:
    """The service beside others."""
    out = REPO / "build" / "bench" / "http.json"
    out.unlink(missing_ok=True)
    sizes = ["--rounds", options.rounds, "--seconds", options.seconds, "--leads", options.leads, "--out", out]
    served = limited("tests.benchmarks.serving.run", *sizes, limits=options.long)
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
    for row in batch.measure(options.batch, options.leads, options.long):
        _say(row)
        rows.append(row)
        yield {"rows": rows}


def of_scaling(options: Options) -> Iterator[dict[str, Any]]:
    """Time and memory by size."""
    rows = []
    for row in scaling.measure(options.sizes, options.leads, options.long):
        _say(row | {"title": f"{row['what']}, {row.get('interactions', 0):,} interactions of {row.get('leads', 0):,} leads"})
        rows.append(row)
        yield {"command": f"leadheat score {' '.join(scaling.SCORE)}", "rows": rows, "summary": scaling.summary(rows)}


def of_spark(options: Options) -> Iterator[dict[str, Any]]:
    """Batch and features on Spark."""
    if lacking := spark.lacking():
        yield {"rows": [], "failure": lacking}
        return
    rows = []
    for row in spark.measure(options.spark, options.leads, options.long):
        _say(row)
        rows.append(row)
        yield {"rows": rows}
    for world in features.measure(options.spark // 5, options.spark // 50, [spark.WORLD], tuple(ON_SPARK), options.repeats, options.long):
        _say_last(world["rows"])
        yield {"rows": rows, "world": world}


PARTS: dict[str, Callable[[Options], Iterator[dict[str, Any]]]] = {
    "features": of_features,
    "train": of_training,
    "train-share": of_train_share,
    "http": of_http,
    "one-lead": of_one_lead,
    "report": of_report,
    "batch": of_batch,
    "spark": of_spark,
    "scaling": of_scaling,
}
"""Each yields its result as far as it is, again and again: what is there is kept when the run is ended."""


def _say_last(rows: list[dict[str, Any]]) -> None:
    for row in rows[-1:]:
        _say(row)


def _say(row: dict[str, Any]) -> None:
    if row.get("failure"):
        CONSOLE.print(f"  {row['title']:<60} {row['failure']}")
    else:
        memory = f"{row['peak_gb']:>9.2f} GB" if "peak_gb" in row else ""
        CONSOLE.print(f"  {row['title']:<60} {row['seconds']:>9.2f} s {memory}")
    sys.stdout.flush()
