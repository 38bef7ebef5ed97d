"""Batch: every open lead of a data set scored, shard by shard."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from features.contract import to_micros
from features.dataset import Dataset
from features.progress import progress
from features.snapshots import open_leads
from models.score_log import batch_log, rows_of
from models.scorer import LeadScorer
from models.table import table_of
from serving.output import Output, write_scores

SHARD = 20_000
"""Leads that are scored and written at a time."""


def score_to(out: Output, scorer: LeadScorer, dataset: Dataset, as_of: int, *, explain: bool = True) -> dict[str, int]:
    """Score all leads that are open at a moment, and into the score log; both are whole, or as they were.

    Arguments and errors as for ``score_shards`` and ``write_scores``.

    Returns:
        How many leads are in each band.
    """
    with batch_log(scorer.version, scorer.fingerprint, as_of, dataset.fingerprint) as log:
        return write_scores(score_shards(scorer, dataset, as_of, explain=explain, log=log), out)


def score_shards(
    scorer: LeadScorer, dataset: Dataset, as_of: int, *, explain: bool = True, log: Callable[[pa.Table], None] | None = None
) -> Iterator[pa.Table]:
    """The scores of all leads that are open at ``as_of`` (microseconds UTC), in the order of the leads table, shard by shard.

    Args:
        scorer: the model.
        dataset: of any schema.
        as_of: nothing at or after it is seen.
        explain: with reasons for warm and hot leads.
        log: takes the rows of each shard for the score log.

    Raises:
        DataError: an attribute is not of the kind that the model has learnt.
    """
    leads, now = open_leads(dataset, as_of), to_micros(datetime.now(UTC))
    history, threads = dataset.history.with_schema(scorer.schema), os.cpu_count() or 1
    with progress("scoring", len(history)) as advance:
        for low in range(0, len(history), SHARD):
            high = min(low + SHARD, len(history))
            some = leads[(leads >= low) & (leads < high)] - low
            part, moments = history.slice(low, high), np.full(len(some), as_of)
            scored = scorer.numbers(part, some, moments, threads)
            scores = table_of(scorer, part, some, moments, scored, threads, explain=explain)
            if log is not None:
                log(rows_of(scores, scored.X, now, "batch"))
            yield scores
            advance(high - low)
