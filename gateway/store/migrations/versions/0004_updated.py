"""Resources by type and time of their present version: `_lastUpdated`, histories of a type."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("resource_updated", "resource", ["type", "updated_at", "resource"])
