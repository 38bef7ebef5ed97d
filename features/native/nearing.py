"""Memory that is brought near to the processor before it is read or written."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numba.np import arrayobj

_READ, _KEEP, _DATA = 0, 3, 1


def _bring_near(typing: Any, array: Any, place: Any) -> Any:  # noqa: ARG001 - Numba's signature
    """Ask for an item of an array of one dimension, in C order, without waiting for it (LLVM's ``prefetch``); the place may be any."""

    def code(context: Any, builder: Any, _: Any, given: Any) -> Any:
        data = arrayobj.make_array(array)(context, builder, given[0]).data
        address = builder.bitcast(builder.gep(data, [given[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        ask = builder.module.declare_intrinsic("llvm.prefetch", [address.type], kind)
        builder.call(ask, [address, *(ir.Constant(number, told) for told in (_READ, _KEEP, _DATA))])
        return context.get_dummy_value()

    return types.void(array, types.intp), code


bring_near: Any = intrinsic(_bring_near)
