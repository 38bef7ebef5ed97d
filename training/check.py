"""Whether a data set can be learnt from: everything that reading notices, then the first thing that training would stumble over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from features.contract import DataError, Finding, LeadheatError
from features.dataset import Dataset
from features.sources import read_tables
from models.learning import regularised
from models.settings import Settings, Source
from training.split import split


@dataclass(frozen=True, eq=False)
class Checked:
    """What was found; ``dataset`` is None, and the numbers are unknown, where the tables cannot be read."""

    findings: tuple[Finding, ...]
    rows: dict[str, int]
    leads: int | None
    won: int | None
    dataset: Dataset | None

    @property
    def ok(self) -> bool:
        """Whether training may go on."""
        return not any(finding.severity == "error" for finding in self.findings)

    def usable(self) -> Dataset:
        """The data set, for training.

        Raises:
            DataError: training must not go on.
        """
        errors = [finding for finding in self.findings if finding.severity == "error"]
        if errors or self.dataset is None:
            raise DataError(f"Training must not go on: {errors[0].detail}.", errors[0].hint, self.findings)
        return self.dataset

    def to_dict(self) -> dict[str, Any]:
        """What ``leadheat check --json`` prints."""
        findings = [finding.to_dict() for finding in self.findings]
        return {"ok": self.ok, "findings": findings, "rows": self.rows, "leads": self.leads, "won": self.won}


def check(source: Source) -> Checked:
    """Read a data set and find all that is wrong with it; nothing is raised for what the data hold."""
    try:
        tables = read_tables(source.settings.data, source.root)
    except DataError as error:
        return Checked(error.findings or (_finding("unreadable", error),), {}, None, None, None)
    dataset = Dataset.from_tables(source.settings.data.name, tables, repeatable=source.settings.data.repeatable)
    rows = {name: len(getattr(tables, name)) for name in ("interactions", "leads", "outcomes")}
    findings = (*_obstacles(dataset, source.settings), *tables.findings)
    return Checked(findings, rows, rows["leads"], int(tables.outcomes["won"].to_numpy().sum()), dataset)


def _obstacles(dataset: Dataset, settings: Settings) -> tuple[Finding, ...]:
    """What keeps these data from training, although they can be read."""
    try:
        parts = split(dataset, settings.snapshots, settings.model.calibration_share)
        regularised(settings.model, parts.learn.won_leads)
    except LeadheatError as error:
        return (_finding("cannot_train", error),)
    return ()


def _finding(code: str, error: LeadheatError) -> Finding:
    return Finding("error", code, "", "", 1, error.message.rstrip("."), error.hint)
