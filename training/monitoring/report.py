"""What monitoring found: per version the rates, drifts and differences, and the alerts that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from features.contract import Severity


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that is not as it was promised.

    Attributes:
        code: what kind of thing, see ``training.monitoring.alerts``.
        severity: ``error`` makes ``leadheat monitor`` end with exit code 1; ``warning`` and ``info`` are told.
        detail: in words.
        figure: what was measured, where it is one number.
        limit: what it was held against.
        version: the version that it is about.
        where: the band, the feature or the segment.
    """

    code: str
    severity: Severity
    detail: str
    figure: float | None = None
    limit: float | None = None
    version: str | None = None
    where: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Rate:
    """Expected against actual on matured rows of the log.

    Attributes:
        name: of the band, the segment or the group.
        rows: each a lead on a day; ``leads`` how many leads they belong to, ``positives`` how many were won within the horizon.
        expected: the mean logged probability; None where nothing has matured, or the rules scored alone.
        rate: the share that was won, with its 95 % interval by lead (``models.intervals``).
    """

    name: str
    rows: int
    leads: int
    positives: int
    expected: float | None
    rate: float | None
    rate_low: float | None
    rate_high: float | None


@dataclass(frozen=True, slots=True)
class BandRate(Rate):
    """A band's rate beside what the model states of it: ``stated`` and its 95 % interval, from the calibration part.

    ``inside``: the actual rate lies in the stated interval; None where either is not known. ``share`` of all logged rows, matured or
    not, beside the ``stated_share``.
    """

    stated: float | None
    stated_low: float | None
    stated_high: float | None
    inside: bool | None
    share: float | None
    stated_share: float | None


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a feature, or the probability, has moved from the training reference.

    Attributes:
        psi: population stability index.
        chance: how large chance alone would let it be, at the settings' rate of false alarms.
        missing, missing_before: shares of rows without a value.
        importance: the feature's share of what all features contribute.
    """

    name: str
    psi: float
    chance: float
    missing: float
    missing_before: float
    importance: float


@dataclass(frozen=True, slots=True)
class Skew:
    """What a replay of logged rows in batch gives.

    Attributes:
        replayed: rows whose features were computed again.
        mismatched: of these, rows with other features than were logged.
        missing: logged rows whose lead is not in the data set.
        extra: logged rows of a lead that, by the data set, was not yet there or closed already.
        ahead: logged rows that look further than the data set goes.
        features: for mismatched rows that hold checksums, how many differ by feature; the most frequent first.
    """

    replayed: int
    mismatched: int
    missing: int
    extra: int
    ahead: int
    features: Mapping[str, int]


@dataclass(frozen=True)
class VersionReport:
    """One version's part of the log.

    Attributes:
        version: its number; None for the rules alone, or a model outside of the registry.
        fingerprint: the model's.
        first, last: the first and last ``as_of``, ISO 8601.
        rows: in the log; ``learnt_from`` of them look at moments whose outcomes the model has learnt from and are left out; ``matured``
            is what is left of the matured ones after each lead is counted once a day and band.
        overall: of all matured rows.
        bands: cold, warm and hot.
        segments: by grouping and value.
        worked: rates of the leads that sales worked and of those it did not, where the data say so.
        explored: rates of the cold and warm leads that were worked by lot, and of the others.
        scores: drift of the probability; None without a reference.
        features: drift of the features, the farthest first.
        unknown_types, unknown_types_before: shares of rows with types beyond the vocabulary, now and in the training reference.
        skew: of the replay.
    """

    version: str | None
    fingerprint: str
    first: str
    last: str
    rows: int
    learnt_from: int
    matured: int
    overall: Rate
    bands: tuple[BandRate, ...]
    segments: tuple[Rate, ...]
    worked: tuple[Rate, ...]
    explored: tuple[Rate, ...]
    scores: Drift | None
    features: tuple[Drift, ...]
    unknown_types: float | None
    unknown_types_before: float | None
    skew: Skew


@dataclass(frozen=True)
class Monitoring:
    """All of it; ``rescored`` says that no log was read: the model was asked what it would have said."""

    dataset: str
    alerts: tuple[Alert, ...]
    versions: tuple[VersionReport, ...]
    rescored: bool = False

    @property
    def ok(self) -> bool:
        """Whether no alert is an error."""
        return not any(alert.severity == "error" for alert in self.alerts)

    @property
    def bands(self) -> tuple[tuple[str | None, BandRate], ...]:
        """The bands of all versions, each with its version."""
        return tuple((report.version, band) for report in self.versions for band in report.bands)

    def to_dict(self) -> dict[str, Any]:
        """What ``leadheat monitor --json`` prints."""
        return {
            "ok": self.ok,
            "dataset": self.dataset,
            "rescored": self.rescored,
            "alerts": [alert.to_dict() for alert in self.alerts],
            "bands": [{"version": version} | asdict(band) for version, band in self.bands],
            "versions": [asdict(report) for report in self.versions],
        }
