"""What monitoring found, readable at 80 columns."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from models.commands.tables import coloured, table
from training.monitoring.report import Alert, BandRate, Drift, Monitoring, Rate, VersionReport

SHOWN = 8
"""Rows of the longer tables; all are in ``--json``."""


def monitoring(result: Monitoring) -> Group:
    """Each version with its tables, then the alerts and the verdict."""
    parts = [part for report in result.versions for part in _version(report, rescored=result.rescored)]
    verdict = "[green]ok[/]: nothing is off by more than chance explains." if result.ok else "[red]not ok[/]: see the alerts."
    return Group(*parts, *([_alerts(result.alerts)] if result.alerts else []), verdict)


def _version(report: VersionReport, *, rescored: bool) -> Iterable[Table | str]:
    name = f"version {report.version}" if report.version else "the rules alone, or a model outside of the registry"
    what = "what it would have said; no log was read" if rescored else "in the score log"
    yield f"[bold]{escape(name)}[/]: {report.rows:,} rows {what}, {report.first[:10]} to {report.last[:10]}"
    left = f"; {report.learnt_from:,} rows it has learnt from are left out" if report.learnt_from else ""
    yield f"{report.matured:,} have matured, each lead once a day and band{left}.\n"
    yield _bands(report.bands, report.overall)
    if report.features:
        yield _drifts([one for one in [report.scores] if one], report.features)
    if report.worked or report.explored:
        yield _rates("Worked and explored", [*report.worked, *report.explored])
    if report.segments:
        farthest = sorted((one for one in report.segments if one.leads >= 30), key=_off, reverse=True)
        yield _rates("Segments farthest from what was expected", farthest[:SHOWN])
    if not rescored:
        yield _skew(report)


def _bands(bands: Iterable[BandRate], overall: Rate) -> Table:
    shown = table("Bands", "", "rows", "share", "expected", "won", "stated", "", fixed=True)
    for band in bands:
        verdict = "-" if band.inside is None else "[green]inside[/]" if band.inside else "[red]outside[/]"
        stated = "-" if band.stated_low is None else f"{band.stated_low:.1%}-{band.stated_high:.1%}"
        share = "-" if band.share is None else f"{band.share:.1%}"
        shown.add_row(coloured(band.name), f"{band.rows:,}", share, _percent(band.expected), _won(band), stated, verdict)
    shown.add_row("all", f"{overall.rows:,}", "", _percent(overall.expected), _won(overall), "", "")
    return shown


def _rates(title: str, rates: Iterable[Rate]) -> Table:
    shown = table(title, "", "leads", "expected", "won", fixed=True)
    for rate in rates:
        name = rate.name if len(rate.name) <= 40 else f"{rate.name[:39]}…"
        shown.add_row(escape(name), f"{rate.leads:,}", _percent(rate.expected), _won(rate))
    return shown


def _drifts(scores: list[Drift], features: Iterable[Drift]) -> Table:
    weighty = [one for one in features if one.importance >= 0.01]
    shown = table("Farthest from the training population", "", "PSI", "chance", "contributes", "missing (was)", fixed=True)
    for one in [*scores, *weighty[:SHOWN]]:
        name = one.name if len(one.name) <= 36 else f"{one.name[:35]}…"
        missing = f"{one.missing:.0%} ({one.missing_before:.0%})"
        shown.add_row(escape(name), f"{one.psi:.2f}", f"{one.chance:.2f}", f"{one.importance:.0%}", missing)
    return shown


def _skew(report: VersionReport) -> str:
    skew = report.skew
    rest = [
        (skew.missing, "of leads that the data set lacks"),
        (skew.extra, "of leads that were not open"),
        (skew.ahead, "later than the data"),
    ]
    told = "".join(f"; {count:,} {words}" for count, words in rest if count)
    return f"Replayed {skew.replayed:,} rows: {skew.mismatched:,} with other features{told}.\n"


def _alerts(alerts: Iterable[Alert]) -> Table:
    shown = table("Alerts", "", "code", "what")
    for alert in alerts:
        version = f"version {alert.version}: " if alert.version else ""
        shown.add_row(coloured(alert.severity), alert.code, escape(version + alert.detail))
    return shown


def _off(rate: Rate) -> float:
    """How far a rate is from what was expected, in the width of its interval."""
    if rate.expected is None or rate.rate is None or rate.rate_low is None or rate.rate_high is None:
        return 0.0
    return abs(rate.rate - rate.expected) / max(rate.rate_high - rate.rate_low, 1e-9)


def _won(rate: Rate) -> str:
    return "-" if rate.rate is None else f"{rate.rate:.1%} ({rate.rate_low:.1%}-{rate.rate_high:.1%})"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
