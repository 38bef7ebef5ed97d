"""Commands that judge a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from training.commands.options import DATASET, JSON, VERSION, load_scorer, read_dataset
from training.console import example, say

if TYPE_CHECKING:
    from models.settings import Source


@click.command()
@DATASET
@VERSION
@JSON
@example("leadheat evaluate my-world --version 3")
def evaluate(source: Source, version: str, *, as_json: bool) -> None:
    """Judge a version on the test part of a data set, beside the rules."""
    from training.evaluate import evaluate as run
    from training.show.learnt import comparison
    from training.split import split

    scorer = load_scorer(version)
    snapshots = source.settings.snapshots.model_copy(update={"horizon": scorer.horizon})
    data = read_dataset(source, scorer)
    judged = run(scorer, data, split(data, snapshots, source.settings.model.calibration_share).test)
    result = {"version": scorer.version, "test": judged.model, "rules": judged.rules}
    say(result, comparison({f"version {scorer.version}": judged.model, "rules": judged.rules}), as_json=as_json)
