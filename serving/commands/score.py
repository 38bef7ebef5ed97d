"""The command that scores a data set."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from models.commands.console import example, say
from models.commands.options import DATASET, JSON, MEMORY, VERSION, load_scorer, tell

if TYPE_CHECKING:
    from models.settings import Source
    from serving.batch import Done
    from serving.output import Output


@click.command()
@DATASET
@click.option("--out", required=True, help="A .parquet or .csv file, or postgresql://user@host/database#schema.table.")
@click.option("--as-of", help="See nothing from this moment on, such as 2026-01-31T08:00:00Z; by default all data.")
@VERSION
@click.option(
    "--since",
    "earlier",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Scores (.parquet) of an earlier run: what the model gave there is not computed again; the result is the same.",
)
@click.option("--reasons/--no-reasons", "explain", default=True, show_default=True, help="Give reasons for warm and hot leads.")
@click.option("--engine", type=click.Choice(["local", "spark"]), default="local", show_default=True, help="This machine, or a cluster.")
@MEMORY
@click.option("--resume", is_flag=True, help="Go on where the same command, on data larger than --memory, was killed.")
@JSON
@example("leadheat score my-world --out scores.parquet")
def score(
    source: Source, out: str, as_of: str | None, version: str, earlier: Path | None, *, engine: str, as_json: bool, **how: Any
) -> None:
    """Score every open lead into one file, which is whole or absent, or into a table, in one transaction.

    Data that do not fit into --memory are sorted into parts on disk first (LEADHEAT_HOME/cache, or LEADHEAT_CACHE), which stay until the
    files change, and scored part by part. The cluster of --engine spark is what Spark's own configuration says (MASTER, SPARK_CONF_DIR,
    PYSPARK_SUBMIT_ARGS); without any it is this machine's processors.
    """
    from features.contract import parse_moment
    from models.earlier import Incremental
    from serving.bucketed import score_within
    from serving.output import ScoreFile, output_of
    from serving.working import alone

    started, place = time.monotonic(), output_of(out)
    place.check()
    if isinstance(place, ScoreFile):
        source.check_out(place.path)
    moment = None if as_of is None else parse_moment(as_of)
    if engine == "spark":
        if earlier is not None or how["resume"]:
            raise click.UsageError("--since and --resume are for --engine local; what a worker loses Spark computes again by itself.")
        with alone(place.working, str(place)):
            done = _on_spark(source, version, place, moment, explain=how["explain"])
        kept = {}
    else:
        scorer = load_scorer(version) if earlier is None else Incremental.since(earlier, load_scorer(version))
        with alone(place.working, str(place)):
            done = score_within(source, scorer, place, moment, **how)
        kept = {"computed": scorer.computed, "kept": sum(done.bands.values()) - scorer.computed} if isinstance(scorer, Incremental) else {}
    tell(done.noticed)
    result = done.to_dict() | {"seconds": round(time.monotonic() - started, 3)} | kept
    words = f"{result['rows']:,} open leads in {place}: {result['hot']:,} hot, {result['warm']:,} warm, {result['cold']:,} cold."
    if "kept" in result:
        words += f" Computed anew: {result['computed']:,}; kept: {result['kept']:,}."
    say(result, words, as_json=as_json)


def _on_spark(source: Source, version: str, out: Output, as_of: int | None, *, explain: bool) -> Done:
    """Score the open leads of a data set on a cluster."""
    from features.spark.session import need_spark

    need_spark()
    from models.registry import Registry
    from serving.spark import ModelFiles, score_data

    registry = Registry()
    model = ModelFiles.of(registry.fetch(version), registry.version(version).version)
    return score_data(source.settings.data, source.root, model, out, as_of, explain=explain)
