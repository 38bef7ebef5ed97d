"""Processes that begin with the libraries loaded: importing them anew takes seconds, and is what hardly any test is about.

Nothing of leadheat itself is loaded before a process begins, but for ``models``, which says how threads wait before others load.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Mapping
from multiprocessing.process import BaseProcess
from typing import Any

_LIBRARIES = [
    "models",
    "duckdb",
    "lightgbm",
    "matplotlib.figure",
    "mlflow.pyfunc",
    "numba",
    "pydantic",
    "rich.console",
    "scipy.stats",
    "sqlalchemy",
]
_STORES = ["mlflow.store.tracking.sqlalchemy_store", "mlflow.store.model_registry.sqlalchemy_store"]

_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(_LIBRARIES + _STORES)


def begin(target: Callable[..., Any], *args: Any, environment: Mapping[str, str] | None = None) -> BaseProcess:
    """Call ``target`` in a process of its own that has this environment, by default that of this process as it is now."""
    process = _FORKED.Process(target=_begin, args=(dict(environment or os.environ), target, args))
    process.start()
    return process


def _begin(environment: dict[str, str], target: Callable[..., Any], args: tuple[Any, ...]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    target(*args)
