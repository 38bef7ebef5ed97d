"""Opening the store: SQLite beside the service, or a PostgreSQL server that several services share."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from features.contract import LeadheatError, SettingsError
from features.store.schema import leads

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 10.0
"""How long a writer waits for another before it gives up."""
LOCK = 7_204_411
"""The number of the lock in PostgreSQL that migrations take."""


class StoreError(LeadheatError):
    """The store cannot be reached, or cannot take what it was given, now: the same request may succeed later."""


def address() -> str:
    """What ``LEADHEAT_STORE`` says, else SQLite's file under ``LEADHEAT_HOME``."""
    home = Path(os.environ.get("LEADHEAT_HOME") or ".leadheat").absolute()
    return os.environ.get("LEADHEAT_STORE") or f"sqlite:///{home / 'store.db'}"


def open_store(url: str, pool_size: int = 8) -> Engine:
    """An engine for the store at a URL; nothing is connected yet.

    Args:
        url: ``sqlite:///path`` or ``postgresql://user:password@host/database``.
        pool_size: connections that are kept.

    Raises:
        SettingsError: the URL is none, or names a database that is neither, or whose driver is not installed.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(url, pool_size)
        if parsed.get_backend_name() != "postgresql":
            raise SettingsError(f"{parsed.get_backend_name()} is no store.", "Name a sqlite:/// or a postgresql:// address.")
        arguments = {"connect_timeout": 5, "application_name": "leadheat"}
        parsed = parsed.set(drivername="postgresql+psycopg")
        return create_engine(
            parsed, pool_size=pool_size, max_overflow=0, pool_timeout=BUSY_SECONDS, pool_pre_ping=True, connect_args=arguments
        )
    except (ArgumentError, NoSuchModuleError) as error:
        raise SettingsError(
            "LEADHEAT_STORE holds no address of a database.", "Such as postgresql://user:password@host/leadheat."
        ) from error
    except ModuleNotFoundError as error:
        raise SettingsError("PostgreSQL's driver is not installed.", 'Install it: pip install "leadheat[postgres]".') from error


def migrate(engine: Engine) -> None:
    """Bring the store's tables to this release's form; other processes that open it wait until that is done.

    Raises:
        StoreError: the store cannot be reached.
        SettingsError: the store is of a newer release.
    """
    from alembic import command  # loaded by who migrates, not by the process that only keeps the workers
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with told(), engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN EXCLUSIVE")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes; SQLite lets one begin at a time, so that none fails in the middle.

    Raises:
        StoreError: the store cannot be reached, is full, or too busy; nothing of the block is kept.
    """
    with told(), engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that reads, all of it as of one moment.

    Raises:
        StoreError: the store cannot be reached.
    """
    with told(), engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        else:
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield connection


def locked_lead(connection: Connection, lead_id: str) -> Mapping[str, Any] | None:
    """A lead's row, held against other writers until the transaction ends; None where there is no such lead."""
    row = connection.execute(select(leads).where(leads.c.lead_id == lead_id).with_for_update()).mappings().one_or_none()
    return None if row is None else dict(row)


@contextmanager
def told() -> Iterator[None]:
    """Whatever the database's driver raises, in words.

    Raises:
        StoreError: the store cannot be reached, is full or is busy; what is a mistake of ours is raised as it is.
    """
    try:
        yield
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
        if isinstance(error, OperationalError) or error.connection_invalidated or "full" in reason:
            raise StoreError("The store cannot be reached, or is full.", "Ask again later; nothing of this request was kept.") from error
        raise
    except PoolTimeout as error:
        raise StoreError("The store is busy.", "Ask again later; nothing of this request was kept.") from error


_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def as_json(value: object) -> str:
    """One text for equal values: sorted keys, no spaces."""
    return _ENCODER.encode(value)


def has_tables(connection: Connection) -> bool:
    """Whether the store was ever opened for writing."""
    return inspect(connection).has_table(leads.name)


def _sqlite(url: str, pool_size: int) -> Engine:
    file = make_url(url).database
    if not file or file == ":memory:":
        raise SettingsError("The store needs a file.", "Such as sqlite:////var/lib/leadheat/store.db.")
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_size=pool_size, max_overflow=0, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where this module says so
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", f"busy_timeout={int(BUSY_SECONDS * 1000)}"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
