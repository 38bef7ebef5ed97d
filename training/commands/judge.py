"""Commands that judge a version."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from models.commands.console import example, say
from models.commands.options import DATASET, JSON, VERSION, load_scorer, read_dataset

if TYPE_CHECKING:
    from features.dataset import Dataset
    from models.scorer import LeadScorer
    from models.settings import Source
    from training.evaluate import Evaluation
    from training.examine import Examination

logger = logging.getLogger("leadheat")


@click.command()
@DATASET
@VERSION
@click.option("--against", "other", metavar="VERSION", help="Compare with another version as well, such as champion.")
@click.option("--by", multiple=True, help="Show the slices by month, age, history or an attribute; may be given several times.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write an HTML page with pictures, tables and model card.")
@JSON
@example("leadheat evaluate my-world --version 3 --against champion --by industry --report report.html")
def evaluate(source: Source, version: str, other: str | None, by: tuple[str, ...], report: Path | None, *, as_json: bool) -> None:
    """Judge a version on the test part of a data set: beside the rules, slice by slice, and by what it is worth to sales."""
    from training.evaluate import evaluate as run
    from training.examine import examine
    from training.show.judged import judged as table
    from training.split import split

    if report:
        source.check_out(report)
    scorer, opponent = load_scorer(version), None if other is None else load_scorer(other)
    snapshots = source.settings.snapshots.model_copy(update={"horizon": scorer.horizon})
    data = read_dataset(source, scorer)
    test = split(data, snapshots, source.settings.model.calibration_share).test
    logger.info("judging version %s on %d snapshots", scorer.version, len(test))
    judged = run(scorer, data, test, seed=source.settings.model.seed)
    examined = examine(judged, scorer, data, source.settings, by or None)
    if report:
        _write(report, version, scorer, data, source, judged, None if by else examined)
    result = {"version": scorer.version} | examined.to_dict() | {"against": _against(source, judged, scorer, opponent)}
    say(result, table(result, by=bool(by)), as_json=as_json)


def _against(source: Source, judged: Evaluation, scorer: LeadScorer, other: LeadScorer | None) -> dict[str, Any] | None:
    """The evaluated version less another."""
    from training.examine import against

    if other is None:
        return None
    differences = against(judged, other, read_dataset(source, other), scorer.horizon)
    return {"version": other.version, "differences": {name: one.to_dict() for name, one in differences.items()}}


def _write(
    out: Path, version: str, scorer: LeadScorer, data: Dataset, source: Source, judged: Evaluation, examined: Examination | None
) -> None:
    """The report of a registered version, with the verdicts it was registered with; it tells no paths of this machine."""
    from models.gate import reason
    from models.registry import Registry
    from training.report.evidence import Evidence
    from training.report.html import write

    logger.info("writing %s", out)
    known = Registry().version(version)
    place = f", the {' and '.join(known.aliases)}" if known.aliases else ""
    because = f": {known.reason}" if known.reason and known.reason != reason(()) else ""
    fate = f"This is version {known.version}{place}{because}."
    command = f"leadheat evaluate {source.root.name} --version {known.version} --report {out.name}"
    evidence = Evidence(scorer, data, source.settings, judged, data.findings, known.gates, fate, command, known.run_id, examined)
    write(evidence, out)


@click.command()
@DATASET
@click.option("--folds", default=5, show_default=True, type=click.IntRange(2, 50), help="How many origins.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Draw the folds into this PNG file.")
@JSON
@example("leadheat backtest my-world --folds 5 --plot backtest.png")
def backtest(source: Source, folds: int, plot: Path | None, *, as_json: bool) -> None:
    """Train at several moments of the past, each time on what was known by then, and judge on what came next."""
    from models.whole_file import whole_file
    from training.backtest import backtest as run
    from training.plots.backtest import backtest as draw
    from training.plots.style import png
    from training.show.backtested import backtest as table

    if plot:
        source.check_out(plot)
    done = run(read_dataset(source), source.settings, folds)
    if plot:
        with whole_file(plot, "The plot") as file:
            file.write_bytes(png(draw(done)))
    result = done.to_dict()
    say(result, table(result), as_json=as_json)
