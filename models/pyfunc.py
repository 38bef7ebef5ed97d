"""The model as MLflow loads it: this file and a folder of JSON and LightGBM's text, nothing pickled.

MLflow copies this file beside the model and runs it on loading (models from code). A row of the input is one lead: column ``lead``
holds, as JSON, the body that ``POST /score`` takes. A row of the output is its score.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from features.contract import DataError, parse_moment, to_micros
History=parse_record=None
LeadScorer=None


class ScoredLeads(mlflow.pyfunc.PythonModel):
    """A frame of leads in, a frame of lead_id, probability, score, temperature and the whole Score as JSON out."""

    def load_context(self, context: mlflow.pyfunc.PythonModelContext) -> None:
        """Load the scorer from the folder that was logged with this file."""
        self.scorer = LeadScorer.load(Path(context.artifacts["scorer"]))

    def predict(self, context: mlflow.pyfunc.PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """One score a row, in the order of the rows; ``as_of`` is now where a body states none.

        Raises:
            DataError: a body is no JSON or not what ``POST /score`` takes; it names the row.
        """
        now = to_micros(datetime.now(UTC))
        return pd.DataFrame([self._score(row, body, now) for row, body in enumerate(model_input["lead"])])

    def _score(self, row: int, body: str, now: int) -> dict[str, Any]:
        try:
            fields = json.loads(body)
            record = parse_record(fields)
        except (DataError, ValueError) as error:
            raise DataError(f"Row {row} of the column lead cannot be read: {error}") from error
        as_of = parse_moment(fields["as_of"]) if fields.get("as_of") else now
        score = self.scorer.score(History.from_records([record]), as_of)
        return {
            "lead_id": score.lead_id,
            "probability": score.probability,
            "score": score.score,
            "temperature": score.temperature,
            "details": score.to_json(),
        }


mlflow.models.set_model(ScoredLeads())
