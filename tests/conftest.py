"""What the tests share: where the research data lies, a skip that CI turns into a failure, and a registry of their own."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from sqlalchemy import Engine

    from models.registry import Registry
    from serving.memory.memory import Memory
    from tests.command import Place
    from tests.moved_world import MovedWorld
    from tests.postgres import Postgres
    from tests.remembering import Remembering
    from tests.reported import Reported
    from tests.small_world import SmallWorld

REPO = Path(__file__).resolve().parent.parent
DATASETS = REPO / "tests" / "datasets"

if "PYTEST_XDIST_WORKER" in os.environ:  # threads of tests that run side by side would only wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests first, so that a plain mistake shows at once."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


def missing(what: str, install: str) -> None:
    """Skip the test because ``what`` is not on this machine; with LEADHEAT_REQUIRE_ALL=1 fail instead."""
    message = f"{what} is not here: {install}"
    if os.environ.get("LEADHEAT_REQUIRE_ALL") == "1":
        pytest.fail(message)
    pytest.skip(message)


def shared_data(name: str) -> Path:
    """The folder of a real data set, which is kept beside the repository and never in it."""
    folder = REPO.parent / "shared" / "data" / name
    if not folder.is_dir():
        missing(f"the data set {name}", f"put its files into {folder}")
    return folder


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with all its tables and nothing in them: making one takes seconds, copying it does not."""
    from models.registry import Registry

    database = tmp_path_factory.mktemp("empty") / "leadheat.db"
    Registry(f"sqlite:///{database}")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return database


@pytest.fixture
def registry(empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """An empty registry, and a ``LEADHEAT_HOME``, of the test's own."""
    return registry_in(tmp_path, empty_database, monkeypatch)


def registry_in(folder: Path, empty_database: Path, patch: pytest.MonkeyPatch) -> Registry:
    """An empty registry in a folder, which is ``LEADHEAT_HOME`` too for as long as the patch holds."""
    from models.registry import Registry

    patch.setenv("LEADHEAT_HOME", str(folder / "home"))
    shutil.copy(empty_database, folder / "leadheat.db")
    return Registry(f"sqlite:///{folder / 'leadheat.db'}")


@pytest.fixture
def champion_place(tmp_path: Path, registry: Registry, world: SmallWorld) -> Place:
    """A place for commands whose champion is the small world's scorer."""
    from tests.command import Place
    from tests.tracked import EXAMPLE, FIGURES, GATES

    with registry.run("world") as run:
        version = run.log_model(world.folder / "model", world.scorer.fingerprint, EXAMPLE, FIGURES, GATES, "")
    registry.promote(version, "the only one")
    return Place(tmp_path)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> SmallWorld:
    """A small simulated world with a scorer learnt from it, for all tests together: they must not change it."""
    from tests.small_world import small_world

    return small_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def reported(world: SmallWorld, tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """The report of the small world, for all tests together."""
    from tests.reported import reported

    return reported(world, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="session")
def moved_world(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> MovedWorld:
    """A world whose base rate has moved since its champion was trained, for all tests together: they must not change it."""
    from tests.moved_world import moved_world

    return moved_world(tmp_path_factory.mktemp("moved"), empty_database)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of the module's own: while it is there, nothing else in the process can run an event loop."""
    from playwright.sync_api import sync_playwright

    from tests.browser import CHROMIUM, QUIET

    if not CHROMIUM.exists():
        missing("Chromium", "apt-get install chromium fonts-dejavu-core")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this process's own."""
    from tests.postgres import Postgres, programs

    binaries = programs()
    if binaries is None:
        missing("PostgreSQL's server", "apt-get install postgresql")
    assert binaries is not None
    with Postgres(binaries) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store, once in SQLite and once in PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    running: Postgres = request.getfixturevalue("postgres")
    return running.database()


@pytest.fixture
def engine(store_url: str) -> Iterator[Engine]:
    """An empty store with its tables, once in SQLite and once in PostgreSQL."""
    from features.store.engine import migrate, open_store

    engine = open_store(store_url)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def made(store_url: str, world: SmallWorld) -> Iterator[Remembering]:
    """An empty store, once in SQLite and once in PostgreSQL, whose leads the small world's scorer scores."""
    from tests.remembering import remembering

    with remembering(store_url, world.scorer) as one:
        yield one


@pytest.fixture
def memory(made: Remembering) -> Memory:
    """The same, as the routes use it."""
    return made.memory
