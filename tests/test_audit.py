"""The audit finds every planted fault by its code, names what was planted, and says what mends it."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from features.audit.codes import CODES, refuse_unknown
from features.contract import DataError, Finding, SettingsError
from tests.audited import audit_of, follow, the_finding
from tests.command import Place
from tests.conftest import REPO
from training.check import Audited
from training.simulation.leaks import PLANTERS, Leak
from training.simulation.simulate import WorldSettings, simulate

LEADS = 1200


class Planted(NamedTuple):
    """What a planted fault must be found as: code, where, severity; and whether the hint mends it."""

    code: str
    column: str
    severity: str
    mends: bool


EXPECTED: dict[Leak, Planted] = {
    "outcome_type": Planted("outcome_type", "contract_signed", "error", mends=True),
    "closing_type": Planted("closing_type", "file_reviewed", "error", mends=True),
    "after_closing": Planted("type_at_closing", "onboarding", "warning", mends=True),
    "winner_attribute": Planted("winner_attribute", "customer_number", "error", mends=True),
    "later_attribute": Planted("telling_value", "last_stage", "error", mends=True),
    "telling_attribute": Planted("telling_feature", "sales_estimate", "error", mends=True),
    "future_times": Planted("future_time", "occurred_at", "warning", mends=False),
    "late_outcomes": Planted("missing_outcomes", "closed_at", "error", mends=True),
    "bulk_closing": Planted("bulk_closing", "closed_at", "warning", mends=False),
    "duplicate_leads": Planted("duplicate_lead", "lead_id", "warning", mends=False),
    "telling_ids": Planted("telling_ids", "lead_id", "warning", mends=False),
    "renamed_type": Planted("type_drift", "pricing_view", "warning", mends=False),
}


def test_every_leak_has_its_finding() -> None:
    assert EXPECTED.keys() == PLANTERS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("leak", list(EXPECTED))
def test_a_planted_leak_is_found_and_its_hint_mends_it(tmp_path: Path, leak: Leak) -> None:
    world, planted = tmp_path / "world", EXPECTED[leak]
    simulate(world, LEADS, 0, WorldSettings(leaks=(leak,)))
    found = audit_of(world)
    one = the_finding(found, planted.code, planted.column)
    assert one.severity == planted.severity
    assert one.count > 0
    assert any(letter.isdigit() for letter in one.detail) or leak == "duplicate_leads", "the evidence is in numbers"
    beside = {finding.code for finding in found if finding.severity == "error"} - {planted.code, "cannot_train"}
    assert not beside, "nothing else is an error"
    if planted.mends:
        follow(world, one.hint)
        assert not [f for f in audit_of(world) if (f.code, f.column) == (one.code, one.column) and f.severity == planted.severity]


@pytest.mark.slow
def test_one_line_mends_all_that_is_of_one_kind(tmp_path: Path) -> None:
    world = tmp_path / "world"
    simulate(world, LEADS, 0, WorldSettings(leaks=("outcome_type", "closing_type", "winner_attribute", "later_attribute")))
    found = [one for one in audit_of(world) if one.severity == "error"]
    assert len({one.hint for one in found}) == 2
    for hint in {one.hint for one in found}:
        follow(world, hint)
    assert not [one for one in audit_of(world) if one.severity == "error"]


@pytest.mark.slow
@pytest.mark.parametrize("options", [WorldSettings(), WorldSettings(hidden_intent=1.0), WorldSettings(base_rate_factor=4.0)], ids=str)
def test_a_clean_world_has_no_error(tmp_path: Path, options: WorldSettings) -> None:
    seeds = range(20) if options == WorldSettings() else range(2)
    for seed in seeds:
        simulate(tmp_path / "world", 700, seed, options)
        found = [one for one in audit_of(tmp_path / "world") if one.severity != "info" and one.code != "cannot_train"]
        assert not found, seed


def test_every_code_is_in_the_list_and_every_code_of_the_list_is_found_somewhere() -> None:
    found = {code for path in (REPO / "features" / "audit").glob("*.py") for code in _codes(ast.parse(path.read_text()))}
    assert found == CODES.keys()


def _codes(tree: ast.AST) -> set[str]:
    """The second argument of ``Found(...)``, and the first of what makes one."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [(node, getattr(node.func, "id", getattr(node.func, "attr", ""))) for node in calls]
    given = [node.args[{"Found": 1}.get(name, 0)] for node, name in names if name in {"Found", "_found", "found"}]
    return {one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def test_an_unknown_code_cannot_be_allowed() -> None:
    with pytest.raises(SettingsError, match="coffee") as raised:
        refuse_unknown(["outcome_type", "coffee"])
    assert all(code in raised.value.hint for code in CODES)


def _finding(severity: str, code: str) -> Finding:
    return Finding(severity, code, "leads", "size", 3, "it is 3 of 3", "Leave it out.")  # type: ignore[arg-type]


def test_only_allowed_errors_let_training_go_on() -> None:
    findings = (_finding("error", "telling_value"), _finding("warning", "telling_ids"), _finding("error", "outcome_type"))
    for allowed in ((), ("telling_value",), ("telling_ids",)):
        with pytest.raises(DataError, match=r"Training must not go on: leads\.size") as raised:
            Audited(findings, allowed).refuse()
        assert "--allow telling_value --allow outcome_type" in raised.value.hint
    audited = Audited(findings, ("outcome_type", "telling_value", "winner_attribute"))
    audited.refuse()
    assert audited.to_facts() == {
        "findings": {"error": 2, "warning": 1, "info": 0},
        "errors": ["telling_value", "outcome_type"],
        "allowed": ["telling_value", "outcome_type"],
    }


def test_what_keeps_from_training_cannot_be_allowed_away() -> None:
    with pytest.raises(DataError, match="must not go on"):
        Audited((_finding("error", "cannot_train"),), tuple(CODES)).refuse()


@pytest.mark.slow
def test_training_stops_at_an_error_and_records_what_was_allowed(tmp_path: Path, empty_database: Path) -> None:
    place = Place(tmp_path).with_database(empty_database)
    simulate(tmp_path / "world", LEADS, 3, WorldSettings(leaks=("outcome_type",)))
    few = place.settle("few.toml", rounds=10, patience=2)
    few.write_text(few.read_text() + '[features]\nwindows = ["30d"]\nhalf_lives = ["7d"]\n')
    file = str(few)
    refused = place.run("train", file, "--json")
    assert refused.code == 1
    assert [one["code"] for one in refused.json["findings"] if one["severity"] == "error"] == ["outcome_type"]
    assert "--allow outcome_type" in refused.json["hint"]
    unknown = place.run("train", file, "--allow", "coffee", "--json")
    assert unknown.code == 2
    assert "outcome_type" in unknown.json["hint"]
    done = place.run("train", file, "--allow", "outcome_type", "--no-promote", "--json")
    assert done.code == 0, done.err
    assert done.json["version"] == "1", "a refused training registers nothing"
    assert _artifact(tmp_path, "audit.json")["allowed"] == ["outcome_type"]
    assert _artifact(tmp_path, "facts.json")["audit"]["errors"] == ["outcome_type"]


def _artifact(folder: Path, name: str) -> Any:
    """A file of the only run."""
    (file,) = (path for path in folder.rglob(name) if path.parent.name == "artifacts")
    return json.loads(file.read_text())


def test_a_data_set_without_outcomes_or_interactions_can_be_audited(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text(
        "lead_id,created_at,size\n" + "".join(f"L{i},2026-01-{i % 28 + 1:02d}T08:00:00Z,{i}\n" for i in range(60))
    )
    (tmp_path / "leadheat.toml").write_text('[data]\nleads = { path = "leads.csv" }\n')
    assert [one.code for one in audit_of(tmp_path) if one.severity == "error"] == ["cannot_train"]
