"""What a salesperson expects of the learnt model: what must not matter does not, and what matters points the right way."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from features.contract import DAY, HOUR
from features.history import INBOUND, OUTBOUND
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord
from features.snapshots import open_leads
from models.score import Score
from tests.small_world import SmallWorld

ASKED = ("demo_request", "offer_request", "meeting_request")


def record(world: SmallWorld, *rows: InteractionRecord) -> LeadRecord:
    return LeadRecord("one", world.now - 20 * DAY, {"industry": "software"}, rows)


def did(world: SmallWorld, kind: str, hours: float, direction: int = INBOUND) -> InteractionRecord:
    return InteractionRecord(kind, world.now - round(hours * HOUR), direction=direction)


def score(world: SmallWorld, lead: LeadRecord) -> Score:
    return world.scorer.score(history_of([lead], world.scorer.schema), world.now)


def log_odds(world: SmallWorld, lead: LeadRecord) -> float:
    found = score(world, lead).log_odds
    assert found is not None
    return found


def test_the_order_of_the_rows_the_name_and_unknown_attributes_do_not_matter(world: SmallWorld) -> None:
    rows = [did(world, "price_page", 3), did(world, "mail_sent", 30, OUTBOUND), did(world, "white_paper", 3)]
    expected = score(world, record(world, *rows))
    for shuffled in permutations(rows):
        assert score(world, record(world, *shuffled)) == expected
    renamed = record(world, *rows)._replace(lead_id="another", attributes={"industry": "software", "favourite_colour": "red"})
    told = score(world, renamed)
    assert told.unknown_attributes == ["favourite_colour"]
    assert replace(told, lead_id="one", unknown_attributes=[]) == expected


def test_an_interaction_sent_twice_counts_once(world: SmallWorld) -> None:
    once = did(world, "demo_request", 3)._replace(interaction_id="i1")
    assert score(world, record(world, once, once)) == score(world, record(world, once))


@pytest.mark.parametrize("kind", ASKED)
def test_asking_warms_nearly_everybody(world: SmallWorld, kind: str) -> None:
    leads = open_leads(world.dataset, world.now)[:150]
    changes = []
    for number in leads.tolist():
        history = world.alone(number)
        known = [
            InteractionRecord(history.type.levels[code], int(moment), direction=int(way))
            for code, moment, way in zip(history.type.codes, history.occurred_at, history.direction, strict=True)
        ]
        lead = LeadRecord("one", int(history.created_at[0]), None, known)
        asked = lead._replace(interactions=[*known, did(world, kind, 1)])
        changes.append(log_odds(world, asked) - log_odds(world, lead))
    assert np.mean(changes) > 0.2
    assert np.mean(np.array(changes) >= 0) > 0.9


def test_the_same_signal_longer_ago_is_worth_less(world: SmallWorld) -> None:
    fresh, older, old = (log_odds(world, record(world, did(world, "demo_request", 24 * days))) for days in (1, 10, 19))
    assert fresh > old
    assert fresh >= older


def test_who_asked_for_everything_is_warmer_than_who_did_nothing(world: SmallWorld) -> None:
    eager = score(world, record(world, *(did(world, kind, 2 + i) for i, kind in enumerate(ASKED))))
    silent = score(world, record(world))
    written_to = score(world, record(world, did(world, "mail_sent", 40, OUTBOUND)))
    assert eager.temperature != "cold"
    assert eager.score is not None
    assert eager.score > 85
    assert (silent.temperature, written_to.temperature) == ("cold", "cold")


def test_who_asked_is_told_so_in_the_reasons(world: SmallWorld) -> None:
    eager = score(world, record(world, *(did(world, kind, 2 + i) for i, kind in enumerate(ASKED))))
    told = {reason.signal for reason in eager.reasons if reason.contribution > 0}
    assert told & {"demo", "offer", "meeting_wanted"}
