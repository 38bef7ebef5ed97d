"""The log's rows beside the data set: which can be judged, which have matured, and what came of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import DAY, parse_moment
from features.dataset import Dataset
from features.history import lead_positions, micros
from features.snapshots import Snapshots, are_open, labelled
from models.scorer import LeadScorer
from models.temperature import NAMES


@dataclass(frozen=True, eq=False)
class Joined:
    """m rows of one model.

    Attributes:
        table: the rows, see ``models.score_log.SCHEMA``.
        lead: int64[m], positions in the data set's history.
        as_of: int64[m], microseconds UTC.
        label: int8[m]: 1 won within the model's horizon, 0 not, -1 not matured.
    """

    table: pa.Table
    lead: np.ndarray
    as_of: np.ndarray
    label: np.ndarray

    def __len__(self) -> int:
        return len(self.lead)

    @cached_property
    def probability(self) -> np.ndarray:
        """float64[m]; NaN where the rules scored alone."""
        values: np.ndarray = pc.fill_null(self.table["probability"], np.nan).to_numpy()
        return values

    @cached_property
    def temperature(self) -> np.ndarray:
        """int64[m], positions in ``NAMES``."""
        codes: np.ndarray = pc.index_in(self.table["temperature"], pa.array(NAMES)).to_numpy()
        return codes.astype(np.int64)

    def flags(self, name: str) -> np.ndarray:
        """bool[m] of a column of truths."""
        values: np.ndarray = pc.fill_null(self.table[name], fill_value=False).to_numpy(zero_copy_only=False)
        return values

    @property
    def snapshots(self) -> Snapshots:
        """The rows as looks at leads."""
        return Snapshots(self.lead, self.as_of, self.label)

    @property
    def matured(self) -> Joined:
        """Those whose outcome is known."""
        return self.take(self.label >= 0)

    def take(self, rows: np.ndarray) -> Joined:
        """The chosen rows, bool[m] or positions."""
        places = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return Joined(self.table.take(pa.array(places)), self.lead[places], self.as_of[places], self.label[places])


@dataclass(frozen=True, eq=False)
class Parts:
    """One model's rows, sorted out.

    Attributes:
        rows: how many there are.
        known: rows of leads that the data set has, up to where it goes: they can be replayed.
        judged: of these, rows of leads that were open then, later than what the model learnt from, each lead once a day and band.
        missing, extra, ahead, learnt_from: how many rows are of unknown leads, of leads that were not open, beyond the data set, and of
            moments whose outcomes the model has learnt from.
    """

    rows: int
    known: Joined
    judged: Joined
    missing: int
    extra: int
    ahead: int
    learnt_from: int


def models_of(log: pa.Table) -> Iterator[tuple[str | None, str, pa.Table]]:
    """The version, the fingerprint and the rows of each model in the log, in the order of their first moments.

    The rows are in the order of what they say, ``as_of`` and ``lead_id`` first: which lines of a log come first is up to the processes
    that wrote it, and no figure may follow that.
    """
    log = log.sort_by([(name, "ascending") for name in dict.fromkeys(("as_of", "lead_id", *log.column_names))])
    keys = log.group_by(["version", "fingerprint"]).aggregate([("as_of", "min")])
    keys = keys.sort_by([(name, "ascending") for name in ("as_of_min", "version", "fingerprint")])
    for version, fingerprint in zip(keys["version"].to_pylist(), keys["fingerprint"].to_pylist(), strict=True):
        same = pc.is_null(log["version"]) if version is None else pc.equal(log["version"], version)
        yield version, fingerprint, log.filter(pc.and_(pc.fill_null(same, fill_value=False), pc.equal(log["fingerprint"], fingerprint)))


def join(dataset: Dataset, rows: pa.Table, scorer: LeadScorer | None) -> Parts:
    """Sort out the rows of one model; ``scorer`` is that model where it is there still."""
    there = pc.is_in(rows["lead_id"], dataset.history.lead_ids).to_numpy(zero_copy_only=False)
    as_of = micros(rows["as_of"])
    ahead = there & (as_of > dataset.observed_until + 1)
    known = _joined(dataset, rows.filter(pa.array(there & ~ahead)))
    is_open = are_open(dataset, known.lead, known.as_of)
    fresh = known.as_of >= learnt_until(scorer)
    return Parts(
        rows=len(rows),
        known=known,
        judged=_once(known.take(is_open & fresh)),
        missing=int((~there).sum()),
        extra=int((~is_open).sum()),
        ahead=int(ahead.sum()),
        learnt_from=int((is_open & ~fresh).sum()),
    )


def _joined(dataset: Dataset, rows: pa.Table) -> Joined:
    lead = lead_positions(rows["lead_id"], pa.chunked_array([dataset.history.lead_ids]))
    as_of = micros(rows["as_of"])
    horizon = np.round(rows["horizon_days"].to_numpy() * DAY).astype(np.int64)
    label = np.full(len(lead), -1, np.int8)
    for one in np.unique(horizon).tolist():
        same = horizon == one
        label[same] = labelled(dataset, lead[same], as_of[same], one).label
    return Joined(rows, lead, as_of, label)


def _once(rows: Joined) -> Joined:
    """Each lead once a day and band, at its first look: who is asked for again and again weighs no more than others.

    The first look is chosen by what was known then, so choosing it favours no outcome; the last one would, for winning ends the looks.
    """
    order = np.lexsort((rows.as_of, rows.lead))
    keys = np.stack([rows.lead[order], rows.as_of[order] // DAY, rows.temperature[order]])
    first = np.unique(keys, axis=1, return_index=True)[1]
    return rows.take(np.sort(order[first]))


def learnt_until(scorer: LeadScorer | None) -> int:
    """From this moment on no outcome was known to the training or a recalibration: its last snapshot's horizon has ended."""
    known = [scorer.facts.get(name) for name in ("train", "recalibrated")] if scorer else []
    ends = [parse_moment(period["to"]) + DAY for period in known if isinstance(period, dict)]
    return max(ends) + scorer.horizon if scorer and ends else 0
