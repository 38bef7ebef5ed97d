"""The tables of the store: what the service remembers of leads. Training and batch read them as a data set, ``store:``.

Moments are microseconds UTC; JSON is text, so that one schema serves SQLite and PostgreSQL. Whatever holds a ``lead_id`` is erased with
the lead; ``receipts`` hold none.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Double,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    literal_column,
)

METADATA = MetaData()

leads = Table(
    "leads",
    METADATA,
    Column("lead_id", Text, primary_key=True),
    Column("created_at", BigInteger),
    Column("changed_at", BigInteger, nullable=False),
    Column("merged_into", Text),
    Index("leads_by_survivor", "merged_into"),
)
"""``changed_at`` is the stamp of the latest change, growing with each, whatever the clock does; ``merged_into`` names the lead that took
this one's history over, and is null for all others."""

attributes = Table(
    "attributes",
    METADATA,
    Column("lead_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("set_at", BigInteger, nullable=False),
)
"""``value`` is a JSON scalar; ``origin`` says where it came from."""

SEGMENT_CHARACTERS = 64
"""So much of a value is in the index: a whole one may be too long for PostgreSQL's."""
segment: ColumnElement[str] = literal_column(f"((name || ':') || substr(value, 1, {SEGMENT_CHARACTERS}))", Text)
"""What an attribute is, in one text, of which the database knows how many leads share it: ``industry:"retail"``."""
Index("attributes_by_segment", segment, attributes.c.lead_id)

interactions = Table(
    "interactions",
    METADATA,
    Column("lead_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("interaction_id", Text),
    Column("type", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("direction", SmallInteger, nullable=False),
    Column("order", BigInteger, nullable=False),
    Column("attributes", Text),
    Column("origin", Text, nullable=False),
    Index("interactions_by_type", "type", "direction", "occurred_at", "lead_id"),
)
"""``key`` makes a repeated interaction one: its ``interaction_id``, or a hash of its content. It counts from ``recorded_at``, which is
``received_at`` (when the store took it) where the sender did not say otherwise. ``direction`` as in ``features.history``; ``order`` is 0
where nothing was said; ``attributes`` is a JSON object or null."""

outcomes = Table(
    "outcomes",
    METADATA,
    Column("lead_id", Text, primary_key=True),
    Column("closed_at", BigInteger, primary_key=True),
    Column("outcome", Text, primary_key=True),
    Column("received_at", BigInteger, nullable=False),
    Column("origin", Text, nullable=False),
)
"""``outcome`` is ``won`` or ``lost``."""

standings = Table(
    "standings",
    METADATA,
    Column("lead_id", Text, primary_key=True),
    Column("as_of", BigInteger, nullable=False),
    Column("refresh_at", BigInteger, nullable=False),
    Column("version", Text),
    Column("fingerprint", Text, nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("temperature", SmallInteger, nullable=False),
    Column("stage", Text, nullable=False),
    Column("probability", Double),
    Column("due", BigInteger, nullable=False),
    Column("coldness", SmallInteger, nullable=False),
    Column("unlikely", Double, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("handed_over_at", BigInteger),
    Column("answer", Text, nullable=False),
    Index("standings_by_urgency", "closed", "due", "coldness", "unlikely", "lead_id", "stage", "changed_at"),
    Index("standings_by_temperature", "closed", "coldness", "due", "unlikely", "lead_id", "stage", "changed_at"),
    Index("standings_by_refresh", "closed", "refresh_at"),
    Index("standings_by_fingerprint", "closed", "fingerprint"),
)
"""The latest score of each lead.

``temperature`` (0 cold, 1 warm, 2 hot) is the band before, for hysteresis. The worklist is in the order of ``due`` (when an answer is due,
``NEVER`` where none is), ``coldness`` (2 - temperature as shown), ``unlikely`` (1 - probability, or what stands for it) and ``lead_id``.
``refresh_at``: when the score would change though nothing happens. ``changed_at``: when band or stage last changed. ``answer`` is the
whole Score as JSON. The first two indexes hold all that the worklist filters by, so that what it does not show is never read.
"""

changes = Table(
    "changes",
    METADATA,
    Column("lead_id", Text, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("cause", Text, nullable=False),
    Column("temperature", SmallInteger, nullable=False),
    Column("stage", Text, nullable=False),
    Column("probability", Double),
    Column("version", Text),
    Index("changes_by_time", "at"),
)
"""The path of the temperature: a row whenever band, stage or version became another. ``cause``: ``interaction``, ``lead``, ``outcome``,
``merge``, ``time``, ``model`` or ``override``."""

overrides = Table(
    "overrides",
    METADATA,
    Column("lead_id", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
"""What a person decided instead of the model: ``field`` is ``temperature``, ``stage`` or ``next_step``; it holds until ``expires_at``."""

outbox = Table(
    "outbox",
    METADATA,
    Column("event_id", Text, primary_key=True),
    Column("lead_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", BigInteger),
    Column("delivered_at", BigInteger),
    Column("problem", Text),
    Index("outbox_by_attempt", "next_attempt_at"),
    Index("outbox_by_lead", "lead_id"),
)
"""Events to deliver, written with the change that they tell of. ``next_attempt_at`` is null once delivered, or given up: then ``problem``
says why."""

receipts = Table(
    "receipts",
    METADATA,
    Column("receipt_id", Text, primary_key=True),
    Column("erased_at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("counts", Text, nullable=False),
)
"""That somebody was erased, when, on whose key, and how many rows of what (JSON): nothing of whom."""

erasures = Table(
    "erasures",
    METADATA,
    Column("lead_id", Text, primary_key=True),
    Column("sweep_until", BigInteger, nullable=False),
)
"""Leads whose rows may still be on their way into a score log; gone when ``sweep_until`` is past and the logs were swept, which takes
seconds. It is the one place where an erased lead's id outlives it, and is emptied last."""

PERSONAL = (outbox, overrides, changes, standings, outcomes, interactions, attributes, leads)
"""The tables that hold something of a lead, in an order in which they can be emptied."""
