"""LightGBM's fastest call for one row: all that can be made ready is, once, and each call hands over an address."""

from __future__ import annotations

import ctypes
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from lightgbm import Booster

FEW = 64
"""Rows that are asked about one by one sooner than together: those of 32 leads, each as it is now and as it was a week ago."""
_RAW_SCORE, _FLOAT32 = 1, 0


class SingleRow:
    """The margins of few rows, one by one, to the bit what ``Booster.predict`` says; a lone row in a quarter of its time.

    LightGBM's Python package wraps no such call, so it is the C API in the library that the package has loaded
    (LGBM_BoosterPredictForMatSingleRowFast in its c_api.h).

    Args:
        booster: the model; it lives at least as long as this.
    """

    def __init__(self, booster: Booster) -> None:
        import lightgbm

        library: Any = lightgbm.basic._LIB  # type: ignore[attr-defined]  # noqa: SLF001
        handle: Any = booster._handle  # noqa: SLF001
        self._booster = booster  # lives as long as its handle is used
        self._width = booster.num_feature()
        self._ready, self._length, self._margin = ctypes.c_void_p(), ctypes.c_int64(), ctypes.c_double()
        width, options, ready = ctypes.c_int32(self._width), ctypes.c_char_p(b"num_threads=1"), ctypes.byref(self._ready)
        lightgbm.basic._safe_call(  # noqa: SLF001
            library.LGBM_BoosterPredictForMatSingleRowFastInit(handle, _RAW_SCORE, 0, -1, _FLOAT32, width, options, ready)
        )
        self._call, self._free = library.LGBM_BoosterPredictForMatSingleRowFast, library.LGBM_FastConfigFree
        self._told, self._result = ctypes.byref(self._length), ctypes.byref(self._margin)
        self._lock = Lock()

    def __del__(self) -> None:
        if getattr(self, "_ready", None):
            self._free(self._ready)

    def takes(self, X: npt.NDArray[np.float32]) -> bool:
        """Whether it can be asked about these rows: they are few, and lie as the kernel writes them."""
        return len(X) <= FEW and X.shape[1] == self._width and X.dtype == np.float32 and X.flags.c_contiguous

    def __call__(self, X: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """The raw log-odds, float64[m], of the rows of X, float32[m, F]."""
        margins, address = np.empty(len(X)), X.ctypes.data
        with self._lock:
            for row in range(len(X)):
                if self._call(self._ready, ctypes.c_void_p(address + row * X.strides[0]), self._told, self._result):
                    raise RuntimeError("LightGBM cannot score a row")
                margins[row] = self._margin.value
        return margins
