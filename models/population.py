"""The population that a model was calibrated on, in so few numbers that they travel with it: what drift is measured from.

Of each feature: how many rows fell between fixed quantiles, and how many had no value. Where many rows share a value the quantiles
fall together and the bins are fewer; a categorical feature has a bin for each code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from features.catalogue import OTHER, FeatureSet
from features.contract import ModelError

if TYPE_CHECKING:
    from models.scorer import Matrix

BINS = 10
Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


class Bins(NamedTuple):
    """A column: ascending ``edges``; how many rows lie in (-inf, edge 0], (edge 0, edge 1], ... (last edge, inf); how many lack a value."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Population:
    """What the calibration part looked like.

    Attributes:
        rows, leads: how many.
        unknown_types: the share of rows with a type beyond the vocabulary.
        bins: of each feature, by name.
        importance: what each feature contributes, as a share of all: the mean of |contribution| over some rows.
    """

    rows: int
    leads: int
    unknown_types: float
    bins: Mapping[str, Bins]
    importance: Mapping[str, float]

    @classmethod
    def of(cls, features: FeatureSet, X: Matrix, lead: npt.ArrayLike, contributions: Floats) -> Population:
        """Count rows.

        Args:
            features: the catalogue of the columns.
            X: float32[m, F].
            lead: the lead of each row, [m].
            contributions: float64[k, F] of some rows, see ``models.margin``.
        """
        weight = np.abs(contributions).mean(axis=0) if len(contributions) else np.zeros(X.shape[1])
        return cls(
            rows=len(X),
            leads=len(np.unique(np.asarray(lead))),
            unknown_types=float((X[:, features.column(f"count({OTHER}, ever)")] > 0).mean()) if len(X) else 0.0,
            bins={one.name: bins_of(X[:, i], None if one.levels is None else len(one.levels)) for i, one in enumerate(features.features)},
            importance=dict(zip(features.names, (weight / (weight.sum() or 1.0)).tolist(), strict=True)),
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values; ``from_dict`` gives an equal population back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Population:
        """What ``to_dict`` wrote, also after a journey through JSON.

        Raises:
            ModelError: it is no population.
        """
        try:
            bins = {name: Bins(tuple(edges), tuple(counts)) for name, (edges, counts) in values["bins"].items()}
            importance = {name: float(share) for name, share in values["importance"].items()}
            return cls(int(values["rows"]), int(values["leads"]), float(values["unknown_types"]), bins, importance)
        except (KeyError, TypeError, ValueError) as error:
            hint = "Restore the model folder or train again."
            raise ModelError(f"The population of this model cannot be read: {error!r}.", hint) from error


def bins_of(values: npt.NDArray[np.floating[Any]], levels: int | None = None) -> Bins:
    """Bins of a column, floats[m] with NaN for no value: between its quantiles, or a bin for each of so many codes."""
    edges = np.arange(levels - 1, dtype=np.float64) if levels else _quantiles(values)
    return Bins(tuple(edges.tolist()), tuple(count(values, edges).tolist()))


def count(values: npt.NDArray[np.floating[Any]], edges: npt.ArrayLike) -> Counts:
    """How many values lie in each bin, int64[edges + 2]; the last counts those that are missing."""
    there = values[~np.isnan(values)]
    inside = np.bincount(np.searchsorted(np.asarray(edges), there.astype(np.float64)), minlength=np.size(edges) + 1)
    return np.append(inside, len(values) - len(there))


def _quantiles(values: npt.NDArray[np.floating[Any]]) -> Floats:
    there = values[~np.isnan(values)].astype(np.float64)
    if not len(there):
        return np.empty(0)
    edges = np.unique(np.quantile(there, np.arange(1, BINS) / BINS, method="inverted_cdf"))
    return edges if len(edges) > 1 or edges[0] > there.min() else np.array([np.nextafter(edges[0], -np.inf), edges[0]])
