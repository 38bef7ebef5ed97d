"""``python -m features.native.compiling FILE``: the kernel as an object file, by Numba."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from numba.core.compiler import Flags, compile_extra
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

from features.native import entry, rows

FUNCTIONS = {
    "leadheat_fill": (entry.fill, entry.ARGUMENTS, entry.RETURNS),
    "leadheat_take": (rows.take, rows.TAKES, rows.RETURNS),
}
"""By the names under which they are found."""


@global_compiler_lock
def compiled() -> bytes:
    """The object file: position-independent code for any processor of this make, which needs the C library and CPython.

    It is compiled without Numba's run time. To count references to so many arrays at each snapshot would take as long as the arithmetic.
    """
    flags: Any = Flags()
    flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    flags.error_model, flags.nrt = "numpy", False
    target = cpu_target.target_context.with_aot_codegen("leadheat")
    library = target.codegen().create_library("leadheat")
    for symbol, (function, arguments, returns) in FUNCTIONS.items():
        result = compile_extra(cpu_target.typing_context, target, function, arguments, returns, flags, {}, library=library)
        library.get_function(result.fndesc.llvm_func_name).name = symbol
    library.finalize()
    return bytes(library.emit_native_object())


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(compiled())
