"""What is served: the champion of a simulated world, and leads of 50 interactions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from features.intake import history_of
from models.request import read_request
from models.score import Score
from models.scorer import LeadScorer
from tests.bodies import bodies
from tests.conftest import REPO

INTERACTIONS = 50
LEADS = 32
"""Different bodies that are sent in turn."""


@dataclass(frozen=True)
class Served:
    """A champion and what it is asked.

    Attributes:
        environment: where home and registry are.
        bodies: of ``POST /score``, without reasons.
    """

    folder: Path
    environment: Mapping[str, str]
    bodies: list[str]

    @property
    def scorer(self) -> LeadScorer:
        """The champion as the service has it."""
        return LeadScorer.load((self.folder / "home" / "champion").resolve(), "1")

    def expected(self, body: str) -> Any:
        """What ``LeadScorer.score`` says, as JSON."""
        asked, scorer = read_request(body), self.scorer
        assert asked.as_of is not None
        score = scorer.score(history_of([asked.record()], scorer.schema), asked.as_of, explain=asked.explain)
        return json.loads(TypeAdapter(Score).dump_json(score))


def with_reasons(body: str) -> str:
    """The same body, asking for reasons."""
    return json.dumps(json.loads(body) | {"explain": True})


def prepare(folder: Path, leads: int) -> Served:
    """Simulate, train and promote; what a folder holds already is used again."""
    environment = {"LEADHEAT_HOME": str(folder / "home"), "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'leadheat.db'}"}
    if not (folder / "home" / "champion").exists():
        for arguments in (["simulate", str(folder / "world"), "--leads", str(leads), "--seed", "3"], ["train", str(folder / "world")]):
            subprocess.run([sys.executable, "-m", "leadheat", *arguments], cwd=REPO, env=os.environ | environment, check=True)
    asked = [json.dumps(body) for body in _bodies(folder / "world")]
    served = Served(folder, environment, asked)
    (folder / "answer.json").write_text(json.dumps(served.expected(asked[0])))
    return served


def _bodies(data: Path) -> Iterator[dict[str, Any]]:
    """Leads with their first 50 interactions as they come to ``POST /score``, looked at an hour after the last."""
    counted = Counter(pq.read_table(data / "interactions.parquet")["lead_id"].to_pylist())
    longest = [lead for lead, _ in counted.most_common(LEADS)]
    last = pc.max(pq.read_table(data / "interactions.parquet")["occurred_at"]).as_py()
    for body in bodies(data, longest, last).values():
        once = {one["interaction_id"]: one for one in sorted(body["interactions"], key=lambda one: str(one["occurred_at"]))}
        kept = list(once.values())[:INTERACTIONS]
        assert len(kept) == INTERACTIONS
        for one in kept:
            one.pop("recorded_at", None)
        as_of = datetime.fromisoformat(kept[-1]["occurred_at"]) + timedelta(hours=1)
        yield body | {"interactions": kept, "as_of": as_of.isoformat(), "explain": False}
