"""Batch: every open lead of a data set scored, shard by shard."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from features.contract import DAY, Finding, from_micros, iso, now
from features.dataset import Dataset
from features.progress import progress
from features.snapshots import open_leads
from models.score_log import SCHEMA as LOGGED
from models.score_log import batch_log, rows_of
from models.scorer import LeadScorer
from models.table import SCHEMA, table_of
from serving.output import Output, write_scores

SHARD = 20_000
"""Leads that are scored and written at a time."""
STALE_DAYS = 7
"""So many days may lie between the end of the data and the moment of the scores before a word is said."""


@dataclass(frozen=True)
class Done:
    """What a batch did.

    Attributes:
        version: of the model, in the registry.
        bands: how many leads are in each.
        as_of: microseconds UTC.
        observed_until: when the data end, microseconds UTC.
        findings: what was noticed of the data.
    """

    version: str | None
    bands: dict[str, int]
    as_of: int
    observed_until: int
    findings: tuple[Finding, ...]

    @property
    def noticed(self) -> tuple[Finding, ...]:
        """The findings, and that the scores are of nobody, or of a moment long after the data end, if they are."""
        if not sum(self.bands.values()):
            nobody = f"no lead is open at {iso(self.as_of)}: each was created later or is closed"
            return (*self.findings, Finding("warning", "nobody_open", "", "", 1, nobody, "Mend --as-of, or read other tables."))
        days = (self.as_of - self.observed_until) // DAY
        if days <= STALE_DAYS:
            return self.findings
        detail = f"the data end {days:,} days before the moment of the scores; leads look as if nothing had happened since"
        return (*self.findings, Finding("warning", "stale_data", "", "", days, detail, "Read newer tables, or mend --as-of."))

    def to_dict(self) -> dict[str, Any]:
        """What ``leadheat score --json`` prints, but for the time that it took."""
        return {"rows": sum(self.bands.values()), "as_of": from_micros(self.as_of).isoformat(), "version": self.version} | self.bands


def score_to(out: Output, scorer: LeadScorer, dataset: Dataset, as_of: int | None = None, *, explain: bool = True) -> Done:
    """Score all leads that are open at a moment, and into the score log; both are whole, or as they were.

    Arguments and errors as for ``score_shards`` and ``write_scores``; the moment is right after all that was observed by default.
    """
    moment = dataset.observed_until + 1 if as_of is None else as_of
    with batch_log(scorer.version, scorer.fingerprint, moment, dataset.fingerprint) as log:
        bands = write_scores(score_shards(scorer, dataset, moment, explain=explain, log=log), out)
    return Done(scorer.version, bands, moment, dataset.observed_until, dataset.findings)


def score_shards(
    scorer: LeadScorer, dataset: Dataset, as_of: int, *, explain: bool = True, log: Callable[[pa.Table], None] | None = None
) -> Iterator[pa.Table]:
    """The scores of all leads that are open at ``as_of`` (microseconds UTC), in the order in which the data set has them, shard by shard.

    Args:
        scorer: the model.
        dataset: of any schema.
        as_of: nothing at or after it is seen.
        explain: with reasons for warm and hot leads.
        log: takes the rows of each shard for the score log.

    Raises:
        DataError: an attribute is not of the kind that the model has learnt.
    """
    with progress("scoring", len(dataset.history)) as advance:
        for scores, rows, leads in _shards(scorer, dataset, as_of, now(), os.cpu_count() or 1, explain=explain):
            if log is not None:
                log(rows)
            yield scores
            advance(leads)


def score_share(scorer: LeadScorer, dataset: Dataset, as_of: int, scored_at: int, *, explain: bool = True) -> tuple[pa.Table, pa.Table]:
    """Score a share of a data set, all rows of some leads, in one thread.

    Args:
        scorer: the model.
        dataset: the share.
        as_of: microseconds UTC; nothing at or after it is seen.
        scored_at: microseconds UTC, for the score log.
        explain: with reasons for warm and hot leads.

    Returns:
        The scores of its open leads, and their rows for the score log.

    Raises:
        DataError: an attribute is not of the kind that the model has learnt.
    """
    shards = list(_shards(scorer, dataset, as_of, scored_at, 1, explain=explain))
    scores = pa.concat_tables([SCHEMA.empty_table(), *(one for one, _, _ in shards)])
    return scores, pa.concat_tables([LOGGED.empty_table(), *(one for _, one, _ in shards)])


def _shards(
    scorer: LeadScorer, dataset: Dataset, as_of: int, scored_at: int, threads: int, *, explain: bool
) -> Iterator[tuple[pa.Table, pa.Table, int]]:
    """Scores, rows of the log, and the number of leads of each shard."""
    leads, history = open_leads(dataset, as_of), dataset.history.with_schema(scorer.schema)
    for low in range(0, len(history), SHARD):
        high = min(low + SHARD, len(history))
        some = leads[(leads >= low) & (leads < high)] - low
        part, moments = history.slice(low, high), np.full(len(some), as_of)
        scored = scorer.numbers(part, some, moments, threads)
        scores = table_of(scorer, part, some, moments, scored, threads, explain=explain)
        yield scores, rows_of(scores, scored.X, scored_at, "batch"), high - low
