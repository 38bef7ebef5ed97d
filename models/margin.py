"""What a model learnt, ready to score: the margin (raw log-odds) of a row, and what each column adds to it.

Two forms, both plain text: LightGBM's trees and a linear model. The same row gives the same bits alone and among others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from features.contract import ModelError
from models.single_row import SingleRow

if TYPE_CHECKING:
    from models.cells import Cells

Floats = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32]


class Margin(Protocol):
    """A learnt model."""

    def margin(self, X: Matrix, threads: int = 1) -> Floats:
        """Raw log-odds, float64[m], of rows float32[m, F]."""

    def contributions(self, X: Matrix, threads: int = 1) -> Floats:
        """What each column adds, and last the base, float64[m, F + 1]; a row's sum is its margin."""

    def cells(self, columns: str) -> Cells | None:
        """Which rows it cannot tell apart, as of ``Cells``; None where telling costs no less than scoring."""

    def save(self, folder: Path) -> None:
        """Write the model into a folder."""


class BoosterMargin:
    """LightGBM's trees.

    Args:
        text: the model as LightGBM writes it, and as it is saved.

    Raises:
        ModelError: the text is no LightGBM model.
    """

    FILE = "model.txt"

    def __init__(self, text: str) -> None:
        import lightgbm  # not in the process that only keeps the service's workers: pandas and scikit-learn come along where they are

        self.text = text
        try:
            self._booster = lightgbm.Booster(model_str=text)
        except lightgbm.basic.LightGBMError as error:
            raise ModelError(f"LightGBM cannot read this model: {error}.", "Restore the model folder or train again.") from error

    def margin(self, X: Matrix, threads: int = 1) -> Floats:
        """See ``Margin``."""
        if not len(X):  # LightGBM divides by the number of rows
            return np.zeros(0)
        if self._single_row.takes(X):
            return self._single_row(X)
        return np.asarray(self._booster.predict(X, raw_score=True, num_threads=threads))

    @cached_property
    def _single_row(self) -> SingleRow:
        return SingleRow(self._booster)

    def contributions(self, X: Matrix, threads: int = 1) -> Floats:
        """TreeSHAP values (Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9), LightGBM's own."""
        if not len(X):
            return np.zeros((0, X.shape[1] + 1))
        return np.asarray(self._booster.predict(X, pred_contrib=True, num_threads=threads))

    def cells(self, columns: str) -> Cells:
        """See ``Margin``."""
        from models.cells import Cells

        return Cells(self.text, columns)

    def save(self, folder: Path) -> None:
        """Write ``model.txt``."""
        (folder / self.FILE).write_text(self.text, encoding="utf-8")


@dataclass(frozen=True)
class LinearMargin:
    """A linear model over standardised columns.

    A number x counts as (sign(x) log(1 + |x|) - mean) / scale, so that long tails weigh less; missing counts as the mean, 0. A level counts
    as a column of its own.

    Attributes:
        intercept: the margin of a lead that is average in everything.
        columns: positions of the numeric columns used, with ``mean``, ``scale`` and ``weight`` beside them.
        tables: for each categorical column used, its position and the weight of each code; a missing level, or one beyond the table, weighs
            nothing.
        width: the number of columns of the matrix.
    """

    intercept: float
    columns: tuple[int, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weight: tuple[float, ...]
    tables: tuple[tuple[int, tuple[float, ...]], ...]
    width: int

    FILE = "linear.json"

    @cached_property
    def _numbers(self) -> tuple[npt.NDArray[np.intp], Floats, Floats, Floats]:
        return np.array(self.columns, np.intp), np.array(self.mean), np.array(self.scale), np.array(self.weight)

    def margin(self, X: Matrix, threads: int = 1) -> Floats:
        """See ``Margin``; summed column by column, so that no row depends on its neighbours."""
        margin: Floats = np.cumsum(self.contributions(X), axis=1)[:, -1]
        return margin

    def contributions(self, X: Matrix, threads: int = 1) -> Floats:
        """See ``Margin``."""
        values = np.zeros((len(X), self.width + 1))
        columns, mean, scale, weight = self._numbers
        values[:, columns] = np.nan_to_num((squash(X[:, columns]) - mean) / scale) * weight
        for column, table in self.tables:
            codes = np.fmin(X[:, column], len(table)).astype(np.intp)
            values[:, column] = np.append(np.array(table), 0.0)[codes]
        values[:, -1] = self.intercept
        return values

    def cells(self, columns: str) -> None:
        """See ``Margin``."""

    def save(self, folder: Path) -> None:
        """Write ``linear.json``."""
        (folder / self.FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LinearMargin:
        """What ``asdict`` gave, also after a journey through JSON."""
        plain: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
        plain["tables"] = tuple((int(column), tuple(table)) for column, table in values["tables"])
        return cls(**plain)


def squash(x: npt.ArrayLike) -> Floats:
    """sign(x) log(1 + |x|) in float64."""
    wide = np.asarray(x, np.float64)
    return np.sign(wide) * np.log1p(np.abs(wide))


def load_margin(folder: Path) -> Margin:
    """Read what ``Margin.save`` wrote.

    Raises:
        ModelError: there is no model, or none that can be read.
    """
    linear = folder / LinearMargin.FILE
    try:
        if linear.exists():
            return LinearMargin.from_dict(json.loads(linear.read_text(encoding="utf-8")))
        return BoosterMargin((folder / BoosterMargin.FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"The model in {folder} cannot be read: {error!r}.", "Restore the folder or train again.") from error
