"""The report of the small world, made once for all tests of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from models.gate import beside_rules, calibrated
from tests.small_world import SmallWorld
from training.evaluate import evaluate
from training.report.evidence import Evidence
from training.report.html import write


@dataclass(frozen=True, eq=False)
class Reported:
    """The evidence, and the file that was written from it."""

    evidence: Evidence
    file: Path

    @cached_property
    def html(self) -> str:
        """What the file holds."""
        return self.file.read_text(encoding="utf-8")


def reported(world: SmallWorld, folder: Path) -> Reported:
    """Judge the small world's scorer and write ``folder / "report.html"``."""
    evaluation = evaluate(world.scorer, world.dataset, world.parts.test)
    limits = world.settings.gate
    gates = [one.to_dict() for one in (calibrated(evaluation.model, limits), beside_rules(evaluation.against_rules["auc"], limits))]
    evidence = Evidence(world.scorer, world.dataset, world.settings, evaluation, world.dataset.findings, gates, run_id="run-7")
    write(evidence, folder / "report.html")
    return Reported(evidence, folder / "report.html")
