"""Opening the store, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from features.contract import SettingsError
from features.store.engine import MIGRATIONS, StoreError, has_tables, locked_lead, migrate, open_store, reading, writing
from features.store.schema import METADATA, PERSONAL, leads
from tests.postgres import Postgres
from tests.stored import put

LEAD = {"lead_id": "a", "created_at": None, "changed_at": 1, "merged_into": None}


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    engine = open_store(url)
    migrate(engine)
    yield engine
    engine.dispose()


def test_a_store_without_tables_says_so(store_url: str) -> None:
    engine = open_store(store_url)
    with reading(engine) as connection:
        assert not has_tables(connection)
    engine.dispose()


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based", "ignore:autogenerate skipping metadata-specified")
def test_the_migrations_make_the_tables_that_the_schema_names(engine: Engine) -> None:
    migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA) == []


def test_a_store_of_the_first_release_keeps_all_its_rows(store_url: str) -> None:
    engine = open_store(store_url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        put(connection, "anna")
    with engine.connect() as connection:
        before = [connection.execute(select(table)).all() for table in PERSONAL]
    migrate(engine)
    with engine.connect() as connection:
        assert [connection.execute(select(table)).all() for table in PERSONAL] == before
    assert all(before)
    engine.dispose()


def test_services_that_open_a_new_store_at_once_do_not_get_in_each_others_way(store_url: str) -> None:
    engines = [open_store(store_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, engines))
    for engine in engines:
        with reading(engine) as connection:
            assert has_tables(connection)
        engine.dispose()


def test_what_fails_within_a_transaction_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(IntegrityError, match=r"(?i)unique"), writing(engine) as connection:
        connection.execute(insert(leads), [LEAD, LEAD | {"lead_id": "b"}, LEAD])
    with reading(engine) as connection:
        assert connection.execute(select(leads)).all() == []


def test_a_locked_lead_keeps_other_writers_waiting(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(insert(leads).values(LEAD))

    def add_one(_: int) -> None:
        with writing(engine) as connection:
            row = locked_lead(connection, "a")
            assert row is not None
            connection.execute(leads.update().values(changed_at=row["changed_at"] + 1))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_one, range(40)))
    with reading(engine) as connection:
        assert connection.execute(select(leads.c.changed_at)).scalar_one() == 41


def test_no_lead_no_lock(engine: Engine) -> None:
    with writing(engine) as connection:
        assert locked_lead(connection, "nobody") is None


def test_a_database_that_is_gone_is_told_in_words_and_found_again_when_it_is_back(postgres: Postgres) -> None:
    with opened(postgres.database()) as engine:
        postgres.kill()
        try:
            with pytest.raises(StoreError, match="cannot be reached"), reading(engine):
                pass
        finally:
            postgres.start()
        with reading(engine) as connection:
            assert has_tables(connection)


@pytest.mark.parametrize("url", ["nonsense", "mysql://somewhere/leads", "sqlite://", "oracle+nothing://x"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"address|no store|needs a file"):
        open_store(url)


def test_the_folder_of_the_file_is_made(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path / 'new' / 'store.db'}"):
        assert (tmp_path / "new" / "store.db").exists()
