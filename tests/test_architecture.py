"""Imports point one way, and scoring loads nothing that only training needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import REPO
from tests.source_tree import PACKAGES, modules

MAY_IMPORT = {
    "features": {"features"},
    "models": {"features", "models"},
    "training": {"features", "models", "training"},
    "serving": {"features", "models", "serving"},
}
TRAINING_ONLY = {"matplotlib", "mlflow", "pandas", "sklearn"}
COMMON = {"calibration", "margin", "qualification", "reasons", "rules", "rules_settings", "score_log", "scorer", "settings", "temperature"}
SCORING = [*modules("features", "serving"), *(module for module in modules("models") if module.name.removeprefix("models.") in COMMON)]
ENTRANCES = ["models.scorer", "serving.app", "serving.service", "serving.worker"]

# What a slim environment is like: these four are not installed there.
SLIM = """
import importlib, importlib.abc, sys

class NotInstalled(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {absent}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, NotInstalled())
importlib.import_module({entrance!r})
"""


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package: str) -> None:
    wrong = {
        module.name: name
        for module in modules(package)
        for name in module.imports
        if top(name) in {*PACKAGES, "leadheat"} - MAY_IMPORT[package]
    }
    assert not wrong


def test_scoring_modules_import_nothing_of_training() -> None:
    assert not {module.name: name for module in SCORING for name in module.imports if top(name) in TRAINING_ONLY}


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_scoring_loads_in_an_environment_without_what_training_needs(entrance: str) -> None:
    run_python(SLIM.format(absent=TRAINING_ONLY, entrance=entrance))


def test_the_command_line_starts_light() -> None:
    loaded = run_python("import sys, leadheat; print(*sys.modules)").split()
    assert "leadheat" in loaded
    assert not {top(name) for name in loaded} & (TRAINING_ONLY | {"bentoml", "lightgbm", "numba", "scipy"})


def test_the_process_that_keeps_the_workers_loads_nothing_that_scores() -> None:
    loaded = run_python("import sys, serving.service; print(*sys.modules)").split()
    assert "serving.service" in loaded
    assert not {top(name) for name in loaded} & (TRAINING_ONLY | {"alembic", "lightgbm", "numba", "pyarrow", "scipy", "sqlalchemy"})


def test_every_scoring_module_that_the_design_names_is_there() -> None:
    assert {module.name.removeprefix("models.") for module in modules("models")} >= COMMON


def top(name: str) -> str:
    return name.partition(".")[0]


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
