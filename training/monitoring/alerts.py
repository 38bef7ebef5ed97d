"""What monitoring cries about, and how sure it is first.

=================  ========  =======================================================================================================
too_few_matured    info      too few leads have matured to judge any rate
no_model           warning   rows of a model that is not in the registry any more: nothing can be held against what it states
band_off           error     a band's actual rate is outside of its stated interval, by more than chance explains
band_outside       info      it is outside, and chance alone can explain that
calibration_off    error     more, or fewer, leads are won than expected, by more than ``max_shift`` and chance
segment_off        warning   the same in a segment
score_drift        error     the scores are spread otherwise than in training, by more than ``max_psi`` and chance
feature_drift      error     features are, each of which contributes ``least_importance`` or more
feature_missing    error     features have no value in many more rows than in training (``max_missing``)
hot_inflation      error     more than ``max_hot_growth`` times as many leads are hot as stated
unknown_types      error     many more rows than in training hold interactions of types that the model does not know
skew               error     the service, or an earlier batch, saw other features than the data set gives; none may differ
leads_missing      warning   scored leads are not in the data set
feedback_loop      warning   explored leads are won more often than the others of their band: the low scores make themselves true
=================  ========  =======================================================================================================

Every test asks whether an interval lies wholly beyond a limit. The intervals are as wide as ``false_alarm`` asks for, shared among all
comparisons of a kind and all models (Bonferroni), so a run in which nothing has changed raises a kind of alert with at most that chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import NormalDist

from models.intervals import TWO_SIDED_95, effective_rows, wilson
from models.monitoring import MonitorSettings
from models.temperature import NAMES
from training.monitoring.joined import Joined
from training.monitoring.rates import interval
from training.monitoring.report import Alert, BandRate, Drift, Rate, VersionReport

HOT = NAMES.index("hot")


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the alerts of one model are drawn from: its report, the rows behind it, and the segments with theirs."""

    report: VersionReport
    judged: Joined
    matured: Joined
    segments: tuple[tuple[Rate, Joined], ...]
    has_model: bool


def alerts_of(evidence: Evidence, settings: MonitorSettings, models: int) -> Iterator[Alert]:
    """The alerts of one of so many models, the gravest kinds first within what they are about."""
    report = evidence.report
    version = report.version
    alarm = settings.false_alarm / max(models, 1)
    found = [*_skew(report), *_drift(report, settings), *_growth(evidence, settings, alarm), *_rates(evidence, settings, alarm)]
    if not evidence.has_model:
        what = "the rules alone, without a model" if version is None else f"version {version}, which is not registered here any more"
        found.append(Alert("no_model", "warning" if version else "info", f"{report.rows} rows were scored by {what}", report.rows))
    order = ("error", "warning", "info")
    for alert in sorted(found, key=lambda one: order.index(one.severity)):
        yield Alert(**{name: getattr(alert, name) for name in Alert.__slots__} | {"version": version})


def quantile(alarm: float, comparisons: int = 1) -> float:
    """The normal quantile of a two-sided test with this chance of a false alarm over so many comparisons."""
    return NormalDist().inv_cdf(1 - alarm / max(comparisons, 1) / 2)


def _skew(report: VersionReport) -> Iterator[Alert]:
    skew = report.skew
    if skew.mismatched:
        which = ", ".join(f"{name} ({rows})" for name, rows in list(skew.features.items())[:5])
        named = f"; they differ in {which}" if which else ""
        detail = f"{skew.mismatched:,} of {skew.replayed:,} rows have other features in the data set than were scored{named}"
        yield Alert("skew", "error", detail, skew.mismatched, 0, where=next(iter(skew.features), ""))
    if skew.missing:
        yield Alert("leads_missing", "warning", f"{skew.missing:,} rows are of leads that the data set does not have", skew.missing, 0)


def _drift(report: VersionReport, settings: MonitorSettings) -> Iterator[Alert]:
    if report.scores and _moved(report.scores, settings):
        detail = f"the scores are spread otherwise than in training: PSI {report.scores.psi:.2f}"
        yield Alert("score_drift", "error", detail, report.scores.psi, settings.max_psi, where="probability")
    weighty = [one for one in report.features if one.importance >= settings.least_importance]
    gone = [one for one in weighty if one.missing - one.missing_before > settings.max_missing and _moved(one, settings)]
    moved = [one for one in weighty if one not in gone and _moved(one, settings)]
    if gone:
        told = ", ".join(f"{one.name} ({one.missing:.0%}, was {one.missing_before:.0%})" for one in gone[:5])
        growth = max(one.missing - one.missing_before for one in gone)
        detail = f"{_count(gone)} more often without a value than in training: {told}"
        yield Alert("feature_missing", "error", detail, growth, settings.max_missing, where=gone[0].name)
    if moved:
        told = ", ".join(f"{one.name} ({one.psi:.2f})" for one in moved[:5])
        share = sum(one.importance for one in moved)
        detail = f"{_count(moved)} spread otherwise than in training, {share:.0%} of what all contribute; PSI: {told}"
        yield Alert("feature_drift", "error", detail, moved[0].psi, settings.max_psi, where=moved[0].name)


def _count(some: list[Drift]) -> str:
    return "1 feature is" if len(some) == 1 else f"{len(some)} features are"


def _moved(drift: Drift, settings: MonitorSettings) -> bool:
    return drift.psi > settings.max_psi + drift.chance


