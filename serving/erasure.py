"""Erasing a person: from the store, the score log and what workers hold, with a receipt that says of whom nothing.

The store is emptied of a lead, and of all that were merged with it, in one transaction that holds their rows: who stores something of
the lead meanwhile comes before, and is erased too, or after, and makes a new lead. Scores that were made before may still be on their
way into the score log, in this process or in others: the ids stay in ``erasures`` for ``SWEEP`` seconds, and whoever is up then,
the services or ``leadheat forget``, erases what came late and the ids with it. A process that is killed in between changes nothing: the
next one finds the ids.

SQLite overwrites what it deletes (``secure_delete``), and its write-ahead log is emptied. PostgreSQL keeps deleted rows on disk, out of
reach of queries, until vacuum has passed. Backups, archived logs and whoever was told by a webhook keep what they have: erase it there too.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from time import monotonic, sleep, time

from sqlalchemy import Connection, Engine, select

from features.contract import LeadheatError, iso, now
from features.store.engine import as_json, reading, told, writing
from features.store.schema import PERSONAL, erasures, receipts
from models import logged
from serving.family import family

SWEEP = 15.0
"""Seconds within which a score that was made is surely logged: recorders write every second."""
MARGIN = 60.0
"""Seconds by which the clocks of a file system and of the store may differ."""
PATIENCE = 200
"""Milliseconds for which the emptying of SQLite's log waits for readers, and keeps writers waiting."""
EVERY = 5.0
"""Seconds between two sweeps of a service."""

BETWEEN = 0.3
"""The same, of who waits for the last one."""

logger = logging.getLogger("leadheat.serving")


@dataclass(slots=True)
class Receipt:
    """That somebody was erased, and nothing of whom.

    Attributes:
        receipt_id: random.
        erased_at: ISO 8601 in UTC.
        by: the key by which it was asked for; ``open`` where the service needs none, ``command line`` for ``leadheat forget``.
        erased: how many rows of which table are gone, and under ``scores`` how many of the score log.
    """

    receipt_id: str
    erased_at: str
    by: str
    erased: dict[str, int]


def erase(engine: Engine, lead_id: str, by: str, drop: Callable[[Collection[str]], int] | None = None) -> Receipt:
    """Erase a lead and all that were merged with it.

    There is a receipt for a lead that is not there, too: the person is not held, which is all that was asked for, and the answer does not
    tell whether somebody ever was.

    Args:
        engine: of the store, whose tables are there.
        lead_id: the lead, or one that was merged into it.
        by: whom the receipt names.
        drop: erases leads from what this process holds in memory, and says how many scores that were.

    Raises:
        StoreError: the store cannot be reached; nothing is erased.
    """
    moment = now()
    with writing(engine) as connection:
        ids = family(connection, lead_id, held=True)
        counts = {table.name: connection.execute(table.delete().where(table.c.lead_id.in_(ids))).rowcount for table in PERSONAL}
        lately = connection.execute(erasures.delete().where(erasures.c.lead_id.in_(ids))).rowcount > 0
        connection.execute(erasures.insert(), [{"lead_id": one, "sweep_until": moment + int(SWEEP * 1e6)} for one in ids])
        receipt = Receipt(secrets.token_urlsafe(16), iso(moment), by, {name: count for name, count in counts.items() if count})
        _write(connection, receipt, moment)
    scores = (drop(ids) if drop is not None else 0) + _forget_scores(ids)
    if scores and not lately:  # what comes late is of the receipt before
        receipt.erased["scores"] = scores
        with writing(engine) as connection:
            connection.execute(receipts.update().where(receipts.c.receipt_id == receipt.receipt_id).values(counts=as_json(receipt.erased)))
    empty_log(engine)
    return receipt


def receipt(engine: Engine, receipt_id: str) -> Receipt | None:
    """A receipt that was given, or None."""
    with reading(engine) as connection:
        row = connection.execute(select(receipts).where(receipts.c.receipt_id == receipt_id)).one_or_none()
    return None if row is None else Receipt(row.receipt_id, iso(row.erased_at), row.by, json.loads(row.counts))


class Sweeper:
    """Erases what came late, again and again; one a process.

    Args:
        engine: of the store.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._swept: dict[tuple[str, int], float] = {}
        self._clean = False

    def sweep(self) -> bool:
        """Look once; returns whether something may still come late, or an erased page still stands on disk.

        All of the log is searched for an id the first time, and then what was written since.

        Raises:
            StoreError, DataError, OSError: the store or the log cannot be reached, or is damaged; the ids wait until it can.
        """
        seconds = time()
        with reading(self._engine) as connection:
            waiting = [(row.lead_id, row.sweep_until) for row in connection.execute(select(erasures))]
        self._swept = {one: self._swept[one] for one in waiting if one in self._swept}
        for since in {self._swept.get(one, 0.0) for one in waiting}:
            logged.forget([one[0] for one in waiting if self._swept.get(one, 0.0) == since], since=since)
        self._swept = {one: self._swept.get(one, 0.0) or seconds - MARGIN for one in waiting}
        self._let_go([one for one in waiting if one[1] < seconds * 1e6])
        self._clean = (self._clean and not waiting) or empty_log(self._engine)
        return bool(waiting) or not self._clean

    def _let_go(self, done: list[tuple[str, int]]) -> None:
        if done:
            with writing(self._engine) as connection:
                for lead_id, until in done:
                    connection.execute(erasures.delete().where(erasures.c.lead_id == lead_id, erasures.c.sweep_until == until))


def finish(engine: Engine) -> bool:
    """Sweep until nothing can come late any more; False where it does not end because the store or the log is in use, or damaged."""
    sweeper, end = Sweeper(engine), monotonic() + 2 * SWEEP
    while monotonic() < end:
        try:
            if not sweeper.sweep():
                return True
        except (LeadheatError, OSError) as error:
            logger.warning("erased from the store; not yet from the score log: %s", error)
        sleep(BETWEEN)
    return False


def empty_log(engine: Engine) -> bool:
    """Empty SQLite's write-ahead log, where what was erased still stands; False where somebody reads it right now."""
    if engine.dialect.name != "sqlite":
        return True
    with told(), engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={PATIENCE}")
        busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one()
        connection.invalidate()  # its patience is not the others'
    return not busy


def _forget_scores(ids: Collection[str]) -> int:
    try:
        return logged.forget(ids)
    except (LeadheatError, OSError) as error:  # the sweeps go on trying
        logger.warning("the score log cannot be erased from now: %s", error.strerror if isinstance(error, OSError) else error.message)
        return 0


def _write(connection: Connection, receipt: Receipt, moment: int) -> None:
    row = {"receipt_id": receipt.receipt_id, "erased_at": moment, "by": receipt.by, "counts": as_json(receipt.erased)}
    connection.execute(receipts.insert(), [row])
