"""Variables that cannot be used end the service before a worker starts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from features.contract import SettingsError
from serving import preflight
from tests.conftest import REPO
from tests.ports import free_port
from tests.server import command


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LEADHEAT_SETTINGS", "nowhere", "There is no data set at nowhere"),
        ("LEADHEAT_STORE", "nonsense", "LEADHEAT_STORE holds no address"),
        ("LEADHEAT_WEBHOOK_URL", "nonsense", "LEADHEAT_WEBHOOK_URL holds no web address"),
        ("LEADHEAT_TIMEZONE", "Mars", "LEADHEAT_TIMEZONE=Mars is no time zone"),
        ("LEADHEAT_LOG_REQUESTS", "maybe", "LEADHEAT_LOG_REQUESTS=maybe is none of its values"),
    ],
)
def test_a_variable_that_cannot_be_used_is_told(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words) as refused:
        preflight.check()
    assert refused.value.hint


def test_what_can_be_used_says_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "leadheat.toml").write_text('[data]\nleads = { path = "leads.csv" }\n')
    for name, value in (("SETTINGS", str(tmp_path)), ("STORE", f"sqlite:///{tmp_path}/store.db"), ("TIMEZONE", "Europe/Berlin")):
        monkeypatch.setenv(f"LEADHEAT_{name}", value)
    preflight.check()
    assert [path.name for path in tmp_path.iterdir()] == ["leadheat.toml"]


@pytest.mark.parametrize(("name", "value"), [("LEADHEAT_SETTINGS", "nowhere"), ("LEADHEAT_WORKERS", "many")])
def test_the_command_ends_in_words(name: str, value: str, tmp_path: Path) -> None:
    environment = os.environ | {"LEADHEAT_HOME": str(tmp_path), name: value}
    done = subprocess.run(command(free_port()), cwd=REPO, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert value in done.stderr
    assert "Traceback" not in done.stderr
