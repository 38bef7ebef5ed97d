"""From the score log and a data set to what monitoring finds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from features.contract import DAY, from_micros
from features.dataset import Dataset
from features.snapshots import Snapshots
from models import score_log
from models.monitoring import MonitorSettings
from models.score_log import rows_of
from models.scorer import LeadScorer
from models.settings import Settings
from models.table import table_of
from training.monitoring.alerts import Evidence, alerts_of
from training.monitoring.drift import drifts_of, score_drift_of
from training.monitoring.joined import join, learnt_until, models_of
from training.monitoring.rates import bands_of, explored_of, rate_of, segments_of, worked_of
from training.monitoring.report import Alert, Monitoring, VersionReport
from training.monitoring.skew import replay, skew_of
from training.split import looks

if TYPE_CHECKING:
    from models.registry import Registry


def monitor(
    dataset: Dataset, log: pa.Table, scorers: Mapping[str, LeadScorer], settings: MonitorSettings, *, rescored: bool = False
) -> Monitoring:
    """Hold what was said against what came of it.

    Args:
        dataset: with all attributes that any of the models knows.
        log: rows of ``models.score_log.SCHEMA``.
        scorers: the models of the log by their fingerprints (``scorers_of``); where one is missing its rates are told, and no more.
        settings: the ``[monitor]`` table.
        rescored: the rows are no log but what the model would have said (``rescore``): there is nothing to replay.

    Raises:
        DataError: an attribute is of another kind than a model has learnt.
    """
    models = list(models_of(log))
    known = sum(fingerprint in scorers for _, fingerprint, _ in models)
    found = [_evidence(dataset, *model, scorers.get(model[1]), settings, rescored=rescored) for model in models]
    alerts = [alert for evidence in found for alert in alerts_of(evidence, settings, known)]
    if not found:
        alerts = [Alert("too_few_matured", "info", "the score log is empty", 0, settings.min_leads)]
    return Monitoring(dataset.name, tuple(alerts), tuple(evidence.report for evidence in found), rescored)


def _evidence(
    dataset: Dataset,
    version: str | None,
    fingerprint: str,
    rows: pa.Table,
    scorer: LeadScorer | None,
    settings: MonitorSettings,
    *,
    rescored: bool,
) -> Evidence:
    parts = join(dataset, rows, scorer)
    judged, matured = parts.judged, parts.judged.matured
    modelled = scorer if scorer and scorer.margin else None
    threads = os.cpu_count() or 1
    again = replay(scorer, dataset, parts.known, settings.most_replayed, threads) if scorer and not rescored else None
    seen = replay(modelled, dataset, judged, settings.most_replayed, threads) if modelled else None
    segments = tuple(segments_of(dataset, matured))
    horizon = round(float(rows["horizon_days"][0].as_py()) * DAY)
    moments = rows["as_of"].cast(pa.int64()).to_numpy()
    report = VersionReport(
        version=version,
        fingerprint=fingerprint,
        first=from_micros(moments.min()).isoformat(),
        last=from_micros(moments.max()).isoformat(),
        rows=parts.rows,
        learnt_from=parts.learnt_from,
        matured=len(matured),
        overall=rate_of("all", matured),
        bands=bands_of(modelled, judged),
        segments=tuple(rate for rate, _ in segments),
        worked=worked_of(dataset, settings.worked, matured, horizon),
        explored=explored_of(matured),
        scores=score_drift_of(modelled, judged.probability, judged.lead, settings.false_alarm) if modelled else None,
        features=drifts_of(modelled, seen.X, seen.rows.lead, settings.false_alarm) if modelled and seen else (),
        unknown_types=float(judged.flags("unknown_types").mean()) if len(judged) else None,
        unknown_types_before=modelled.population.unknown_types if modelled and modelled.population else None,
        skew=skew_of(parts, again),
    )
    return Evidence(report, judged, matured, segments, has_model=modelled is not None)


def scorers_of(log: pa.Table, registry: Registry) -> dict[str, LeadScorer]:
    """The models that the log names and the registry has, by fingerprint.

    Raises:
        ModelError: the registry cannot be reached, or a version is damaged.
    """
    wanted = set(log["fingerprint"].to_pylist())
    return {
        version.fingerprint: LeadScorer.load(registry.fetch(version.version), version.version)
        for version in registry.versions()
        if version.fingerprint in wanted
    }


def rescore(scorer: LeadScorer, dataset: Dataset, snapshots: Snapshots, threads: int = 1) -> pa.Table:
    """What the model would have said at these snapshots, as rows of a log."""
    history = dataset.history.with_schema(scorer.schema)
    scored = scorer.numbers(history, snapshots.lead, snapshots.as_of, threads)
    table = table_of(scorer, history, snapshots.lead, snapshots.as_of, scored)
    return rows_of(table, scored.X, int(snapshots.as_of.max(initial=0)), "rescored")


def monitor_log(
    dataset: Dataset, settings: Settings, registry: Registry, log: Path | None = None, since: int | None = None, version: str | None = None
) -> Monitoring:
    """Monitor the score log of this machine, or another one.

    Args:
        dataset: read without a schema, with all its attributes.
        settings: of the data set.
        registry: has the models that the log names.
        log: the folder of the log; by default ``score_log.folder()``.
        since: looks before this moment, microseconds UTC, are left out.
        version: the number of the only version to judge.

    Raises:
        LeadheatError: the log is damaged, the registry cannot be reached, or the data set has other attributes than a model has learnt.
    """
    place = log or score_log.folder()
    rows = score_log.read(place) if place else score_log.SCHEMA.empty_table()
    if since is not None:
        rows = rows.filter(pc.greater_equal(rows["as_of"], from_micros(since)))
    if version is not None:
        rows = rows.filter(pc.equal(rows["version"], version))
    return monitor(dataset, rows, scorers_of(rows, registry), settings.monitor)


def monitor_rescored(dataset: Dataset, settings: Settings, scorer: LeadScorer, since: int | None = None) -> Monitoring:
    """Monitor what a model would have said since its training, on the grid of the snapshots; nothing of it was ever used."""
    table = settings.snapshots.model_copy(update={"horizon": scorer.horizon, "train": None, "test": None})
    snapshots = looks(dataset, table)
    later = snapshots.take(snapshots.as_of >= max(learnt_until(scorer), since or 0))
    log = rescore(scorer, dataset, later, os.cpu_count() or 1)
    return monitor(dataset, log, {scorer.fingerprint: scorer}, settings.monitor, rescored=True)
