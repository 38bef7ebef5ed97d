"""The audit finds every planted fault by its code, names what was planted, and says what mends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.contract import SettingsError
from models.settings import read_settings
from training.check import Audited, check
from training.simulation.leaks import Leak
from training.simulation.simulate import WorldSettings, simulate


@pytest.mark.parametrize(
    ("leak", "code", "where"),
    [("outcome_type", "outcome_type", "contract_signed"), ("closing_type", "closing_type", "file_reviewed")],
)
def test_a_planted_leak_is_found_by_its_code(tmp_path: Path, leak: Leak, code: str, where: str) -> None:
    simulate(tmp_path / "world", 600, 0, WorldSettings(leaks=(leak,)))
    found = [one for one in check(read_settings(tmp_path / "world")).findings if one.severity == "error"]
    assert [(one.code, one.column) for one in found] == [(code, where)]
    assert f'exclude_types = ["{where}"]' in found[0].hint


def test_an_unknown_code_cannot_be_allowed() -> None:
    from features.audit.codes import refuse_unknown

    with pytest.raises(SettingsError, match="coffee"):
        refuse_unknown(["outcome_type", "coffee"])


def test_only_allowed_errors_let_training_go_on(tmp_path: Path) -> None:
    simulate(tmp_path / "world", 600, 0, WorldSettings(leaks=("outcome_type",)))
    findings = check(read_settings(tmp_path / "world")).findings
    assert not Audited(findings).ok
    assert not Audited(findings, ("closing_type",)).ok
    audited = Audited(findings, ("outcome_type", "closing_type"))
    assert audited.ok
    assert audited.to_facts()["errors"] == audited.to_facts()["allowed"] == ["outcome_type"]
