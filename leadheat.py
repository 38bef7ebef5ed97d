"""The command line. Each command imports what it needs when it runs, so that ``--help`` comes at once."""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path

import click

from models.commands import versions
from models.commands.console import Commands, example, say
from models.commands.options import JSON
from serving.commands import keys, score, service, store
from training.commands import bands, data, judge, learn, migration, scorecard, watch
from training.commands.data import LEADS, SEED


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="leadheat")
def main() -> None:
    """Who of your leads will buy, how sure that is, and why.

    DATASET is a folder with a leadheat.toml, or a path to such a file. State lives under LEADHEAT_HOME (./.leadheat by default), tracking
    at MLFLOW_TRACKING_URI (./leadheat.db by default). Exit codes: 0 done, 1 refused (data, audit or gate), 2 wrong call, 130 interrupted.
    """


@main.command()
@LEADS
@SEED
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep data, model and scores in this folder.")
@JSON
@example("leadheat demo --leads 5000 --keep my-demo")
def demo(leads: int, seed: int, keep: Path | None, *, as_json: bool) -> None:
    """The whole way on a simulated world: data, audit, training, comparison, promotion, scores."""
    from serving.batch import score_to
    from serving.output import ScoreFile
    from training.demo import prepare, rehearse
    from training.show import demo as show

    with contextlib.nullcontext(keep) if keep else tempfile.TemporaryDirectory(prefix="leadheat-demo-") as folder:
        started, place = time.monotonic(), prepare(Path(folder).absolute())
        rehearsal = rehearse(place, leads, seed)
        out = ScoreFile(place / "scores.parquet")
        done = score_to(out, rehearsal.scorer, rehearsal.checked.usable())
        result = rehearsal.to_dict() | {band: done.bands[band] for band in ("hot", "warm", "cold")}
        result["seconds"] = round(time.monotonic() - started, 1)
        say(result, show.demo(result, rehearsal, place / "scores.parquet"), show.next_steps(keep), as_json=as_json)


for command in (
    data.simulate,
    data.check,
    learn.train,
    learn.recalibrate,
    learn.retrain,
    judge.evaluate,
    judge.backtest,
    bands.bands,
    migration.migration,
    scorecard.scorecard,
    versions.models,
    versions.promote,
    versions.rollback,
    watch.monitor,
    score.score,
    store.import_,
    store.forget,
    service.serve,
    service.pull,
    keys.keys,
):
    main.add_command(command)


if __name__ == "__main__":
    main()
