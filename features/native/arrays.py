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

from features.native.block import block

WORD = 8
HEAD, _ITEMS = object.__basicsize__ // WORD, tuple.__basicsize__ // WORD
_DATA, _DIMENSIONS, _SHAPE, _DESCRIPTION, _FLAGS = HEAD, HEAD + 1, HEAD + 2, HEAD + 5, HEAD + 6
_KIND = HEAD + 1  # of a description
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


def _reads(first: int, dtype: Any) -> Any:
    """A function of an address and a number: what lies there, so many times 8 bytes after the first."""

    def typed(typing: Any, address: Any, number: Any) -> Any:  # noqa: ARG001 - Numba's signature
        def code(context: Any, builder: Any, _: Any, given: Any) -> Any:
            place = builder.add(given[1], context.get_constant(types.int64, first))
            place = builder.add(given[0], builder.mul(place, context.get_constant(types.int64, WORD)))
            return builder.load(builder.inttoptr(place, context.get_value_type(dtype).as_pointer()))

        return dtype(types.int64, types.int64), code

    return intrinsic(typed)


# No blocks: to inline what is called so often would take Numba far longer.
word, item = _reads(0, types.int64), _reads(_ITEMS, types.int64)
"""A word that lies at an address; the address of an item of a tuple."""
real = _reads(0, types.float64)
"""A float64 that lies at an address."""


@block
def is_array(given: int, kind: int, dimensions: int) -> bool:
    """Whether an array is of this kind (``kind_of``), has so many dimensions, and lies in C order."""
    as_told = word(given, _DIMENSIONS) & _LOW == dimensions and word(word(given, _DESCRIPTION), _KIND) & _KIND_MASK == kind
    return as_told and word(given, _FLAGS) & _CONTIGUOUS_AND_ALIGNED == _CONTIGUOUS_AND_ALIGNED


@block
def vector(given: int, dtype: Any) -> np.ndarray:
    """NumPy's array of one dimension."""
    return array_at(word(given, _DATA), (word(word(given, _SHAPE), 0),), dtype)


@block
def matrix(given: int, dtype: Any) -> np.ndarray:
    """NumPy's array of two dimensions."""
    shape = word(given, _SHAPE)
    return array_at(word(given, _DATA), (word(shape, 0), word(shape, 1)), dtype)


@block
def take(words: np.ndarray, at: int, shape: tuple[int, ...], dtype: Any) -> tuple[np.ndarray, int]:
    """An array in some memory, int64[...], from a word on; and the word after it, which may lie outside."""
    array: np.ndarray = array_at(words.ctypes.data + WORD * at, shape, dtype)
    return array, at + (array.nbytes + WORD - 1) // WORD
