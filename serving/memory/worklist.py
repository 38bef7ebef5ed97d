"""The worklist: open leads in the order in which to take care of them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, Connection, RowMapping, and_, exists, false, func, select, tuple_

from features.contract import NEVER, Strict, iso, iso_or_none
from features.nearest import did_you_mean, nearest
from features.store.engine import as_json
from features.store.schema import SEGMENT_CHARACTERS, attributes, segment, standings
from models.request import Moment
from models.temperature import NAMES, Temperature
from serving.errors import SHOWN, Problem, RefusedError, wrong
from serving.memory.requests import Text
from serving.memory.views import WorklistEntry, WorklistPage

ORDER = (standings.c.due, standings.c.coldness, standings.c.unlikely, standings.c.lead_id)
Cursor = tuple[int, int, float, str]


class WorklistQuery(Strict):
    """What may stand behind ``GET /leads?``."""

    temperature: Temperature | None = Field(default=None, description="Only leads of this band.")
    stage: Literal["unqualified", "mql", "sql", "pql"] | None = Field(default=None, description="Only leads of this stage.")
    segment: list[Text] = Field(default=[], max_length=10, description="NAME:VALUE of an attribute; all that are given must hold.")
    owner: Text | None = Field(default=None, description="The value of the attribute owner.")
    changed_since: Moment | None = Field(default=None, description="Only leads whose band or stage changed at or after this moment.")
    limit: int = Field(default=50, ge=1, le=200, description="How many leads a page holds at most.")
    after: str | None = Field(default=None, max_length=2_000, description="The cursor of the page before.")


class UnknownAttributeError(RefusedError):
    """A segment of an attribute that no lead has and no model knows: an empty list would hide a slip of the pen.

    Any value may yet come, so one that no lead has gives an empty list.
    """

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.meant = nearest(name, known)
        hint = f"{did_you_mean(name, known)} There are {', '.join(known[:SHOWN])}.".strip()
        super().__init__([Problem(where="segment", what=f'names the attribute "{name}", which no lead has', hint=hint)], "query")


def page(connection: Connection, asked: WorklistQuery) -> WorklistPage:
    """One page.

    Raises:
        RequestError: a segment or the cursor cannot be read.
    """
    filters = _filters(asked)
    wanted = [*filters]
    if asked.after is not None:
        wanted.append(tuple_(*ORDER) > tuple_(*_read(asked.after)))
    statement = select(standings).where(and_(*wanted)).order_by(*ORDER).limit(asked.limit + 1)
    rows = connection.execute(statement).mappings().all()
    shown = rows[: asked.limit]
    known = _attributes(connection, [row["lead_id"] for row in shown])
    return WorklistPage(
        leads=[_entry(row, known.get(row["lead_id"], {})) for row in shown],
        counts=_counts(connection, filters),
        next=_written(shown[-1]) if len(rows) > asked.limit else None,
    )


def refuse_unknown(connection: Connection, asked: WorklistQuery, modelled: Collection[str]) -> None:
    """Nothing happens when each segment is of an attribute that is ``modelled`` or stored of any lead, or nothing is stored at all.

    Raises:
        UnknownAttributeError: one is not.
    """
    for name, _ in map(_segment, asked.segment):
        if name not in modelled and not connection.scalar(select(exists().where(attributes.c.name == name))):
            stored = connection.scalars(select(attributes.c.name).distinct()).all()
            if stored:
                raise UnknownAttributeError(name, sorted({*modelled, *stored}))


def _filters(asked: WorklistQuery) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = [standings.c.closed == false()]
    if asked.temperature is not None:
        filters.append(standings.c.coldness == 2 - NAMES.index(asked.temperature))
    if asked.stage is not None:
        filters.append(standings.c.stage == asked.stage)
    if asked.changed_since is not None:
        filters.append(standings.c.changed_at >= asked.changed_since)
    pairs = [_segment(one) for one in asked.segment] + ([] if asked.owner is None else [("owner", asked.owner)])
    filters += [_has(name, value) for name, value in pairs]
    return filters


def _segment(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name:
        raise wrong("segment", "is not NAME:VALUE", "Such as segment=industry:retail.", "query")
    return name, value


def _has(name: str, value: str) -> ColumnElement[bool]:
    """A lead with this value of an attribute, be it a text, a number, true or false."""
    meant = _meant(value)
    wanted: list[ColumnElement[bool]] = [segment.in_([f"{name}:{one[:SEGMENT_CHARACTERS]}" for one in meant])]
    if any(len(one) > SEGMENT_CHARACTERS for one in meant):  # shorter ones are whole, and no two are the same as JSON and name
        wanted += [attributes.c.name == name, attributes.c.value.in_(meant)]
    return exists().where(attributes.c.lead_id == standings.c.lead_id, *wanted)


def _meant(text: str) -> list[str]:
    meant = [as_json(text)]
    if text in ("true", "false"):
        meant.append(text)
    with suppress(ValueError):  # no number, or none that is finite
        meant.append(as_json(float(text)))
    return meant


def _counts(connection: Connection, filters: Sequence[ColumnElement[bool]]) -> dict[Temperature, int]:
    statement = select(standings.c.coldness, func.count()).where(and_(*filters)).group_by(standings.c.coldness)
    found = {row[0]: row[1] for row in connection.execute(statement)}
    return {name: found.get(2 - code, 0) for code, name in reversed(list(enumerate(NAMES)))}


def _attributes(connection: Connection, lead_ids: list[str]) -> dict[str, dict[str, Any]]:
    statement = select(attributes.c.lead_id, attributes.c.name, attributes.c.value).where(attributes.c.lead_id.in_(lead_ids))
    known: dict[str, dict[str, Any]] = {}
    for lead_id, name, value in connection.execute(statement):
        known.setdefault(lead_id, {})[name] = json.loads(value)
    return known


def _entry(row: RowMapping, known: dict[str, Any]) -> WorklistEntry:
    return WorklistEntry(
        lead_id=row["lead_id"],
        due=None if row["due"] >= NEVER else iso(row["due"]),
        changed_at=iso(row["changed_at"]),
        handed_over_at=iso_or_none(row["handed_over_at"]),
        attributes=known,
        score=json.loads(row["answer"]),
    )


def _written(row: RowMapping) -> str:
    return base64.urlsafe_b64encode(as_json([row[column.name] for column in ORDER]).encode()).decode().rstrip("=")


def _read(cursor: str) -> Cursor:
    try:
        due, coldness, unlikely, lead_id = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        if isinstance(lead_id, str) and "\0" not in lead_id and abs(int(due)) < 2**63 and 0 <= int(coldness) <= 2:
            return int(due), int(coldness), float(unlikely), lead_id
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
        pass
    raise wrong("after", "is no cursor of this list", "Take it as the page before gave it, or leave it out.", "query")
