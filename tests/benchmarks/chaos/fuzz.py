"""``make fuzz``: 10,000 bad requests and schemathesis, against the service as it first starts, and against one with all that there is.

The first has the rules alone, SQLite and no keys; the second a model, PostgreSQL, keys and two workers.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click

from serving.keys import SCOPES
from tests.benchmarks.chaos.place import Ground
from tests.fuzzing import assault, schemathesis
from tests.postgres import Postgres, programs
from tests.server import Server


@click.command()
@click.option("--count", default=10_000, show_default=True, help="Bad requests, of each service.")
@click.option("--examples", default=200, show_default=True, help="Of schemathesis, for each route.")
@click.option("--keep", type=click.Path(path_type=Path), help="A folder for the trained versions, to be used again.")
def main(count: int, examples: int, keep: Path | None) -> None:
    """Send what no good sender would send."""
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        with Server(Path(scratch) / "first", {"LEADHEAT_LOG": "json"}) as server:
            failed |= fuzz("rules, SQLite, no keys", server, count, examples)
        binaries = programs()
        if binaries is None:
            raise click.ClickException("PostgreSQL's server is not here for the second service: apt-get install postgresql")
        place = Ground((keep or Path(scratch) / "ground").absolute()).place("fuzz")
        scopes = [part for scope in SCOPES for part in ("--scope", scope)]
        key = json.loads(place.command("keys", "add", "fuzz", *scopes, "--json"))["key"]
        headers = {"Authorization": f"Bearer {key}"}
        with Postgres(binaries) as postgres, place.serve(postgres.database(), {"LEADHEAT_LOG": "json"}, headers=headers) as server:
            failed |= fuzz("model, PostgreSQL, keys, two workers", server, count, examples)
    sys.exit(failed)


def fuzz(title: str, server: Server, count: int, examples: int) -> bool:
    """Whether a service fails."""
    click.echo(f"{title}: {count:,} bad requests, answers by status: {assault(server, count)}")
    done = schemathesis(server, "--max-examples", str(examples))
    click.echo(done.stdout[-3000:])
    failures = [line for line in server.read_log().splitlines() if "failed:" in line]
    click.echo(failures[0] if failures else "No failure is in the log.")
    return bool(done.returncode or failures)


if __name__ == "__main__":
    main()
