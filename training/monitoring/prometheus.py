"""Monitoring as gauges for Prometheus: a file for the textfile collector of the node exporter.

The result is that of a job that runs once a night; the node exporter shows it until the next, also while no service is up.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from models.whole_file import whole_file
from training.monitoring.report import Monitoring

FEATURES = 20
"""So many features are told, those that have moved farthest."""


def write_prometheus(monitoring: Monitoring, file: Path) -> None:
    """Write the gauges; the file is whole or stays as it was.

    Raises:
        LeadheatError: it cannot be written.
    """
    with whole_file(file.resolve(), "The gauges") as unfinished:
        unfinished.write_bytes(exposition(monitoring))


def exposition(monitoring: Monitoring) -> bytes:
    """The gauges in Prometheus' text format."""
    gauges = _Gauges()
    gauges.set("ok", "Whether no alert is an error", float(monitoring.ok))
    gauges.set("timestamp_seconds", "When the log was looked at", time.time())
    for alert in monitoring.alerts:
        labels = {"version": alert.version or "", "code": alert.code, "severity": alert.severity, "where": alert.where}
        gauges.set("alert", "1 for each alert", 1.0, **labels)
    for report in monitoring.versions:
        version = {"version": report.version or ""}
        gauges.set("rows", "Rows in the score log", report.rows, **version)
        gauges.set("matured_rows", "Rows whose outcome is known", report.matured, **version)
        gauges.set("skewed_rows", "Rows that have other features in the data set", report.skew.mismatched, **version)
        gauges.set("missing_rows", "Rows of leads that the data set does not have", report.skew.missing, **version)
        gauges.set("unknown_types", "Share of rows with unknown types", report.unknown_types, **version)
        gauges.set("score_psi", "Population stability index of the scores", report.scores and report.scores.psi, **version)
        for drift in report.features[:FEATURES]:
            gauges.set("feature_psi", "Population stability index of a feature", drift.psi, **version, feature=drift.name)
        for band in report.bands:
            for of in ("expected", "rate", "rate_low", "rate_high", "stated_low", "stated_high"):
                gauges.set("band_rate", "Share of won leads of a band", getattr(band, of), **version, band=band.name, of=of)
            gauges.set("band_share", "Share of the leads that a band holds", band.share, **version, band=band.name)
    return generate_latest(gauges.registry)


class _Gauges:
    """Gauges by name, made when they are first set; what is not known is not set."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}

    def set(self, name: str, words: str, value: Any, **labels: str) -> None:
        """Set ``leadheat_monitor_NAME``, or that of some labels; None leaves it as it is."""
        if value is None:
            return
        if name not in self._gauges:
            self._gauges[name] = Gauge(f"leadheat_monitor_{name}", words, list(labels), registry=self.registry)
        gauge = self._gauges[name].labels(**labels) if labels else self._gauges[name]
        gauge.set(float(value))
