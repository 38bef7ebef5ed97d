"""Snapshots with the probability of a model that never saw them: what bands are chosen on, and what they are proved on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.contract import DAY, ModelError
from features.snapshots import Snapshots
from models.policies import choose_bands
from models.temperature import Bands, TemperatureSettings

FILE = "calibration.parquet"
"""The file among a run's artifacts that keeps the rows its bands were chosen on."""
_SCHEMA = pa.schema([("probability", pa.float64()), ("label", pa.int8()), ("as_of", pa.timestamp("us", "UTC")), ("lead", pa.int64())])


@dataclass(frozen=True, eq=False)
class Unseen:
    """m matured snapshots.

    Attributes:
        probability: calibrated, float64[m]; of the calibration part by cross-fitting (``training.learn``), else the model's own.
        label: int8[m]: 1 won within the horizon, 0 not.
        as_of: int64[m], microseconds UTC.
        lead: int64[m]: tells the leads apart and nothing else of them.
    """

    probability: np.ndarray
    label: np.ndarray
    as_of: np.ndarray
    lead: np.ndarray

    def __len__(self) -> int:
        return len(self.probability)

    @classmethod
    def of(cls, snapshots: Snapshots, probability: np.ndarray) -> Unseen:
        """The snapshots with what a model says of them, float64[m]; the leads are numbered anew."""
        return cls(probability, snapshots.label, snapshots.as_of, np.unique(snapshots.lead, return_inverse=True)[1])

    def take(self, rows: np.ndarray) -> Unseen:
        """The chosen rows (bool[m] or positions)."""
        return replace(self, **{name: values[rows] for name, values in vars(self).items()})

    def bands(self, settings: TemperatureSettings) -> Bands:
        """The bands that a policy chooses on these rows; the same rows in the same order give the same bands, bit for bit."""
        return choose_bands(settings, self.probability, self.label, self.as_of, self.lead)

    def daily(self) -> Unseen:
        """Each lead once for each UTC day on which it was looked at, at its highest probability of that day."""
        order = np.argsort(-self.probability, kind="stable")
        day = np.unique(self.as_of // DAY, return_inverse=True)[1]
        one = (day * (int(self.lead.max(initial=0)) + 1) + self.lead)[order]
        return self.take(order[np.unique(one, return_index=True)[1]])

    @property
    def days(self) -> int:
        """On how many UTC days leads were looked at."""
        return len(np.unique(self.as_of // DAY))

    def write(self, file: Path) -> None:
        """Keep them in a Parquet file: no ids, no attributes."""
        pq.write_table(pa.table(vars(self), schema=_SCHEMA), file, compression="zstd")

    @classmethod
    def read(cls, file: Path) -> Unseen:
        """What ``write`` wrote.

        Raises:
            ModelError: it is no such file.
        """
        try:
            table = pq.read_table(file, schema=_SCHEMA)
        except (OSError, pa.ArrowException) as error:
            raise ModelError(f"{file} does not hold the rows that bands are chosen on: {error}.", "Train again.") from error
        columns = {name: table[name].to_numpy() for name in ("probability", "label", "lead")}
        return cls(**columns, as_of=table["as_of"].cast(pa.int64()).to_numpy())
