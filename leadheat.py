"""The command line. Each command imports what it needs when it runs, so that ``--help`` comes at once."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from training.console import Commands, example, say

if TYPE_CHECKING:
    from features.dataset import Dataset
    from models.scorer import LeadScorer
    from models.settings import Source

logger = logging.getLogger("leadheat")


def _source(_context: click.Context, _parameter: click.Parameter, path: Path) -> Source:
    from models.settings import read_settings

    return read_settings(path)


DATASET = click.argument("source", metavar="DATASET", type=click.Path(path_type=Path), callback=_source)
JSON = click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON object on stdout.")
VERSION = click.option("--version", default="champion", show_default=True, help="A version's number or alias.")
LEADS = click.option("--leads", default=5000, show_default=True, type=click.IntRange(min=1), help="How many leads.")
SEED = click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of all that is random.")


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
    from training import show
    from training.demo import prepare, rehearse

    with contextlib.nullcontext(keep) if keep else tempfile.TemporaryDirectory(prefix="leadheat-demo-") as folder:
        started, place = time.monotonic(), prepare(Path(folder).absolute())
        rehearsal = rehearse(place, leads, seed)
        scores = _batch(rehearsal.scorer, rehearsal.checked.usable(), place / "scores.parquet", None, explain=True)
        result = rehearsal.to_dict() | {band: scores[band] for band in ("hot", "warm", "cold")}
        result["seconds"] = round(time.monotonic() - started, 1)
        say(result, show.demo(result, rehearsal, place / "scores.parquet"), show.next_steps(keep), as_json=as_json)


@main.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@LEADS
@SEED
@click.option("--hidden-intent", default=0.0, help="Spread of what leads want and nothing shows (0 to 3).")
@click.option("--base-rate-factor", default=1.0, help="By how much the chance to win grows until the end (0.05 to 20).")
@click.option("--leak", "leaks", multiple=True, help="A fault to plant; may be given several times.")
@JSON
@example("leadheat simulate my-world --leads 20000 --seed 7")
def simulate(out: Path, leads: int, seed: int, *, as_json: bool, **options: Any) -> None:
    """Write a simulated data set whose true probabilities are known (truth.parquet)."""
    from models.settings import parse_settings
    from training.simulate import WorldSettings
    from training.simulate import simulate as run

    done = run(out, leads, seed, parse_settings(options, WorldSettings, "options"))
    result = {"path": str(done.path), "leads": done.leads, "interactions": done.interactions, "won": done.won}
    words = f"{done.leads:,} simulated leads with {done.interactions:,} interactions, {done.won:,} won, in {done.path}."
    say(result, f"{words}\nNext: leadheat train {done.path}", as_json=as_json)


@main.command()
@DATASET
@JSON
@example("leadheat check my-world")
def check(source: Source, *, as_json: bool) -> int:
    """Read a data set, validate it, and say all that is wrong with it; exit code 1 when training must not go on."""
    from training import show
    from training.check import check as run

    checked = run(source)
    rows = ", ".join(f"{count:,} {name}" for name, count in checked.rows.items())
    words = f"{rows}, {checked.won:,} won: fit for training." if checked.ok else "Training must not go on."
    say(checked.to_dict(), *([show.findings(checked.findings)] if checked.findings else []), words, as_json=as_json)
    return 0 if checked.ok else 1


@main.command()
@DATASET
@click.option("--no-promote", is_flag=True, help="Register the version as challenger and leave it at that.")
@JSON
@example("leadheat train my-world")
def train(source: Source, *, no_promote: bool, as_json: bool) -> int:
    """Train, compare with rules and champion, track in MLflow, and promote if every gate holds; exit code 1 if one does not."""
    from models.registry import Registry
    from training import show
    from training.train import train as run

    done = run(_read(source), source.settings, Registry(), promote=not no_promote)
    result = done.to_dict()
    say(result, show.training(result), as_json=as_json)
    return 0 if done.promoted or no_promote else 1


@main.command()
@DATASET
@VERSION
@JSON
@example("leadheat evaluate my-world --version 3")
def evaluate(source: Source, version: str, *, as_json: bool) -> None:
    """Judge a version on the test part of a data set, beside the rules."""
    from training import show
    from training.evaluate import evaluate as run
    from training.split import split

    scorer = _scorer(version)
    snapshots = source.settings.snapshots.model_copy(update={"horizon": scorer.horizon})
    data = _read(source, scorer)
    judged = run(scorer, data, split(data, snapshots, source.settings.model.calibration_share).test)
    result = {"version": scorer.version, "test": judged.model, "rules": judged.rules}
    say(result, show.comparison({f"version {scorer.version}": judged.model, "rules": judged.rules}), as_json=as_json)


@main.command()
@DATASET
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="A .parquet or .csv file.")
@click.option("--as-of", help="See nothing from this moment on, such as 2026-01-31T08:00:00Z; by default all data.")
@VERSION
@click.option("--reasons/--no-reasons", default=True, show_default=True, help="Give reasons for warm and hot leads.")
@JSON
@example("leadheat score my-world --out scores.parquet")
def score(source: Source, out: Path, as_of: str | None, version: str, *, reasons: bool, as_json: bool) -> None:
    """Score every open lead into one file, which is whole or absent."""
    from features.contract import parse_moment
    from serving.batch import check_out

    check_out(out)
    moment = None if as_of is None else parse_moment(as_of)
    scorer = _scorer(version)
    result = _batch(scorer, _read(source, scorer), out, moment, explain=reasons)
    words = f"{result['rows']:,} open leads in {out}: {result['hot']:,} hot, {result['warm']:,} warm, {result['cold']:,} cold."
    say(result, words, as_json=as_json)


@main.command()
@JSON
@example("leadheat models")
def models(*, as_json: bool) -> None:
    """List the versions: figures, aliases, why promoted or refused."""
    from models.registry import Registry
    from training import show

    versions = [version.to_dict() for version in Registry().versions()]
    say({"versions": versions}, show.versions(versions), as_json=as_json)


@main.command()
@click.argument("version")
@click.option("--reason", default="promoted by hand", show_default=True, help="Why; it is kept with the version.")
@JSON
@example('leadheat promote 3 --reason "agreed with sales"')
def promote(version: str, reason: str, *, as_json: bool) -> None:
    """Make a version the champion."""
    from models.registry import Registry

    now = Registry().promote(version, reason).to_dict()
    say(now, f"Version {now['version']} is the champion.", as_json=as_json)


@main.command()
@JSON
@example("leadheat rollback")
def rollback(*, as_json: bool) -> None:
    """Let the champion and the version before it change places."""
    from models.registry import Registry

    now = Registry().rollback().to_dict()
    say(now, f"Version {now['version']} is the champion again.", as_json=as_json)


@main.command()
@click.option("--port", default=3000, show_default=True, type=click.IntRange(1, 65535), help="Where to listen.")
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 for all addresses.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 256), help="Processes that score.")
@example("leadheat serve --port 3000")
def serve(port: int, host: str, workers: int) -> None:
    """Serve the champion over HTTP; without one, the rules."""
    from serving.service import serve as run

    run(port, workers, host)


def _scorer(version: str) -> LeadScorer:
    from models.registry import Registry
    from models.scorer import LeadScorer

    registry = Registry()
    return LeadScorer.load(registry.fetch(version), registry.version(version).version)


def _read(source: Source, scorer: LeadScorer | None = None) -> Dataset:
    """The data set, with the attributes that a scorer knows or with all it has; its findings are told on stderr."""
    from features.dataset import Dataset

    logger.info("reading %s", source.settings.data.name)
    dataset = Dataset.read(source.settings.data, source.root, scorer.schema if scorer else None)
    for finding in dataset.findings:
        logger.info("%s: %s.%s: %s (%d)", finding.severity, finding.table, finding.column, finding.detail, finding.count)
    return dataset


def _batch(scorer: LeadScorer, dataset: Dataset, out: Path, as_of: int | None, *, explain: bool) -> dict[str, Any]:
    """Score a data set's open leads into a file; what ``leadheat score --json`` prints."""
    from features.contract import from_micros
    from serving.batch import score_shards, write_scores

    started = time.monotonic()
    moment = dataset.observed_until + 1 if as_of is None else as_of
    bands = write_scores(score_shards(scorer, dataset, moment, explain=explain), out)
    about = {"rows": sum(bands.values()), "as_of": from_micros(moment).isoformat(), "version": scorer.version}
    return about | bands | {"seconds": round(time.monotonic() - started, 3)}


if __name__ == "__main__":
    main()
