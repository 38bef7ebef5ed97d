"""What the service counts, for Prometheus. Every label has few values, whatever is sent.

Workers are processes of their own: where ``PROMETHEUS_MULTIPROC_DIR`` is set, as BentoML does, they count into files there and
``exposition`` adds them up.
"""

from __future__ import annotations

import os
from functools import cache
from itertools import count
from time import perf_counter
from typing import Literal

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from models.score import Score

CONTENT_TYPE = CONTENT_TYPE_LATEST
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.00025, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
"""Seconds: a score takes about one thousandth."""

VERSIONS = 50
"""Versions that have a label of their own in one worker; later ones share ``other``."""
SAMPLED = 16
"""One of so many requests is taken to pieces, for the stages' times: to time each would cost a fiftieth of a score."""

Stage = Literal["read", "work", "store", "answer"]

_REQUESTS = Counter("leadheat_http_requests_total", "Requests answered", ["route", "method", "status"])
_LATENCY = Histogram("leadheat_http_request_seconds", "Time from the first byte in to the last byte out", ["route"], buckets=BUCKETS)
_STAGES = Histogram(
    "leadheat_stage_seconds",
    "Time to read and check a body, to work on it (features and model), to wait for the store, to write the answer; a sample but for store",
    ["stage"],
    buckets=BUCKETS,
)
_SCORES = Counter("leadheat_scores_total", "Leads scored", ["scorer", "version", "temperature"])
_FLAGS = Counter("leadheat_score_flags_total", "What was unusual about the scored leads", ["flag"])
_UNKNOWN = Counter("leadheat_unknown_attributes_total", "Scores that name attributes which the model does not know")
_SWAPS = Counter("leadheat_champion_swaps_total", "Champions taken into service or refused, by all workers", ["result"])
_LOGGED = Counter("leadheat_score_log_rows_total", "Scores written to the score log, or lost", ["result"])
_RUNS = Counter("leadheat_background_runs_total", "Runs of the work beside the requests, by all workers", ["loop", "result"])
_STORE_ERRORS = Counter("leadheat_store_errors_total", "Times that the store could not be reached or written")
_STORE_UP = Gauge("leadheat_store_up", "Whether the store was reached at last by the worker that fares worst", multiprocess_mode="livemin")
_OUTBOX = Gauge("leadheat_outbox_waiting", "Hand-overs that wait to be delivered", multiprocess_mode="livemostrecent")
_OUTBOX_AGE = Gauge("leadheat_outbox_oldest_seconds", "How long the oldest of them has waited", multiprocess_mode="livemostrecent")
_OUTBOX_FAILED = Gauge("leadheat_outbox_failed", "Hand-overs that were given up", multiprocess_mode="livemostrecent")
_HANDOVERS = Counter("leadheat_handover_attempts_total", "Attempts to deliver a hand-over, by what came of them", ["result"])
_WORKERS = Gauge("leadheat_workers", "Workers that run", multiprocess_mode="livesum")
_WORKERS_WITH_MODEL = Gauge("leadheat_workers_with_model", "Workers with a model, not the rules alone", multiprocess_mode="livesum")
_CHAMPION = Gauge("leadheat_champion_workers", "Workers in which a version is in service", ["version"], multiprocess_mode="livesum")
_LOADED = Gauge(
    "leadheat_champion_loaded_timestamp_seconds", "When the version in service was loaded; 0 for the rules", multiprocess_mode="livemax"
)
_DATA_UNTIL = Gauge(
    "leadheat_champion_data_until_timestamp_seconds", "Until when its training data go; 0 for the rules", multiprocess_mode="livemax"
)

_versions: set[str] = set()
_requests = count()


def observe_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request; ``route`` is the path as the table of routes has it, or ``other``, never what a stranger sent."""
    _REQUESTS.labels(route, method if method in METHODS else "other", str(status)).inc()
    _LATENCY.labels(route).observe(seconds)


class Stages:
    """Times the stages of one request, if it is one of the sample."""

    def __init__(self) -> None:
        self._since = perf_counter() if next(_requests) % SAMPLED == 0 else None

    def end(self, stage: Stage) -> None:
        """The stage has ended, and the next begins."""
        if self._since is not None:
            now = perf_counter()
            observe_stage(stage, now - self._since)
            self._since = now


def observe_stage(stage: Stage, seconds: float) -> None:
    """Count the time that one stage of a request took."""
    _stage(stage).observe(seconds)


def count_score(score: Score) -> None:
    """Count one scored lead."""
    scorer = "rules" if score.model.name == "rules" else "model"
    _score(scorer, _version(score.model.version), score.temperature).inc()
    for flag in score.flags:
        _flag(flag).inc()
    if score.unknown_attributes:
        _UNKNOWN.inc()


def count_run(loop: str, result: str) -> None:
    """Count one run of a loop, ``done`` or ``failed``."""
    _RUNS.labels(loop, result).inc()


def set_store(*, up: bool) -> None:
    """Say whether the store could be reached."""
    _STORE_UP.set(up)
    if not up:
        _STORE_ERRORS.inc()


def set_outbox(waiting: int, failed: int, oldest: float) -> None:
    """Say how many hand-overs wait and were given up, and for how many seconds the oldest of those that wait has waited."""
    _OUTBOX.set(waiting)
    _OUTBOX_FAILED.set(failed)
    _OUTBOX_AGE.set(oldest)


def count_logged(result: str, rows: int) -> None:
    """Count scores that were ``written`` to the score log, or ``lost``."""
    _LOGGED.labels(result).inc(rows)


def count_swap(result: str) -> None:
    """Count a champion that was ``loaded`` or ``refused``."""
    _SWAPS.labels(result).inc()


def count_handover(result: str) -> None:
    """Count an attempt after which a hand-over was ``delivered``, ``put off`` or ``failed`` for good."""
    _HANDOVERS.labels(result).inc()


def worker_started() -> None:
    """Count this worker, as one with the rules alone and, until the contrary shows, a store."""
    _WORKERS.set(1)
    _STORE_UP.set(1)
    _WORKERS_WITH_MODEL.set(0)


def set_champion(version: str, data_until: float, before: str | None) -> None:
    """Say which version is in service in this worker.

    Args:
        version: the new one.
        data_until: the end of its training data, in seconds since 1970; 0 where that is not known.
        before: the one it replaces.
    """
    if before is not None:
        _CHAMPION.labels(_version(before)).set(0)
    _CHAMPION.labels(_version(version)).set(1)
    _WORKERS_WITH_MODEL.set(1)
    _LOADED.set_to_current_time()
    _DATA_UNTIL.set(data_until)


def _version(version: str | None) -> str:
    """A version as a label, of which there are only so many."""
    if version is None or version in _versions:
        return version or ""
    if len(_versions) >= VERSIONS:
        return "other"
    _versions.add(version)
    return version


@cache
def _score(scorer: str, version: str, temperature: str) -> Counter:
    return _SCORES.labels(scorer, version, temperature)


@cache
def _flag(flag: str) -> Counter:
    return _FLAGS.labels(flag)


@cache
def _stage(stage: Stage) -> Histogram:
    return _STAGES.labels(stage)


def exposition() -> bytes:
    """All metrics of all workers in Prometheus' text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
