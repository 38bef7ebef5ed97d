"""Commands about data: make some, check some."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from models.commands.console import example, say
from models.commands.options import DATASET, JSON, MEMORY

if TYPE_CHECKING:
    from models.settings import Source

LEADS = click.option("--leads", default=5000, show_default=True, type=click.IntRange(min=1), help="How many leads.")
SEED = click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of all that is random.")


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@LEADS
@SEED
@click.option("--hidden-intent", default=0.0, help="Spread of what leads want and nothing shows (0 to 3).")
@click.option("--base-rate-factor", default=1.0, help="By how much the chance to win grows until the end (0.05 to 20).")
@click.option("--until", help="The world ends at the midnight (UTC) before this moment (2026-11-24, or now); by default in spring 2025.")
@click.option("--leak", "leaks", multiple=True, help="A fault to plant; may be given several times.")
@JSON
@example("leadheat simulate my-world --leads 20000 --seed 7")
def simulate(out: Path, leads: int, seed: int, until: str | None, *, as_json: bool, **options: Any) -> None:
    """Write a simulated data set whose true probabilities are known (truth.parquet)."""
    from features.contract import from_micros, parse_moment
    from models.settings import parse_settings
    from training.simulation.simulate import START, WorldSettings, start_of
    from training.simulation.simulate import simulate as run

    end = None if until is None else datetime.now(UTC) if until == "now" else from_micros(parse_moment(until))
    world = parse_settings(options, WorldSettings, "options", "--help shows which there are.")
    done = run(out, leads, seed, world, START if end is None else start_of(end))
    result = {"path": str(done.path), "leads": done.leads, "interactions": done.interactions, "won": done.won}
    words = f"{done.leads:,} simulated leads with {done.interactions:,} interactions, {done.won:,} won, in {done.path}."
    say(result, f"{words}\nNext: leadheat train {done.path}", as_json=as_json)


@click.command()
@DATASET
@MEMORY
@JSON
@example("leadheat check my-world")
def check(source: Source, *, memory: int, as_json: bool) -> int:
    """Read a data set, validate it, and say all that is wrong with it; exit code 1 when training must not go on."""
    from models.commands.findings import findings
    from training.check import check as run

    checked = run(source, memory)
    rows = ", ".join(f"{count:,} {name}" for name, count in checked.rows.items())
    words = f"{rows}, {checked.won:,} won: fit for training." if checked.ok else "Training must not go on."
    say(checked.to_dict(), *([findings(checked.findings)] if checked.findings else []), words, as_json=as_json)
    return 0 if checked.ok else 1
