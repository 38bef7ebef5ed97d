"""Text that is meant as numbers, but for some values."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.layout import as_text

NUMBER = r"^-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"
LIKE_NUMBER = rf"{NUMBER}|^\s*[-+]?(\d+|\d{{1,3}}([.,' ]\d{{3}})+)([.,]\d+)?\s*%?\s*$"
"""What people mean as numbers: also with a comma for the fraction, marks between thousands, a sign, spaces or a per cent sign."""


def strays(values: pa.ChunkedArray) -> tuple[np.ndarray, int]:
    """The values of a column of text that are no numbers, bool[n], and by how many values more are meant as numbers than are not."""
    coded = as_text(values).dictionary_encode()
    codes = np.concatenate([np.zeros(0, np.int32), *(chunk.indices.fill_null(-1).to_numpy() for chunk in coded.chunks)])
    different = coded.chunks[-1].dictionary if coded.chunks else pa.array([], pa.string())
    there = codes >= 0
    plain, meant = (np.append(_matching(different, pattern), False) for pattern in (NUMBER, LIKE_NUMBER))
    return there & ~plain[codes], 2 * int(meant[codes].sum()) - int(there.sum())


def _matching(texts: pa.Array, pattern: str) -> np.ndarray:
    matching: np.ndarray = pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
    return matching
