"""The command that writes a model down as a points table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from models.commands.console import example, say
from models.commands.options import DATASET, JSON, VERSION, load_scorer, read_dataset

if TYPE_CHECKING:
    from models.settings import Source


@click.command()
@DATASET
@VERSION
@click.option("--lines", default=20, show_default=True, type=click.IntRange(1, 100), help="The most lines.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the [rules] table into this .toml file.")
@JSON
@example("leadheat scorecard my-world --lines 12 --out rules.toml")
def scorecard(source: Source, version: str, lines: int, out: Path | None, *, as_json: bool) -> None:
    """Write a model down as a table of whole points for a CRM, and tell what that costs.

    The table fits [rules] of leadheat.toml: points by signal with caps and decay, and by level or range of the lead's attributes.
    """
    from models.whole_file import whole_file
    from training.scorecard.distil import Distiller
    from training.scorecard.judge import judged_scorecard
    from training.show.scorecard import scorecard as table
    from training.split import split

    if out is not None:
        source.check_out(out)
    scorer, settings = load_scorer(version), source.settings
    dataset = read_dataset(source, scorer)
    snapshots = settings.snapshots.model_copy(update={"horizon": scorer.horizon})
    parts = split(dataset, snapshots, settings.model.calibration_share)
    result = judged_scorecard(Distiller(scorer, dataset, parts, snapshots.weight), dataset, lines, settings.model.seed).to_dict()
    if out is not None:
        with whole_file(out, "The scorecard") as unfinished:
            unfinished.write_text(result["toml"], encoding="utf-8")
    words = f"The [rules] table is in {out}." if out else f"\n{result['toml']}".replace("[", "\\[")
    say(result, table(result), words, as_json=as_json)
