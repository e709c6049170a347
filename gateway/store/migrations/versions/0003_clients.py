"""Clients of the FHIR interface: which are revoked, which assertions were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both tables, empty."""
    op.create_table(
        "client_state",
        sa.Column("client", sa.Text(), primary_key=True),
        sa.Column("revoked", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
    )
    op.create_table(
        "assertion_use",
        sa.Column("term", sa.LargeBinary(), primary_key=True),
        sa.Column("retain_until", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("assertion_use_retain", "assertion_use", ["retain_until"])
