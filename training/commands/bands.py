"""The command that shows what bands would be like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from models.commands.console import example, say
from models.commands.options import DATASET, JSON, VERSION, load_scorer, read_dataset

if TYPE_CHECKING:
    from models.settings import Source

_POLICIES = ("lift", "capacity", "precision", "value")


@click.command()
@DATASET
@click.option("--policy", "policies", multiple=True, type=click.Choice(_POLICIES), help="A policy to look at; may be repeated.")
@click.option("--hot", type=float, help="lift: times the base rate; precision: the share that converts.")
@click.option("--warm", type=float, help="The same for warm.")
@click.option("--hot-per-day", type=float, help="capacity: how many hot leads sales can call a day.")
@click.option("--hot-share", type=float, help="capacity: the share of leads that is hot, such as 0.05.")
@click.option("--warm-per-day", type=float, help="capacity: how many leads a day are warm.")
@click.option("--warm-share", type=float, help="capacity: the share of leads that is warm.")
@click.option("--contact-cost", type=float, help="value: what a contact costs.")
@click.option("--win-value", type=float, help="value: what a win is worth, in the same currency.")
@click.option("--nurture-cost", type=float, help="value: what it costs to keep a lead warm; half a contact by default.")
@click.option("--hysteresis", type=float, help="Odds by which a lead must fall below a threshold to cool, such as 0.1.")
@VERSION
@JSON
@example("leadheat bands my-world --policy capacity --hot-per-day 40 --policy precision")
def bands(source: Source, *, policies: tuple[Any, ...], version: str, as_json: bool, **numbers: float | None) -> None:
    """Show what bands each policy would give, before you commit to one in the [temperature] table.

    Thresholds are chosen on the calibration part that the version was trained with, and proved on the test part. Without --policy: those
    that need no number and those that the numbers given belong to, beside the version's own.
    """
    from models.registry import Registry
    from training.bands import candidates, compare
    from training.show.bands import policies as table
    from training.unseen import FILE, Unseen

    scorer = load_scorer(version)
    given = {name: value for name, value in numbers.items() if value is not None}
    asked = candidates(scorer.settings.temperature, source.settings.temperature, policies, given)
    with Registry().artifact(version, FILE) as file:
        calibration = Unseen.read(file)
    result = compare(scorer, calibration, read_dataset(source, scorer), source.settings, asked)
    say(result, table(result), as_json=as_json)
