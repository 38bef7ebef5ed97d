"""The funnel: what SQL counts is what three plain loops count, and the simulated world has the rates that practice expects."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import insert

from features.contract import DAY, HOUR, iso
from features.store.schema import attributes, changes, interactions, outcomes
from models.fallback import RulesScorer
from models.funnel import FunnelSettings
from models.intervals import effective_rows
from models.settings import ScoringSettings
from serving.funnel.counting import Period, Sums
from serving.funnel.report import FUNNEL, Group, Rate, effective, report
from serving.memory.memory import Memory
from tests.remembering import remembering
from training.simulation.simulate import simulate

NOW = 1_700_000_000_000_000
SETTINGS = ScoringSettings()
PERIOD = Period(NOW - 40 * DAY, NOW)
KINDS = {
    "mail_sent": 2,
    "sales_call": 2,
    "mail_reply": 1,
    "meeting_held": 1,
    "no_show": 1,
    "offer_request": 1,
    "demo_request": 1,
    "page": 1,
}
Event = tuple[int, str]


@pytest.fixture
def memory(store_url: str) -> Iterator[Memory]:
    with remembering(store_url, RulesScorer()) as made:
        yield made.memory


def interaction(lead_id: str, at: int, kind: str, direction: int, key: str = "") -> dict[str, Any]:
    row = {"lead_id": lead_id, "key": key or f"{at} {kind}", "type": kind, "occurred_at": at, "recorded_at": at, "received_at": at}
    return row | {"direction": direction, "order": 0, "interaction_id": None, "attributes": None, "origin": "test"}


def attribute(lead_id: str, name: str, value: object) -> dict[str, Any]:
    return {"lead_id": lead_id, "name": name, "value": json.dumps(value), "origin": "test", "set_at": NOW}


def change(lead_id: str, at: int, temperature: int) -> dict[str, Any]:
    row = {"lead_id": lead_id, "at": at, "cause": "time", "temperature": temperature, "stage": "mql"}
    return row | {"probability": None, "version": None}


def fill(memory: Memory, histories: dict[str, list[Event]], bands: dict[str, list[tuple[int, int]]], wins: dict[str, int]) -> None:
    with memory.writing() as connection:
        connection.execute(
            insert(interactions), [interaction(lead, at, kind, KINDS[kind]) for lead, events in histories.items() for at, kind in events]
        )
        for lead, steps in bands.items():
            connection.execute(insert(changes), [change(lead, at, band) for at, band in steps])
            connection.execute(insert(attributes), [attribute(lead, "industry", lead[:1]), attribute(lead, "employees", 30.0 * len(steps))])
        for lead, at in wins.items():
            connection.execute(insert(outcomes).values(lead_id=lead, closed_at=at, outcome="won", received_at=at, origin="test"))


def made_up(seed: int) -> tuple[dict[str, list[Event]], dict[str, list[tuple[int, int]]], dict[str, int]]:
    """Forty leads within 120 days around the period, whose moments are all different."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    moments = iter(draw.sample(range(NOW - 115 * DAY, NOW + 5 * DAY, HOUR), 1_000 + 200))
    leads = [f"{draw.choice('abc')}{number}" for number in range(40)]
    histories = {lead: [(next(moments), draw.choice(list(KINDS))) for _ in range(24)] for lead in leads}
    bands = {lead: [(next(moments), draw.randrange(3)) for _ in range(draw.randint(1, 3))] for lead in leads}
    return histories, bands, {lead: next(moments) for lead in leads[:12]}


