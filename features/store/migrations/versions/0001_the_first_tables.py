"""The first tables."""

from __future__ import annotations

from alembic import op

from features.store.schema import METADATA

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables as ``features.store.schema`` has them; when it changes, this one is written out, and a second one added."""
    METADATA.create_all(op.get_bind())
