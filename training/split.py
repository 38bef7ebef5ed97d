"""The split in time: learn, then calibrate, then test, and a gap of one horizon before each of the later parts (purge).

With a horizon h, the calibration part beginning at K and the test part at T::

    learn ........|<-- h -->| calibrate ........|<-- h -->| test ........
                            K                             T

A snapshot of an earlier part whose horizon would reach into a later one is left out, so no label looks into what it is compared with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.contract import DAY, NEVER, UNKNOWN_TIME, DataError, ModelError, from_micros
from features.dataset import Dataset
from features.snapshots import Snapshots, SnapshotSettings, after_interactions, at_creation, grid, on_dates
from models.learning import LearningSettings, regularised

TEST_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Split:
    """Matured snapshots: ``train`` holds ``learn``, ``calibrate`` and what lies in the gap between them."""

    train: Snapshots
    learn: Snapshots
    calibrate: Snapshots
    test: Snapshots
    purged: int


def split(dataset: Dataset, settings: SnapshotSettings, calibration_share: float) -> Split:
    """Look at the leads and part the matured snapshots in time.

    Args:
        dataset: what was observed.
        settings: the ``[snapshots]`` table. Without dates the last 20 % of the snapshots are the test part.
        calibration_share: of the training snapshots, the latest.

    Raises:
        DataError: a part is empty.
    """
    everything = looks(dataset, settings).matured
    train, test = _by_dates(dataset, everything, settings) if settings.test or settings.train else _by_share(everything)
    if not len(train) or not len(test):
        part = "test" if len(train) else "training"
        raise DataError(
            f"The data set {dataset.name} has no matured snapshot for the {part} part.",
            "Its horizon must end before the data do: shorten [snapshots] horizon, bring more history, or set train and test.",
        )
    return parted(train, test, settings.horizon, calibration_share)


def parted(train: Snapshots, test: Snapshots, horizon: int, calibration_share: float) -> Split:
    """A split from what may be learnt from, before the purge, and what is judged on; both matured and not empty.

    Raises:
        DataError: a part is empty.
    """
    kept = _purged(train, test.as_of.min(), horizon, "training")
    later = _latest(kept.as_of, calibration_share)
    calibrate = kept.take(kept.as_of >= later)
    learn = _purged(kept, later, horizon, "learning")
    return Split(kept, learn, calibrate, test, len(train) - len(learn) - len(calibrate))


def learnable(settings: LearningSettings, parts: Split) -> LearningSettings:
    """The kind of model and the regularisation that the parts can bear.

    Raises:
        ModelError: too few leads were won for any model, or a part to learn from holds only won snapshots, or none.
    """
    learning = regularised(settings, parts.learn.won_leads)
    for name, part in (("learning", parts.learn), ("calibration", parts.calibrate)):
        if len(np.unique(part.label)) < 2:
            first, last = (from_micros(moment).date() for moment in (part.as_of.min(), part.as_of.max()))
            raise ModelError(
                f"{'Every' if part.label.any() else 'No'} snapshot of the {name} part, {first} to {last}, was won within the horizon: "
                "nothing there tells what a chance is.",
                "Are closings dated right? observed_until under [data] says when the data end, train under [snapshots] what to learn from.",
            )
    return learning


def _purged(snapshots: Snapshots, begin: int, horizon: int, part: str) -> Snapshots:
    """Those whose horizon ends before the next part begins."""
    kept = snapshots.take(snapshots.as_of + horizon <= begin)
    if not len(kept):
        hint = "A horizon must fit between the parts: bring more history, or shorten it."
        raise DataError(f"No snapshot is left for the {part} part.", hint)
    return kept


def looks(dataset: Dataset, settings: SnapshotSettings) -> Snapshots:
    """All snapshots that the settings ask for, apart from the test dates."""
    if settings.at_creation:
        return at_creation(dataset, settings.horizon)
    if settings.after_each_interaction:
        return after_interactions(dataset, settings.horizon)
    first, last = settings.train or (_first_moment(dataset), dataset.observed_until)
    return on_dates(dataset, grid(first, last, settings.every), settings.horizon)


def all_looks(dataset: Dataset, settings: SnapshotSettings) -> Snapshots:
    """All snapshots from the first of the training part to the last of the test part, everywhere as those of training."""
    last = min(settings.test.last if settings.test else NEVER, dataset.observed_until)
    if settings.at_creation or settings.after_each_interaction:
        found, first = looks(dataset, settings), settings.train[0] if settings.train else UNKNOWN_TIME
        return found.take((found.as_of >= first) & (found.as_of <= last))
    first = settings.train[0] if settings.train else _first_moment(dataset)
    return looks(dataset, settings.model_copy(update={"train": (first, last)}))


def _first_moment(dataset: Dataset) -> int:
    """Midnight UTC after the first lead was created or did something."""
    moments = np.append(dataset.history.created_at, dataset.history.occurred_at)
    known = moments[moments != UNKNOWN_TIME]
    if not len(known):
        raise DataError(f"The data set {dataset.name} has neither a creation date nor an interaction.", "Without time there is no history.")
    return int((known.min() // DAY + 1) * DAY)


def _by_share(snapshots: Snapshots) -> tuple[Snapshots, Snapshots]:
    later = _latest(snapshots.as_of, TEST_SHARE) if len(snapshots) else 0
    return snapshots.take(snapshots.as_of < later), snapshots.take(snapshots.as_of >= later)


def _by_dates(dataset: Dataset, snapshots: Snapshots, settings: SnapshotSettings) -> tuple[Snapshots, Snapshots]:
    """By the stated dates; what is not stated is everything before the test, or everything after the training."""
    train, test = settings.train, settings.test
    end = train[1] if train else test.first - 1 if test else 0
    learned = snapshots.take((snapshots.as_of <= end) & (snapshots.as_of >= (train[0] if train else UNKNOWN_TIME)))
    first = test.first if test else end + settings.horizon
    last = min(test.last if test else dataset.observed_until, dataset.observed_until)
    if settings.at_creation or settings.after_each_interaction:
        return learned, snapshots.take((snapshots.as_of >= first) & (snapshots.as_of <= last))
    every = (test.every if test else None) or settings.every
    return learned, on_dates(dataset, grid(first, last, every), settings.horizon).matured


def _latest(as_of: np.ndarray, share: float) -> int:
    """The moment from which on about this share of the rows lie."""
    return int(np.sort(as_of)[min(int(len(as_of) * (1 - share)), len(as_of) - 1)])


def weights(snapshots: Snapshots, how: str) -> np.ndarray | None:
    """float64[m]: each snapshot's share of its lead, on average 1; None where every snapshot counts alike."""
    if how == "snapshot":
        return None
    per_lead = np.bincount(snapshots.lead)[snapshots.lead]
    share = 1.0 / per_lead
    even: np.ndarray = share * (len(share) / share.sum())
    return even
