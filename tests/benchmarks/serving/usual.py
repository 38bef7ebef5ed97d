"""What a good user would write instead: FastAPI on uvicorn with uvloop, pydantic, features by pandas, a scikit-learn pipeline.

The pipeline learns from the same snapshots of the same world; its features are counts of each type in the same four windows, the days since
the last interaction, and the lead's attributes. Called with the port to serve on, or with ``fit`` and the folder of the world.
"""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from features.compute import compute
from features.dataset import Dataset
from models.feature_set import fit_feature_set
from models.settings import read_settings
from tests.benchmarks.serving.constant import ANSWER
from tests.conftest import REPO
from training.split import split

WINDOW_DAYS = (1, 7, 30, 90)
SINCE = "days_since_last(all)"
TEXTS, NUMBERS = ["industry", "role", "country", "source"], ["employees"]
PIPELINE = "pipeline.pickle"


class Lead(BaseModel):
    """Of whom it asks."""

    lead_id: str
    created_at: datetime | None = None
    attributes: dict[str, Any] = {}


class Interaction(BaseModel):
    """What the lead did."""

    type: str
    occurred_at: datetime
    interaction_id: str | None = None
    direction: str | None = None
    attributes: dict[str, Any] = {}


class Request(BaseModel):
    """The body of ``POST /score``."""

    lead: Lead
    interactions: list[Interaction]
    as_of: datetime
    explain: bool = False


class Answer(BaseModel):
    """A probability, and nothing of bands, rules, stages or consent."""

    lead_id: str
    probability: float


def features_of(request: Request, types: list[str]) -> pd.DataFrame:
    """One row; counts are of ``[as_of - window, as_of)``."""
    rows = pd.DataFrame({"type": [one.type for one in request.interactions], "at": [one.occurred_at for one in request.interactions]})
    age = (request.as_of - rows["at"]).dt.total_seconds() / 86_400
    rows, age = rows[age > 0], age[age > 0]
    values: dict[str, Any] = {}
    for days in WINDOW_DAYS:
        counts = rows.loc[age <= days, "type"].value_counts().reindex(types, fill_value=0)
        values |= {f"{kind}, {days}d": count for kind, count in zip(types, counts, strict=True)}
    values[SINCE] = age.min()
    values |= {name: request.lead.attributes.get(name) for name in [*TEXTS, *NUMBERS]}
    return pd.DataFrame([values])


def app(pipeline: Pipeline, types: list[str]) -> FastAPI:
    """The application; its route is a plain function, which FastAPI runs in a thread of its own."""
    service = FastAPI()

    @service.post("/score")
    def score(request: Request) -> Answer:
        row = features_of(request, types)
        return Answer(lead_id=request.lead.lead_id, probability=float(pipeline.predict_proba(row)[0, 1]))

    return service


def training_frame(folder: Path) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    """The same features of all training snapshots of a world, from leadheat's matrix; their labels; the types that are counted."""
    source = read_settings(folder)
    data, settings = Dataset.read(source.settings.data, source.root), source.settings
    train = split(data, settings.snapshots, settings.model.calibration_share).train
    features = fit_feature_set(data.history, settings.scoring, int(train.as_of.max()), settings.data.exclude_types, settings.data.consent)
    types = [group.removeprefix("type:") for group in features.groups if group.startswith("type:")]
    X = compute(features, data.history, train.lead, train.as_of, 2)
    counts = {f"{kind}, {days}d": f"count(type:{kind}, {days}d)" for days in WINDOW_DAYS for kind in types}
    frame = pd.DataFrame({name: X[:, features.column(ours)] for name, ours in [*counts.items(), (SINCE, SINCE)]})
    leads = pd.read_parquet(folder / "leads.parquet").set_index("lead_id").loc[data.history.lead_ids.take(train.lead).to_pylist()]
    return frame.assign(**{name: leads[name].to_numpy() for name in [*TEXTS, *NUMBERS]}), train.label, types


def fit(folder: Path) -> None:
    """Learn the pipeline of ``folder / "world"``."""
    frame, label, types = training_frame(folder / "world")
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    columns = make_column_transformer((codes, TEXTS), remainder="passthrough", verbose_feature_names_out=False)
    pipeline = make_pipeline(columns, HistGradientBoostingClassifier(random_state=0)).fit(frame, label)
    (folder / PIPELINE).write_bytes(pickle.dumps((pipeline, types)))


def main(port: int) -> None:
    """Serve it; a process of its own learns it first, so that nothing of that stays in this one."""
    folder = Path(os.environ[ANSWER]).parent
    if not (folder / PIPELINE).exists():
        subprocess.run([sys.executable, "-m", __spec__.name, "fit", str(folder)], cwd=REPO, check=True)
    pipeline, types = pickle.loads((folder / PIPELINE).read_bytes())  # noqa: S301 - written by the line above
    gc.collect()
    gc.freeze()
    uvicorn.run(app(pipeline, types), host="127.0.0.1", port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning")


if __name__ == "__main__":
    if sys.argv[1] == "fit":
        fit(Path(sys.argv[2]))
    else:
        main(int(sys.argv[1]))
