"""``make bench``: speed and memory side by side, in one table. Nothing is timed before all agree."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Column, Table

from tests.benchmarks import features, one_lead
from tests.benchmarks.contenders import CONTENDERS

SIZES = (50, 500)
WIDTH = 110


@click.command()
@click.option("--interactions", default=10_000_000, show_default=True)
@click.option("--snapshots", default=1_000_000, show_default=True)
@click.option("--repeats", default=3, show_default=True, help="Each time is the median of so many runs.")
@click.option("--leads", default=5_000, show_default=True, help="Of the world that the model for one lead is trained on.")
def main(interactions: int, snapshots: int, repeats: int, leads: int) -> None:
    """Compare leadheat's features with Polars' windowed counts, and time the scoring of one lead."""
    table = Table(
        Column("what", no_wrap=True), Column("columns", justify="right"), Column("time", justify="right"), "peak memory", "leadheat needs"
    )
    for per_lead in SIZES:
        timed = features.compare(interactions, snapshots, per_lead, repeats)
        table.add_section()
        table.add_row(f"[bold]{interactions:,} interactions, {per_lead} a lead; {snapshots:,} snapshots")
        for one in timed:
            share = "" if one is timed[0] else f"{timed[0].seconds / one.seconds:.2f} of it"
            table.add_row(CONTENDERS[one.contender].title, str(one.columns), f"{one.seconds:.2f} s", f"{one.peak_gb:.2f} GB", share)
    table.add_section()
    table.add_row(f"[bold]one lead of {one_lead.INTERACTIONS} interactions")
    for call in one_lead.measure(leads, repeats=2000):
        table.add_row(call.title, "", f"{call.median:.3f} ms", "", f"p99 {call.p99:.3f} ms")
    Console(width=WIDTH).print(table)


if __name__ == "__main__":
    main()
