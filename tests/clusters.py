"""Spark in tests: a session of this process, or a skip where Spark or Java is not installed."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.conftest import missing

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def need_spark() -> None:
    """Skip where there is no Spark."""
    if importlib.util.find_spec("pyspark") is None:
        missing("Spark", "make spark")
    if shutil.which("java") is None:
        missing("Java", "apt-get install default-jre-headless")


@contextmanager
def local_session() -> Iterator[SparkSession]:
    """Two threads of this process's own Java."""
    need_spark()
    from features.spark.session import session

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASTER", "local[2]")
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("PYSPARK_SUBMIT_ARGS", "--conf spark.sql.session.timeZone=America/Sao_Paulo pyspark-shell")
        with session() as spark:
            yield spark
