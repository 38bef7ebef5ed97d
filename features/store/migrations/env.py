"""Alembic's entrance: it runs within the connection, and the lock, that ``features.store.engine.migrate`` holds."""

from __future__ import annotations

from alembic import context

from features.store.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, transactional_ddl=False)
context.run_migrations()
