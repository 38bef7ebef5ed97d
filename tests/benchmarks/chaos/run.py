"""``make chaos``: one fault after the other under steady traffic, and a table of verdicts; exit code 1 if one is bad."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Column, Table

from tests.benchmarks.chaos.place import Ground
from tests.benchmarks.chaos.scenarios import PATIENCE, SCENARIOS, CannotBeTriedError, Scenario
from tests.benchmarks.chaos.verdict import problems
from tests.postgres import Postgres, programs


@click.command()
@click.argument("names", nargs=-1)
@click.option("--keep", type=click.Path(path_type=Path), help="A folder for the trained versions, to be used again.")
def main(names: tuple[str, ...], keep: Path | None) -> None:
    """Try all scenarios, or those NAMED: worker_killed, database_killed and so on."""
    binaries = programs()
    if binaries is None:
        raise click.ClickException("PostgreSQL's server is not here: apt-get install postgresql")
    table = Table("fault", "verdict", *(Column(name, justify="right") for name in ("stored", "scored", "refused", "silence", "seconds")))
    bad = 0
    with tempfile.TemporaryDirectory() as scratch:
        ground = Ground((keep or Path(scratch)).absolute())
        with Postgres(binaries) as postgres:
            for name, scenario in SCENARIOS.items():
                if not names or name in names:
                    bad += _try(table, name, scenario, ground, postgres)
    Console(width=125).print(table)
    sys.exit(1 if bad else 0)


def _try(table: Table, name: str, scenario: Scenario, ground: Ground, postgres: Postgres) -> bool:
    """Add a row; whether it is a bad one."""
    place, began = ground.place(name), time.monotonic()
    try:
        outcome = scenario(place, postgres)
    except CannotBeTriedError as error:
        table.add_row(name, f"[yellow]not tried: {error}")
        return False
    wrong = [*outcome.wrong, *problems(outcome.told, outcome.store, place.home)]
    if outcome.silence > PATIENCE:
        wrong.append("it did not come back by itself")
    told, verdict = outcome.told, "[red]" + "; ".join(wrong) if wrong else "[green]holds"
    refused = sum(told.refused.values())
    figures = (len(told.acknowledged), len(told.scored), refused, f"{outcome.silence:.2f} s", f"{time.monotonic() - began:.0f}")
    table.add_row(name.replace("_", " "), verdict, *map(str, figures))
    return bool(wrong)


if __name__ == "__main__":
    main()
