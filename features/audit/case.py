"""What the audit looks at, and the form in which a check says what it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from features.catalogue import FeatureSettings
from features.contract import NEVER, Severity, format_duration, from_micros
from features.data_settings import DataSettings
from features.dataset import Dataset
from features.history import History
from features.signals import SignalSettings
from features.snapshots import Snapshots, SnapshotSettings, born

STRATA = 50
"""Groups of leads by the time of their creation, within which they are compared: older leads are more often closed."""


class AuditedSettings(Protocol):
    """The parts of the settings that the audit reads; ``models.settings.Settings`` has them all."""

    @property
    def data(self) -> DataSettings:
        """The ``[data]`` table."""

    @property
    def snapshots(self) -> SnapshotSettings:
        """The ``[snapshots]`` table."""

    @property
    def features(self) -> FeatureSettings:
        """The ``[features]`` table."""

    @property
    def signals(self) -> Mapping[str, SignalSettings]:
        """The ``[signals.*]`` tables."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """A line for ``leadheat.toml``: ``value`` is added to the list ``option`` of ``[data]``, beside what other findings add to it."""

    option: str
    value: str


@dataclass(frozen=True, slots=True)
class Found:
    """A finding in the making. ``remedy`` is what mends it: a line for the settings, or words."""

    severity: Severity
    code: str
    table: str
    column: str
    count: int
    detail: str
    remedy: Remedy | str = ""
    example: str = ""


@dataclass(frozen=True, eq=False)
class Case:
    """A data set under audit: L leads, n interactions.

    Attributes:
        dataset: what was read.
        settings: how.
        train: the matured training snapshots; None where the data do not give any.
    """

    dataset: Dataset
    settings: AuditedSettings
    train: Snapshots | None

    @property
    def history(self) -> History:
        """The histories of the leads."""
        return self.dataset.history

    @property
    def horizon(self) -> int:
        """Microseconds."""
        return self.settings.snapshots.horizon

    @property
    def horizon_words(self) -> str:
        """Such as ``30d``."""
        return format_duration(self.horizon)

    @property
    def last_training(self) -> int:
        """When training ends, microseconds UTC: as declared, or at the last snapshot; without any, a horizon before the data."""
        if self.settings.snapshots.train:
            return self.settings.snapshots.train[1]
        return int(self.train.as_of.max()) if self.train is not None else self.dataset.observed_until - self.horizon

    @cached_property
    def closed(self) -> np.ndarray:
        """bool[L]: whether a lead is closed."""
        return np.asarray(self.dataset.outcomes.closed_at < NEVER)

    @cached_property
    def won(self) -> np.ndarray:
        """bool[L]: whether a lead was ever won."""
        return np.diff(self.dataset.outcomes.won_start) > 0

    @cached_property
    def decided(self) -> np.ndarray:
        """bool[L]: whether a lead is closed, or was observed for at least a horizon after it was created."""
        return np.asarray(self.closed | (self.history.created_at + self.horizon <= self.dataset.observed_until))

    @cached_property
    def born(self) -> np.ndarray:
        """int64[L]: when a lead was created or, where that is unknown, first did something."""
        return born(self.dataset)

    @cached_property
    def ends(self) -> np.ndarray:
        """int64[L]: when a lead was first won, closed, or seen last, whichever came first."""
        outcomes, until = self.dataset.outcomes, self.dataset.observed_until
        first = np.append(outcomes.won_at, NEVER)[outcomes.won_start[:-1]]
        return np.asarray(np.minimum(np.minimum(outcomes.closed_at, until), np.where(self.won, first, NEVER)))

    @cached_property
    def stratum(self) -> np.ndarray:
        """int64[L]: which leads were created at the same time, ``STRATA`` groups of about equal size."""
        created = self.history.created_at
        bounds = np.quantile(created, np.linspace(0, 1, STRATA + 1)[1:-1]) if len(created) else np.empty(0)
        return np.asarray(np.searchsorted(bounds, created, side="right"))

    @cached_property
    def closed_at_of_row(self) -> np.ndarray:
        """int64[n]: when the lead of each interaction closed, or ``NEVER``."""
        return np.asarray(self.dataset.outcomes.closed_at[self.history.lead_of_row])


def day(micros: int | np.integer) -> str:
    """The date, in UTC."""
    return from_micros(int(micros)).date().isoformat()