def naive(
    histories: dict[str, list[Event]], bands: dict[str, list[tuple[int, int]]], wins: dict[str, int]
) -> dict[str, dict[str, tuple[int, int]]]:
    """By group (all, industry, size and band), the successes and trials of each rate, as plainly as can be."""
    found: dict[str, dict[str, tuple[int, int]]] = {}

    def trial(lead: str, at: int, rate: str, *, success: bool) -> None:
        band = max(((when, one) for when, one in bands[lead] if when <= at), default=(0, None))[1]
        size = "small" if len(bands[lead]) == 1 else "medium"
        for group in ("all", lead[0], size, "unknown" if band is None else ("cold", "warm", "hot")[band]):
            k, n = found.setdefault(group, {}).get(rate, (0, 0))
            found[group][rate] = k + success, n + 1

    for lead, all_events in histories.items():
        events = [(at, kind) for at, kind in all_events if at < PERIOD.end]
        touches = [at for at, kind in events if KINDS[kind] == 2]
        times = {kind: [at for at, one in events if one == kind] for kind in KINDS}
        chances = times["offer_request"] + [at for one, at in wins.items() if one == lead and at < PERIOD.end]
        for at in touches:
            if PERIOD.start <= at + 14 * DAY < PERIOD.end:
                ends = min([at + 14 * DAY, *(one for one in touches if one > at)])
                trial(lead, at, "response", success=any(at < one < ends for one in times["mail_reply"]))
        for at in times["mail_reply"]:
            if PERIOD.start <= at + 30 * DAY < PERIOD.end:
                trial(lead, at, "meeting", success=any(at < one < at + 30 * DAY for one in times["meeting_held"]))
        for at in times["meeting_held"]:
            if PERIOD.start <= at + 60 * DAY < PERIOD.end:
                trial(lead, at, "opportunity", success=any(at < one < at + 60 * DAY for one in chances))
        for at in times["meeting_held"] + times["no_show"]:
            if PERIOD.start <= at < PERIOD.end:
                trial(lead, at, "no_show", success=at in times["no_show"])
    return found


def told(group: Group) -> dict[str, tuple[int, int]]:
    rates: dict[str, Rate] = {rate: getattr(group, rate) for rate in ("response", "meeting", "opportunity", "no_show")}
    return {name: (rate.count, rate.of) for name, rate in rates.items() if rate.of}


def test_what_is_counted_is_what_plain_loops_count(memory: Memory) -> None:
    world = made_up(1)
    fill(memory, *world)
    expected = naive(*world)
    assert expected["all"]["opportunity"][1] > 5
    plain = report(memory, SETTINGS, PERIOD, None)
    assert (plain.groups, told(plain.total)) == ([], expected["all"])
    names = {
        "temperature": {"cold", "warm", "hot", "unknown"},
        "industry": {"a", "b", "c"},
        "size": {"small", "medium"},
        "role": {"unknown"},
    }
    for by, groups in names.items():
        found = report(memory, SETTINGS, PERIOD, by)  # type: ignore[arg-type]
        assert {one.group for one in found.groups} == groups
        assert told(found.total) == expected["all"]
        for one in found.groups:
            assert told(one) == expected["all" if by == "role" else one.group], (by, one.group)


def test_nothing_after_the_period_is_read(memory: Memory) -> None:
    histories, bands, wins = made_up(2)
    fill(memory, histories, bands, wins)
    before = report(memory, SETTINGS, Period(PERIOD.start, NOW), "temperature")
    with memory.writing() as connection:
        later = [
            interaction(lead, NOW + number, kind, KINDS[kind], "later") for number, lead in enumerate(histories) for kind in ("mail_reply",)
        ]
        connection.execute(insert(interactions), later)
        connection.execute(insert(changes), [change(lead, NOW, 2) for lead in histories])
    assert report(memory, SETTINGS, Period(PERIOD.start, NOW), "temperature") == before


def test_a_response_at_the_moment_of_a_touch_answers_it(memory: Memory) -> None:
    """Where only days are known, a mail and its answer are of one moment."""
    at = PERIOD.start + DAY
    fill(memory, {"a": [(at, "mail_sent"), (at, "mail_reply")], "b": [(at, "mail_sent"), (at - 1, "mail_reply")]}, {}, {})
    assert told(report(memory, SETTINGS, PERIOD, None).total)["response"] == (1, 2)


