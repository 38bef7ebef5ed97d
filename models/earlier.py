"""Scoring since an earlier run: the model is asked only about rows that it could tell from all that it was asked about then.

A lead of which nothing is new still has other features today: it is a day older. But the model sees no difference until a feature
crosses one of its thresholds (``models.cells``), and until then what it said holds. Features are computed for all leads; the trees and
their contributions, the dear part, only for those whose cells are new. The result is that of a full run, to the last bit.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from weakref import ref

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from features.formats import words_of
from models.cells import Hashes
from models.scorer import LeadScorer, Matrix, Scored
from models.table import FOR_LATER, SCHEMA

logger = logging.getLogger("leadheat")

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Earlier:
    """What a model gave for n rows with different cells.

    Attributes:
        cells: uint64[n, 2], the first of the two ascending.
        margin: float64[n].
        explained: int64[n], which row of ``signal_sums`` is theirs; -1 where there is none.
        signal_sums: float64[k, signals + 1].
    """

    cells: Hashes
    margin: Floats
    explained: Places
    signal_sums: Floats

    @classmethod
    def of(cls, scores: pa.Table, width: int) -> Earlier:
        """Take it out of a table of scores; ``width`` is the number of signals and one for the base.

        Raises:
            ValueError: the table is not whole.
        """
        scores = scores.filter(scores["cells"].is_valid()).combine_chunks()
        columns = ((name, SCHEMA.field(name).type) for name in ("signal_sums", "cells"))
        sums, cells = (pa.concat_arrays([pa.array([], kind), *scores[name].chunks]) for name, kind in columns)
        hashes = np.frombuffer(cells.buffers()[1] or b"", np.uint64, 2 * len(cells)).reshape(-1, 2)
        told = np.asarray(sums.is_valid())
        place = np.where(told, np.cumsum(told) - 1, -1)
        order = np.lexsort((~told, hashes[:, 1], hashes[:, 0]))
        ordered = hashes[order]
        first = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))[: len(order)]
        chosen = order[first]
        return cls(hashes[chosen], scores["margin"].to_numpy()[chosen], place[chosen], sums.flatten().to_numpy().reshape(-1, width))

    @classmethod
    def nothing(cls, width: int) -> Earlier:
        """No row."""
        return cls(np.zeros((0, 2), np.uint64), np.zeros(0), np.zeros(0, np.int64), np.zeros((0, width)))

    def find(self, cells: Hashes) -> Places:
        """Where these cells are, int64[m]; -1 where they are not."""
        if not len(self.cells):
            return np.full(len(cells), -1)
        place = np.minimum(np.searchsorted(self.cells[:, 0], cells[:, 0]), len(self.cells) - 1)
        return np.where((self.cells[place] == cells).all(axis=1), place, -1)


@dataclass(frozen=True, eq=False)
class Incremental(LeadScorer):
    """A scorer that starts from an earlier run."""

    earlier: Earlier = field(kw_only=True)
    _counts: list[int] = field(default_factory=list, init=False)
    _last: list[tuple[Callable[[], Matrix | None], Hashes | None]] = field(default_factory=lambda: [(lambda: None, None)], init=False)

    @classmethod
    def since(cls, file: Path, scorer: LeadScorer) -> Incremental:
        """A scorer that starts from the scores in a Parquet file; where it cannot, that is told, and everything is computed anew."""
        return cls(**{one.name: getattr(scorer, one.name) for one in fields(scorer)}, earlier=_read(file, scorer))

    @property
    def computed(self) -> int:
        """For how many rows the model was asked, whether for margin or reasons."""
        return sum(self._counts)

    def numbers_of(self, X: Matrix, threads: int = 1, previous: npt.ArrayLike | None = None) -> Scored:
        """See ``LeadScorer``."""
        if self.cells is None:
            self._counts.append(len(X))
        return super().numbers_of(X, threads, previous)

    def margins(self, X: Matrix, threads: int = 1) -> Floats:
        """See ``LeadScorer``."""
        cells = self.cells_of(X)
        if cells is None:
            return super().margins(X, threads)
        place = self.earlier.find(cells)
        new = np.flatnonzero(place < 0)
        self._counts.append(len(new))
        margin: Floats = np.append(self.earlier.margin, np.nan)[place]
        margin[new] = super().margins(X[new], threads)
        return margin

    def signal_sums(self, X: Matrix, threads: int = 1) -> Floats:
        """See ``LeadScorer``."""
        cells = super().cells_of(X)
        if cells is None:
            return super().signal_sums(X, threads)
        place = self.earlier.find(cells)
        explained = np.append(self.earlier.explained, -1)[place]
        new = np.flatnonzero(explained < 0)
        self._counts.append(int(np.count_nonzero(place[new] >= 0)))  # the others were asked about for their margin
        sums: Floats = np.full((len(X), len(self.explainer.signals) + 1), np.nan)
        sums[explained >= 0] = self.earlier.signal_sums[explained[explained >= 0]]
        sums[new] = super().signal_sums(X[new], threads)
        return sums

    def cells_of(self, X: Matrix) -> Hashes | None:
        """See ``LeadScorer``; a table asks once more about the rows whose margin it has."""
        asked, cells = self._last[0]
        if asked() is not X:
            cells = super().cells_of(X)
            self._last[0] = (ref(X), cells)
        return cells


def _read(file: Path, scorer: LeadScorer) -> Earlier:
    width = len(scorer.explainer.signals) + 1
    if scorer.cells is None:
        logger.warning("--since: a model without trees costs less than remembering; everything is computed anew")
        return Earlier.nothing(width)
    try:
        scores = pq.read_table(file, columns=["fingerprint", *FOR_LATER], page_checksum_verification=True)
        earlier = Earlier.of(scores, width)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        logger.warning("--since: %s holds no whole scores of this release (%s); everything is computed anew", file, words_of(error))
        return Earlier.nothing(width)
    if scorer.fingerprint not in scores["fingerprint"].unique().to_pylist():
        logger.warning("--since: %s is of another model; what that does not share with this one is computed anew", file)
    return earlier
