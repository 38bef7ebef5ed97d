"""Columns: texts as codes, and named attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import DataError

_MANY = 1 << 16
"""Rows of a column that is better looked up by several threads."""
LARGEST = 1e30
"""A number beyond it, either way, is taken as missing: its sums would not fit into float32."""


@dataclass(frozen=True, eq=False)
class Categorical:
    """Texts as codes: ``levels[codes[i]]``, or missing where ``codes[i]`` is -1.

    Attributes:
        codes: int32[n].
        levels: sorted; of records those of their schema's vocabulary, whether they occur or not, before all others.
    """

    codes: np.ndarray
    levels: tuple[str, ...]

    @classmethod
    def of_arrow(cls, column: pa.ChunkedArray, threads: int = 1) -> Categorical:
        """Encode an Arrow column of strings or dictionaries; null is missing. ``threads`` share the work of a long one."""
        if len(column) > _MANY and not pa.types.is_dictionary(column.type):
            return cls._of_many(column, threads)
        whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if isinstance(whole, pa.ChunkedArray):  # combine_chunks of nothing
            whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], pa.string())
        coded = whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()
        levels = coded.dictionary.to_pylist()
        order = sorted(range(len(levels)), key=lambda i: levels[i])
        rank = np.empty(len(levels) + 1, np.int32)
        rank[order] = np.arange(len(levels), dtype=np.int32)
        rank[-1] = -1
        codes = pc.fill_null(coded.indices.cast(pa.int32()), -1).to_numpy(zero_copy_only=False)
        return cls(rank[codes], tuple(levels[i] for i in order))

    @classmethod
    def _of_many(cls, column: pa.ChunkedArray, threads: int) -> Categorical:
        """Look all texts up among those of the first rows, for most columns have few, and again where there are others."""
        from features.lookup import places  # with Numba, which a service's worker does without

        levels = _different(column.slice(0, _MANY))
        codes = places(column, pa.chunked_array([levels], pa.string()), threads)
        if np.count_nonzero(codes < 0) > column.null_count:
            levels = sorted({*levels, *_different(column.filter(pa.array(codes < 0)))})
            codes = places(column, pa.chunked_array([levels], pa.string()), threads)
        return cls(codes, tuple(levels))

    def ordered(self, order: Callable[[np.ndarray], np.ndarray]) -> Categorical:
        """The same texts in another order; few levels go there as int8, of which a cache holds four times as many."""
        few = len(self.levels) <= np.iinfo(np.int8).max
        return Categorical(order(self.codes.astype(np.int8)).astype(np.int32) if few else order(self.codes), self.levels)

    def take(self, rows: np.ndarray | slice) -> Categorical:
        """The same levels for a choice of rows."""
        return Categorical(self.codes[rows], self.levels)

    def recode(self, levels: Sequence[str]) -> np.ndarray:
        """Codes (int32[n], to read only) into another vocabulary; unknown texts become the number of its levels, missing stays -1."""
        levels = tuple(levels)
        if self.levels[: len(levels)] == levels:
            return self.codes if len(self.levels) == len(levels) else np.minimum(self.codes, np.int32(len(levels)))
        position = {level: i for i, level in enumerate(levels)}
        table = np.array([position.get(level, len(levels)) for level in self.levels] + [-1], np.int32)
        recoded: np.ndarray = table[self.codes]
        return recoded


def _different(column: pa.ChunkedArray) -> list[str]:
    """The texts of a column, each once, sorted."""
    return sorted(column.cast(pa.string()).unique().drop_null().to_pylist())


@dataclass(frozen=True, eq=False)
class Attributes:
    """Named columns beside the rows: ``numeric`` float64[n] with NaN for missing, ``categorical`` codes with -1 for missing."""

    numeric: dict[str, np.ndarray] = field(default_factory=dict)
    categorical: dict[str, Categorical] = field(default_factory=dict)

    @classmethod
    def of_arrow(cls, table: pa.Table, numeric: Iterable[str], categorical: Iterable[str], threads: int = 1) -> Attributes:
        """The named columns of a table, cast as asked; one that the table lacks is missing everywhere."""
        return cls(
            {name: _numbers(table, name) for name in numeric},
            {name: Categorical.of_arrow(_texts(table, name), threads) for name in categorical},
        )

    def conform(self, numeric: Iterable[str], categorical: Iterable[str], rows: int) -> Attributes:
        """The named columns; one that is not here is missing in all ``rows``.

        Raises:
            DataError: a column is of the other kind.
        """
        other = sorted({*numeric} & {*self.categorical} | {*categorical} & {*self.numeric})
        if other:
            raise DataError(
                f"Numbers have become texts, or texts numbers, since the model was trained: {', '.join(other)}.",
                "Repair the columns, or train a model on the data as they are now.",
            )
        nowhere = Categorical(np.full(rows, -1, np.int32), ())
        return Attributes(
            {name: self.numeric.get(name, np.full(rows, np.nan)) for name in numeric},
            {name: self.categorical.get(name, nowhere) for name in categorical},
        )

    def ordered(self, order: Callable[[np.ndarray], np.ndarray]) -> Attributes:
        """The same columns in another order."""
        return Attributes(
            {name: order(values) for name, values in self.numeric.items()},
            {name: values.ordered(order) for name, values in self.categorical.items()},
        )

    def take(self, rows: np.ndarray | slice) -> Attributes:
        """The same columns for a choice of rows."""
        return Attributes(
            {name: values[rows] for name, values in self.numeric.items()},
            {name: values.take(rows) for name, values in self.categorical.items()},
        )


class Stacked(Attributes):
    """Columns that stand side by side in two matrices, and are taken apart once somebody asks for one.

    Args:
        numeric: the names of the columns of ``numbers``, float64[n, ...].
        numbers: see there.
        categorical: the names of the columns of ``codes``, int32[n, ...], -1 for missing.
        codes: see there.
        levels: of each of them.
    """

    _stacks: tuple[tuple[str, ...], np.ndarray, tuple[str, ...], np.ndarray, Sequence[tuple[str, ...]]]

    def __init__(
        self,
        numeric: tuple[str, ...],
        numbers: np.ndarray,
        categorical: tuple[str, ...],
        codes: np.ndarray,
        levels: Sequence[tuple[str, ...]],
    ) -> None:
        object.__setattr__(self, "_stacks", (numeric, numbers, categorical, codes, levels))

    @cached_property
    def numeric(self) -> dict[str, np.ndarray]:
        """See ``Attributes``."""
        names, numbers, *_ = self._stacks
        return {name: numbers[:, i] for i, name in enumerate(names)}

    @cached_property
    def categorical(self) -> dict[str, Categorical]:
        """See ``Attributes``."""
        *_, names, codes, levels = self._stacks
        return {name: Categorical(codes[:, i], levels[i]) for i, name in enumerate(names)}


def is_number(kind: pa.DataType) -> bool:
    """Whether the values of a column of this type are numbers."""
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _numbers(table: pa.Table, name: str) -> np.ndarray:
    """float64[n], NaN for missing and for what is beyond ``LARGEST``."""
    if name not in table.column_names:
        return np.full(len(table), np.nan)
    try:
        values: np.ndarray = table[name].cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid as error:
        raise DataError(
            f"Column {name!r} held numbers when the model was trained and now holds texts: {error}.",
            "Repair the column, or train a model on the data as it is now.",
        ) from error
    return np.where(np.abs(values) <= LARGEST, values, np.nan)


def _texts(table: pa.Table, name: str) -> pa.ChunkedArray:
    """Strings; a whole number that arrives as 12.0 is the text 12, and NaN is missing."""
    if name not in table.column_names:
        return pa.chunked_array([pa.nulls(len(table), pa.string())])
    column = table[name]
    if not is_number(column.type):
        return column
    values = pc.if_else(pc.is_nan(column.cast(pa.float64())), None, column.cast(pa.float64()))
    whole = pc.equal(values, pc.floor(values))
    return pc.if_else(whole, pc.cast(values, pa.int64(), safe=False).cast(pa.string()), values.cast(pa.string()))


def text(value: object) -> str | None:
    """A categorical attribute as text, written as the tables write it: ``true``, ``12`` for 12.0; empty and NaN are missing."""
    if value is None or value == "" or value != value:  # noqa: PLR0124
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
