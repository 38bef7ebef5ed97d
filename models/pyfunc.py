"""The model as MLflow loads it: this file and a folder of JSON and LightGBM's text, nothing pickled.

MLflow copies this file beside the model and runs it on loading (models from code). A row of the input is one lead: column ``lead``
holds, as JSON, the body that ``POST /score`` takes. A row of the output is its score.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from features.contract import DataError, now
from features.intake import history_of
from features.records import LeadRecord
from models.package import DETAILS, OUTPUTS
from models.request import read_request
from models.scorer import LeadScorer
from models.tracking import SCORER


class ScoredLeads(PythonModel):
    """A frame of leads in; a frame of lead_id, probability, score, temperature and the whole Score as JSON out."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the scorer from the folder that was logged with this file, and score once: what is compiled is compiled now."""
        self.scorer = LeadScorer.load(Path(context.artifacts[SCORER]))
        self.scorer.score(history_of([LeadRecord("nobody")], self.scorer.schema), 0)

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """One score a row, in the order of the rows; where a body states no ``as_of`` it is now, the same for all rows.

        Raises:
            DataError: a body is not what ``POST /score`` takes; the message names the row.
        """
        moment = now()
        return pd.DataFrame([self._row(row, body, moment) for row, body in enumerate(model_input["lead"])], columns=list(OUTPUTS))

    def _row(self, row: int, body: str, moment: int) -> dict[str, Any]:
        try:
            request = read_request(body)
            history = history_of([request.record()], self.scorer.schema)
        except DataError as error:
            raise DataError(f"Row {row}, column lead: {error.message}", error.hint) from error
        score = self.scorer.score(history, moment if request.as_of is None else request.as_of, explain=request.explain)
        return {name: getattr(score, name) for name in OUTPUTS if name != DETAILS} | {DETAILS: score.to_json()}


mlflow.models.set_model(ScoredLeads())
