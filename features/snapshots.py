"""Snapshots: at which moments a lead is looked at, and what came of it within the horizon.

Take a lead created at C with interactions i that wins at W, a horizon h, and a log that is observed until U::

    C----i-------i-----------W
      s       s       s      |           s: a grid of moments; none before or at C, none after W
      [--- h ---)             won: no    the horizon ends before W
              [--- h ---)     won: no
                      [--- h ---)        won: yes
    ........................................U

A snapshot's label is known only when its horizon lies wholly before U (it is *matured*): else it is -1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from features.contract import DAY, NEVER, UNKNOWN_TIME, Duration, Strict
from features.data_settings import Moment
from features.dataset import Dataset


class TestSettings(Strict):
    """``test = { from, to, every }``: the test snapshots, first and last moment included; ``every`` as in training by default."""

    first: Moment = Field(alias="from")
    last: Moment = Field(NEVER, alias="to")
    every: Duration | None = None

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.last < self.first:
            raise ValueError("it ends before it begins: to must be later than from")
        return self


class SnapshotSettings(Strict):
    """The ``[snapshots]`` table.

    Attributes:
        horizon: how far ahead we look.
        every: step of the calendar grid.
        after_each_interaction: look right after each interaction instead.
        at_creation: look once, right after the lead was created, instead.
        train: first and last moment of training, both included; by default the first 80 % of the grid.
        test: the test snapshots; by default the last 20 % of the grid.
        weight: ``snapshot`` weighs each snapshot alike, ``lead`` each lead, so that long-lived leads do not drown the others.
    """

    horizon: Duration = 30 * DAY
    every: Duration = 7 * DAY
    after_each_interaction: bool = False
    at_creation: bool = False
    train: tuple[Moment, Moment] | None = None
    test: TestSettings | None = None
    weight: Literal["snapshot", "lead"] = "snapshot"

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.train and self.train[1] < self.train[0]:
            raise ValueError("train ends before it begins: the later moment comes second")
        if self.train and self.test and self.test.first <= self.train[0]:
            raise ValueError("test begins before train does; what is learnt from lies before what is judged on")
        return self


@dataclass(frozen=True, eq=False)
class Snapshots:
    """m looks at leads, sorted by lead and moment.

    Attributes:
        lead: int64[m], positions in the data set's history.
        as_of: int64[m], microseconds UTC.
        label: int8[m]: 1 won within the horizon, 0 not, -1 not matured.
    """

    lead: np.ndarray
    as_of: np.ndarray
    label: np.ndarray

    def __len__(self) -> int:
        return len(self.lead)

    def take(self, rows: np.ndarray) -> Snapshots:
        """The chosen rows (bool[m] or positions)."""
        return Snapshots(self.lead[rows], self.as_of[rows], self.label[rows])

    @property
    def matured(self) -> Snapshots:
        """Those whose label is known."""
        return self.take(self.label >= 0)

    @property
    def won_leads(self) -> int:
        """How many different leads are won in some of them."""
        return len(np.unique(self.lead[self.label == 1]))


def on_dates(dataset: Dataset, dates: np.ndarray, horizon: int) -> Snapshots:
    """Every lead that is open at each date (int64[d], microseconds UTC, ascending): created before it, and not closed before it."""
    first = np.searchsorted(dates, born(dataset), side="right")
    looks = np.maximum(np.searchsorted(dates, dataset.outcomes.closed_at, side="right") - first, 0)
    lead = np.repeat(np.arange(len(looks)), looks)
    day = np.arange(len(lead)) + np.repeat(first - np.cumsum(looks) + looks, looks)
    return labelled(dataset, lead, dates[day], horizon)


def after_interactions(dataset: Dataset, horizon: int, first: int = UNKNOWN_TIME, last: int = NEVER) -> Snapshots:
    """Every lead one microsecond after each of its interactions became known, as long as it is open; once for each such moment.

    Of moments before ``first`` or after ``last`` (microseconds UTC) there are none.
    """
    history = dataset.history
    lead, as_of = history.lead_of_row, history.known_at + 1
    rows = (as_of > born(dataset)[lead]) & (as_of <= dataset.outcomes.closed_at[lead]) & (as_of >= first) & (as_of <= last)
    once = np.unique(np.stack([lead[rows], as_of[rows]], axis=1), axis=0)
    return labelled(dataset, once[:, 0], once[:, 1], horizon)


def at_creation(dataset: Dataset, horizon: int) -> Snapshots:
    """Every lead once, one microsecond after it was created; leads without that moment are left out."""
    lead = np.flatnonzero(dataset.history.created_at != UNKNOWN_TIME)
    as_of = dataset.history.created_at[lead] + 1
    rows = as_of <= dataset.outcomes.closed_at[lead]
    return labelled(dataset, lead[rows], as_of[rows], horizon)


def labelled(dataset: Dataset, lead: np.ndarray, as_of: np.ndarray, horizon: int) -> Snapshots:
    """Snapshots with their labels; only a snapshot whose horizon was observed to its end has one.

    Args:
        dataset: with the outcomes.
        lead: int64[m], positions in its history.
        as_of: int64[m], microseconds UTC.
        horizon: microseconds.
    """
    won = dataset.outcomes.won_within(lead, as_of, horizon)
    matured = as_of + horizon <= dataset.observed_until
    return Snapshots(lead, as_of, np.where(matured, won, -1).astype(np.int8))


def open_leads(dataset: Dataset, as_of: int) -> np.ndarray:
    """int64[k]: the leads that were created before ``as_of`` and not closed before it; unknown creation counts as before."""
    every = np.arange(len(dataset.history))
    return np.flatnonzero(are_open(dataset, every, np.full(len(every), as_of)))


def are_open(dataset: Dataset, lead: np.ndarray, as_of: np.ndarray) -> np.ndarray:
    """bool[m]: whether each lead was open at its moment, as ``open_leads`` has it."""
    opened: np.ndarray = (born(dataset)[lead] < as_of) & (dataset.outcomes.closed_at[lead] >= as_of)
    return opened


def grid(first: int, last: int, every: int) -> np.ndarray:
    """int64[d]: first, first + every, ... as far as ``last``, which is included when the steps meet it."""
    return np.arange(first, last + 1, every, dtype=np.int64)


def born(dataset: Dataset) -> np.ndarray:
    """int64[L]: when each lead began: its creation or, where that is unknown, the moment its first interaction became known."""
    history = dataset.history
    first = np.full(len(history), NEVER)
    np.minimum.at(first, history.lead_of_row, history.known_at)
    first[np.diff(history.start) == 0] = UNKNOWN_TIME
    return np.where(history.created_at == UNKNOWN_TIME, first, history.created_at)
