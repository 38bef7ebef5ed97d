"""The kernel as machine code (``features.native.objects``), called without Numba."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from features.native import objects
from features.plan import Events, Plan


class Array(NamedTuple):
    """An array in C order that the machine code is lent."""

    name: str
    dtype: type[np.generic]
    dimensions: int = 1


GIVEN = (
    Array("start", np.int64),
    Array("occurred_at", np.int64),
    Array("known_at", np.int64),
    Array("type", np.int32),
    Array("direction", np.int8),
    Array("numeric", np.float64, 2),
    Array("categorical", np.int32, 2),
    Array("created_at", np.int64),
    Array("lead_numeric", np.float64, 2),
    Array("lead_categorical", np.int32, 2),
    Array("lead", np.int64),
    Array("as_of", np.int64),
    Array("order", np.int64),
    Array("out", np.float32, 2),
)
"""The events, as of ``Events``, and what is asked."""
_ROOM = 8192
"""Words of memory that most leads do with."""


def fill(plan: Plan, events: Events, lead: np.ndarray, as_of: np.ndarray, order: np.ndarray, out: np.ndarray) -> None:
    """Write the features of snapshots (lead int64[m], as_of int64[m]) into ``out`` float32[m, F], in the order int64[k].

    Any order gives the same numbers; by lead, then by moment, each lead is swept but once. Threads may call it at the same time.

    Raises:
        TypeError: an array is not of the dtype, or does not lie, as ``GIVEN`` says.
    """
    call, told, given = code(), ctypes.c_int64(), (*events, lead, as_of, order, out)
    call(ctypes.byref(told), None, plan, *plan[-4:], given, np.empty(_ROOM, np.int64))
    if told.value > 0:
        call(ctypes.byref(told), None, plan, *plan[-4:], given, np.empty(told.value, np.int64))
    if told.value < 0:
        (name, dtype, dimensions), found = GIVEN[-1 - told.value], given[-1 - told.value]
        asked = f"{dtype.__name__} in {dimensions} dimensions and C order"
        raise TypeError(f"{name} is {found.dtype} in {found.ndim} dimensions, and must be {asked}.")


@cache
def code() -> Callable[..., object]:
    """The function of ``features.native.entry``, called without the interpreter's lock.

    Before its arguments it takes where to write its result, and where an error, of which there is none: so Numba's functions are called.

    Raises:
        LeadheatError: it cannot be compiled.
    """
    one, number, place = ctypes.py_object, ctypes.c_int64, ctypes.c_void_p
    return ctypes.CFUNCTYPE(ctypes.c_int32, place, place, one, number, number, number, number, one, one)(objects.address("leadheat_fill"))
