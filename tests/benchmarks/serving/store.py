"""``make bench-store``: what the store costs: an interaction of a lead with a long history, and the worklist of many leads."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table
from sqlalchemy import Engine, insert

from features.contract import DAY, MINUTE, to_micros
from features.progress import progress
from features.store.engine import migrate, open_store
from features.store.schema import attributes, interactions, leads
from models.scorer import LeadScorer
from serving.memory.memory import Memory
from serving.memory.scoring import rescore_all
from tests.benchmarks.serving.load import Load, send
from tests.benchmarks.serving.world import prepare
from tests.postgres import Postgres, programs
from tests.server import Server, ask

CONNECTIONS = 16
LONG = (200, 200)
"""Leads, and interactions of each, of the store that interactions are added to."""
PORTION, SCORED_AT_ONCE = 10_000, 200
TYPES = ("page_visit", "repeat_visit", "mail_opened", "mail_sent", "newsletter", "webinar", "white_paper", "price_page", "demo_request")
PAGES = {
    "first page": "",
    "hot": "?temperature=hot",
    "mql": "?stage=mql",
    "segment": "?segment=industry:retail",
    "segment and temperature": "?segment=country:DE&temperature=warm",
    "owner": "?owner=owner+3",
    "changed since": "?changed_since=2020-01-01T00:00:00Z&limit=200",
}
REPEATS = 15


@dataclass(frozen=True)
class Taken:
    """``POST /interactions``: the most that a worker takes, requests a second, and milliseconds at half of that."""

    most: float
    rate: float
    p50: float
    p99: float


@click.command()
@click.option("--rows", default=1_000_000, show_default=True, help="Interactions in the store of the worklist.")
@click.option("--seconds", default=8.0, show_default=True, help="Of each load.")
@click.option("--leads", "trained_on", default=5_000, show_default=True, help="Of the world that the champion is trained on.")
@click.option("--keep", type=click.Path(path_type=Path), help="A folder for world and champion, to be used again.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("build/bench-store.json"), show_default=True)
def main(rows: int, seconds: float, trained_on: int, keep: Path | None, out: Path) -> None:
    """Time ``POST /interactions`` and ``GET /leads`` on PostgreSQL, and the latter on SQLite too."""
    binaries = programs()
    if binaries is None:
        raise click.ClickException("PostgreSQL's server is not here: apt-get install postgresql")
    with tempfile.TemporaryDirectory() as scratch, Postgres(binaries) as postgres:
        served = prepare((keep or Path(scratch)).absolute(), trained_on)
        home = served.folder / "home"
        store = postgres.database()
        with opened(store) as engine:
            fill(engine, served.scorer, *LONG)
        with Server(home, {"LEADHEAT_STORE": store}) as server:
            taken = take(server.port, seconds)
        pages = {}
        for name, address in (("PostgreSQL", postgres.database()), ("SQLite", f"sqlite:///{Path(scratch) / 'store.db'}")):
            with opened(address) as engine:
                fill(engine, served.scorer, rows // 50, 50)
            with Server(home, {"LEADHEAT_STORE": address}) as server:
                pages[name] = worklist(server)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"interactions": vars(taken), "worklist_ms": pages}, indent=1))
    Console(width=125).print(_of_interactions(taken), _of_worklist(rows, pages))


@contextmanager
def opened(address: str) -> Iterator[Engine]:
    """An engine with its tables made, disposed of with the block."""
    engine = open_store(address)
    migrate(engine)
    yield engine
    engine.dispose()


def fill(engine: Engine, scorer: LeadScorer, many: int, each: int) -> None:
    """Write leads and interactions in bulk, then score all leads the way the service does."""
    stamp = to_micros(datetime.now(UTC)) - DAY
    with engine.begin() as connection:
        created = {"created_at": stamp - 60 * DAY, "changed_at": stamp}
        connection.execute(insert(leads), [{"lead_id": _name(one)} | created for one in range(many)])
        connection.execute(insert(attributes), list(_attributes(many, stamp)))
    rows = _interactions(many, each, stamp)
    with progress("filling the store", many * each) as advance:
        while portion := list(islice(rows, PORTION)):
            with engine.begin() as connection:
                connection.execute(insert(interactions), portion)
            advance(len(portion))
    memory = Memory(engine, lambda: scorer, lambda _: None)
    with progress("scoring the leads", many) as advance:
        for first in range(0, many, SCORED_AT_ONCE):
            names = [_name(one) for one in range(first, min(first + SCORED_AT_ONCE, many))]
            with memory.writing() as connection:
                rescore_all(connection, dict.fromkeys(names, stamp), "lead", scorer, repeatable=False, explain=False)
            advance(len(names))


def _name(number: int) -> str:
    return f"lead {number:06d}"


def _attributes(many: int, stamp: int) -> Iterator[dict[str, object]]:
    for number in range(many):
        values = {"industry": ("retail", "software", "health", "energy")[number % 4], "manyry": ("DE", "FR", "US")[number % 3]}
        for name, value in (values | {"owner": f"owner {number % 25}"}).items():
            yield {"lead_id": _name(number), "name": name, "value": json.dumps(value), "origin": "benchmark", "set_at": stamp}


def _interactions(many: int, each: int, stamp: int) -> Iterator[dict[str, object]]:
    """From 60 days ago until now; types as the simulated world has them."""
    for number in range(many):
        for one in range(each):
            moment = stamp - (number * 7_919 * MINUTE + one * 104_729 * MINUTE) % (60 * DAY)
            yield {
                "lead_id": _name(number),
                "key": f"id:{number}-{one}",
                "interaction_id": f"{number}-{one}",
                "type": TYPES[(number + 5 * one) % len(TYPES)],
                "occurred_at": moment,
                "recorded_at": moment,
                "received_at": moment,
                "direction": 1 + one % 2,
                "order": 0,
                "attributes": None,
                "origin": "benchmark",
            }


def take(port: int, seconds: float) -> Taken:
    """As many interactions as a worker takes, then half as many."""
    bodies = _bodies()
    send(Load(port, "/interactions", list(islice(bodies, 500)), CONNECTIONS, 1.0))
    most = send(Load(port, "/interactions", list(islice(bodies, int(1_000 * seconds))), CONNECTIONS, seconds))
    rate = most.per_second / 2
    half = send(Load(port, "/interactions", list(islice(bodies, int(rate * seconds) + 1)), CONNECTIONS, seconds, rate))
    if most.bad or half.bad:
        raise AssertionError(f"{most.bad + half.bad} answers were no 2xx")
    hundredths = statistics.quantiles(half.milliseconds, n=100)
    return Taken(most.per_second, rate, hundredths[49], hundredths[98])


def _bodies() -> Iterator[str]:
    """One new interaction each, of leads in turn."""
    for number in count():
        one = {
            "lead_id": _name(number * 7 % LONG[0]),
            "type": TYPES[number % len(TYPES)],
            "occurred_at": datetime.now(UTC).isoformat(),
            "interaction_id": f"new-{number}",
            "direction": "inbound",
        }
        yield json.dumps({"interactions": [one], "explain": False})


def worklist(server: Server) -> dict[str, float]:
    """The median milliseconds of each kind of page, and of the pages that follow the first."""
    with closing(server.connect()) as connection:

        def timed(query: str) -> tuple[float, Any]:
            began = time.perf_counter()
            answer = ask(connection, "GET", f"/leads{query}")
            assert answer.status == 200, answer.body
            return 1000 * (time.perf_counter() - began), answer.json

        medians = {name: statistics.median(timed(query)[0] for _ in range(REPEATS)) for name, query in PAGES.items()}
        following, after = [], timed("")[1]["next"]
        for _ in range(REPEATS):
            spent, page = timed(f"?after={after}")
            following.append(spent)
            after = page["next"]
    return medians | {"the next pages": statistics.median(following)}


def _of_interactions(taken: Taken) -> Table:
    columns = (Column(name, justify="right") for name in ("at most", "at", "p50", "p99", "asked"))
    table = Table(f"POST /interactions, {LONG[1]} stored, PostgreSQL", *columns)
    table.add_row("one more", f"{taken.most:,.0f}/s", f"{taken.rate:,.0f}/s", f"{taken.p50:.1f} ms", f"{taken.p99:.1f} ms", "p99 25 ms")
    return table


def _of_worklist(rows: int, pages: dict[str, dict[str, float]]) -> Table:
    table = Table(f"GET /leads, {rows:,} interactions, median", *(Column(name, justify="right") for name in pages), "asked")
    for name in next(iter(pages.values())):
        table.add_row(name, *(f"{one[name]:.1f} ms" for one in pages.values()), "100 ms")
    return table


if __name__ == "__main__":
    main()
