"""Scores into a table of PostgreSQL, in one transaction: a row for each lead, moment and version, however often a run is repeated."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from features.contract import LeadheatError, SettingsError
from features.postgres.layout import literal, quoted
from features.postgres.server import ServerError, connected, shown, streaming
from models import home
from models.table import FOR_LATER, SCHEMA
from serving.output import Write, plain

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Cursor
    from psycopg import Connection

_KINDS = {pa.string(): "text", pa.float64(): "double precision", pa.int64(): "bigint", pa.bool_(): "boolean"}
TYPES = {one.name: _KINDS.get(one.type, "jsonb") for one in SCHEMA if one.name not in FOR_LATER}
TYPES["as_of"] = "timestamp with time zone"
"""The columns, as they are made where the table is not there yet."""
_ALSO = {"text": {"character varying"}}
_NEVER_NULL = ("lead_id", "as_of")
_KEY = "(lead_id, as_of, coalesce(version, ''))"
"""A model of no registry has no version: that is a version of its own, and not a new one each time."""
_STAGING = "leadheat_scores"
_FOUND = """
SELECT c.relkind::text, n.oid IS NOT NULL, coalesce(has_schema_privilege(n.oid, 'USAGE, CREATE'), false), c.oid
FROM (SELECT coalesce(%(schema)s, current_schema()) AS name) AS wanted
LEFT JOIN pg_namespace n ON n.nspname = wanted.name LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = %(table)s
"""
_COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod), attnotnull AND NOT atthasdef AND attidentity = '' FROM pg_attribute
WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped
"""


