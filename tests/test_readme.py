"""What the README shows is true: its settings are read, and its Python runs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from models.settings import Settings, parse_settings
from tests.conftest import REPO
from tests.small_world import SmallWorld

README = (REPO / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert found
    return found


@pytest.mark.parametrize("block", blocks("toml"))
def test_its_settings_are_read(block: str) -> None:
    assert parse_settings(tomllib.loads(block), Settings, "README.md").data.name == "my-leads"


def test_its_python_scores_a_lead(
    world: SmallWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".leadheat").mkdir()
    world.scorer.save(tmp_path / ".leadheat" / "champion")
    monkeypatch.chdir(tmp_path)
    for block in blocks("python"):
        exec(block, {})  # noqa: S102 - the README's own code is what is tested
    assert "asked for a demo" in capsys.readouterr().out


def test_its_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert pictures
    assert all((REPO / picture).is_file() for picture in pictures)
