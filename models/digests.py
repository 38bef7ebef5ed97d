"""What a feature row was, in a few bytes: a hash of it, and checksums of its columns, so that a replay can tell which of them differ."""

from __future__ import annotations

import base64
import hashlib

import numpy as np
import numpy.typing as npt

WITH_CHECKSUMS = 1 / 8
"""The share of feature rows of which the checksums are kept."""
_CHOSEN_BELOW = int(WITH_CHECKSUMS * 2**32).to_bytes(4, "big")
"""The hashes below it are of such rows: hashes are as good as lots, and the same row is always chosen, or never."""

Matrix = npt.NDArray[np.float32]


def hashes_of(X: Matrix) -> list[str]:
    """16 hexadecimal digits for each feature row, float32[m, F]: equal for equal bits."""
    return [digest.hex() for digest in _digests(_plain(X))]


def checksums_of(x: Matrix) -> npt.NDArray[np.uint16]:
    """16 bits of every feature, uint16[..., F], of float32[..., F]: the upper half of a multiplicative hash (Knuth 1998, section 6.4)."""
    return _mixed(_plain(x))


def read_checksums(text: str) -> npt.NDArray[np.uint16]:
    """The checksums, uint16[F], that ``digested`` wrote as text."""
    return np.frombuffer(base64.b64decode(text), "<u2")


def digested(X: Matrix) -> tuple[list[str], list[str | None]]:
    """What is kept of feature rows, float32[m, F]: the hash of each, and of ``WITH_CHECKSUMS`` of them the checksums, as text."""
    plain = _plain(X)
    digests = _digests(plain)
    checksums: list[str | None] = [None] * len(digests)
    chosen = [row for row, digest in enumerate(digests) if digest < _CHOSEN_BELOW]
    for row, kept in zip(chosen, _mixed(plain[chosen]).astype("<u2"), strict=True) if chosen else ():
        checksums[row] = base64.b64encode(kept).decode()
    return [digest.hex() for digest in digests], checksums


def _plain(x: Matrix) -> Matrix:
    """One pattern of bits for every NaN."""
    return np.where(np.isnan(x), np.float32(np.nan), np.ascontiguousarray(x, np.float32))


def _digests(plain: Matrix) -> list[bytes]:
    """8 bytes for each row, float32[m, F]."""
    rows = memoryview(plain.tobytes())
    width = plain.shape[1] * plain.itemsize
    return [hashlib.blake2b(rows[low : low + width], digest_size=8).digest() for low in range(0, len(rows), width)]


def _mixed(plain: Matrix) -> npt.NDArray[np.uint16]:
    mixed = plain.view(np.uint32) * np.uint32(0x9E3779B1)
    return ((mixed ^ (mixed >> np.uint32(15))) * np.uint32(0x85EBCA6B) >> np.uint32(16)).astype(np.uint16)
