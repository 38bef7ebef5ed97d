"""Nothing is promoted past its gates unseen: a version that does not hold needs to be forced, and why is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from features.contract import ModelError
from models import home
from models.commands.registered import versions as table
from models.registry import GateError, Registry
from tests.tracked import FAILED, GATES, aliases, in_service, name_in, trained


def test_a_version_whose_gates_do_not_hold_is_refused_by_name(registry: Registry, tmp_path: Path) -> None:
    one = trained(registry, tmp_path, "one")
    registry.promote(one, "first")
    two = trained(registry, tmp_path, "two", GATES + FAILED)
    with pytest.raises(GateError, match=r"Version 2 is not promoted: calibrated \(ECE 0\.2\)\..*--force --reason"):
        registry.promote(two, "it is newer")
    assert aliases(registry) == {"champion": one, "challenger": two}
    assert name_in(in_service().folder) == "one"
    assert registry.version(two).reason == ""


def test_a_version_that_was_never_judged_does_not_hold(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(GateError, match="never judged by the gates"):
        registry.promote(trained(registry, tmp_path, "one", []), "why not")
    assert home.champion() is None


def test_a_forced_version_keeps_the_reason_through_a_rollback_and_back(registry: Registry, tmp_path: Path) -> None:
    one, two = trained(registry, tmp_path, "one"), trained(registry, tmp_path, "two", FAILED)
    registry.promote(one, "first")
    with pytest.raises(ModelError, match="not forced without a reason"):
        registry.promote(two, "  ", force=True)
    assert registry.promote(two, "agreed with sales", force=True).forced == "agreed with sales"
    registry.rollback()
    again = registry.rollback()
    assert (again.version, again.reason, again.forced) == (two, "rolled back from version 1", "agreed with sales")
    assert again.to_dict()["forced"] == "agreed with sales"
    console = Console(width=200)
    with console.capture() as shown:
        console.print(table([version.to_dict() for version in registry.versions()]))
    assert "rolled back from version 1; forced in spite of calibrated: agreed with sales" in shown.get()


def test_forcing_what_holds_is_an_ordinary_promotion(registry: Registry, tmp_path: Path) -> None:
    assert registry.promote(trained(registry, tmp_path, "one"), "to be sure", force=True).forced == ""


def test_a_version_that_was_judged_beside_another_champion_must_be_judged_anew(registry: Registry, tmp_path: Path) -> None:
    one = trained(registry, tmp_path, "one", champion="")
    two, three = (trained(registry, tmp_path, name, champion=one) for name in ("two", "three"))
    with pytest.raises(GateError, match="judged beside version 1, and there is no champion now"):
        registry.promote(two, "better")
    registry.promote(one, "first")
    registry.promote(two, "better")
    with pytest.raises(GateError, match="judged beside version 1, and there is version 2 now"):
        registry.promote(three, "better")
    with pytest.raises(GateError, match="judged beside no champion, and there is version 2 now"):
        registry.promote(one, "back to the first")
    assert registry.rollback().version == one
    assert registry.promote(three, "better").version == three