def _growth(evidence: Evidence, settings: MonitorSettings, alarm: float) -> Iterator[Alert]:
    """Shares of all rows, matured or not, that have grown."""
    report, judged = evidence.report, evidence.judged
    if not len(judged):
        return
    hot, z = report.bands[HOT], quantile(alarm)
    if hot.share is not None and hot.stated_share is not None:
        low, limit = _lowest(judged, judged.temperature == HOT, z), settings.max_hot_growth * hot.stated_share
        if low > limit:
            detail = f"{hot.share:.1%} of the leads are hot; {hot.stated_share:.1%} were in training"
            yield Alert("hot_inflation", "error", detail, hot.share, limit, where="hot")
    if report.unknown_types is not None and report.unknown_types_before is not None:
        low, limit = _lowest(judged, judged.flags("unknown_types"), z), report.unknown_types_before + settings.max_unknown_types
        if low > limit:
            detail = f"{report.unknown_types:.1%} of the rows hold types unknown to the model; {report.unknown_types_before:.1%} did"
            yield Alert("unknown_types", "error", f"{detail} in training", report.unknown_types, limit)


def _lowest(rows: Joined, chosen: object, z: float) -> float:
    """The lower bound of a share of rows, by lead."""
    import numpy as np

    some = np.asarray(chosen, np.float64)
    return float(wilson(some.mean(), effective_rows(some, rows.lead)[-1], z)[0])


def _rates(evidence: Evidence, settings: MonitorSettings, alarm: float) -> Iterator[Alert]:
    """What has matured against what was expected and stated."""
    report, matured = evidence.report, evidence.matured
    if report.overall.leads < settings.min_leads:
        detail = f"{report.overall.leads} leads have matured; {settings.min_leads} are needed to judge any rate"
        yield Alert("too_few_matured", "info", detail, report.overall.leads, settings.min_leads)
        return
    yield from _bands(report, matured, alarm)
    error = _stated_error(report.bands)
    shift = _shift(report.overall, matured, settings.max_shift, quantile(alarm), error)
    if shift is not None:
        yield Alert("calibration_off", "error", f"{_words(report.overall)} overall", shift, settings.max_shift)
    z = quantile(alarm, len(evidence.segments))
    for rate, rows in evidence.segments:
        shift = _shift(rate, rows, settings.max_shift, z, error)
        if shift is not None:
            yield Alert("segment_off", "warning", f"{_words(rate)} in {rate.name}", shift, settings.max_shift, where=rate.name)
    for mine, others in zip(report.explored[::2], report.explored[1::2], strict=True):
        if mine.rate_low is not None and others.rate_high is not None and mine.rate_low > others.rate_high:
            rates = f"{mine.name}: {mine.rate:.1%} won; {others.name}: {others.rate:.1%}"
            detail = f"{rates}. Working such leads brings more than their score says"
            yield Alert("feedback_loop", "warning", detail, mine.rate, others.rate_high, where=mine.name)


def _bands(report: VersionReport, matured: Joined, alarm: float) -> Iterator[Alert]:
    z = quantile(alarm, len(NAMES))
    for code, band in enumerate(report.bands):
        if band.inside is not False or band.stated_low is None or band.stated_high is None or band.rate is None:
            continue
        low, high = interval(matured.take(matured.temperature == code), z)
        off = low > band.stated_high or high < band.stated_low
        detail = f"{band.rate:.1%} of the {band.name} leads were won; {band.stated_low:.1%} to {band.stated_high:.1%} is stated"
        why = "" if off else "; chance alone can explain that"
        limit = band.stated_high if band.rate > band.stated_high else band.stated_low
        yield Alert("band_off" if off else "band_outside", "error" if off else "info", detail + why, band.rate, limit, where=band.name)


def _shift(rate: Rate, rows: Joined, most: float, z: float, error: float) -> float | None:
    """By how much the actual rate is off the expected one, as a share of it; None where it may not be.

    Ratios are compared on the logarithmic scale. What chance allows joins the actual rate's Wilson bound on the side of the expected one
    with the error of the calibration part, from which the expected one came (MOVER, Zou & Donner 2008).
    """
    if not rate.expected or rate.rate is None:
        return None
    low, high = interval(rows, z)
    if rate.rate == 0:
        distance, sampling = math.log(rate.expected / high), 0.0
    else:
        distance = abs(math.log(rate.rate / rate.expected))
        sampling = math.log(rate.rate / low if rate.rate > rate.expected else high / rate.rate)
    allowed = math.log1p(most) + math.hypot(sampling, z * error)
    return rate.rate / rate.expected - 1 if distance > allowed else None


def _stated_error(bands: Iterable[BandRate]) -> float:
    """The relative standard error of the rate in the calibration part, from the bands' intervals."""
    known = [one for one in bands if one.stated is not None and one.stated_low is not None and one.stated_high is not None]
    rate = sum(one.stated * one.stated_share for one in known if one.stated and one.stated_share)
    spread = [(one.stated_share or 0.0) * ((one.stated_high or 0.0) - (one.stated_low or 0.0)) / 2 / TWO_SIDED_95 for one in known]
    return math.hypot(*spread) / rate if rate else 0.0


def _words(rate: Rate) -> str:
    return f"{rate.rate:.1%} ({rate.rate_low:.1%} to {rate.rate_high:.1%}) were won; {rate.expected:.1%} were expected"
