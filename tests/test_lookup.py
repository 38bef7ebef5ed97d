"""Texts are looked up as Arrow's ``index_in`` does, whatever they are and however they lie in memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features import lookup
from features.columns import Categorical
from features.lookup import places
from features.mixing import mix

FORMS: dict[str, Callable[[pa.Array], pa.Array]] = {
    "string": lambda texts: texts,
    "large": lambda texts: texts.cast(pa.large_string()),
    "view": lambda texts: texts.cast(pa.string_view()),
    "dictionary": lambda texts: texts.dictionary_encode(),
    "sliced": lambda texts: pa.concat_arrays([pa.array(["before", None]), texts, pa.array(["after"])]).slice(2, len(texts)),
    "without validity": lambda texts: texts.fill_null("nothing"),
}


def made_up(dice: np.random.Generator, rows: int) -> pa.Array:
    """Texts of 0 to 40 bytes, many alike but for one of their letters, some missing."""
    stem = "kunde-\0-äöü-0123456789-and-on-and-on-and"
    texts = [stem[: dice.integers(0, 36)] + str(dice.choice(["", "a", "\0", "é", "00", str(dice.integers(0, 50))])) for _ in range(rows)]
    return pa.array([None if dice.random() < 0.05 else text for text in texts], pa.string())


def split(texts: pa.Array, dice: np.random.Generator) -> pa.ChunkedArray:
    """In chunks, of which some may be empty."""
    cuts = np.sort(dice.integers(0, len(texts) + 1, 3)).tolist()
    pieces = [texts.slice(low, high - low) for low, high in zip([0, *cuts], [*cuts, len(texts)], strict=True)]
    return pa.chunked_array(pieces, texts.type)


def by_arrow(texts: pa.ChunkedArray, known: pa.ChunkedArray) -> list[int]:
    plain = [column.cast(pa.string()) for column in (texts, known)]
    found: list[int] = pc.index_in(plain[0], plain[1].combine_chunks(), skip_nulls=True).fill_null(-1).to_pylist()
    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(6))
def test_every_text_is_found_where_arrow_finds_it_first(form: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "_PART", 700)
    dice = np.random.default_rng(seed)
    known = split(FORMS[form](made_up(dice, 150 * seed)), dice)
    texts = split(FORMS[form](made_up(dice, 3000)), dice)
    expected = by_arrow(texts, known)
    assert places(texts, known).tolist() == places(texts, known, threads=3).tolist() == expected
    assert seed == 0 or len({*expected}) > 50


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 14, 15, 16, 17, 40])
def test_a_text_that_ends_where_its_memory_ends_is_read_no_further(size: int) -> None:
    letters = b"abcdefghijklmnopqrstuvwxyzabcdefghijklmn"[:size]
    buffers = [None, pa.py_buffer(np.array([0, size], np.int32)), pa.py_buffer(bytes(letters))]
    alone = pa.chunked_array([pa.Array.from_buffers(pa.string(), 1, buffers)])
    others = [letters.decode() + "\0", letters.decode()[:-1] + "?", letters.decode()]
    assert places(alone, pa.chunked_array([others])).tolist() == [2]
    assert places(pa.chunked_array([others]), alone).tolist() == [-1, -1, 0]


def test_nothing_is_found_in_nothing_and_missing_is_no_text() -> None:
    texts = pa.chunked_array([["a", "", None]])
    assert places(texts, pa.chunked_array([], pa.string())).tolist() == [-1, -1, -1]
    assert places(texts, pa.chunked_array([[None, "", None, ""]])).tolist() == [-1, 1, -1]
    assert places(pa.chunked_array([pa.nulls(2)]), texts).tolist() == [-1, -1]
    assert places(pa.chunked_array([], pa.string()), texts).tolist() == []


def test_texts_that_were_made_to_have_one_hash_are_told_apart() -> None:
    words = np.arange(1, 41, dtype=np.uint64) * np.uint64(0x0101010101010101)
    middle = np.uint64(0x6161616161616161)
    mixed = [np.uint64(mix(one)) for one in (words ^ middle) * lookup._STEP]
    rows = np.array([(word, middle, mixed[0] ^ one) for word, one in zip(words, mixed, strict=True)], np.uint64)
    ends = np.arange(len(rows) + 1, dtype=np.int32) * 24
    alike = pa.Array.from_buffers(pa.string(), len(rows), [None, pa.py_buffer(ends), pa.py_buffer(rows)])
    assert len(np.unique(lookup._known(alike).keys[1:], axis=0)) == 1
    assert places(pa.chunked_array([alike]), pa.chunked_array([alike])).tolist() == [*range(40)]
    assert places(pa.chunked_array([alike]), pa.chunked_array([alike.slice(7, 20)])).tolist() == [-1] * 7 + [*range(20)] + [-1] * 13


def test_long_columns_have_the_codes_of_short_ones() -> None:
    dice = np.random.default_rng(7)
    late = pa.concat_arrays([pa.array(["web", "fair", None] * 25_000), made_up(dice, 5000), pa.array(["", "ads"])])
    for column in (pa.chunked_array([late]), pa.chunked_array([late.slice(0, 75_000)]), pa.chunked_array([pa.nulls(70_000)])):
        codes = column.cast(pa.string()).dictionary_encode()
        many, few = Categorical.of_arrow(column, threads=2), Categorical.of_arrow(codes)
        assert many.levels == few.levels
        np.testing.assert_array_equal(many.codes, few.codes)
