"""``make bench``: speed and memory side by side, in one table. Nothing is timed before all agree."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Column, Table

from tests.benchmarks import features, one_lead, report
from tests.benchmarks.contenders import CONTENDERS

SIZES = (50, 500)
WIDTH = 125


@click.command()
@click.option("--interactions", default=10_000_000, show_default=True)
@click.option("--snapshots", default=1_000_000, show_default=True)
@click.option("--repeats", default=3, show_default=True, help="Each time is the median of so many runs.")
@click.option("--leads", default=5_000, show_default=True, help="Of the world that the model for one lead is trained on.")
@click.option("--reported", default=8_500, show_default=True, help="Leads of the world whose report is made.")
def main(interactions: int, snapshots: int, repeats: int, leads: int, reported: int) -> None:
    """Compare leadheat's features with Polars' windowed counts, and time the scoring of one lead and the report of many."""
    numbers = (Column(name, justify="right") for name in ("columns", "time", "processor", "peak memory", "leadheat's share"))
    table = Table(Column("what", no_wrap=True), *numbers)
    for per_lead in SIZES:
        table.add_row(f"[bold]{interactions:,} interactions, {per_lead} a lead; {snapshots:,} snapshots")
        _add_features(table, features.compare(interactions, snapshots, per_lead, repeats))
        table.add_section()
    table.add_row(f"[bold]one lead of {one_lead.INTERACTIONS} interactions: median, 99th percentile")
    for call in one_lead.measure(leads, repeats=2000):
        table.add_row(call.title, "", f"{call.median:.3f} ms", f"{call.p99:.3f} ms")
    table.add_section()
    made = report.measure(reported)
    table.add_row(f"[bold]report of {made.rows:,} test snapshots: {made.size / 1e6:.2f} MB")
    for step in made.steps:
        table.add_row(step.title, "", f"{step.seconds:.2f} s", f"{step.processor_seconds:.2f} s")
    Console(width=WIDTH).print(table)


def _add_features(table: Table, timed: list[features.Timed]) -> None:
    """One row a contender; the share is leadheat's time divided by the contender's."""
    own = timed[0].seconds
    for one in timed:
        seconds = (f"{value:.2f} s" for value in (one.seconds, one.processor_seconds))
        title = CONTENDERS[one.contender].title
        table.add_row(title, str(one.columns), *seconds, f"{one.peak_gb:.2f} GB", "" if one is timed[0] else f"{own / one.seconds:.2f}")


if __name__ == "__main__":
    main()
