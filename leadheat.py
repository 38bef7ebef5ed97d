"""The command line. Each command imports what it needs when it runs, so that ``--help`` comes at once."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from features.contract import DataError, LeadheatError, parse_moment

if TYPE_CHECKING:
    from models.scorer import LeadScorer

Item = TypeVar("Item")

DATASET = click.argument("dataset", type=click.Path(path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON object on stdout.")
VERSION = click.option("--version", default="champion", show_default=True, help="A version's number or alias.")
LEADS = click.option("--leads", default=5000, show_default=True, type=click.IntRange(min=1), help="How many leads.")
SEED = click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of all that is random.")


class Commands(click.Group):
    """Shows what is going on, and says in words what went wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a ``LeadheatError`` becomes its message on stderr and its exit code."""
        try:
            with _steps():
                return super().invoke(ctx)
        except LeadheatError as error:
            _tell(error, as_json="--json" in sys.argv[1:])
            ctx.exit(error.exit_code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="leadheat")
def main() -> None:
    """Who of your leads will buy, how sure that is, and why.

    DATASET is a folder with a leadheat.toml, or a path to such a file. State lives under LEADHEAT_HOME (./.leadheat by default), tracking
    at MLFLOW_TRACKING_URI (./leadheat.db by default). Exit codes: 0 done, 1 refused (data, audit or gate), 2 wrong call.
    """


def example(text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add an example to a command's help."""

    def add(function: Callable[..., None]) -> Callable[..., None]:
        function.__doc__ = f"{function.__doc__}\n\n    Example: {text}\n"
        return function

    return add


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
        scores = _batch(rehearsal.scorer, rehearsal.source, place / "scores.parquet", None, explain=True)
        result = rehearsal.to_dict() | {band: scores[band] for band in ("hot", "warm", "cold")}
        result["seconds"] = round(time.monotonic() - started, 1)
        _print(result, show.demo(result, rehearsal.figures, place, kept=keep is not None), as_json=as_json)


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
    _print(result, f"{words}\nNext: leadheat train {done.path}", as_json=as_json)


@main.command()
@DATASET
@JSON
@example("leadheat check my-world")
def check(dataset: Path, *, as_json: bool) -> None:
    """Read a data set, validate it, and say all that is wrong with it; exit code 1 when training must not go on."""
    from features.sources import read_tables
    from models.settings import read_settings
    from training import show

    source = read_settings(dataset)
    tables = read_tables(source.settings.data, source.root)
    won = int(tables.outcomes["won"].to_numpy().sum())
    rows = {name: len(getattr(tables, name)) for name in ("interactions", "leads", "outcomes")}
    result = {"ok": True, "findings": [one.to_dict() for one in tables.findings], "rows": rows, "leads": rows["leads"], "won": won}
    words = f"{rows['leads']:,} leads, {rows['interactions']:,} interactions, {rows['outcomes']:,} outcomes, {won:,} won: fit for training."
    _print(result, *([show.findings(tables.findings)] if tables.findings else []), words, as_json=as_json)


@main.command()
@DATASET
@click.option("--no-promote", is_flag=True, help="Register the version as challenger and leave it at that.")
@JSON
@example("leadheat train my-world")
def train(dataset: Path, *, no_promote: bool, as_json: bool) -> None:
    """Train, compare with rules and champion, track in MLflow, and promote if every gate holds; exit code 1 if one does not."""
    from models.registry import Registry
    from models.settings import read_settings
    from training import show
    from training.train import train as run

    done = run(read_settings(dataset), Registry(), promote=not no_promote)
    result = done.to_dict()
    _print(result, show.training(result), as_json=as_json)
    if not done.promoted and not no_promote:
        sys.exit(1)


@main.command()
@DATASET
@VERSION
@JSON
@example("leadheat evaluate my-world --version 3")
def evaluate(dataset: Path, version: str, *, as_json: bool) -> None:
    """Judge a version on the test part of a data set, beside the rules."""
    from features.dataset import Dataset
    from models.settings import read_settings
    from training import show
    from training.evaluate import evaluate as run
    from training.split import split

    source, scorer = read_settings(dataset), _scorer(version)
    data = Dataset.read(source.settings.data, source.root)
    parts = split(data, source.settings.snapshots, source.settings.model.calibration_share)
    judged = run(scorer, data, parts.test)
    result = {"version": scorer.version, "test": judged.model, "rules": judged.rules}
    _print(result, show.comparison({f"version {scorer.version}": judged.model, "rules": judged.rules}), as_json=as_json)


