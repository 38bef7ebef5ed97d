"""Whether a data set can be learnt from: everything that reading and the audit notice, and what training would stumble over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from features.audit.audit import audit
from features.audit.codes import CODES, refuse_unknown
from features.buckets.budget import default_budget
from features.contract import DataError, Finding, LeadheatError
from features.dataset import Dataset
from features.nearest import nearest
from features.signals import matching
from models.settings import Settings, Source
from training.naming import features_of
from training.split import Split, learnable, split
from training.within import read_within, to_check


@dataclass(frozen=True)
class Audited:
    """The findings about a data set, and the codes of the errors among them that somebody allowed."""

    findings: tuple[Finding, ...]
    allowed: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[str, ...]:
        """The codes of all errors, allowed or not, each once."""
        return tuple(dict.fromkeys(finding.code for finding in self.findings if finding.severity == "error"))

    @property
    def overruled(self) -> tuple[str, ...]:
        """The codes of the errors that were allowed."""
        return tuple(code for code in self.errors if code in self.allowed)

    @property
    def ok(self) -> bool:
        """Whether training may go on."""
        return set(self.errors) <= set(self.allowed)

    def refuse(self) -> None:
        """Nothing happens when training may go on.

        Raises:
            DataError: it must not.
        """
        grave = [finding for finding in self.findings if finding.severity == "error" and finding.code not in self.allowed]
        if grave:
            codes = " ".join(f"--allow {code}" for code in self.errors if code in CODES)
            anyway = f"To train in spite of it: {codes}." if codes else ""
            told = ": ".join(filter(None, ("Training must not go on", grave[0].place, grave[0].detail)))
            raise DataError(f"{told}.", f"{grave[0].hint} {anyway}".strip(), self.findings)

    def to_facts(self) -> dict[str, Any]:
        """What a trained model knows of it: how many findings of each severity, the codes of the errors, and which of them were allowed."""
        severities = Counter(finding.severity for finding in self.findings)
        return {
            "findings": {severity: severities[severity] for severity in ("error", "warning", "info")},
            "errors": list(self.errors),
            "allowed": list(self.overruled),
        }

    def to_dict(self) -> dict[str, Any]:
        """All of it, for a file beside the model."""
        return self.to_facts() | {"all": [finding.to_dict() for finding in self.findings]}


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
        return Audited(self.findings).ok

    def usable(self) -> Dataset:
        """The data set, for training.

        Raises:
            DataError: training must not go on.
        """
        Audited(self.findings).refuse()
        if self.dataset is None:
            raise DataError("The data set cannot be read.", findings=self.findings)
        return self.dataset

    def to_dict(self) -> dict[str, Any]:
        """What ``leadheat check --json`` prints."""
        findings = [finding.to_dict() for finding in self.findings]
        return {"ok": self.ok, "findings": findings, "rows": self.rows, "leads": self.leads, "won": self.won}


def check(source: Source, budget: int | None = None) -> Checked:
    """Read a data set and find all that is wrong with it; nothing is raised for what the data hold.

    Args:
        source: its settings.
        budget: bytes of memory to keep within; by default half of the machine's. All rows are checked; the audit sees as many leads as fit.
    """
    try:
        read = read_within(source, default_budget() if budget is None else budget, to_check)
    except DataError as error:
        return Checked(error.findings or (_finding("unreadable", error),), {}, None, None, None)
    dataset, rows = read.dataset, read.rows
    parts, obstacles = _parts(dataset, source.settings)
    train = parts.train if parts else None
    findings = (*obstacles, *audit(dataset, source.settings, train), *unheard_signals(dataset, source.settings), *dataset.findings)
    return Checked(findings, rows, rows["leads"], read.won, dataset)


def audited(dataset: Dataset, settings: Settings, parts: Split, allow: Sequence[str] = ()) -> Audited:
    """The findings about a data set that is to be learnt from.

    Raises:
        SettingsError: a code in ``allow`` is none of the audit's.
    """
    refuse_unknown(allow)
    return Audited((*audit(dataset, settings, parts.train), *unheard_signals(dataset, settings), *dataset.findings), tuple(allow))


def unheard_signals(dataset: Dataset, settings: Settings) -> tuple[Finding, ...]:
    """The declared signals none of whose types the data have: nothing would ever be said of them.

    Of a sample of the leads nothing is said, for the others may have them.
    """
    kinds = dataset.history.type.levels if dataset.share == 1 else ()
    unheard = [(name, one) for name, one in settings.signals.items() if kinds and not matching(one.types, kinds)]
    return tuple(
        Finding("warning", "unheard_signal", "interactions", name, 1, f"no type is any of {list(one.types)}", _nearest(one.types, kinds))
        for name, one in unheard
    )


def _nearest(patterns: Sequence[str], kinds: Sequence[str]) -> str:
    near = list(dict.fromkeys(kind for pattern in patterns if (kind := nearest(pattern, kinds))))
    return f"Did you mean {', '.join(map(repr, near))}?" if near else "Upper and lower case are distinguished."


def _parts(dataset: Dataset, settings: Settings) -> tuple[Split | None, tuple[Finding, ...]]:
    """The parts to learn from, and what keeps these data from training, although they can be read."""
    parts = None
    try:
        parts = split(dataset, settings.snapshots, settings.model.calibration_share)
        learnable(settings.model, parts)
        features_of(dataset, parts, settings)
    except LeadheatError as error:
        return parts, (_finding("cannot_train", error),)
    return parts, ()


def _finding(code: str, error: LeadheatError) -> Finding:
    return Finding("error", code, "", "", 1, error.message.rstrip("."), error.hint)
