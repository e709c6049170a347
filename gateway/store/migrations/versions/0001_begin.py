"""Everything the store begins with.

The tables and the reasons for their shape stand in `gateway/store/tables.py`.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
#: Kind of row number → how many a process takes at once.
SEQUENCES = {
    "message": 100,
    "resource": 1_000,
    "subject": 100,
    "body": 500,
    "pending": 100,
    "delivery": 1,
    "lane": 100,
    "audit": 200,
}


def upgrade() -> None:
    """Create the sequences (PostgreSQL), the tables and their indexes."""
    if op.get_bind().dialect.name == "postgresql":
        for kind, block in SEQUENCES.items():
            op.execute(sa.schema.CreateSequence(sa.Sequence(f"{kind}_number", 1, block)))
    op.create_table(
        "attempt",
        sa.Column("delivery", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("delivery", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit_event",
        sa.Column("audit", BIG, autoincrement=False, nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("retain_until", sa.BigInteger(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("audit"),
        sqlite_with_rowid=True,
    )
    op.create_index("audit_retain", "audit_event", ["retain_until"], unique=False)
    op.create_table(
        "audit_pending",
        sa.Column("audit", BIG, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("audit"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "body",
        sa.Column("body", BIG, autoincrement=False, nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("retain_until", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("body"),
        sqlite_with_rowid=True,
    )
    op.create_index("body_retain", "body", ["retain_until"], unique=False)
    op.create_table(
        "data_key",
        sa.Column("subject", BIG, autoincrement=False, nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("retain_until", sa.BigInteger(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject"),
        sqlite_with_rowid=True,
    )
    op.create_index("data_key_retain", "data_key", ["retain_until"], unique=False)
    op.create_table(
        "date_term",
        sa.Column("segment", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("param", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("low", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("high", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("resource", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("segment", "param", "low", "high", "resource"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "delivery",
        sa.Column("delivery", BIG, autoincrement=False, nullable=False),
        sa.Column("message", sa.BigInteger(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("patient", sa.BigInteger(), nullable=False),
        sa.Column("lanes", sa.Text(), nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("control_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("decision_body", sa.BigInteger(), nullable=False),
        sa.Column("decision_slot", sa.Integer(), nullable=False),
        sa.Column("body", sa.BigInteger(), nullable=False),
        sa.Column("answer_body", sa.BigInteger(), nullable=False),
        sa.Column("retain_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("delivery"),
        sqlite_with_rowid=True,
    )
    op.create_index("delivery_message", "delivery", ["message"], unique=False)
    op.create_index("delivery_retain", "delivery", ["retain_until"], unique=False)
    op.create_index(
        "delivery_waiting",
        "delivery",
        ["state", "delivery"],
        unique=False,
        sqlite_where=sa.text("state IN ('waiting_for_consent', 'held', 'ambiguous', 'dead')"),
        postgresql_where=sa.text("state IN ('waiting_for_consent', 'held', 'ambiguous', 'dead')"),
    )
    op.create_table(
        "endpoint_state",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("paused", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "identifier",
        sa.Column("term", sa.LargeBinary(), nullable=False),
        sa.Column("resource", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("term"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "identifier_recent",
        sa.Column("recent", BIG, autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("recent"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "index_pending",
        sa.Column("pending", BIG, autoincrement=False, nullable=False),
        sa.Column("resources", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("pending"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "lane",
        sa.Column("lane", BIG, autoincrement=False, nullable=False),
        sa.Column("patient", sa.BigInteger(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("head", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lane"),
        sqlite_with_rowid=True,
    )
    op.create_index("lane_identity", "lane", ["patient", "endpoint"], unique=True)
    op.create_index(
        "lane_leased",
        "lane",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("lease_until > 0"),
        postgresql_where=sa.text("lease_until > 0"),
    )
    op.create_index(
        "lane_ready",
        "lane",
        ["endpoint", "next_at"],
        unique=False,
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_table(
        "lane_delivery",
        sa.Column("lane", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("delivery", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("lane", "delivery"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "leaf",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("audit", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "link_event",
        sa.Column("event", BIG, autoincrement=True, nullable=False),
        sa.Column("patient", sa.BigInteger(), nullable=False),
        sa.Column("other", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("message", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("event"),
        sqlite_with_rowid=True,
    )
    op.create_index(
        "link_event_open",
        "link_event",
        ["patient"],
        unique=False,
        sqlite_where=sa.text("open = 1"),
        postgresql_where=sa.text("open = 1"),
    )
    op.create_index("link_event_other", "link_event", ["other"], unique=False)
    op.create_index("link_event_patient", "link_event", ["patient"], unique=False)
    op.create_table(
        "message",
        sa.Column("message", BIG, autoincrement=False, nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("control_id", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("processing_id", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("message_type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("patient", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("raw_body", sa.BigInteger(), nullable=False),
        sa.Column("report_body", sa.BigInteger(), nullable=False),
        sa.Column("fields", sa.Integer(), nullable=False),
        sa.Column("mapped", sa.Integer(), nullable=False),
        sa.Column("ignored", sa.Integer(), nullable=False),
        sa.Column("unmapped", sa.Integer(), nullable=False),
        sa.Column("issues", sa.Integer(), nullable=False),
        sa.Column("answer_code", sa.Text(), nullable=False),
        sa.Column("retain_until", sa.BigInteger(), nullable=False),
        sa.Column("targets", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("message"),
        sqlite_with_rowid=True,
    )
    op.create_index(
        "message_identity",
        "message",
        ["endpoint", "control_id", "digest"],
        unique=True,
        sqlite_where=sa.text("state <> 'rejected'"),
        postgresql_where=sa.text("state <> 'rejected'"),
    )
    op.create_index(
        "message_open",
        "message",
        ["state", "message"],
        unique=False,
        sqlite_where=sa.text("state IN ('received', 'quarantined', 'unrouted')"),
        postgresql_where=sa.text("state IN ('received', 'quarantined', 'unrouted')"),
    )
    op.create_index("message_retain", "message", ["retain_until"], unique=False)
    op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "patient_consent",
        sa.Column("patient", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("resource", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("patient", "resource"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "patient_kvnr",
        sa.Column("term", sa.LargeBinary(), nullable=False),
        sa.Column("patient", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("term", "patient"),
        sqlite_with_rowid=False,
    )
    op.create_index("patient_kvnr_by_patient", "patient_kvnr", ["patient"], unique=False)
    op.create_table(
        "patient_link",
        sa.Column("patient", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("other", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("patient", "other", "rule"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "quantity_term",
        sa.Column("segment", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("param", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("resource", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("segment", "param", "value", "resource"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "registry",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "registry_revision",
        sa.Column("revision", BIG, autoincrement=False, nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=False),
        sa.Column("applied_by", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("revision"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "resource",
        sa.Column("resource", BIG, autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("patient", sa.BigInteger(), nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("message", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("recency", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Integer(), nullable=False),
        sa.Column("retain_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("resource"),
        sqlite_with_rowid=True,
    )
    op.create_index("resource_patient", "resource", ["patient"], unique=False)
    op.create_table(
        "string_term",
        sa.Column("segment", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("param", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "prefix", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("resource", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("segment", "param", "prefix", "resource"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "term",
        sa.Column("segment", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("term", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("batch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("resources", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("segment", "term", "batch"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tree_head",
        sa.Column("size", BIG, autoincrement=False, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "version",
        sa.Column("resource", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("message", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("resource", "version"),
        sqlite_with_rowid=False,
    )