@dataclass(frozen=True)
class ScoreTable:
    """A table; ``schema`` is None for the one that the server's search path begins with."""

    url: str
    schema: str | None
    table: str

    @classmethod
    def at(cls, named: str) -> ScoreTable:
        """The table at ``postgresql://user@host/database#schema.table``.

        Raises:
            SettingsError: no table is named.
        """
        url, _, name = named.partition("#")
        schema, _, table = name.rpartition(".")
        if not table:
            raise SettingsError(f"No table of {shown(url)} is named.", "Name it behind a #: postgresql://user@host/database#schema.table.")
        return cls(url, schema or None, table)

    def __str__(self) -> str:
        return f"the table {self.schema + '.' if self.schema else ''}{self.table} of {shown(self.url)}"

    @property
    def working(self) -> Path:
        """See ``Output``; it lies under ``LEADHEAT_HOME``."""
        return home.home() / "scoring" / hashlib.blake2b(str(self).encode(), digest_size=8).hexdigest()

    def check(self) -> None:
        """See ``Output``: the table is not there and can be made, or has all columns, of our types, and a key.

        Raises:
            SettingsError: it does not fit, or the server cannot be reached.
        """
        try:
            with connected(self.url) as connection:
                self._check(connection)
        except ServerError as error:
            raise SettingsError(f"{error.message}.", error.hint) from error

    @contextmanager
    def writing(self) -> Iterator[Write]:
        """See ``Output``: shards stream into a table that only this connection sees, and from there into the table, at the end.

        Raises:
            SettingsError: as of ``check``.
            LeadheatError: the server refuses, or is gone; then nothing was written.
        """
        self.check()
        try:
            with streaming(self.url) as cursor:
                cursor.execute(f"CREATE TEMPORARY TABLE {_STAGING} ({_columns('text')}) ON COMMIT DROP")
                yield partial(_stage, cursor)
                self._merge_all(cursor)
                cursor.connection.commit()
        except ServerError as error:
            raise LeadheatError(f"The scores cannot be written: {error.message}.", error.hint) from error

    @property
    def _name(self) -> str:
        return ".".join(quoted(one) for one in (self.schema, self.table) if one)

    def _merge_all(self, cursor: Cursor) -> None:
        """Two runs write one after the other; who reads waits for neither."""
        cursor.execute(f"SELECT pg_advisory_xact_lock(hashtextextended({literal(f'leadheat {self._name}')}, 0))::text")
        cursor.fetchall()
        cursor.execute(f"SELECT to_regclass({literal(self._name)}) IS NULL")
        if cursor.fetchone() == (True,):
            cursor.execute(f"CREATE TABLE {self._name} ({_columns('jsonb')})")
            cursor.execute(f"CREATE UNIQUE INDEX ON {self._name} {_KEY}")
        cursor.execute(f"LOCK TABLE {self._name} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(self._merge())

    def _merge(self) -> str:
        names = ", ".join(map(quoted, TYPES))
        values = ", ".join("reasons::jsonb" if name == "reasons" else quoted(name) for name in TYPES)
        others = [name for name in TYPES if name not in ("lead_id", "as_of", "version")]
        news = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in others)
        was, now = (", ".join(f"{side}.{quoted(name)}" for name in others) for side in ("scores", "excluded"))
        return (
            f"INSERT INTO {self._name} AS scores ({names}) SELECT {values} FROM {_STAGING} "  # noqa: S608
            f"ON CONFLICT {_KEY} DO UPDATE SET {news} WHERE ({was}) IS DISTINCT FROM ({now})"
        )

    def _check(self, connection: Connection) -> None:
        row = connection.execute(_FOUND, {"schema": self.schema, "table": self.table}).fetchone()
        kind, there, may_create, oid = row or (None, False, False, None)
        if kind is None:
            self._check_schema(there=there, may_create=may_create)
        elif kind not in ("r", "p"):
            raise SettingsError(f"{self} is no table that can be written to.", "Name another; it is made where it is not there.")
        else:
            found = {name: (kind, must) for name, kind, must in connection.execute(_COLUMNS, (oid,)).fetchall()}
            for problem in _misfits(found):
                raise SettingsError(f"{self} does not fit: {problem}.", "Alter it, or name another; it is made where it is not there.")
            self._check_key(connection)

    def _check_schema(self, *, there: bool, may_create: bool) -> None:
        if not there:
            raise SettingsError(f"{self} cannot be made: there is no such schema.", "Make it first: CREATE SCHEMA ...;")
        if not may_create:
            raise SettingsError(
                f"{self} cannot be made: this user may not.", "Let the owner say: GRANT USAGE, CREATE ON SCHEMA ... TO ...;"
            )

    def _check_key(self, connection: Connection) -> None:
        """Whether the merge could go on, in what it needs and what it may: the server plans it."""
        import psycopg

        connection.execute(f"CREATE TEMPORARY TABLE {_STAGING} ({_columns('text')}) ON COMMIT DROP")
        try:
            connection.execute(f"EXPLAIN {self._merge()}")
        except psycopg.errors.InvalidColumnReference as error:
            key = f"CREATE UNIQUE INDEX ON {self._name} {_KEY};"
            raise SettingsError(f"{self} does not fit: it has no unique index by lead_id, as_of and version.", key) from error


def _stage(cursor: Cursor, table: pa.Table) -> None:
    cursor.adbc_ingest(_STAGING, plain(table), mode="append", temporary=True)


def _columns(reasons: str) -> str:
    kinds = TYPES | {"reasons": reasons}
    return ", ".join(f"{quoted(name)} {kind}{' NOT NULL' if name in _NEVER_NULL else ''}" for name, kind in kinds.items())


def _misfits(found: dict[str, tuple[str, bool]]) -> Iterator[str]:
    for name, kind in TYPES.items():
        if name not in found:
            yield f"it lacks the column {name} ({kind})"
        elif found[name][0] not in {kind} | _ALSO.get(kind, set()):
            yield f"the column {name} is {found[name][0]}; it must be {kind}"
        elif found[name][1] and name not in _NEVER_NULL:
            yield f"the column {name} is NOT NULL; it must take null"
    for name, (_, must) in found.items():
        if must and name not in TYPES:
            yield f"the column {name} is NOT NULL and has no default; scores do not have it"
