"""The connection to MLflow: where it is, made ready once, quiet, with errors in words.

MLflow is imported here and in ``package``, ``run`` and ``pyfunc`` only, and they are imported when a command needs the registry.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from features.contract import ModelError
from models.home import locked

SQLITE = "sqlite:///"
MODEL = "leadheat"
"""The name of the registered model."""
SCORER = "scorer"
"""The model folder's name among the artifacts of a version."""

if "MLFLOW_LOGGING_LEVEL" not in os.environ:
    logging.getLogger("mlflow").setLevel(logging.ERROR)


def tracking_uri() -> str:
    """``MLFLOW_TRACKING_URI``, or ``leadheat.db`` in the current folder; paths of SQLite are made absolute."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}leadheat.db"
    return SQLITE + str(Path(uri.removeprefix(SQLITE)).absolute()) if uri.startswith(SQLITE) else uri


class Client:
    """An ``MlflowClient`` of one store; it takes the same calls, and what goes wrong is said in words.

    Args:
        uri: of the store; a database of SQLite is made where there is none.

    Raises:
        ModelError: from every call, when the store cannot be reached or refuses.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        with in_words(uri):
            if uri.startswith(SQLITE):
                _make_ready(uri, Path(uri.removeprefix(SQLITE)))
            self._client = MlflowClient(tracking_uri=uri, registry_uri=uri)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(*args: Any, **options: Any) -> Any:
            mlflow.set_tracking_uri(self.uri)  # a few lookups inside MLflow go to the global address
            with in_words(self.uri):
                return method(*args, **options)

        return call

    def experiment(self, name: str) -> str:
        """The id of an experiment, which is made when it is not there."""
        known = self.get_experiment_by_name(name)
        return str(known.experiment_id if known else self.create_experiment(name, artifact_location=artifact_location(self.uri)))

    def download(self, artifact: str, into: Path) -> Path:
        """Bring an artifact, a file or a folder, into a folder; returns where it lies."""
        with in_words(self.uri):
            return Path(mlflow.artifacts.download_artifacts(artifact, dst_path=str(into), tracking_uri=self.uri))


def artifact_location(uri: str) -> str | None:
    """Where an embedded database keeps its files: in a folder beside it. A server decides for itself."""
    if not uri.startswith(SQLITE):
        return None
    database = Path(uri.removeprefix(SQLITE))
    return database.with_name(f"{database.stem}-artifacts").as_uri()


def _make_ready(uri: str, database: Path) -> None:
    """Create the tables once, one process at a time; what a killed process left half made is made anew."""
    unfinished = database.with_name(f"{database.name}.unfinished")
    with locked(database.with_name(f"{database.name}.lock")):
        if unfinished.exists():
            for part in ("", "-wal", "-shm", "-journal"):
                database.with_name(database.name + part).unlink(missing_ok=True)
        fresh = not database.exists()
        if fresh:
            unfinished.touch()
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        if fresh:
            MlflowClient(tracking_uri=uri, registry_uri=uri).search_experiments(max_results=1)
            unfinished.unlink()


@contextmanager
def in_words(uri: str) -> Iterator[None]:
    """Turn what MLflow and its stores raise into a ``ModelError`` that says where and what to do."""
    try:
        yield
    except MlflowException as error:
        reason = str(error).strip().partition("\n")[0]
        raise ModelError(_without_password(f"The model registry at {uri} does not answer as it should: {reason}"), _hint(reason)) from error
    except (sqlite3.Error, OSError) as error:
        message = f"The model registry at {uri} cannot be opened: {error}"
        raise ModelError(_without_password(message), "MLFLOW_TRACKING_URI says where it is.") from error


def _without_password(text: str) -> str:
    return re.sub(r"://[^/\s@]*@", "://", text)


def _hint(reason: str) -> str:
    if "schema" in reason:
        return "It was made by another version of MLflow: back it up and run `mlflow db upgrade` on it."
    return "MLFLOW_TRACKING_URI says where it is; is the server up?"
