"""What pyproject.toml, the lock and the Makefile promise to those who install leadheat."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from email import message_from_bytes
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import REPO
from tests.source_tree import PACKAGES, Module, modules

SETTINGS = tomllib.loads((REPO / "pyproject.toml").read_text())
PROJECT, GROUPS = SETTINGS["project"], SETTINGS["dependency-groups"]
TRAINING_ONLY = {"matplotlib", "mlflow", "optuna", "pandas", "scikit-learn"}
"""What would come into a worker's memory although it never needs it."""
OWN = {*PACKAGES, "leadheat", "tests"}
TAKEN_UP_BY_UVICORN = {"httptools", "uvloop"}
BESIDE = ("bench", "featuretools")
"""Locks of environments that only benchmarks have."""


def locked(name: str) -> list[str]:
    return [line for line in (REPO / name).read_text().splitlines() if not line.startswith("#")]


LOCKED, SPARK = locked("requirements.lock"), locked("requirements-spark.lock")


def requirements(*extras: str) -> dict[str, Requirement]:
    texts = [*PROJECT["dependencies"], *(text for extra in extras for text in PROJECT["optional-dependencies"][extra])]
    return {canonicalize_name(one.name): one for one in map(Requirement, texts)}


def imported(of: Iterable[Module]) -> dict[str, set[str]]:
    """Third-party packages that modules import, each with the distributions that bring it."""
    tops = {name.partition(".")[0] for module in of for name in module.imports} - OWN - set(sys.stdlib_module_names)
    providers = packages_distributions()
    return {top: {canonicalize_name(name) for name in providers.get(top, [top])} for top in tops}


def test_every_import_of_the_product_is_declared() -> None:
    declared = requirements("spark", "postgres").keys()
    assert not {top for top, providers in imported(modules("leadheat", *PACKAGES)).items() if not providers & declared}


def test_every_import_of_the_tests_is_declared() -> None:
    beside = [line for name in BESIDE for line in locked(f"requirements-{name}.lock")]
    declared = requirements("spark", "postgres", "dev").keys() | {canonicalize_name(line.partition("==")[0]) for line in beside}
    assert not {top for top, providers in imported(modules("tests")).items() if not providers & declared}


def test_nothing_is_declared_that_the_product_does_not_import() -> None:
    used = set().union(*imported(modules("leadheat", *PACKAGES)).values())
    assert requirements().keys() - used == TAKEN_UP_BY_UVICORN


def test_the_lock_names_exact_versions_and_nothing_else() -> None:
    assert len(LOCKED) > len(requirements("dev"))
    assert not [line for line in LOCKED + SPARK if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line)]


def test_the_lock_holds_each_package_once() -> None:
    names = [canonicalize_name(line.partition("==")[0]) for line in LOCKED + SPARK]
    assert len(names) == len(set(names))


def test_the_lock_satisfies_what_is_declared() -> None:
    versions: dict[str, str] = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in LOCKED + SPARK)}
    unmet = [str(one) for name, one in requirements("spark", "dev").items() if not one.specifier.contains(versions[name])]
    assert not unmet


def test_spark_is_installed_only_where_it_is_asked_for(fresh_clone: Path) -> None:
    shutil.copy(REPO / "requirements-spark.lock", fresh_clone)
    (fresh_clone / ".venv").mkdir()
    (fresh_clone / ".venv" / "installed").touch()
    assert "requirements-spark.lock" in make(fresh_clone, "--dry-run", "spark").stdout
    assert "spark" not in make(fresh_clone, "--dry-run", "test").stdout


def test_the_licence_is_apache_2() -> None:
    text = (REPO / "LICENSE").read_text()
    assert text.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_lock_of_the_service_is_the_part_of_the_lock_that_it_needs() -> None:
    wanted = {canonicalize_name(Requirement(text).name) for text in GROUPS["serving"]}
    lines = [line for line in (REPO / "requirements-serving.lock").read_text().splitlines() if not line.startswith("#")]
    names = {canonicalize_name(line.partition("==")[0]) for line in lines}
    assert set(lines) <= set(LOCKED)
    assert wanted <= names
    assert not names & TRAINING_ONLY
    needed = {canonicalize_name(Requirement(text).name) for name in wanted for text in requires(name) or () if _always(text)}
    assert needed <= names


def _always(text: str) -> bool:
    marker = Requirement(text).marker
    return marker is None or marker.evaluate({"extra": ""})


@pytest.fixture
def fresh_clone(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(REPO / name, tmp_path)
    return tmp_path


def test_a_second_make_installs_nothing(fresh_clone: Path) -> None:
    assert "pip" in make(fresh_clone, "--dry-run", "test").stdout
    (fresh_clone / ".venv").mkdir()
    (fresh_clone / ".venv" / "installed").touch()
    testing = ["PYTHONDONTWRITEBYTECODE=", ".venv/bin/python", "-m", "pytest", "--numprocesses=auto", "--dist=loadfile"]
    assert make(fresh_clone, "--dry-run", "test").stdout.split() == testing
    assert make(fresh_clone, "--dry-run", "demo").stdout.split() == [".venv/bin/leadheat", "demo"]


def test_an_old_python_is_told_so(fresh_clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (fresh_clone / "sitecustomize.py").write_text("import sys\nsys.version_info, sys.version = (3, 9), '3.9.1 (main)'\n")
    monkeypatch.setenv("PYTHONPATH", str(fresh_clone))
    done = make(fresh_clone, f"PYTHON={sys.executable}", "test")
    assert done.returncode == 2
    assert f"leadheat needs Python 3.11 or later, but {sys.executable} is 3.9.1." in done.stderr
    assert not (fresh_clone / ".venv").exists()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE", "leadheat.py"):
        shutil.copy(REPO / name, source)
    for package in PACKAGES:
        shutil.copytree(REPO / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(out), str(source))
    return next(out.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    kept = [path for package in PACKAGES for path in (REPO / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    kept = [path for path in kept if path.suffix != ".md"]  # those are pages of the repository
    expected = {"leadheat.py", *(path.relative_to(REPO).as_posix() for path in kept)}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = message_from_bytes(archive.read(next(name for name in archive.namelist() if name.endswith("METADATA"))))
    assert held == expected
    assert metadata["License-Expression"] == "Apache-2.0"
    assert {"spark", "postgres"} <= set(metadata.get_all("Provides-Extra", []))


@pytest.mark.slow
def test_the_installed_command_works_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    pip("install", "--no-deps", "--no-index", "--target", str(tmp_path / "site"), str(wheel))
    command = tmp_path / "site" / "bin" / "leadheat"
    done = run(sys.executable, str(command), "--help", cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "site")})
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in ("demo", "simulate", "train", "score", "serve"))


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run("make", "--silent", *arguments, cwd=folder)


def pip(*arguments: str) -> None:
    done = run(sys.executable, "-m", "pip", "--quiet", *arguments)
    assert done.returncode == 0, done.stderr


def run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False)
