"""The command that compares what two versions say of the open leads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from models.commands.console import example, say
from models.commands.options import DATASET, JSON, load_scorer, read_dataset

if TYPE_CHECKING:
    from models.settings import Source


@click.command()
@DATASET
@click.option("--from", "before", default="champion", show_default=True, help="A version's number or alias.")
@click.option("--to", "after", default="challenger", show_default=True, help="The version that would take its place.")
@click.option("--as-of", help="See nothing from this moment on, such as 2026-01-31T08:00:00Z; by default all data.")
@click.option("--top", default=10, show_default=True, type=click.IntRange(min=0), help="How many of the leads that move to tell.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write every lead that moves into this .csv file.")
@JSON
@example("leadheat migration my-world --from champion --to challenger --out moves.csv")
def migration(source: Source, before: str, after: str, as_of: str | None, top: int, out: Path | None, *, as_json: bool) -> None:
    """Show which open leads would change their band if another version were in service, and which reasons changed."""
    from features.contract import parse_moment
    from training.migration import migrate, write
    from training.show.migration import migration as table

    moment = None if as_of is None else parse_moment(as_of)
    if out is not None:
        source.check_out(out)
    scorers = load_scorer(before), load_scorer(after)
    dataset = read_dataset(source)
    found = migrate(*scorers, dataset, dataset.observed_until + 1 if moment is None else moment, top if out is None else None)
    if out is not None:
        write(found.moves, out)
    result = found.to_dict()
    result["moves"] = result["moves"][:top]
    say(result, table(result), as_json=as_json)
