"""What ``deploy/`` names is there: metrics, labels, files, variables, ports, commands."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Group
from prometheus_client import REGISTRY

import leadheat
from serving import metrics
from tests.conftest import REPO

DEPLOY = REPO / "deploy"
FOREIGN = {"le", "job", "instance"}


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


def dashboard() -> list[str]:
    panels = json.loads((DEPLOY / "grafana" / "leadheat.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


def alerts() -> list[str]:
    return [rule["expr"] for group in read("prometheus/rules.yml")["groups"] for rule in group["rules"]]


def ours() -> dict[Any, list[str]]:
    """The metrics of the service and the names of their series."""
    return {one: names for one, names in REGISTRY._collector_to_names.items() if names[0].startswith("leadheat_")}


def exposed() -> dict[str, set[str]]:
    """The series that ``/metrics`` can show, with the labels of each."""
    return {name: set(getattr(metric, "_labelnames", ())) for metric, names in ours().items() for name in names}


@pytest.mark.parametrize("expression", [*dashboard(), *alerts()])
def test_every_query_names_metrics_and_labels_that_exist(expression: str) -> None:
    series = exposed()
    used = re.findall(r"leadheat_\w+", expression)
    assert used or expression.startswith("up{")
    assert set(used) <= set(series), set(used) - set(series)
    known = set().union(*(series[name] for name in used)) | FOREIGN if used else FOREIGN
    stated = set(re.findall(r"(\w+)(?:=|!=|=~)\"", expression))
    grouped = {name.strip() for names in re.findall(r"by \(([^)]*)\)", expression) for name in names.split(",")}
    assert stated | grouped <= known, (stated | grouped) - known


def test_the_dashboard_shows_every_metric() -> None:
    shown = {name for expression in dashboard() for name in re.findall(r"leadheat_\w+", expression)}
    page = metrics.exposition().decode()
    assert len(ours()) > 15
    assert not [names for names in ours().values() if not shown.intersection(names)]
    assert all(f"# TYPE {names[0]}" in page for names in ours().values())


def test_an_alert_says_what_is_wrong_and_what_to_do() -> None:
    rules = [rule for group in read("prometheus/rules.yml")["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 8
    assert all(rule["annotations"]["summary"] and rule["annotations"]["description"] for rule in rules)
    assert (DEPLOY / "prometheus" / read("prometheus/prometheus.yml")["rule_files"][0]).is_file()


def test_the_image_copies_what_is_there_and_installs_the_lock() -> None:
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    copied = {name for line in lines if re.match(r"COPY (?!--from)", line) for name in line.split()[1:-1]}
    assert all((REPO / name).exists() for name in copied)
    kept = {line[1:] for line in (REPO / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied <= kept
    packages = {path.parent.name for path in REPO.glob("*/__init__.py")} - {"tests"}
    assert packages <= copied
    installs = [line for line in lines if "pip install" in line]
    assert installs
    assert all("--constraint requirements.lock" in line for line in installs)


def commands() -> Iterator[list[str]]:
    text = (DEPLOY / "Containerfile").read_text()
    yield json.loads(re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)[-1])
    yield read("compose.yaml")["services"]["leadheat"]["command"]
    for line in re.findall(r"leadheat keys add [^\n]*", (DEPLOY / "compose.yaml").read_text() + text):
        yield line.split()


def test_what_the_image_has_python_do_can_be_done(tmp_path: Path) -> None:
    steps = re.findall(r"^RUN cd / && \S+/python (-c .*)$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)
    assert steps
    for step in steps:
        command = [sys.executable, *shlex.split(step)]
        done = subprocess.run(
            command, env=os.environ | {"PYTHONPATH": str(REPO)}, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", list(commands()))
def test_every_command_is_one_of_ours(words: list[str]) -> None:
    group, command = leadheat.main, words[1:]
    while isinstance(group, Group):
        group, command = group.commands[command[0]], command[1:]  # type: ignore[assignment]
    options = {option for parameter in group.params for option in parameter.opts}
    assert {word for word in command if word.startswith("--")} <= options


def test_the_services_fit_together() -> None:
    compose = read("compose.yaml")
    services = compose["services"]
    assert set(services) == {"postgres", "mlflow", "leadheat"}
    for service in services.values():
        if "build" in service:
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).resolve().is_file()
        assert {volume.partition(":")[0] for volume in service["volumes"]} <= set(compose["volumes"])
        assert set(service.get("depends_on", ())) <= set(services)
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    environment = services["leadheat"]["environment"]
    assert environment["MLFLOW_TRACKING_URI"] == "http://mlflow:5000"
    assert "--port=5000" in services["mlflow"]["command"]
    assert environment["LEADHEAT_STORE"].endswith("@postgres/leadheat")
    home = re.search(r"LEADHEAT_HOME=(\S+)", (DEPLOY / "Containerfile").read_text())
    assert home is not None
    assert services["leadheat"]["volumes"] == [f"leadheat:{home[1]}"]


def test_every_variable_is_one_that_the_code_reads() -> None:
    read_by_us = "".join(path.read_text() for package in ("features", "models", "serving") for path in (REPO / package).rglob("*.py"))
    named = set(re.findall(r"LEADHEAT_[A-Z_]+", "".join(path.read_text() for path in (DEPLOY / "compose.yaml", DEPLOY / "Containerfile"))))
    assert all(f'"{name}"' in read_by_us for name in named), named
    assert all(Path(path).is_file() for path in (DEPLOY / "grafana" / "leadheat.json", DEPLOY / "prometheus" / "rules.yml"))
