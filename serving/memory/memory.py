"""What the service remembers of leads: it takes what happens to them and says where each of them stands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine

from features.contract import DataError, now
from features.records import check_numbers
from features.store.engine import StoreError, migrate, reading, writing
from models.answer import Answer
from models.score import Score
from serving.champion import Scorer
from serving.memory import adding, lead_view, merging, refreshing, worklist
from serving.memory.scoring import rescore_all
from serving.memory.views import LeadView, Merged, Taken, WorklistPage
from serving.memory.worklist import WorklistQuery

TRIES = 10
"""How often a request begins anew because its leads were merged meanwhile."""
STEP = 20
"""Leads that are refreshed in one transaction: others wait for it where they want the same lead, and in SQLite in any case."""
PAUSE = 0.02
"""Seconds between two steps."""


class Brought(NamedTuple):
    """How many interactions and outcomes were new, and the scores of their leads."""

    interactions: int
    outcomes: int
    scores: list[Score]


class Memory:
    """The store and the scorer together. Every method is one transaction, and may be called from any thread.

    Args:
        engine: of the store; its tables are made, or brought up to date, when it is first needed.
        scorer: says what scores now.
        log: takes each score that was stored, after it was.
        repeatable: whether a lead stays open when it is won.
    """

    def __init__(self, engine: Engine, scorer: Callable[[], Scorer], log: Callable[[Answer], None], *, repeatable: bool = False) -> None:
        self.engine = engine
        self.repeatable = repeatable
        self._scorer = scorer
        self._log = log
        self._opening = threading.Lock()
        self._open = False
        self._closed = threading.Event()

    def open(self) -> None:
        """Make the tables, or bring them up to date, once.

        Raises:
            StoreError: the store cannot be reached.
            SettingsError: it is of a newer release.
        """
        with self._opening:
            if not self._open:
                migrate(self.engine)
                self._open = True

    def close(self) -> None:
        """End the refreshing, and let all connections go."""
        self._closed.set()
        self.engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction; the scores that ``rescore`` made within it are logged once it is done.

        Raises:
            StoreError: the store cannot be reached, is full or too busy; nothing is kept.
        """
        self.open()
        with writing(self.engine) as connection:
            answers: list[Answer] = []
            connection.info["answers"] = answers
            yield connection
        for answer in answers:
            self._log(answer)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the store.

        Raises:
            StoreError: the store cannot be reached.
        """
        self.open()
        with reading(self.engine) as connection:
            yield connection

    def take_interactions(self, interactions: Sequence[Mapping[str, Any]], origin: str, *, explain: bool = True) -> Taken:
        """Store interactions and score their leads; unknown leads are made. All are stored, or none.

        Args:
            interactions: each as ``serving.memory.requests.InteractionOf``.
            origin: where they come from.
            explain: with reasons.

        Raises:
            StoreError: as ``writing``.
        """
        return self._take(adding.add_interactions, interactions, origin, "interaction", explain=explain)

    def put_outcomes(self, outcomes: Sequence[Mapping[str, Any]], origin: str, *, explain: bool = True) -> Taken:
        """Store what became of leads, each as ``serving.memory.requests.OutcomeOf``; else as ``take_interactions``."""
        return self._take(adding.add_outcomes, outcomes, origin, "outcome", explain=explain)

    def put_leads(self, leads: Sequence[Mapping[str, Any]], origin: str, *, explain: bool = True) -> Taken:
        """Store attributes of leads, each as ``serving.memory.requests.LeadAttributes``; else as ``take_interactions``.

        A lead that is known and does not change is told as a duplicate.
        """
        return self._take(adding.put_leads, leads, origin, "lead", explain=explain)

    def bring(
        self,
        leads: Sequence[Mapping[str, Any]],
        interactions: Sequence[Mapping[str, Any]],
        outcomes: Sequence[Mapping[str, Any]],
        origin: str,
    ) -> Brought:
        """Store all that is known of some leads, with which the others deal, in one go; rows and errors as of the methods above.

        Raises:
            DataError: what the scorer knows as a number is none; nothing is kept.
        """
        schema = self._scorer().schema
        check_numbers(leads, schema.lead_numeric)
        check_numbers(interactions, schema.numeric)
        with self._locked([row["lead_id"] for row in leads]) as (connection, lead_of, stamps):
            moved = [[{**row, "lead_id": lead_of[row["lead_id"]]} for row in rows] for rows in (leads, interactions, outcomes)]
            adding.put_leads(connection, moved[0], stamps, origin)
            new = adding.add_interactions(connection, moved[1], stamps, origin), adding.add_outcomes(connection, moved[2], stamps, origin)
            scores = rescore_all(connection, stamps, "interaction", self._scorer(), repeatable=self.repeatable)
        return Brought(*new, list(scores.values()))

    def _take(self, add: Callable[..., int], rows: Sequence[Mapping[str, Any]], origin: str, cause: str, *, explain: bool) -> Taken:
        with self._locked([row["lead_id"] for row in rows]) as (connection, lead_of, stamps):
            moved = [{**row, "lead_id": lead_of[row["lead_id"]]} for row in rows]
            stored = add(connection, moved, stamps, origin)
            scores = rescore_all(connection, stamps, cause, self._scorer(), repeatable=self.repeatable, explain=explain)
            named = dict.fromkeys(row["lead_id"] for row in moved)
        return Taken(stored, len(rows) - stored, [scores[lead_id] for lead_id in named])

    @contextmanager
    def _locked(self, lead_ids: Iterable[str]) -> Iterator[tuple[Connection, Mapping[str, str], Mapping[str, int]]]:
        """A transaction that holds leads: the connection, which lead each id means (of a merged one, the survivor), and the stamps."""
        lead_of = {one: one for one in lead_ids}
        for _ in range(TRIES):
            with self.writing() as connection:
                locked = adding.lock(connection, set(lead_of.values()))
                merged = {one: into for one, (_, into) in locked.items() if into is not None}
                if not merged:
                    yield connection, lead_of, {one: stamp for one, (stamp, _) in locked.items()}
                    return
                connection.rollback()
            lead_of = {asked: merged.get(one, one) for asked, one in lead_of.items()}
        raise StoreError("The store is busy merging these leads.", "Ask again later; nothing of this request was kept.")

    def rescore(self, connection: Connection, lead_id: str, cause: str) -> Score | None:
        """Lock a lead, score it anew and write where it stands; None where there is no such lead.

        Args:
            connection: of ``writing``.
            lead_id: a lead that was not merged into another.
            cause: as in ``features.store.schema.changes``.
        """
        stamps = adding.stamp(connection, lead_id)
        return rescore_all(connection, stamps, cause, self._scorer(), repeatable=self.repeatable).get(lead_id)

    def merge(self, lead_id: str, into: str) -> Merged | None:
        """Let one lead take the history of another over: a union, with one score. What was done already is not done again.

        Returns:
            None where there is no such lead.

        Raises:
            StoreError: as ``writing``.
        """
        with self.reading() as connection:
            if not adding.known(connection, {lead_id, into}):
                return None
        with self._locked([lead_id, into]) as (connection, lead_of, stamps):
            absorbed, survivor = lead_of[lead_id], lead_of[into]
            if absorbed != survivor:
                merging.absorb(connection, absorbed, survivor)
            stamp = {survivor: stamps[survivor]}
            score = rescore_all(connection, stamp, "merge", self._scorer(), repeatable=self.repeatable)[survivor]
        return Merged(survivor, absorbed != survivor, score)

    def refresh(self, limit: int) -> int:
        """Score leads anew whose day has come, or that another version scored; returns how many. Several workers share the work.

        Raises:
            StoreError: as ``writing``.
        """
        scorer, moment = self._scorer(), now()
        with self.reading() as connection:
            waiting = refreshing.waiting(connection, scorer.fingerprint, moment, limit)
        return self._refresh(waiting, scorer, moment) if waiting else 0

    def _refresh(self, lead_ids: list[str], scorer: Scorer, moment: int) -> int:
        try:
            with self.writing() as connection:
                stamps = refreshing.claim(connection, lead_ids, scorer.fingerprint, moment)
                return len(rescore_all(connection, stamps, "time", scorer, repeatable=self.repeatable)) if stamps else 0
        except DataError:
            if len(lead_ids) > 1:
                return sum(self._refresh([one], scorer, moment) for one in lead_ids)
            with self.writing() as connection:
                refreshing.postpone(connection, lead_ids[0], scorer.fingerprint, moment)
            return 0

    def keep_up(self) -> None:
        """Refresh until nothing waits, in small steps between which others may write.

        Raises:
            StoreError: as ``writing``.
        """
        while not self._closed.is_set() and self.refresh(STEP):
            self._closed.wait(PAUSE)

    def lead(self, lead_id: str) -> LeadView | None:
        """All about a lead, with its score as of now; of one that was merged into another, all about the other."""
        with self.reading() as connection:
            looked = lead_view.look(connection, lead_id, self._scorer(), repeatable=self.repeatable)
        return None if looked is None else looked.view

    def worklist(self, asked: WorklistQuery) -> WorklistPage:
        """A page of the worklist.

        Raises:
            RequestError: a filter or the cursor cannot be read, or a segment is of an attribute that nobody knows.
        """
        schema = self._scorer().schema
        with self.reading() as connection:
            found = worklist.page(connection, asked)
            if not found.leads:
                worklist.refuse_unknown(connection, asked, {*schema.lead_numeric, *schema.lead_categorical})
        return found
