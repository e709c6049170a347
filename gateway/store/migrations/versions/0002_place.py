"""Places in a lane: a delivery made anew stands where the one it replaces stood."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the place; what is undone keeps the order it has."""
    op.add_column(
        "lane_delivery", sa.Column("place", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.execute("UPDATE lane_delivery SET place = delivery")
