"""Batch over a data set larger than memory: bucket by bucket, on all cores, each kept until all are done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa

from features.buckets.buckets import Buckets, in_buckets
from features.buckets.budget import buckets_for
from features.contract import iso, now
from features.dataset import Dataset
from features.notes import merged
from features.progress import progress
from models.home import cache
from models.score_log import batch_log
from models.scorer import LeadScorer
from models.settings import Source
from serving.batch import Done, score_share, score_to
from serving.output import Output, write_scores
from serving.working import Work, working


def score_within(
    source: Source, scorer: LeadScorer, out: Output, as_of: int | None, *, memory: int, explain: bool = True, resume: bool = False
) -> Done:
    """Score all leads of a data set that are open at a moment, within a budget of memory: at once where they fit, else bucket by bucket.

    Args:
        source: the settings.
        scorer: the model.
        out: where the scores go.
        as_of: microseconds UTC; by default right after all that was observed.
        memory: bytes.
        explain: with reasons for warm and hot leads.
        resume: go on where a job in buckets that was killed has stopped.

    Raises:
        DataError: as for ``features.sources.read_tables``, or an attribute is not of the kind that the model has learnt.
        SettingsError, LeadheatError: as for ``score_buckets``.
    """
    data, count = source.settings.data, buckets_for(source.settings.data, source.root, memory)
    if count == 1:
        return score_to(out, scorer, Dataset.read(data, source.root, scorer.schema, as_listed=True), as_of, explain=explain)
    with in_buckets(data, source.root, count, cache()) as buckets:
        moment = buckets.whole.observed_until + 1 if as_of is None else as_of
        return score_buckets(out, scorer, buckets, moment, out.working, explain=explain, resume=resume)


def score_buckets(
    out: Output, scorer: LeadScorer, buckets: Buckets, as_of: int, folder: Path, *, explain: bool = True, resume: bool = False
) -> Done:
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

            bands = write_scores(parts(), out)
        told = merged(work.notes(share) for share in range(len(buckets)))
    return Done(scorer.version, bands, as_of, buckets.whole.observed_until, (*buckets.whole.findings, *told.findings))


def _score(work: Work, scorer: LeadScorer, buckets: Buckets, as_of: int, *, explain: bool) -> None:
    scored_at: int = work.manifest["scored_at"]
    rest = [share for share in range(len(buckets)) if not work.has(share)]
    threads = min(os.cpu_count() or 1, max(len(rest), 1))

    def score(share: int) -> None:
        dataset = buckets.dataset(share, scorer.schema, threads=1)
        work.put(share, *score_share(scorer, dataset, as_of, scored_at, explain=explain), dataset.notes)
        advance(1)

    with progress("scoring", len(buckets)) as advance, ThreadPoolExecutor(threads) as pool:
        advance(len(buckets) - len(rest))
        try:
            list(pool.map(score, rest))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
