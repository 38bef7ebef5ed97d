"""Python's objects as machine code meets them: their type, what lists hold, and the few functions of CPython that it calls.

An object is its address, an int64, and only lent (a borrowed reference) where nothing else is said; 0 is no object. Who calls a function of
CPython holds the interpreter's lock.
"""

from __future__ import annotations

from typing import Any

from numba.core import types

from features.native.arrays import HEAD, real, word
from features.native.block import block

_TYPE, _LENGTH, _LISTED, _FLOAT = HEAD - 1, HEAD, HEAD + 1, HEAD


def _function(name: str, gives: Any, takes: int = 0) -> Any:
    """A function of CPython's, of so many objects or numbers of 64 bits."""
    return types.ExternalFunction(name, gives(*[types.int64] * takes))


dict_get = _function("PyDict_GetItem", types.int64, 2)
"""The value of a key, or 0."""
dict_size = _function("PyDict_Size", types.int64, 1)
item_of = _function("PyObject_GetItem", types.int64, 2)
"""What a mapping holds, or makes, of a key, which has to be released; 0 where it raised."""
set_add = _function("PySet_Add", types.int32, 2)
"""-1 where the value cannot be hashed."""
set_clear = _function("PySet_Clear", types.int32, 1)
set_size = _function("PySet_Size", types.int64, 1)
text_length = _function("PyUnicode_GetLength", types.int64, 1)
to_int64 = _function("PyLong_AsLongLong", types.int64, 1)
"""-1 where it is no whole number or too large, which ``raised`` says."""
to_float64 = _function("PyFloat_AsDouble", types.float64, 1)
call = _function("PyObject_CallOneArg", types.int64, 2)
"""What a function returns, which has to be released; 0 where it raised."""
release = _function("Py_DecRef", types.void, 1)
raised = _function("PyErr_Occurred", types.int64)
"""0 where no error is to be raised."""


@block
def type_of(given: int) -> int:
    """The address of an object's type."""
    return word(given, _TYPE)


@block
def length(given: int) -> int:
    """Of a tuple or a list."""
    return word(given, _LENGTH)


@block
def entry(given: int, number: int) -> int:
    """The address of what a list holds there."""
    return word(word(given, _LISTED), number)


@block
def float_of(given: int) -> float:
    """The number that a float, and no subclass of it, holds."""
    return real(given, _FLOAT)
