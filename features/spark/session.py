"""A Spark session as Spark's own configuration says, its workers' code, and its errors in words."""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING
from uuid import uuid4

import pyarrow as pa

from features.contract import DataError, LeadheatError, ModelError, SettingsError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Task = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]

_ERRORS = {error.__name__: error for error in (LeadheatError, DataError, ModelError, SettingsError)}
_LONGEST = 500
_MARK = "leadheat says: "
_DEFAULTS = {"spark.app.name": "leadheat", "spark.ui.enabled": "false", "spark.log.level": "FATAL"}
_LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
_shipped: set[tuple[str, Path]] = set()
"""What the workers of which application have."""
_INSTALL = "pip install 'leadheat[spark]', and a Java runtime of version 17 or later (apt-get install default-jre-headless)."


def need_spark() -> None:
    """Nothing, where Spark is installed.

    Raises:
        LeadheatError: it is not.
    """
    if importlib.util.find_spec("pyspark") is None:
        raise LeadheatError("Spark is not installed.", _INSTALL)


@contextmanager
def session() -> Iterator[SparkSession]:
    """The session that runs, or one that is started for the block.

    The cluster is what Spark is told by its own means: ``spark-defaults.conf`` in ``SPARK_CONF_DIR``, ``MASTER`` and
    ``PYSPARK_SUBMIT_ARGS``; without them, all processors of this machine.

    Raises:
        LeadheatError: Java is not installed, or the cluster cannot be reached.
    """
    from pyspark.sql import SparkSession

    if (active := SparkSession.getActiveSession()) is not None:
        yield active
        return
    with readable():
        started = _started()
    try:
        yield started
    finally:
        started.stop()


def _started() -> SparkSession:
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    try:
        SparkContext._ensure_initialized()  # noqa: SLF001 - only then does a SparkConf know what spark-defaults.conf and the shell say
    except (PySparkRuntimeError, OSError) as error:
        raise LeadheatError("Spark cannot be started: there is no Java runtime.", _INSTALL) from error
    conf = SparkConf()
    if conf.get("spark.master") == "local[*]":
        conf.set("spark.master", "local[*, 4]")  # a task is tried again, as on a cluster
    conf.set("spark.ui.showConsoleProgress", str(sys.stderr.isatty()).lower())  # which pyspark itself turns on
    os.environ.setdefault("PYSPARK_PYTHON", conf.get("spark.pyspark.python") or sys.executable)
    for name, value in (_DEFAULTS | (_LOOPBACK if _is_local(conf.get("spark.master")) else {})).items():
        conf.setIfMissing(name, value)
    return SparkSession.builder.config(conf=conf).getOrCreate()


def _is_local(master: str | None) -> bool:
    return master is None or master.startswith("local")


def ship(spark: SparkSession, *packages: ModuleType) -> None:
    """Give the workers' Python these packages as they are here; what is installed here is installed there too."""
    context = spark.sparkContext
    places = {Path(package.__path__[0]) for package in packages}
    root = next(iter(places)).parent
    if root.name == "site-packages":
        return
    if _is_local(context.master):
        context.environment["PYTHONPATH"] = str(root)
        return
    for place in sorted(places, key=lambda one: one.name):
        if (context.applicationId, place) not in _shipped:
            context.addPyFile(_zipped(place))
            _shipped.add((context.applicationId, place))


def _zipped(package: Path) -> str:
    folder = tempfile.mkdtemp(prefix="leadheat-code-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return shutil.make_archive(f"{folder}/{package.name}", "zip", package.parent, package.name)


def told(task: Task) -> Task:
    """A task whose LeadheatErrors arrive as such where ``readable`` waits for them.

    What is raised instead, on the worker, is a RuntimeError that holds the words: Spark hands no more than text back. Each task is one of
    its own: what Spark keeps of an equal task it would take for this one's, though files may have changed since.
    """
    unlike = f"task {uuid4()}"

    def telling(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:  # Spark goes by this signature
        try:
            yield from task(batches)
        except LeadheatError as error:
            error.add_note(unlike)
            raise RuntimeError(_MARK + json.dumps([type(error).__name__, error.message, error.hint])) from error

    return telling


@contextmanager
def readable() -> Iterator[None]:
    """Errors of Spark in words.

    Raises:
        LeadheatError: a task or the cluster failed; as the task raised it where it raised one.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JError, PySparkException) as error:
        raise _translated(str(error)) from error


def _translated(text: str) -> LeadheatError:
    if (found := re.search(re.escape(_MARK) + r"(\[.*\])$", text, re.MULTILINE)) is not None:
        kind, message, hint = json.loads(found[1])
        return _ERRORS.get(kind, LeadheatError)(message, hint)
    missing = re.search(r"ModuleNotFoundError: No module named '([\w.]+)'", text)
    if missing is not None:
        hint = "The Python of the workers (PYSPARK_PYTHON) needs the libraries of leadheat; install it there."
        return LeadheatError(f"The workers lack {missing[1]}.", hint)
    raised = re.findall(r"^:?\s*([\w.]*(?:Error|Exception): .*)$", text, re.MULTILINE)
    words = str(raised[-1] if raised else text.strip().partition("\n")[0])[:_LONGEST]
    return LeadheatError(f"Spark could not do it: {words}.", "With spark.log.level=WARN in spark-defaults.conf Spark tells more.")
