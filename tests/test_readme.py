"""What the README and the pages that it leads to show is true: settings are read, Python runs, and what they name is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click
import pytest

from leadheat import main
from models.settings import Settings, parse_settings
from serving.limits import Limits
from serving.routes import ROUTES
from tests.conftest import REPO
from tests.small_world import SmallWorld
from tests.source_tree import PACKAGES

README = REPO / "README.md"
PAGES = [README, *(REPO / package / "README.md" for package in ("features", "training", "serving"))]
LINKED = [*PAGES, REPO / "tests" / "benchmarks" / "README.md"]


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    return str(page.relative_to(REPO))


def blocks(language: str) -> list[str]:
    found = [block for page in PAGES for block in re.findall(rf"```{language}\n(.*?)```", text_of(page), re.DOTALL)]
    assert found
    return found


@pytest.mark.parametrize("block", blocks("toml"))
def test_their_settings_are_read(block: str) -> None:
    assert parse_settings(tomllib.loads(block), Settings, "README.md").data.name == "my-leads"


def test_their_python_scores_a_lead(
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
    text = "\n".join(map(text_of, PAGES))
    found = re.findall(r"(?:^(?:\$ )?|`|&& )leadheat ([a-z][^`#\n]*)", text, re.MULTILINE)
    return [re.split(r" &&| {2,}", call)[0].split() for call in found]


@pytest.mark.parametrize("words", calls(), ids=" ".join)
def test_their_commands_and_options_are_there(words: list[str]) -> None:
    command: click.Command = main
    while isinstance(command, click.Group) and words:
        assert words[0] in command.commands, words
        command, words = command.commands[words[0]], words[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_every_command_is_told_of() -> None:
    assert {words[0] for words in calls()} == set(main.commands)


def test_the_map_is_of_what_is_there() -> None:
    lines = text_of(README).partition("## How it is built")[2].partition("```\n")[2].partition("```")[0].splitlines()
    named = {name for line in lines for name in re.split(r" {3,}", line)[0].split()}
    assert {"features", "models", "training", "serving", "notebooks", "tests", "deploy", "leadheat.py"} == named
    assert all((REPO / name).exists() for name in named)
    assert {path.parent.name for path in REPO.glob("*/commands")} == {"models", "training", "serving"}


def rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of all tables between a heading and the next of its rank, without their heads."""
    rank = heading.partition(" ")[0]
    part = re.split(rf"^{rank} ", text_of(page).partition(f"\n{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    cells = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("| `")]
    assert cells, heading
    return [[cell.strip() for cell in row] for row in cells]


def test_the_routes_are_those_of_the_service_with_the_scopes_of_their_keys() -> None:
    told = {
        (route, scope)
        for routes, scope, _ in rows(REPO / "serving" / "README.md", "## Routes")
        for route in routes.strip("`").split("`, `")
    }
    assert told == {(f"{one.method} {one.path}", one.scope or "open") for one in ROUTES.endpoints}


def test_the_variables_are_those_that_are_read_and_the_limits_have_these_defaults() -> None:
    told = {name.strip("`"): default for name, default, _ in rows(REPO / "serving" / "README.md", "### Variables")}
    sources = [path.read_text(encoding="utf-8") for package in PACKAGES for path in (REPO / package).rglob("*.py")]
    read = {name for source in sources for name in re.findall(r"LEADHEAT_[A-Z_]*[A-Z]", source)}
    limits = {f"LEADHEAT_{name.upper()}": field.default for name, field in Limits.model_fields.items()}
    assert told.keys() == read | limits.keys() | {"MLFLOW_TRACKING_URI"}
    assert {name: float(told[name].replace(",", "")) for name in limits} == limits


def test_the_tables_of_the_settings_are_those_that_are_read_and_are_documented_where_it_says() -> None:
    told = {re.findall(r"\w+", table)[0]: words for table, words in rows(REPO / "features" / "README.md", "## A data set")}
    assert told.keys() == Settings.model_fields.keys()
    for table, words in told.items():
        (place,) = re.findall(r"`([a-z_/]+\.py)`", words)
        assert f"[{table}" in text_of(REPO / place)


def slug(heading: str) -> str:
    """What GitHub calls the place of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", LINKED, ids=name_of)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)) if not link.startswith("https://")]
    assert links
    for link in links:
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.is_file(), link
        headings = re.findall(r"^#+ (.+)$", text_of(target), re.MULTILINE) if anchor else []
        assert not anchor or anchor in map(slug, headings), link


def test_the_pages_are_linked_from_the_readme() -> None:
    links = re.findall(r"\]\(([^)#\s]+)", text_of(README))
    assert {name_of(page) for page in LINKED} - {"README.md"} <= set(links)
