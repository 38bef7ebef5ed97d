"""Leads that are handed over, and a process that delivers them."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import lru_cache, partial
from time import sleep

from sqlalchemy import Connection, Engine, select

from features.contract import DAY
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord
from features.store.engine import open_store, reading, writing
from features.store.schema import outbox
from models.fallback import RulesScorer
from models.lifecycle import DECIDED
from models.score import HandOver, Score
from serving.handover.delivery import DELAYS, LEASE, Delivery, Webhook
from serving.handover.outbox import hand_over
from serving.handover.signature import read_secrets

NOW = 1_700_000_000_000_000
SECRET, OTHER = "whsec_" + "c2VjcmV0" * 4, "whsec_" + "b3RoZXIx" * 4


@lru_cache
def scored(*kinds: str) -> Score:
    """The rules' score of a lead that did all this yesterday."""
    scorer = RulesScorer()
    done = [InteractionRecord(kind, NOW - DAY + at, direction=1) for at, kind in enumerate(kinds)]
    return scorer.score(history_of([LeadRecord("a", NOW - 20 * DAY, None, done)], scorer.schema), NOW)


def due(lead_id: str = "a") -> Score:
    """Asked for a demo."""
    return replace(scored("demo_request"), lead_id=lead_id)


def cooled() -> Score:
    """Read a page."""
    return scored("page_view")


def opted_out() -> Score:
    """Asked for a demo, and then to be left alone."""
    return scored("demo_request", "unsubscribe")


def kept_from_sales() -> Score:
    """Asked for a demo, and a person said that it is not for sales."""
    return replace(due(), hand_over=HandOver(due=False, why=DECIDED))


def wait_in(engine: Engine, *lead_ids: str) -> None:
    """Hand leads over."""
    with writing(engine) as connection:
        for number, lead_id in enumerate(lead_ids):
            hand_over(connection, due(lead_id), NOW + number, None, DAY, partial(due, lead_id))


def rows(connection: Connection) -> list[dict[str, object]]:
    return [dict(row) for row in connection.execute(select(outbox).order_by(outbox.c.event_id)).mappings()]


def delivery(engine: Engine, url: str, lease: int = LEASE, delays: tuple[int, ...] = DELAYS) -> Delivery:
    return Delivery(partial(writing, engine), partial(reading, engine), Webhook(url, read_secrets(f"{SECRET} {OTHER}")), lease, delays)


if __name__ == "__main__":
    one = delivery(open_store(sys.argv[1]), sys.argv[2], lease=int(sys.argv[3]))
    while True:
        one.work()
        sleep(0.05)
