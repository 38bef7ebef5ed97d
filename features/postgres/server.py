"""A PostgreSQL server: how it is named, connected to, and what its errors mean for the person who reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from features.contract import LeadheatError, SettingsError

if TYPE_CHECKING:
    from adbc_driver_manager import dbapi as adbc_dbapi
    from psycopg import Connection

UTF8 = "SET client_encoding TO 'UTF8'"
_SAID = re.compile(r"(?:ERROR|FATAL|PANIC):\s*(.+)")
_OUR_WORDS = re.compile(r"^[A-Z_]+: |\[libpq\] ")
_LOST = ("08", "57P0")
_ASKED = "Give the password in PGPASSWORD, in ~/.pgpass, or by a service (?service=NAME); leadheat.toml must not hold it."


class ServerError(LeadheatError):
    """A database cannot be reached, or refuses.

    Args:
        code: that of a finding which tells of it.
        message: as of ``LeadheatError``.
        hint: likewise.
    """

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.code = code


def shown(url: str) -> str:
    """A database's address for people: without user, password and options."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2] or "the default server"
    except ValueError:
        return "the database"
    return f"{unquote(parts.path).strip('/') or 'the default database'} at {host}"


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A connection for statements, of which all belong to one transaction; rolled back unless they commit.

    Args:
        url: of libpq, ``postgresql://user@host:port/database``; what it leaves out is taken from libpq's environment variables.

    Raises:
        SettingsError: the driver is not installed.
        ServerError: the database cannot be reached, or refuses what the block asks.
    """
    psycopg, _ = _drivers()
    try:
        connection = psycopg.connect(url, connect_timeout=10, application_name="leadheat")
    except psycopg.Error as error:
        raise _not_let_in(error, shown(url)) from error
    with told(url), closing(connection):
        connection.execute(UTF8)
        yield connection


@contextmanager
def streaming(url: str) -> Iterator[adbc_dbapi.Cursor]:
    """A connection of its own that takes and gives Arrow, likewise in one transaction that is rolled back unless it commits.

    Raises:
        SettingsError, ServerError: as for ``connected``.
    """
    _, adbc = _drivers()
    with told(url), adbc.connect(url, autocommit=False) as connection, connection.cursor() as cursor:
        cursor.execute(UTF8)
        yield cursor


@contextmanager
def told(url: str) -> Iterator[None]:
    """Whatever the drivers raise, in words without the password."""
    psycopg, adbc = _drivers()
    try:
        yield
    except (psycopg.Error, adbc.Error) as error:
        raise in_words(error, url) from error


def _not_let_in(error: Exception, place: str) -> ServerError:
    reason = _reason(error)
    hint = _ASKED if "password" in reason or "authentication" in reason else "Is the server running, and is that its address?"
    return ServerError("no_connection", f"{place} cannot be reached: {reason}", hint)


def in_words(error: Exception, url: str) -> ServerError:
    """What a driver raised, in words without the password."""
    place, state, reason = shown(url), getattr(error, "sqlstate", None) or "", _reason(error)
    if state.startswith(_LOST) or not (state or "ERROR:" in str(error)):
        return ServerError("connection_lost", f"the connection to {place} was lost: {reason}", "Nothing was kept; run it again.")
    if state == "42501":
        return ServerError("no_permission", f"{place} does not permit it: {reason}", "Ask the owner to GRANT it.")
    return ServerError("refused_by_server", f"{place} refuses: {reason}", "Mend the table or view, or leave the column out of it.")


def _reason(error: Exception) -> str:
    """The server's own words, on one line; the drivers' own words name the address at most, and no password."""
    text = str(error).strip()
    said = _SAID.search(text)
    return (said[1] if said else _OUR_WORDS.sub("", _OUR_WORDS.sub("", text)).split("\n")[0]).strip().rstrip(".")


def _drivers() -> tuple[ModuleType, ModuleType]:
    try:
        import psycopg
        from adbc_driver_postgresql import dbapi
    except ModuleNotFoundError as error:
        raise SettingsError("PostgreSQL's drivers are not installed.", 'Install them: pip install "leadheat[postgres]".') from error
    return psycopg, dbapi
