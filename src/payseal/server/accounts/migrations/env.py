"""What Alembic runs for each migration: on the connection it is handed, inside the caller's transaction."""

from __future__ import annotations

from alembic import context

from payseal.server.accounts.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite's DDL is transactional too once it is told where the transaction begins, as `database` does.
    transactional_ddl=True,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