def test_the_time_to_the_first_response_counts_those_who_wait(memory: Memory) -> None:
    asked = NOW - 20 * DAY
    histories = {f"a{wait}": [(asked, "demo_request"), (asked + wait * HOUR, "mail_sent")] for wait in (1, 2, 4)}
    histories["b"] = [(asked, "demo_request"), (NOW + HOUR, "mail_sent")]
    histories["a1"] += [(asked + DAY, "demo_request")]
    histories["c"] = [(PERIOD.start - 1, "demo_request"), (asked, "page")]
    bands = {lead: [(asked - DAY, 1)] for lead in histories}
    fill(memory, histories | {"d": [(asked, "demo_request")]}, bands | {"d": [(asked + 1, 0)]}, {})
    found = report(memory, SETTINGS, PERIOD, "temperature")
    first = found.total.first_response
    assert (first.asked, first.answered, first.median_minutes, first.p90_minutes) == (5, 3, 240.0, None)
    assert [(one.first_response.asked, one.first_response.answered) for one in found.groups] == [(4, 3), (1, 0)]
    assert [one.group for one in found.groups] == ["warm", "unknown"]


def test_the_answer_says_what_was_asked(memory: Memory) -> None:
    (endpoint,) = FUNNEL
    assert endpoint.given is not None
    answer = json.loads(endpoint.given.write(report(memory, SETTINGS, PERIOD, "role")))
    assert [answer[name] for name in ("from", "to", "by")] == [*map(iso, PERIOD), "role"]
    assert answer.keys() == endpoint.given.schema["properties"].keys()


def test_an_empty_store_has_no_rates(memory: Memory) -> None:
    total = report(memory, SETTINGS, PERIOD, "industry").total
    assert (total.response.rate, total.response.low, total.response.high, total.first_response.asked) == (None, 0.0, 1.0, 0)


def test_intervals_rest_on_leads() -> None:
    draw = np.random.default_rng(1)
    for rate in (0.0, 0.2, 1.0):
        lead, won = draw.integers(0, 30, 200), (draw.random(200) < rate).astype(int)
        n, k = np.bincount(lead, minlength=30), np.bincount(lead, won, minlength=30).astype(int)
        sums = Sums(int((n > 0).sum()), int(n.sum()), int(k.sum()), int((k * k).sum()), int((k * n).sum()), int((n * n).sum()))
        assert effective(sums) == pytest.approx(effective_rows(won, lead)[-1])


def test_sizes_have_classes() -> None:
    settings = FunnelSettings()
    assert [settings.size_of(value) for value in (0, 49.9, 50, 499, 500.0, "11-50", True, -1)] == [
        *("small", "small", "medium", "medium", "large", "11-50", "True", "unknown")
    ]


@pytest.mark.slow
def test_the_simulated_world_has_the_rates_that_practice_expects(tmp_path: Path) -> None:
    simulate(tmp_path / "world", 4_000, seed=0)
    rows = pd.read_parquet(tmp_path / "world" / "interactions.parquet").drop_duplicates("interaction_id")
    leads = pd.read_parquet(tmp_path / "world" / "leads.parquet").set_index("lead_id")
    at = rows["occurred_at"].dt.as_unit("us").astype("int64")
    direction = rows["direction"].map({"inbound": 1, "outbound": 2}).fillna(0).astype(int)
    group = leads["source"].map(
        lambda name: 0 if name in ("bought_list", "cold_call", "fair") else 2 if name in ("referral", "enquiry") else 1
    )
    with remembering(f"sqlite:///{tmp_path / 'store.db'}", RulesScorer()) as made, made.memory.writing() as connection:
        many = zip(rows["lead_id"], at, rows["type"], direction, rows["interaction_id"], strict=True)
        connection.execute(insert(interactions), [interaction(*one) for one in many])
        connection.execute(insert(changes), [change(lead, 0, band) for lead, band in group.items()])
    with remembering(f"sqlite:///{tmp_path / 'store.db'}", RulesScorer()) as made:
        found = report(made.memory, SETTINGS, Period(int(at.min()), int(at.max())), "temperature")
    rates = {one.group: one for one in found.groups}
    for name in ("cold", "warm"):
        for rate in (rates[name].response, rates[name].meeting):
            assert rate.expected is not None
            assert rate.low <= rate.expected[1]
            assert rate.high >= rate.expected[0]
    assert 0.2 < (found.total.no_show.rate or 0) < 0.3
    assert found.total.first_response.answered > 0
