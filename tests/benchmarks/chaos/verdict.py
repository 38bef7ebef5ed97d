"""What must hold after every fault: nothing acknowledged is lost, nothing is there twice, and every score is what its version says."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from sqlalchemy import select

from features.contract import parse_moment, to_micros
from features.history import History
from features.intake import history_of
from features.records import InteractionRecord, LeadRecord
from features.store.engine import open_store
from features.store.schema import interactions
from models import score_log
from models.digests import hashes_of
from models.request import read_request
from models.score import Score
from models.scorer import LeadScorer
from tests.benchmarks.chaos.traffic import Told


def problems(told: Told, store: str, home: Path) -> list[str]:
    """What is wrong, in words; empty when all is well."""
    rows = _stored(store)
    return [*_of_counting(told, [row["interaction_id"] for row in rows]), *_of_scores(told, rows, home)]


def _of_counting(told: Told, stored: list[str]) -> Iterator[str]:
    counted = Counter(stored)
    lost, twice = told.acknowledged - counted.keys(), [key for key, times in counted.items() if times > 1]
    strange = counted.keys() - told.sent
    if not told.acknowledged or not told.scored:
        yield "nothing was acknowledged"
    if lost:
        yield f"{len(lost)} acknowledged interactions are lost, such as {min(lost)}"
    if twice:
        yield f"{len(twice)} interactions are there twice, such as {twice[0]}"
    if strange:
        yield f"{len(strange)} interactions were never sent"
    if told.stored > len(stored):
        yield f"{told.stored} were told to be stored, and {len(stored)} are"


def _of_scores(told: Told, rows: Sequence[Any], home: Path) -> Iterator[str]:
    scorers = _versions(home)
    wrong = sum(not _as_stated(scorers, body, answer) for body, answer in told.scored)
    if wrong:
        yield f"{wrong} of {len(told.scored)} scores are not what their version says"
    moved = {name: [one for one in told.moved if one["model"]["version"] == name] for name in scorers}
    differing = sum(_replayed(scorer, rows, moved[name]) for name, scorer in scorers.items())
    unknown = [one for one in told.moved if one["model"]["version"] not in scorers]
    if differing or unknown:
        yield f"{differing + len(unknown)} of {len(told.moved)} stored leads' scores do not replay from the store"


def _as_stated(scorers: dict[str, LeadScorer], body: str, answer: Any) -> bool:
    """The answer to a body equals, bit by bit, what the version that it names says."""
    scorer, asked = scorers.get(answer["model"]["version"]), read_request(body)
    if scorer is None or asked.as_of is None:
        return False
    score = scorer.score(history_of([asked.record()], scorer.schema), asked.as_of, explain=asked.explain)
    return bool(json.loads(TypeAdapter(Score).dump_json(score)) == answer)


def log_problems(store: str, home: Path) -> tuple[int, int]:
    """How many logged scores of stored leads there are, and how many of them the batch does not give again, features and all."""
    table, rows, scorers = score_log.read(home / "scores"), _stored(store), _versions(home)
    logged = differing = 0
    for name, scorer in scorers.items():
        history, place = _history(rows, scorer)
        told = [one for one in table.to_pylist() if one["version"] == name and one["lead_id"] in place]
        lead = np.array([place[one["lead_id"]] for one in told], np.int64)
        scored = scorer.numbers(history, lead, np.array([to_micros(one["as_of"]) for one in told], np.int64))
        again = zip(hashes_of(scored.X), scored.probability.tolist(), scored.score.tolist(), scored.points.tolist(), strict=True)
        stated = ((one["features"], one["probability"], one["score"], one["points"]) for one in told)
        logged, differing = logged + len(told), differing + sum(one != other for one, other in zip(stated, again, strict=True))
    return logged, differing


def _history(rows: Sequence[Any], scorer: LeadScorer) -> tuple[History, dict[str, int]]:
    """What is stored, by lead; and the place of each lead."""
    by_lead: defaultdict[str, list[InteractionRecord]] = defaultdict(list)
    columns = ("type", "occurred_at", "recorded_at", "direction", "order", "interaction_id")
    for row in rows:
        by_lead[row["lead_id"]].append(InteractionRecord(*(row[name] for name in columns)))
    records = [LeadRecord(lead_id, None, None, some) for lead_id, some in by_lead.items()]
    return history_of(records, scorer.schema), {lead_id: number for number, lead_id in enumerate(by_lead)}


def _stored(store: str) -> Sequence[Any]:
    engine = open_store(store)
    with engine.connect() as connection:
        rows = connection.execute(select(interactions)).mappings().all()
    engine.dispose()
    return rows


def _versions(home: Path) -> dict[str, LeadScorer]:
    return {one.name.split("-")[0]: LeadScorer.load(one, one.name.split("-")[0]) for one in (home / "versions").glob("[0-9]*-*")}


def _replayed(scorer: LeadScorer, rows: Sequence[Any], answers: list[Any]) -> int:
    """How many answers the batch does not give again, to the last bit, from what the store holds now."""
    history, place = _history(rows, scorer)
    known = [one for one in answers if one["lead_id"] in place]
    lead = np.array([place[one["lead_id"]] for one in known], np.int64)
    scored = scorer.numbers(history, lead, np.array([parse_moment(one["as_of"]) for one in known], np.int64))
    again = zip(scored.probability.tolist(), scored.score.tolist(), scored.log_odds.tolist(), scored.points.tolist(), strict=True)
    same = sum(
        (one["probability"], one["score"], one["log_odds"], one["baseline"]["points"]) == numbers
        for one, numbers in zip(known, again, strict=True)
    )
    return len(answers) - same
