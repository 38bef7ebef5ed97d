"""One training as an MLflow run: its settings, figures, plots and files, and the version that comes out of it."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mlflow.entities import LoggedModel, LoggedModelOutput, Metric, Param, RunTag
from mlflow.models import Model
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from models import home
from models.package import wrap
from models.tracking import MODEL, SCORER, Client

_PER_CALL = 100
_PARAM_LENGTH = 6000
_NOT_IN_NAMES = re.compile(r"[^\w.\- :/]")


class TrainingRun:
    """Logs to one MLflow run; ``Registry.run`` opens and closes it.

    Args:
        client: of the tracking store.
        experiment_id: where runs nested in this one belong.
        run_id: the run.
    """

    def __init__(self, client: Client, experiment_id: str, run_id: str) -> None:
        self.run_id = run_id
        self._client = client
        self._experiment_id = experiment_id

    @contextmanager
    def child(self, name: str) -> Iterator[TrainingRun]:
        """A run nested in this one; it ends as finished, or as failed when the block raises."""
        run_id = self._client.create_run(self._experiment_id, run_name=name, tags={MLFLOW_PARENT_RUN_ID: self.run_id}).info.run_id
        status = "FAILED"
        try:
            yield TrainingRun(self._client, self._experiment_id, run_id)
            status = "FINISHED"
        finally:
            self._client.set_terminated(run_id, status)

    def log_settings(self, settings: Mapping[str, Any]) -> None:
        """Settings as parameters, flattened with dots (``snapshots.horizon``), and as they are in ``settings.json``."""
        self.log_params(settings)
        self.log_json("settings.json", settings)

    def log_params(self, settings: Mapping[str, Any]) -> None:
        """Parameters, flattened with dots."""
        params = [Param(_name(name), str(value)[:_PARAM_LENGTH]) for name, value in flatten(settings, ".") if value is not None]
        for start in range(0, len(params), _PER_CALL):
            self._client.log_batch(self.run_id, params=params[start : start + _PER_CALL])

    def log_tags(self, tags: Mapping[str, str]) -> None:
        """Tags, such as the fingerprints of data and model."""
        self._client.log_batch(self.run_id, tags=[RunTag(name, value) for name, value in tags.items()])

    def log_figures(self, figures: Mapping[str, Any]) -> None:
        """Numbers as metrics, flattened with slashes; an interval ``[low, high]`` becomes ``.../low`` and ``.../high``.

        Example: ``{"test": {"auc": 0.81, "intervals": {"auc": [0.80, 0.83]}}}`` gives ``test/auc``, ``test/intervals/auc/low`` ...
        """
        now = int(time.time() * 1000)
        numbers = [(name, value) for name, value in flatten(figures, "/") if isinstance(value, int | float)]
        self._client.log_batch(self.run_id, metrics=[Metric(_name(name), float(value), now, 0) for name, value in numbers])

    def log_text(self, file: str, text: str) -> None:
        """A file of text among the run's artifacts."""
        self._client.log_text(self.run_id, text, file)

    def log_json(self, file: str, content: Mapping[str, Any]) -> None:
        """A file of JSON among the run's artifacts."""
        self.log_text(file, json.dumps(content, indent=2, ensure_ascii=False))

    def log_file(self, file: Path, folder: str | None = None) -> None:
        """A file among the run's artifacts, under its own name, in a folder of theirs if one is named."""
        self._client.log_artifact(self.run_id, str(file), folder)

    def place_of(self, file: str) -> str:
        """Where one of the run's artifacts lies: a path, or the address of what lies elsewhere."""
        folder = str(self._client.get_run(self.run_id).info.artifact_uri)
        return f"{unquote(folder.removeprefix('file://'))}/{file}" if folder.startswith("file://") else f"{folder}/{file}"

    def log_model(
        self,
        folder: Path,
        fingerprint: str,
        example: Mapping[str, Any],
        figures: Mapping[str, Any],
        gates: Sequence[Mapping[str, Any]],
        champion: str | None = None,
    ) -> str:
        """Keep a model folder, register it as a new version and make that the challenger.

        The version is registered last and with all that is known of it, so an interrupted training leaves none that is half there.

        Args:
            folder: what ``LeadScorer.save`` wrote.
            fingerprint: the scorer's.
            example: a body of ``POST /score``, shown to users of the model.
            figures: what ``Registry.versions`` shall tell, JSON-ready.
            gates: the verdicts of the gates, JSON-ready.
            champion: the version that the gates compared with, empty where there was none; None where that is not known.

        Returns:
            The version's number.
        """
        model = self._keep(folder, example)
        entry = self._client.create_model_version(
            MODEL,
            source=f"models:/{model.model_id}",
            run_id=self.run_id,
            model_id=model.model_id,
            tags={
                "fingerprint": fingerprint,
                "digest": home.digest(folder),
                "figures": json.dumps(figures),
                "gates": json.dumps(list(gates)),
            }
            | ({} if champion is None else {"judged_against": champion}),
        )
        self._client.set_registered_model_alias(MODEL, "challenger", str(entry.version))
        return str(entry.version)

    def _keep(self, folder: Path, example: Mapping[str, Any]) -> LoggedModel:
        """The folder as a logged model of this run."""
        model: LoggedModel = self._client.create_logged_model(self._experiment_id, name=MODEL, source_run_id=self.run_id)
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch) / "model"
            entry = Model(artifact_path=model.artifact_location, run_id=self.run_id, model_id=model.model_id, model_uuid=model.model_id)
            named = shutil.copytree(folder, Path(scratch) / SCORER)  # MLflow keeps the folder's own name
            wrap(named, place, entry, example)
            self._client.log_model_artifacts(model.model_id, str(place))
        self._client.log_outputs(self.run_id, [LoggedModelOutput(model.model_id, step=0)])
        self._client.finalize_logged_model(model.model_id, "READY")
        return model


def flatten(values: Mapping[str, Any], separator: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings with their joined names; a pair of numbers gives ``low`` and ``high``."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from flatten(value, separator, f"{name}{separator}")
        elif _is_interval(value):
            yield from ((f"{name}{separator}low", value[0]), (f"{name}{separator}high", value[1]))
        else:
            yield name, value


def _is_interval(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(end, int | float) for end in value)


def _name(name: str) -> str:
    """A name that MLflow takes, of at most 250 letters."""
    return _NOT_IN_NAMES.sub("_", name)[:250]
