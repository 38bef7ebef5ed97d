"""Batch over a data set larger than memory: bucket by bucket, on all cores, each kept until all are done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa

from features.buckets.buckets import Buckets
from features.contract import iso, now
from features.progress import progress
from models.score_log import batch_log
from models.scorer import LeadScorer
from serving.batch import score_share
from serving.output import Output, write_scores
from serving.working import Work, working


def score_buckets(
    out: Output, scorer: LeadScorer, buckets: Buckets, as_of: int, folder: Path, *, explain: bool = True, resume: bool = False
) -> dict[str, int]:
    """Score all leads that are open at a moment, and into the score log; both are whole, or as they were.

    The result does not depend on how often the job was killed and resumed, to the last byte.

    Args:
        out: where the scores go.
        scorer: the model.
        buckets: the data set.
        as_of: microseconds UTC; nothing at or after it is seen.
        folder: where the buckets that are done are kept until all are.
        explain: with reasons for warm and hot leads.
        resume: go on where a job that was killed has stopped.

    Returns:
        How many leads are in each band.

    Raises:
        SettingsError: what is there to resume is of another job.
        DataError: an attribute is not of the kind that the model has learnt.
        LeadheatError: the disk is full, or fails.
    """
    data = buckets.whole.fingerprint
    manifest = {
        "data set": data,
        "buckets": len(buckets),
        "version": scorer.version,
        "model": scorer.fingerprint,
        "as-of": iso(as_of),
        "reasons": explain,
    }
    with working(folder, manifest, now(), resume=resume) as work:
        _score(work, scorer, buckets, as_of, explain=explain)
        with batch_log(scorer.version, scorer.fingerprint, as_of, data) as log:

            def parts() -> Iterator[pa.Table]:
                for share in range(len(buckets)):
                    scores, rows = work.get(share)
                    log(rows)
                    yield scores

            return write_scores(parts(), out)


def _score(work: Work, scorer: LeadScorer, buckets: Buckets, as_of: int, *, explain: bool) -> None:
    scored_at: int = work.manifest["scored_at"]
    rest = [share for share in range(len(buckets)) if not work.has(share)]
    threads = min(os.cpu_count() or 1, max(len(rest), 1))

    def score(share: int) -> None:
        dataset = buckets.dataset(share, scorer.schema, threads=1)
        work.put(share, *score_share(scorer, dataset, as_of, scored_at, explain=explain))
        advance(1)

    with progress("scoring", len(buckets)) as advance, ThreadPoolExecutor(threads) as pool:
        advance(len(buckets) - len(rest))
        try:
            list(pool.map(score, rest))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
