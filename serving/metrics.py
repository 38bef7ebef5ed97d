"""What the service counts, for Prometheus. Every label has few values, whatever is sent.

Workers are processes of their own: where ``PROMETHEUS_MULTIPROC_DIR`` is set, as BentoML does, they count into files there and
``exposition`` adds them up.
"""

from __future__ import annotations

import os

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.00025, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
"""Seconds: a score takes about one thousandth."""

_REQUESTS = Counter("leadheat_http_requests_total", "Requests answered", ["route", "method", "status"])
_LATENCY = Histogram("leadheat_http_request_seconds", "Time from the first byte in to the last byte out", ["route"], buckets=BUCKETS)
_SCORES = Counter("leadheat_scores_total", "Leads scored", ["scorer", "temperature"])
_SWAPS = Counter("leadheat_champion_swaps_total", "Champions taken into service or refused, by all workers", ["result"])
_LOGGED = Counter("leadheat_score_log_rows_total", "Scores written to the score log, or lost", ["result"])
_WORKERS_WITH_MODEL = Gauge("leadheat_workers_with_model", "Workers with a model, not the rules alone", multiprocess_mode="livesum")


def observe_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request; ``route`` is the path as the table of routes has it, or ``other``, never what a stranger sent."""
    _REQUESTS.labels(route, method if method in METHODS else "other", str(status)).inc()
    _LATENCY.labels(route).observe(seconds)


def count_score(scorer: str, temperature: str) -> None:
    """Count one scored lead; ``scorer`` is ``model`` or ``rules``."""
    _SCORES.labels(scorer, temperature).inc()


def count_logged(result: str, rows: int) -> None:
    """Count scores that were ``written`` to the score log, or ``lost``."""
    _LOGGED.labels(result).inc(rows)


def count_swap(result: str) -> None:
    """Count a champion that was ``loaded`` or ``refused``."""
    _SWAPS.labels(result).inc()


def set_model_in_use(in_use: bool) -> None:  # noqa: FBT001 - it is the gauge's value
    """Say whether this worker has a model."""
    _WORKERS_WITH_MODEL.set(in_use)


def exposition() -> bytes:
    """All metrics of all workers in Prometheus' text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
