"""``make bench-serving``: the service beside others, in the same run. Nothing is timed before all scores are right.

The rounds are interleaved, so that what else the machine does meets all alike, and ratios are taken within a round. Processor time per
request is told beside throughput: it moves less on a busy machine.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table

from tests.benchmarks.serving.contenders import CONTENDERS, Running, running
from tests.benchmarks.serving.load import Load, Seen, send
from tests.benchmarks.serving.world import Served, prepare, with_reasons

CONNECTIONS = 16
STEADY = 300.0
"""Requests a second of the open loop."""
TARGETS: dict[str, float | None] = {"constant": 0.8, "bare": 0.5, "usual": None, "mlflow": 40.0}
"""leadheat's throughput divided by theirs, and what is asked of it."""
REASONS = 0.5
TAIL = 3.0
"""The 99th percentile divided by the median, at the steady rate."""


@dataclass
class Measured:
    """One contender's rounds: answers a second and processor milliseconds an answer."""

    title: str
    per_second: list[float] = field(default_factory=list)
    processor_ms: list[float] = field(default_factory=list)


@click.command()
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=4.0, show_default=True, help="Of each contender in each round.")
@click.option("--leads", default=5_000, show_default=True, help="Of the world that the champion is trained on.")
@click.option("--keep", type=click.Path(path_type=Path), help="A folder for world and champion, to be used again.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("build/bench-serving.json"), show_default=True)
def main(rounds: int, seconds: float, leads: int, keep: Path | None, out: Path) -> None:
    """Compare the service with a constant, a bare endpoint, a usual one and MLflow's server."""
    with tempfile.TemporaryDirectory() as scratch:
        served = prepare((keep or Path(scratch)).absolute(), leads)
        with ExitStack() as stack:
            servers = {
                name: stack.enter_context(running(one, served.folder, served.bodies[0], served.environment))
                for name, one in CONTENDERS.items()
            }
            for server in servers.values():
                check(server, served)
            measured = throughput(servers, served, rounds, seconds)
            steady = [at_steady_rate(servers["leadheat"], served, 2 * seconds) for _ in range(rounds)]
    figures = summary(measured, steady)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(figures, indent=1))
    Console(width=125).print(table(measured, figures))


def check(server: Running, served: Served) -> None:
    """Every score is that of ``LeadScorer.score``, with reasons and without.

    Raises:
        AssertionError: one is not.
    """
    if server.contender.unwrap is not None:
        for body in [*served.bodies, *map(with_reasons, served.bodies[:8])]:
            answer, expected = server.contender.unwrap(server.ask(body)), served.expected(body)
            answer["model"]["version"] = expected["model"]["version"]  # MLflow's copy knows no version
            assert answer == expected, (server.contender.title, answer, expected)


def throughput(servers: dict[str, Running], served: Served, rounds: int, seconds: float) -> dict[str, Measured]:
    """Closed loops, interleaved; the first, short round warms up and is not counted."""
    measured = {name: Measured(server.contender.title) for name, server in servers.items()}
    measured["reasons"] = Measured("leadheat, reasons on")
    told = [with_reasons(body) for body in served.bodies]
    for number in range(rounds + 1):
        for name, one in measured.items():
            server = servers.get(name, servers["leadheat"])
            bodies = told if name == "reasons" else list(map(server.contender.wrap, served.bodies))
            used = server.processor_seconds()
            seen = send(Load(server.port, server.contender.path, bodies, CONNECTIONS, seconds if number else 1.0))
            assert seen.bad == 0, f"{one.title}: {seen.bad} answers were no 2xx"
            if number:
                one.per_second.append(seen.per_second)
                one.processor_ms.append(1000 * (server.processor_seconds() - used) / seen.good)
    return measured


def at_steady_rate(server: Running, served: Served, seconds: float) -> tuple[float, float]:
    """Median and 99th percentile, milliseconds."""
    seen: Seen = send(Load(server.port, server.contender.path, served.bodies, 2 * CONNECTIONS, seconds, STEADY))
    assert seen.bad == 0
    hundredths = statistics.quantiles(seen.milliseconds, n=100)
    return hundredths[49], hundredths[98]


def summary(measured: dict[str, Measured], steady: list[tuple[float, float]]) -> dict[str, object]:
    """All figures, JSON-ready; ratios as median, least and most of the rounds."""
    own = measured["leadheat"]
    ratios = {name: _spread(own.per_second, measured[name].per_second) | {"asked": asked} for name, asked in TARGETS.items()}
    ratios["reasons"] = _spread(measured["reasons"].per_second, own.per_second) | {"asked": REASONS}
    work = {name: _spread(measured[name].processor_ms, own.processor_ms) for name in TARGETS}
    p50, p99 = zip(*steady, strict=True)
    tail = _spread(p99, p50) | {"asked": TAIL}
    return {
        "per_second": {name: one.per_second for name, one in measured.items()},
        "processor_ms": {name: one.processor_ms for name, one in measured.items()},
        "ratios": ratios,
        "ratios_of_processor_time": work,
        "steady": {"per_second": STEADY, "p50_ms": p50, "p99_ms": p99, "tail": tail},
    }


def _spread(some: list[float] | tuple[float, ...], others: list[float] | tuple[float, ...]) -> dict[str, Any]:
    ratios = [one / other for one, other in zip(some, others, strict=True)]
    return {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}


def table(measured: dict[str, Measured], figures: dict) -> Table:  # type: ignore[type-arg]
    """What was measured, for people."""
    numbers = (Column(name, justify="right") for name in ("a second", "processor", "ratio", "spread", "asked"))
    shown = Table(Column(f"50 interactions, {CONNECTIONS} connections, one worker", no_wrap=True), *numbers)
    for name, one in measured.items():
        speed = f"{statistics.median(one.per_second):,.0f}", f"{statistics.median(one.processor_ms):.2f} ms"
        shown.add_row(one.title, *speed, *(_told(figures["ratios"][name]) if name in figures["ratios"] else ()))
    shown.add_section()
    steady = figures["steady"]
    p50, p99 = (statistics.median(steady[name]) for name in ("p50_ms", "p99_ms"))
    shown.add_row(f"{STEADY:.0f} requests a second: p50 {p50:.2f} ms, p99 {p99:.2f} ms", "", "", *_told(steady["tail"], "at most"))
    return shown


def _told(ratio: dict[str, Any], bound: str = "at least") -> tuple[str, str, str]:
    asked = "" if ratio["asked"] is None else f"{bound} {ratio['asked']:g}"
    return f"{ratio['median']:.2f}", f"{ratio['least']:.2f} to {ratio['most']:.2f}", asked


if __name__ == "__main__":
    main()
