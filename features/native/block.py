"""What the functions of the machine code are made of."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

block = numba.njit(nogil=True, error_model="numpy", inline="always")
"""A function that is inlined wherever it is called: to hand arrays over takes longer than what many a block does."""
at: Any = np.uintp
"""A place in an array, without a sign: NumPy counts negative places from the end, and to look for them costs a tenth of the time."""
