"""Where the machine code of the kernel, and of what reads rows, is kept, and how it is loaded.

Numba compiles it once, in a process of its own (``features.native.compiling``), for any processor of this machine's make. It is kept beside
Python's own compiled files, or in the user's cache where those cannot be written. A linker makes a library of it; where there is none, LLVM
links it in memory, which takes 50 MB more.

An object file bears in its name all that it depends on, so that another source or another release of a library never takes up an old one.
It is written beside its place and takes it by a rename; of several processes that begin at once one compiles, and the others wait for it.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from features.contract import LeadheatError

_SOURCES = (
    "contract.py",
    "kernel.py",
    "kernel_columns.py",
    "plan.py",
    "native/arrays.py",
    "native/block.py",
    "native/calling.py",
    "native/capi.py",
    "native/compiling.py",
    "native/entry.py",
    "native/nearing.py",
    "native/reading.py",
    "native/rows.py",
)
_LIBRARIES = ("llvmlite", "numba", "numpy")
_ROOT = Path(__file__).resolve().parents[2]

_LOADING = Lock()
_AddressOf = Callable[[str], int]


def address(symbol: str) -> int:
    """Where a function of the machine code begins in this process; the first call may compile it, which takes fifteen seconds.

    Raises:
        LeadheatError: it cannot be compiled.
    """
    with _LOADING:  # threads that begin at once compile but once
        return _loaded()(symbol)


@cache
def _loaded() -> _AddressOf:
    name = f"kernel-{key()}.o"
    for place in places():
        if (place / name).exists():
            return _load(place / name)
    with TemporaryDirectory(prefix="leadheat-") as scratch:
        for place in (*places(), Path(scratch)):
            with suppress(OSError):
                return _load(_compile(place / name))
    raise LeadheatError(f"The kernel's machine code cannot be written to {scratch}.", "Make room there, or name another place in TMPDIR.")


def places() -> Iterator[Path]:
    """The folders to keep it in, the best first."""
    yield _ROOT / "features" / "__pycache__"
    with suppress(RuntimeError):  # no home is known
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "leadheat"


def key() -> str:
    """What tells apart the code of other sources, libraries, and machines."""
    told = [sysconfig.get_platform(), sys.implementation.cache_tag, *(f"{name} {version(name)}" for name in _LIBRARIES)]
    digest = hashlib.sha256("\n".join(told).encode())
    for name in _SOURCES:
        digest.update(files("features").joinpath(name).read_bytes())
    return digest.hexdigest()[:16]


def _compile(place: Path) -> Path:
    """Have Numba write the object file: in another process, for what it takes is never given back.

    Raises:
        OSError: nothing can be written there.
        LeadheatError: Numba cannot compile it.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with _alone(place.parent), TemporaryDirectory(dir=place.parent) as scratch:
        if place.exists():
            return place
        made = Path(scratch) / place.name
        paths = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        command = [sys.executable, "-m", "features.native.compiling", str(made)]
        done = subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False)  # noqa: S603 - Python itself
        if done.returncode:
            why = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
            raise LeadheatError(f"The kernel cannot be compiled: {why}", "Install what requirements.lock names.")
        made.replace(place)
    return place


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder for this process, where its file system has locks."""
    held = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _load(place: Path) -> _AddressOf:
    path = place.with_suffix(".so")
    with suppress(OSError):
        if path.exists() or _link(place, path):
            library = ctypes.CDLL(str(path))
            return lambda symbol: ctypes.cast(library[symbol], ctypes.c_void_p).value or 0
    return _link_in_memory(place)


def _link(place: Path, library: Path) -> bool:
    """Make a library of an object file, where there is a compiler that has a linker do it.

    Raises:
        OSError: nothing can be written there.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        return False
    with TemporaryDirectory(dir=place.parent) as scratch:
        made = Path(scratch) / library.name
        linked = subprocess.run([compiler, "-shared", "-o", str(made), str(place), "-lm"], capture_output=True, check=False)  # noqa: S603
        if linked.returncode == 0:
            made.replace(library)
    return linked.returncode == 0


def _link_in_memory(place: Path) -> _AddressOf:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), llvm.Target.from_default_triple().create_target_machine())
    engine.add_object_file(llvm.ObjectFileRef.from_path(str(place)))
    engine.finalize_object()
    return lambda symbol: int(engine.get_function_address(symbol))
