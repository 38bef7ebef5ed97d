"""BentoML as well tuned as ours: the same host, gate and routes, the same reading of the body; the answer is always the same Score."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Any

import bentoml
from pydantic import TypeAdapter

from models.score import Score
from serving.bento import Host, json_of
from serving.schemas import ScoreRequest
from serving.worker import GARBAGE

ANSWER = "BENCHMARK_ANSWER"
"""The variable that names the file with the Score to answer."""


@bentoml.service(name="constant", service_class=Host, workers=1, metrics={"enabled": False}, logging={"access": {"enabled": False}})
class Constant:
    """Answers what it was told to."""

    @bentoml.on_startup
    async def start(self) -> None:
        self.answer = TypeAdapter(Score).validate_json(Path(os.environ[ANSWER]).read_bytes())
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE)

    @bentoml.api(input_spec=json_of("serving.schemas:ScoreRequest"), output_spec=json_of("models.score:Score"))
    async def score(self, request: ScoreRequest, /) -> Score:
        return self.answer


if __name__ == "__main__":
    service: Any = Constant
    service.serve_http(host="127.0.0.1", port=int(sys.argv[1]))
