"""Python's tuples and NumPy's arrays as machine code finds them in memory, and arrays in a stretch of memory.

To hand arrays over in Numba's own way takes Numba and LLVM, 100 MB, into each process that computes a feature. The few words that matter
lie where CPython and NumPy promise to extensions that they lie: PyTupleObject, and PyArrayObject_fields and _PyArray_Descr in
numpy/ndarraytypes.h. An address is an int64; nothing is counted, made or freed here, for all is only lent.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np import arrayobj

from features.kernel import block

WORD = 8
_HEAD, _ITEMS = object.__basicsize__ // WORD, tuple.__basicsize__ // WORD
_DATA, _DIMENSIONS, _SHAPE, _DESCRIPTION, _FLAGS = _HEAD, _HEAD + 1, _HEAD + 2, _HEAD + 5, _HEAD + 6
_KIND = _HEAD + 1  # of a description
_LOW, _KIND_MASK, _CONTIGUOUS_AND_ALIGNED = 0xFFFFFFFF, 0x7FFFFFFF00FF0000, 0x101


def kind_of(dtype: type[np.generic]) -> int:
    """What the machine code compares: NumPy's number of the dtype, and the order of its bytes."""
    described = np.dtype(dtype)
    return described.num << 32 | ord(described.byteorder) << 16


def _array_at(typing: Any, address: Any, shape: Any, dtype: Any) -> Any:  # noqa: ARG001 - Numba's signature
    """The array in C order of this shape, a tuple, that lies at an address."""
    kind = types.Array(dtype.dtype, len(shape), "C")

    def code(context: Any, builder: Any, _: Any, given: Any) -> Any:
        array, lengths = arrayobj.make_array(kind)(context, builder), cgutils.unpack_tuple(builder, given[1])
        size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
        strides = [size]
        for length in lengths[:0:-1]:
            strides.insert(0, builder.mul(strides[0], length))
        data = builder.inttoptr(given[0], array.data.type)
        arrayobj.populate_array(array, data=data, shape=lengths, strides=strides, itemsize=size, meminfo=None)
        return array._getvalue()  # noqa: SLF001 - so Numba's own intrinsics end

    return kind(address, shape, dtype), code


array_at: Any = intrinsic(_array_at)


@block
def _word(address: int, number: int) -> int:
    return array_at(address, (number + 1,), np.int64)[number]


@block
def item(given: int, number: int) -> int:
    """The address of an item of a tuple."""
    return _word(given, _ITEMS + number)


@block
def is_array(given: int, kind: int, dimensions: int) -> bool:
    """Whether an array is of this kind (``kind_of``), has so many dimensions, and lies in C order."""
    as_told = _word(given, _DIMENSIONS) & _LOW == dimensions and _word(_word(given, _DESCRIPTION), _KIND) & _KIND_MASK == kind
    return as_told and _word(given, _FLAGS) & _CONTIGUOUS_AND_ALIGNED == _CONTIGUOUS_AND_ALIGNED


@block
def vector(given: int, dtype: Any) -> np.ndarray:
    """NumPy's array of one dimension."""
    return array_at(_word(given, _DATA), (_word(_word(given, _SHAPE), 0),), dtype)


@block
def matrix(given: int, dtype: Any) -> np.ndarray:
    """NumPy's array of two dimensions."""
    shape = _word(given, _SHAPE)
    return array_at(_word(given, _DATA), (_word(shape, 0), _word(shape, 1)), dtype)


@block
def take(words: np.ndarray, at: int, shape: tuple[int, ...], dtype: Any) -> tuple[np.ndarray, int]:
    """An array of numbers of 8 bytes in some memory, int64[...], from a word on; and the word after it, which may lie outside."""
    array: np.ndarray = array_at(words.ctypes.data + WORD * at, shape, dtype)
    return array, at + array.size
