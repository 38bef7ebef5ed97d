"""Commands about the store of the service: bring leads in, erase one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from models.commands.console import example, say
from models.commands.options import DATASET, JSON, tell

if TYPE_CHECKING:
    from models.settings import Source


@click.command("import")
@DATASET
@click.option("--origin", default="import", show_default=True, help="Where the data come from; noted with every attribute.")
@JSON
@example("leadheat import my-world --origin crm")
def import_(source: Source, origin: str, *, as_json: bool) -> None:
    """Bring a data set into the store of the service and score its leads as of now; what is stored already is left as it is."""
    from features.contract import SettingsError
    from features.data_settings import STORE
    from features.sources import read_tables
    from features.store.engine import address, open_store
    from serving.champion import ChampionWatch, rules_alone
    from serving.memory.importing import import_tables
    from serving.memory.memory import Memory

    if any(str(table.path) == STORE for table in source.settings.data.tables.values()):
        raise SettingsError("The store cannot be brought into itself.", "Name a data set of files or of another database.")
    started, watch = time.monotonic(), ChampionWatch(rules_alone())
    watch.look()
    data = source.settings.data
    tables = read_tables(data, source.root, ids=True)
    tell(tables.findings)
    memory = Memory(open_store(address()), lambda: watch.current.scorer, lambda _: None, repeatable=data.repeatable)
    done = import_tables(memory, tables, origin)
    memory.close()
    result = {"leads": done.leads, "interactions": done.interactions, "outcomes": done.outcomes, "scored_by": watch.current.kind}
    result |= {band: done.temperatures[band] for band in ("hot", "warm", "cold")} | {"seconds": round(time.monotonic() - started, 3)}
    words = f"{done.leads:,} leads, {done.interactions:,} new interactions and {done.outcomes:,} new outcomes are in the store."
    say(result, f"{words}\nNext: leadheat serve", as_json=as_json)


@click.command()
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
