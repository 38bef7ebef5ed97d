"""What the README shows is true: its settings are read, and its Python runs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click
import pytest

from leadheat import main
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


def calls() -> list[list[str]]:
    """All calls of the command line, word by word, in blocks of code and in the text."""
    found = re.findall(r"(?:^(?:\$ )?|`|&& )leadheat ([a-z][^`#\n]*)", README, re.MULTILINE)
    return [re.split(r" &&| {2,}", call)[0].split() for call in found]


@pytest.mark.parametrize("words", calls(), ids=" ".join)
def test_its_commands_and_their_options_are_there(words: list[str]) -> None:
    command: click.Command = main
    while isinstance(command, click.Group) and words:
        assert words[0] in command.commands, words
        command, words = command.commands[words[0]], words[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_its_map_is_of_what_is_there() -> None:
    lines = README.partition("## How it is built")[2].partition("```\n")[2].partition("```")[0].splitlines()
    named = {name for line in lines for name in re.split(r" {3,}", line)[0].split()}
    assert {"features", "models", "training", "serving", "notebooks", "tests", "deploy", "leadheat.py"} == named
    assert all((REPO / name).exists() for name in named)
    assert {path.parent.name for path in REPO.glob("*/commands")} == {"models", "training", "serving"}


def test_its_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert pictures
    assert all((REPO / picture).is_file() for picture in pictures)
