"""The command line. Each command imports what it needs when it runs, so that ``--help`` comes at once."""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from training.commands import bands, data, judge, learn, migration, scorecard, versions, watch
from training.commands.options import DATASET, JSON, LEADS, MEMORY, SEED, VERSION, load_scorer, tell
from training.console import Commands, example, say

if TYPE_CHECKING:
    from models.settings import Source
    from serving.batch import Done
    from serving.output import Output


SCOPES = ("read", "score", "write", "erase")


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


@main.command()
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
    from serving.output import output_of
    from serving.working import alone

    started, place = time.monotonic(), output_of(out)
    place.check()
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
    tell(done.findings)
    result = done.to_dict() | {"seconds": round(time.monotonic() - started, 3)} | kept
    words = f"{result['rows']:,} open leads in {place}: {result['hot']:,} hot, {result['warm']:,} warm, {result['cold']:,} cold."
    if "kept" in result:
        words += f" Computed anew: {result['computed']:,}; kept: {result['kept']:,}."
    say(result, words, as_json=as_json)


@main.command("import")
@DATASET
@click.option("--origin", default="import", show_default=True, help="Where the data come from; noted with every attribute.")
@JSON
@example("leadheat import my-world --origin crm")
def import_(source: Source, origin: str, *, as_json: bool) -> None:
    """Bring a data set into the store of the service and score its leads as of now; what is stored already is left as it is."""
    from features.sources import read_tables
    from features.store.engine import address, open_store
    from serving.champion import ChampionWatch, rules_alone
    from serving.memory.importing import import_tables
    from serving.memory.memory import Memory

    started, watch = time.monotonic(), ChampionWatch(rules_alone())
    watch.look()
    data = source.settings.data
    tables = read_tables(data, source.root, ids=True)
    memory = Memory(open_store(address()), lambda: watch.current.scorer, lambda _: None, repeatable=data.repeatable)
    done = import_tables(memory, tables, origin)
    memory.close()
    result = {"leads": done.leads, "interactions": done.interactions, "outcomes": done.outcomes, "scored_by": watch.current.kind}
    result |= {band: done.temperatures[band] for band in ("hot", "warm", "cold")} | {"seconds": round(time.monotonic() - started, 3)}
    words = f"{done.leads:,} leads, {done.interactions:,} new interactions and {done.outcomes:,} new outcomes are in the store."
    say(result, f"{words}\nNext: leadheat serve", as_json=as_json)


@main.command()
@click.option("--port", default=3000, show_default=True, type=click.IntRange(1, 65535), help="Where to listen.")
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 for all addresses.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 256), help="Processes that score.")
@example("leadheat serve --port 3000")
def serve(port: int, host: str, workers: int) -> None:
    """Serve the champion over HTTP; without one, the rules. Other machines are served once there are keys: leadheat keys add."""
    from serving.service import serve as run

    run(port, workers, host)


@main.command()
@click.option("--every", type=click.FloatRange(min=1), metavar="SECONDS", help="Again and again, whatever happens, until interrupted.")
@JSON
@example("leadheat pull --every 3")
def pull(every: float | None, *, as_json: bool) -> None:
    """Bring the registry's champion to this machine. `leadheat serve` does it by itself where the registry is a server's."""
    from models.registry import Registry

    registry = Registry()
    if every is not None:
        import asyncio

        from serving import log
        from serving.loops import Loop

        log.configure()
        asyncio.run(Loop(f"the pull from {registry.uri.rpartition('@')[2]}", every, registry.pull).run())
    version = registry.pull().version
    say({"version": version}, f"Version {version} is the champion of this machine.", as_json=as_json)


@main.command()
@click.argument("lead_id")
@JSON
@example("leadheat forget L-4711")
def forget(lead_id: str, *, as_json: bool) -> int:
    """Erase a lead, and all that were merged with it, from the store and the score log, with or without a running service.

    It takes some seconds, for what a running service has scored may come late. The receipt that it prints says of whom nothing; who is not
    there, or is erased already, gets one as well.
    """
    from dataclasses import asdict

    from features.store.engine import address, migrate, open_store
    from serving.erasure import erase, finish

    engine = open_store(address())
    migrate(engine)
    receipt = erase(engine, lead_id, "command line")
    rows, whole = sum(receipt.erased.values()), finish(engine)
    counts = ", ".join(f"{count} of {name}" for name, count in receipt.erased.items())
    words = f"{rows} rows are erased ({counts})." if rows else "Nothing is held of this lead."
    rest = [] if whole else ["What stands in the way is told above; a running service, or this command once more, erases the rest."]
    say(asdict(receipt) | {"erased": rows, "counts": receipt.erased}, words, f"Receipt {receipt.receipt_id}", *rest, as_json=as_json)
    return 0 if whole else 1


@main.group()
def keys() -> None:
    """API keys of the service; it takes up changes within a second."""


@keys.command("add")
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(["read", "score", "write", "erase"]), help="May be repeated."
)
@click.option("--expires", metavar="DURATION", help="Such as 90d; never by default.")
@JSON
@example("leadheat keys add crm --scope read --scope score --expires 90d")
def add_key(name: str, scopes: tuple[Any, ...], expires: str | None, *, as_json: bool) -> None:
    """Make a key and print it; it cannot be shown again."""
    from datetime import timedelta

    from features.contract import parse_duration
    from serving.keys import add

    try:
        lifetime = None if expires is None else timedelta(microseconds=parse_duration(expires))
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--expires") from error
    key = add(name, scopes, lifetime)
    say({"name": name, "scopes": list(scopes), "key": key}, key, as_json=as_json)


@keys.command("list")
@JSON
@example("leadheat keys list")
def list_keys(*, as_json: bool) -> None:
    """The keys there are: names, scopes, when made and until when valid."""
    from datetime import UTC, datetime

    from serving.keys import held

    listed = [key.to_dict(datetime.now(UTC)) for key in held()]
    words = [
        f"{one['name']}: {', '.join(one['scopes'])}; since {one['created_at']}, "
        + (f"{'expired' if one['expired'] else 'valid until'} {one['expires_at']}" if one["expires_at"] else "for ever")
        for one in listed
    ]
    say({"keys": listed}, *(words or ["There are no keys: the service answers this machine only."]), as_json=as_json)


@keys.command("revoke")
@click.argument("name")
@JSON
@example("leadheat keys revoke crm")
def revoke_key(name: str, *, as_json: bool) -> None:
    """Take a key out of service."""
    from serving.keys import revoke

    revoke(name)
    say({"revoked": name}, f"The key {name} is taken no more.", as_json=as_json)


def _on_spark(source: Source, version: str, out: Output, as_of: int | None, *, explain: bool) -> Done:
    """Score the open leads of a data set on a cluster."""
    from features.spark.session import need_spark

    need_spark()
    from models.registry import Registry
    from serving.spark import ModelFiles, score_data

    registry = Registry()
    model = ModelFiles.of(registry.fetch(version), registry.version(version).version)
    return score_data(source.settings.data, source.root, model, out, as_of, explain=explain)


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
):
    main.add_command(command)


if __name__ == "__main__":
    main()