@main.command()
@DATASET
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="A .parquet or .csv file.")
@click.option("--as-of", help="The moment at which to look, such as 2026-01-31T08:00:00Z; by default when the data end.")
@VERSION
@click.option("--reasons/--no-reasons", default=True, show_default=True, help="With reasons for warm and hot leads.")
@JSON
@example("leadheat score my-world --out scores.parquet")
def score(dataset: Path, out: Path, as_of: str | None, version: str, *, reasons: bool, as_json: bool) -> None:
    """Score every open lead into one file, which is whole or absent."""
    from models.settings import read_settings

    source = read_settings(dataset)
    result = _batch(_scorer(version), source, out, as_of, explain=reasons)
    words = f"{result['rows']:,} open leads in {out}: {result['hot']:,} hot, {result['warm']:,} warm, {result['cold']:,} cold."
    _print(result, words, as_json=as_json)


@main.command()
@JSON
@example("leadheat models")
def models(*, as_json: bool) -> None:
    """List the versions: figures, aliases, why promoted or refused."""
    from models.registry import Registry
    from training import show

    versions = [version.to_dict() for version in Registry().versions()]
    _print({"versions": versions}, show.versions(versions), as_json=as_json)


@main.command()
@click.argument("version")
@click.option("--reason", default="promoted by hand", show_default=True, help="Why; it is kept with the version.")
@JSON
@example('leadheat promote 3 --reason "agreed with sales"')
def promote(version: str, reason: str, *, as_json: bool) -> None:
    """Make a version the champion."""
    from models.registry import Registry

    now = Registry().promote(version, reason).to_dict()
    _print(now, f"Version {now['version']} is the champion.", as_json=as_json)


@main.command()
@JSON
@example("leadheat rollback")
def rollback(*, as_json: bool) -> None:
    """Let the champion and the version before it change places."""
    from models.registry import Registry

    now = Registry().rollback().to_dict()
    _print(now, f"Version {now['version']} is the champion again.", as_json=as_json)


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


def _batch(scorer: LeadScorer, source: Any, out: Path, as_of: str | None, *, explain: bool) -> dict[str, Any]:
    """Score a data set's open leads into a file; what ``leadheat score --json`` prints."""
    from features.contract import from_micros
    from features.dataset import Dataset
    from serving.batch import check_out, score_shards, shards, write_scores

    started = time.monotonic()
    check_out(out)
    dataset = Dataset.read(source.settings.data, source.root, scorer.schema)
    moment = dataset.observed_until + 1 if as_of is None else parse_moment(as_of)
    tables = score_shards(scorer, dataset, moment, explain=explain)
    bands = write_scores(_bar(tables, shards(dataset), "scoring"), out)
    about = {"rows": sum(bands.values()), "as_of": from_micros(moment).isoformat(), "version": scorer.version}
    return about | bands | {"seconds": round(time.monotonic() - started, 3)}


def _print(result: dict[str, Any], *shown: Any, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
        return
    from rich.console import Console

    for one in shown:
        Console(highlight=False).print(one)


def _tell(error: LeadheatError, *, as_json: bool) -> None:
    findings = error.findings if isinstance(error, DataError) else ()
    if as_json:
        told = [finding.to_dict() for finding in findings]
        click.echo(json.dumps({"ok": False, "error": error.message, "hint": error.hint, "findings": told}, ensure_ascii=False))
    if findings:
        from rich.console import Console
        from training import show

        Console(stderr=True, highlight=False).print(show.findings(findings))
    click.secho(error.message, fg="red", err=True)
    click.echo(error.hint, err=True)


def _bar(items: Iterator[Item], total: int, words: str) -> Iterator[Item]:
    """The same items with a progress bar on stderr, where that is a terminal."""
    with click.progressbar(items, total, label=words, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        yield from bar


@contextlib.contextmanager
def _steps() -> Iterator[None]:
    """Tell on stderr what is being done."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("leadheat: %(message)s"))
    logger = logging.getLogger("leadheat")
    logger.addHandler(handler)
    logger.setLevel(os.environ.get("LEADHEAT_LOG", "INFO"))
    try:
        yield
    finally:
        logger.removeHandler(handler)


if __name__ == "__main__":
    main()
