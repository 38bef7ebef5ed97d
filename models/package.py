"""A model folder wrapped as MLflow keeps it: with the code that loads it, its signature, an example and its requirements."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, Schema

import features
import models
from models.tracking import SCORER

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns of its own type hints while it is imported
    import mlflow.pyfunc

REQUIREMENTS = ("mlflow", "numpy", "numba", "lightgbm", "pyarrow", "pandas", "pydantic")

DETAILS = "details"
"""The column of a prediction that holds the whole Score as JSON."""
OUTPUTS = {"lead_id": "string", "probability": "double", "score": "double", "temperature": "string", DETAILS: "string"}
"""The columns of a prediction and their MLflow types."""

SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec("string", "lead")]),
    outputs=Schema([ColSpec(kind, name) for name, kind in OUTPUTS.items()]),
)


def wrap(folder: Path, place: Path, model: Model, example: Mapping[str, Any]) -> None:
    """Write the model folder ``folder`` to ``place`` as an MLflow model.

    The code of ``features`` and ``models`` goes along, so that it loads where leadheat is not installed. Saving runs nothing: a
    model that is logged is not tried on its example first, which would cost seconds.

    Args:
        folder: what ``LeadScorer.save`` wrote.
        place: a path where nothing is yet.
        model: the MLflow model it is to become, with its ids.
        example: a body of ``POST /score``.
    """
    packages = [str(Path(package.__path__[0])) for package in (features, models)]
    mlflow.pyfunc.save_model(
        path=str(place),
        python_model=str(Path(__file__).with_name("pyfunc.py")),
        artifacts={SCORER: str(folder)},
        code_paths=packages,
        signature=SIGNATURE,
        input_example=pd.DataFrame({"lead": [json.dumps(example)]}),
        pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
        mlflow_model=model,
    )
