"""A table or view of PostgreSQL: where it is, what its columns are in Arrow, and how its rows divide by the lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.contract import DataError, Finding
from features.nearest import did_you_mean

if TYPE_CHECKING:
    from psycopg import Connection

_TABLE = """
SELECT c.oid, n.nspname, c.relname,
       has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT'),
       coalesce((SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree(c.oid)), pg_relation_size(c.oid), 0)::bigint,
       c.relkind::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND ((c.relname = %(name)s AND pg_table_is_visible(c.oid)) OR n.nspname || '.' || c.relname = %(name)s)
ORDER BY c.relname = %(name)s LIMIT 1
"""
_NAMES = """
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'
ORDER BY 1
"""
_COLUMNS = """
WITH RECURSIVE plain AS (
  SELECT attnum, attname, atttypid AS type FROM pg_attribute
  WHERE attrelid = %(table)s AND attnum > 0 AND NOT attisdropped AND has_column_privilege(attrelid, attnum, 'SELECT')
  UNION ALL
  SELECT attnum, attname, typbasetype FROM plain JOIN pg_type ON pg_type.oid = type WHERE typtype = 'd')
SELECT attname, typtype = 'e', format_type(type, NULL) FROM plain JOIN pg_type ON pg_type.oid = type WHERE typtype <> 'd' ORDER BY attnum
"""
_BOUNDS = """
SELECT histogram_bounds::text::text[] FROM pg_stats
WHERE schemaname = %s AND tablename = %s AND attname = %s AND histogram_bounds IS NOT NULL ORDER BY inherited DESC LIMIT 1
"""
_PLAIN = frozenset({"smallint", "integer", "bigint", "real", "double precision", "boolean"})
_TEXT = frozenset({"text", "character varying", "character", "name", "citext", "uuid", '"char"'})
_TIMES = frozenset({"timestamp with time zone", "timestamp without time zone", "date"})
_DIVISIBLE = frozenset({"smallint", "integer", "bigint", "numeric", "text", "character varying", "uuid"})
_SAMPLED_BYTES = 4 << 20


@dataclass(frozen=True)
class Column:
    """A column: its name, and its type, that of the domain if it is one."""

    name: str
    type: str
    enum: bool

    def select(self, *, own: bool) -> str | None:
        """What to select so that Arrow has it as we read it; None if it is a type that has no use for us.

        Args:
            own: it is one of our columns, and no attribute: numbers keep all digits, and it may hold times.
        """
        name = quoted(self.name)
        if self.type in _PLAIN or (own and self.type in _TIMES):
            return name
        if self.type in _TEXT or self.enum:
            return f"{name}::text AS {name}"
        if self.type in ("numeric", "money"):
            return f"{'trim_scale(' + name + '::numeric)::text' if own else name + '::numeric::float8'} AS {name}"
        return None


@dataclass(frozen=True)
class Relation:
    """A table or view: schema and name, its columns that we may read, its size in bytes, and whether it can be sampled."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    size: int
    sampled: bool

    @property
    def quoted(self) -> str:
        """Its name in a statement."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    def bounds(self, connection: Connection, column: str, parts: int) -> list[str]:
        """Values of a column, at most parts - 1, that divide the rows into ranges of about equal size, as literals with their type.

        From the planner's statistics; where there are none, from a sample of the pages.
        """
        kind = next((one.type for one in self.columns if one.name == column), "")
        if kind not in _DIVISIBLE or parts < 2:
            return []
        row = connection.execute(_BOUNDS, (self.schema, self.name, column)).fetchone()
        values = row[0] if row else self._sample(connection, column)
        chosen = dict.fromkeys(values[len(values) * part // parts] for part in range(1, parts)) if len(values) > parts else []
        return [f"{literal(one)}::{kind}" for one in chosen]

    def _sample(self, connection: Connection, column: str) -> list[str]:
        if not self.sampled:
            return []
        share = min(100.0, 100.0 * _SAMPLED_BYTES / max(self.size, 1))
        rows = f"SELECT {quoted(column)} AS one FROM {self.quoted} TABLESAMPLE SYSTEM ({share:.6f}) REPEATABLE (0)"  # noqa: S608
        found = connection.execute(f"SELECT one::text FROM ({rows}) AS sample WHERE one IS NOT NULL ORDER BY sample.one")  # noqa: S608
        return [one for (one,) in found.fetchall()]


def quoted(name: str) -> str:
    """A name in a statement."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A text in a statement, whatever the server takes a backslash for."""
    plain = "'" + value.replace("'", "''") + "'"
    return " E" + plain.replace("\\", "\\\\") if "\\" in value else plain


def find(connection: Connection, wanted: str, table: str, place: str) -> Relation:
    """Look a table up by ``schema.table``, or by its name alone, written as it is, without quotes.

    Raises:
        DataError: there is none of that name, or it may not be read.
    """
    row = connection.execute(_TABLE, {"name": wanted}).fetchone()
    if row is None:
        names = [one for (one,) in connection.execute(_NAMES).fetchall()]
        elsewhere = (f'Did you mean "{one}"?' for one in names if one.endswith(f".{wanted}"))
        hint = did_you_mean(wanted, names) or next(elsewhere, f"There are: {', '.join(names[:20]) or 'none'}.")
        raise refusal("missing_table", table, f"{place} has no table {wanted!r}", hint)
    oid, schema, name, allowed, size, kind = row
    if not allowed:
        user, owned = connection.info.user, f"{quoted(schema)}.{quoted(name)}"
        grants = f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {quoted(user)}; GRANT SELECT ON {owned} TO {quoted(user)};"
        raise refusal(
            "no_permission", table, f"the user {user!r} may not read the table {wanted!r} of {place}", f"Let its owner say: {grants}"
        )
    columns = tuple(Column(name, kind, enum) for name, enum, kind in connection.execute(_COLUMNS, {"table": oid}).fetchall())
    return Relation(schema, name, columns, int(size), kind in ("r", "p", "m"))


def refusal(code: str, table: str, detail: str, hint: str) -> DataError:
    """An error with its finding."""
    return DataError(detail, hint, [Finding("error", code, table, "", 1, detail, hint)])
