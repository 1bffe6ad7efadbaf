"""A decision's trace, so that the page of its request is found; and indexes for what the console asks for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add a column and two indexes; decisions from before have no trace."""
    op.add_column("decisions", sa.Column("trace", sa.String(36)))
    op.create_index("ix_decisions_account", "decisions", ["account"])
    op.create_index("ix_decisions_trace", "decisions", ["trace"])
