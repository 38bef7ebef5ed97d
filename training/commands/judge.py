"""Commands that judge a version."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from training.commands.options import DATASET, JSON, VERSION, load_scorer, read_dataset
from training.console import example, say

if TYPE_CHECKING:
    from features.dataset import Dataset
    from models.scorer import LeadScorer
    from models.settings import Source
    from training.evaluate import Evaluation

logger = logging.getLogger("leadheat")


@click.command()
@DATASET
@VERSION
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write an HTML page with pictures, tables and model card.")
@JSON
@example("leadheat evaluate my-world --version 3 --report report.html")
def evaluate(source: Source, version: str, report: Path | None, *, as_json: bool) -> None:
    """Judge a version on the test part of a data set, beside the rules."""
    from training.evaluate import evaluate as run
    from training.show.learnt import comparison
    from training.split import split

    scorer = load_scorer(version)
    snapshots = source.settings.snapshots.model_copy(update={"horizon": scorer.horizon})
    data = read_dataset(source, scorer)
    test = split(data, snapshots, source.settings.model.calibration_share).test
    judged = run(scorer, data, test, seed=source.settings.model.seed)
    if report:
        _write(report, version, scorer, data, source, judged)
    result = {"version": scorer.version, "test": judged.model, "rules": judged.rules}
    say(result, comparison({f"version {scorer.version}": judged.model, "rules": judged.rules}), as_json=as_json)


def _write(out: Path, version: str, scorer: LeadScorer, data: Dataset, source: Source, judged: Evaluation) -> None:
    """The report of a registered version, with the verdicts it was registered with."""
    from models.registry import Registry
    from training.report.evidence import Evidence
    from training.report.html import write

    logger.info("writing %s", out)
    known = Registry().version(version)
    place = f", the {' and '.join(known.aliases)}" if known.aliases else ""
    fate = f"Version {known.version}{place}: {known.reason}." if known.reason else ""
    command = f"leadheat evaluate {source.root} --version {known.version} --report {out}"
    write(Evidence(scorer, data, source.settings, judged, data.findings, known.gates, fate, command, known.run_id), out)
