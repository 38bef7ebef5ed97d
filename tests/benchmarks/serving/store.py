"""``make bench-store``: what the store costs: an interaction of a lead with a long history, and the worklist of many leads."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table

from tests.benchmarks.serving.filled import copy_many, fill_long, import_world, long_name, opened
from tests.benchmarks.serving.load import Load, send
from tests.benchmarks.serving.world import prepare
from tests.postgres import Postgres, programs
from tests.server import Server, ask

CONNECTIONS = 16
LONG = (200, 200)
"""Leads, and interactions of each, of the store that interactions are added to."""
TYPES = ("page_visit", "repeat_visit", "mail_opened", "newsletter", "webinar", "white_paper", "price_page", "demo_request")
PAGES = {
    "first page": "/leads?",
    "hot": "/leads?temperature=hot",
    "cold": "/leads?temperature=cold",
    "mql": "/leads?stage=mql",
    "segment": "/leads?segment=industry:retail",
    "segment and temperature": "/leads?segment=country:DE&temperature=warm",
    "number, that few have": "/leads?segment=employees:12",
    "value that nobody has": "/leads?segment=industry:none",
    "owner": "/leads?owner=owner+3",
    "owner and segment": "/leads?owner=owner+3&segment=industry:retail",
    "changed since, most": "/leads?changed_since=2020-01-01T00:00:00Z&limit=200",
    "changed since, nobody": f"/leads?changed_since={datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
    "for people": "/?",
    "for people, owner": "/?owner=owner+3",
    "for people, hot": "/?temperature=hot",
}
REPEATS = 15
DEEP = 40
"""Pages of 200 that are turned before the deep pages are timed."""
CONSOLE = Console(width=125)


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
        with step("a world and its champion"):
            served = prepare((keep or Path(scratch)).absolute(), trained_on)
        home, store = served.folder / "home", postgres.database()
        with step(f"{LONG[0]} leads of {LONG[1]} interactions in PostgreSQL"), opened(store, served.scorer) as memory:
            fill_long(memory, served.folder / "world", *LONG)
        with step("POST /interactions"), Server(home, {"LEADHEAT_STORE": store}) as server:
            taken = take(server.port, seconds)
        CONSOLE.print(_of_interactions(taken))
        template = f"sqlite:///{Path(scratch) / 'template.db'}"
        with step("the world in a store"):
            import_world(served, template)
        pages = {}
        for name, address in (("PostgreSQL", postgres.database()), ("SQLite", f"sqlite:///{Path(scratch) / 'store.db'}")):
            with step(f"{rows:,} interactions in {name}"):
                counts = copy_many(template, address, rows)
            CONSOLE.print("  " + ", ".join(f"{many:,} {table}" for table, many in counts.items()))
            with step(f"the worklist from {name}"), Server(home, {"LEADHEAT_STORE": address}) as server:
                pages[name] = worklist(server)
    CONSOLE.print(_of_worklist(rows, pages))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"interactions": vars(taken), "worklist_ms": pages}, indent=1))


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is done, and when it is done."""
    CONSOLE.print(f"{what} ...", end=" ")
    began = time.perf_counter()
    yield
    CONSOLE.print(f"{time.perf_counter() - began:.1f} s")


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
            "lead_id": long_name(number * 7 % LONG[0]),
            "type": TYPES[number % len(TYPES)],
            "occurred_at": datetime.now(UTC).isoformat(),
            "interaction_id": f"new-{number}",
            "direction": "inbound",
        }
        yield json.dumps({"interactions": [one], "explain": False})


def worklist(server: Server) -> dict[str, float]:
    """The median milliseconds of each kind of page, of the pages that follow the first, and of pages far down."""
    with closing(server.connect()) as connection:

        def timed(path: str) -> tuple[float, Any]:
            began = time.perf_counter()
            answer = ask(connection, "GET", path)
            spent = 1000 * (time.perf_counter() - began)
            assert answer.status == 200, answer.body
            return spent, answer.json if path.startswith("/leads") else None

        def following(after: str, query: str, pages: int) -> tuple[float, str]:
            spent = []
            for _ in range(pages):
                one, page = timed(f"/leads?after={after}&{query}")
                spent.append(one)
                after = page["next"]
            return statistics.median(spent), after

        medians = {name: statistics.median(timed(path)[0] for _ in range(REPEATS)) for name, path in PAGES.items()}
        medians["the next pages"], after = following(timed("/leads")[1]["next"], "", REPEATS)
        _, after = following(after, "limit=200", DEEP)
        medians[f"after {DEEP * 200:,} leads"], _ = following(after, "", REPEATS)
    return medians


def _of_interactions(taken: Taken) -> Table:
    columns = (Column(name, justify="right") for name in ("at most", "at", "p50", "p99", "asked"))
    table = Table(f"POST /interactions, {LONG[1]} stored, PostgreSQL", *columns)
    table.add_row("one more", f"{taken.most:,.0f}/s", f"{taken.rate:,.0f}/s", f"{taken.p50:.1f} ms", f"{taken.p99:.1f} ms", "p99 25 ms")
    return table


def _of_worklist(rows: int, pages: dict[str, dict[str, float]]) -> Table:
    table = Table(f"Worklist, {rows:,} interactions, median", *(Column(name, justify="right") for name in pages), "asked")
    for name in next(iter(pages.values())):
        table.add_row(name, *(f"{one[name]:.1f} ms" for one in pages.values()), "100 ms")
    return table


if __name__ == "__main__":
    main()
