"""The ``[data]`` part of ``leadheat.toml``: which files hold the tables, and what their columns mean."""

from __future__ import annotations

from datetime import date
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import BeforeValidator, Field, PlainSerializer, field_validator, model_validator

from features.consent import ConsentRule
from features.contract import NEVER, SettingsError, Strict, from_micros, parse_moment
from features.nearest import aside


def _moment(value: object) -> object:
    if isinstance(value, date):
        value = value.isoformat()
    if not isinstance(value, str):
        return value
    try:
        return parse_moment(value)
    except SettingsError as error:
        raise ValueError(str(error)) from error


def one_or_more(value: object) -> object:
    """Settings may write a list of one text as that text."""
    return (value,) if isinstance(value, str) else value


def holds_password(url: str) -> bool:
    """Whether the address of a database tells a password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    return ":" in parts.netloc.rpartition("@")[0] or "password" in parts.query


def _rule_or_more(value: object) -> object:
    return (value,) if isinstance(value, dict) else value


def _written(micros: int) -> str | int:
    return micros if micros >= NEVER else from_micros(micros).isoformat()


Moment = Annotated[int, BeforeValidator(_moment), PlainSerializer(_written)]
"""Microseconds since 1970 UTC, written in settings as ``"2026-01-31"`` (midnight UTC) or as a time with its zone."""
ConsentRules = Annotated[tuple[ConsentRule, ...], BeforeValidator(_rule_or_more)]
Names = Annotated[tuple[str, ...], BeforeValidator(one_or_more)]


STORE = "store:"
"""The path that means the service's store."""
SERVERS = ("postgresql://", "postgres://")
"""How paths begin that mean a database of PostgreSQL."""


TABLES = ("leads", "interactions", "outcomes")
"""What a data set consists of; the first is always there."""


class Constant(Strict):
    """A type that every row of a table shares: ``type = { const = "first_contact" }``."""

    const: str = Field(min_length=1)


class TableSettings(Strict):
    """Where a table is and how its columns are called.

    ``path`` is a CSV or Parquet file (also ``.csv.gz``), a glob, a folder of such files, a DuckDB file or a database of PostgreSQL
    (``postgresql://user@host/database``), whose ``table`` is named then, or ``store:``, what the service remembers.
    ``columns`` maps our name to the file's, also for attributes: ``{ occurred_at = "ts", amount = "AMOUNT_REQ" }``.
    """

    path: str = Field(min_length=1)
    table: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _server_is_named_whole(self) -> Self:
        if self.on_server and not self.table:
            raise ValueError('a database of PostgreSQL holds many tables; write { path = "...", table = "schema.name" }')
        if self.on_server and holds_password(self.path):
            raise ValueError(
                "the path holds a password, which settings must not, for they are tracked with models; give it in PGPASSWORD, in ~/.pgpass "
                "or by a service (?service=NAME)"
            )
        return self

    @property
    def in_files(self) -> bool:
        """Whether it lies in files."""
        return not self.on_server and self.path != STORE

    @property
    def on_server(self) -> bool:
        """Whether the table lies in a database of PostgreSQL."""
        return self.path.startswith(SERVERS)

    def source(self) -> dict[str, str]:
        """Our names that are configured, and the file's columns they stand for."""
        return dict(self.columns)


class InteractionsSettings(TableSettings):
    """``type`` lists columns whose values are joined by "/"; ``order`` is a column of integers that orders what happened at one moment."""

    type: Names | Constant | None = None
    order: str | None = None

    def source(self) -> dict[str, str]:
        """As of every table; the order as well, but not the type, which may be several columns."""
        order = {} if self.order is None else {"order": self.order}
        return {own: theirs for own, theirs in (self.columns | order).items() if own != "type"}

    def type_columns(self) -> tuple[str, ...]:
        """The file's columns that make up the type; none where it is a constant."""
        if isinstance(self.type, Constant):
            return ()
        return self.type or (self.columns.get("type", "type"),)


class OutcomesSettings(TableSettings):
    """Which values of the outcome column mean won, and which lost.

    Without ``lost``, a configured ``won`` makes every other value lost. ``won = true``: there is no outcome column, every row is a win.
    """

    won: Names | Literal[True] = ("won",)
    lost: Names | None = None

    @model_validator(mode="before")
    @classmethod
    def _both_by_default(cls, values: Any) -> Any:
        if isinstance(values, dict) and not {"won", "lost"} & values.keys():
            return {**values, "lost": ("lost",)}
        return values

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.won is True and self.lost:
            raise ValueError("won = true says that every row is a win; leave lost out, or list the values of both")
        both = set(self.won) & set(self.lost or ()) if self.won is not True else set()
        if both:
            raise ValueError(f"{sorted(both)} cannot be both won and lost")
        return self


class DataSettings(Strict):
    """How to read a data set.

    Attributes:
        exclude_types: shell patterns of interaction types that are left out, with upper and lower case distinguished.
        exclude_attributes: shell patterns of attributes that are left out, of one table with its name before: ``"interactions.*"``.
        categorical_attributes: shell patterns, as above, of attributes whose numbers are names (post codes, campaign ids).
        consent: which interactions count only with consent, and what tells that it was given; one rule or several, all of which must hold.
        timezone: the IANA zone of times that bear none.
        repeatable: a lead can be won more than once (repeat orders).
        observed_until: the end of what was observed, microseconds UTC; without it, the latest moment in the tables.
    """

    name: str = Field(default="leads", min_length=1)
    leads: TableSettings
    interactions: InteractionsSettings | None = None
    outcomes: OutcomesSettings | None = None
    exclude_types: tuple[str, ...] = ()
    exclude_attributes: tuple[str, ...] = ()
    categorical_attributes: tuple[str, ...] = ()
    consent: ConsentRules = ()
    timezone: str | None = None
    repeatable: bool = False
    observed_until: Moment | None = None

    @property
    def tables(self) -> dict[str, TableSettings]:
        """The tables that are configured, by name, in the order of ``TABLES``."""
        return {name: table for name in TABLES if (table := getattr(self, name)) is not None}

    @model_validator(mode="after")
    def _consent_is_seen(self) -> Self:
        lost = [
            kind
            for rule in self.consent
            for kind in (*rule.granted, *rule.withdrawn)
            if any(fnmatchcase(kind, one) for one in self.exclude_types)
        ]
        if lost:
            raise ValueError(f"exclude_types leaves {lost} out, by which consent is granted or withdrawn")
        return self

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            meant = aside(value, sorted(available_timezones())) or ', such as "Europe/Berlin"'
            raise ValueError(f"{value!r} is no time zone of the IANA list{meant}")
        return value
