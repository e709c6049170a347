"""Every table of the store; migrations create exactly these (a test compares them).

Conventions: integer keys; instants in microseconds UTC; `retain_until` on every row that holds or
points at data of a person; terms are keyed hashes, so a stolen file is not a dictionary attack away
from names; everything readable about a patient lies sealed in `body`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.schema import SchemaItem

METADATA = MetaData()

#: SQLite numbers rows only in INTEGER PRIMARY KEY columns; PostgreSQL wants BIGINT.
BIG = BigInteger().with_variant(Integer, "sqlite")


def _table(name: str, *items: SchemaItem, sqlite_with_rowid: bool = True) -> Table:
    return Table(name, METADATA, *items, sqlite_with_rowid=sqlite_with_rowid)


#: Key-value facts about the store itself: schema owner, log origin, last good backup.
META = _table("meta", Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

#: The registry as `apply` left it: one row per organization, endpoint, route, practitioner,
#: dialect, policy.
REGISTRY = _table(
    "registry",
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)

#: One row per `apply`; the largest revision is in force.
REGISTRY_REVISION = _table(
    "registry_revision",
    Column("revision", BIG, primary_key=True),
    Column("applied_at", BigInteger, nullable=False),
    Column("applied_by", Text, nullable=False),
    Column("summary", Text, nullable=False),
)

#: What the operator set at run time for an endpoint: paused, last error class.
ENDPOINT_STATE = _table(
    "endpoint_state",
    Column("endpoint", Text, primary_key=True),
    Column("paused", Integer, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
)

#: A data key, wrapped by the key file outside the database. One per patient, one per message
#: without a patient. Destroying the row erases everything sealed with it.
DATA_KEY = _table(
    "data_key",
    Column("subject", BIG, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("retain_until", BigInteger, nullable=False),
)

#: Sealed bytes: raw messages, packs of resources, reports, outgoing bytes, answers, decisions.
#: A pack holds several resources as lines; `slot` in `resource` and `version` is the line.
BODY = _table(
    "body",
    Column("body", BIG, primary_key=True),
    Column("subject", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("retain_until", BigInteger, nullable=False),
    Index("body_retain", "retain_until"),
)

MESSAGE = _table(
    "message",
    Column("message", BIG, primary_key=True),
    Column("endpoint", Text, nullable=False),
    Column("organization", Text, nullable=False),
    Column("control_id", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("processing_id", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("message_type", Text, nullable=False),
    Column("mapping_version", Text, nullable=False),
    #: MessageState.
    Column("state", Text, nullable=False),
    #: Machine-readable reason of the state, e.g. no-route, unknown-recipient, mapping-failed.
    Column("reason", Text, nullable=False),
    #: Store number of the first Patient; 0 when none is known.
    Column("patient", BigInteger, nullable=False),
    Column("subject", BigInteger, nullable=False),
    Column("raw_body", BigInteger, nullable=False),
    #: JSON [[resource, version], …]: every resource the message speaks of.
    Column("targets", Text, nullable=False),
    #: Loss report and issues as JSON; 0 when there is none yet.
    Column("report_body", BigInteger, nullable=False),
    Column("fields", Integer, nullable=False),
    Column("mapped", Integer, nullable=False),
    Column("ignored", Integer, nullable=False),
    Column("unmapped", Integer, nullable=False),
    Column("issues", Integer, nullable=False),
    #: The acknowledgement code given: AA AE AR CA CE CR, or the HTTP status.
    Column("answer_code", Text, nullable=False),
    #: The acknowledgement's bytes, given again when the same input comes again.
    Column("answer", LargeBinary, nullable=False),
    Column("retain_until", BigInteger, nullable=False),
    # D2: two racing copies of one input cannot both be stored; rejected ones may come again.
    Index(
        "message_identity",
        "endpoint",
        "control_id",
        "digest",
        unique=True,
        sqlite_where=text("state <> 'rejected'"),
        postgresql_where=text("state <> 'rejected'"),
    ),
    # Work lists and the on_receipt queue look at few states; a partial index stays small.
    Index(
        "message_open",
        "state",
        "message",
        sqlite_where=text("state IN ('received', 'quarantined', 'unrouted')"),
        postgresql_where=text("state IN ('received', 'quarantined', 'unrouted')"),
    ),
    Index("message_retain", "retain_until"),
)

#: The present version of every resource.
RESOURCE = _table(
    "resource",
    Column("resource", BIG, primary_key=True),
    Column("type", Text, nullable=False),
    Column("id", Text, nullable=False),
    #: Data key it is sealed with.
    Column("subject", BigInteger, nullable=False),
    #: Store number of the Patient it belongs to (its own number for a Patient), 0 for none.
    Column("patient", BigInteger, nullable=False),
    #: Custodian: the organization whose message made it.
    Column("organization", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", BigInteger, nullable=False),
    Column("slot", Integer, nullable=False),
    #: Recency of the newest statement and the application that made it.
    Column("recency", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("deleted", Integer, nullable=False),
    Column("retain_until", BigInteger, nullable=False),
    Index("resource_identity", "type", "id", unique=True),
)

#: Every version there was; `version` 1 upwards, in step with RESOURCE.version.
VERSION = _table(
    "version",
    Column("resource", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("body", BigInteger, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("message", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("deleted", Integer, nullable=False),
    sqlite_with_rowid=False,
)

#: Business identifiers that name a resource: keyed hash of type|system|value (16 bytes).
IDENTIFIER = _table(
    "identifier",
    Column("term", LargeBinary, primary_key=True),
    Column("resource", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

#: KVNR (keyed hash) → Patients that state it; only proposes links.
PATIENT_KVNR = _table(
    "patient_kvnr",
    Column("term", LargeBinary, primary_key=True),
    Column("patient", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

#: Links between Patients as they stand: both directions are rows.
PATIENT_LINK = _table(
    "patient_link",
    Column("patient", BigInteger, primary_key=True, autoincrement=False),
    Column("other", BigInteger, primary_key=True, autoincrement=False),
    #: kvnr, merge or operator.
    Column("rule", Text, nullable=False),
    sqlite_with_rowid=False,
)

#: What was linked, unlinked, merged, held, and why; never deleted before its patients.
LINK_EVENT = _table(
    "link_event",
    Column("event", BIG, primary_key=True),
    Column("patient", BigInteger, nullable=False),
    Column("other", BigInteger, nullable=False),
    #: linked, unlinked, merged, unmerged, held, resolved.
    Column("kind", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("message", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    #: For held: 1 while a person has to decide.
    Column("open", Integer, nullable=False),
    Index("link_event_open", "open", "patient"),
)

#: Consent resources by the Patient they are about.
PATIENT_CONSENT = _table(
    "patient_consent",
    Column("patient", BigInteger, primary_key=True, autoincrement=False),
    Column("resource", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

#: Tokens, references, exact strings and URIs: (segment, keyed hash of type|param|value, resource).
#: A segment is a run of resource numbers, so inserts stay in a small part of the tree.
TERM = _table(
    "term",
    Column("segment", Integer, primary_key=True, autoincrement=False),
    Column("term", BigInteger, primary_key=True, autoincrement=False),
    Column("resource", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

#: Dates as half-open ranges; `param` is the keyed hash of type|param.
DATE_TERM = _table(
    "date_term",
    Column("param", BigInteger, primary_key=True, autoincrement=False),
    Column("low", BigInteger, primary_key=True, autoincrement=False),
    Column("resource", BigInteger, primary_key=True, autoincrement=False),
    Column("high", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

QUANTITY_TERM = _table(
    "quantity_term",
    Column("param", BigInteger, primary_key=True, autoincrement=False),
    Column("value", Float, primary_key=True, autoincrement=False),
    Column("resource", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

#: Normalised beginnings of strings (16 characters): the residual risk that prefix search costs.
STRING_TERM = _table(
    "string_term",
    Column("param", BigInteger, primary_key=True, autoincrement=False),
    Column("prefix", Text, primary_key=True),
    Column("resource", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

#: Index terms of committed resources that the search tables do not have yet.
INDEX_PENDING = _table(
    "index_pending",
    Column("pending", BIG, primary_key=True),
    Column("resource", BigInteger, nullable=False),
    Column("terms", LargeBinary, nullable=False),
)

DELIVERY = _table(
    "delivery",
    Column("delivery", BIG, primary_key=True),
    Column("message", BigInteger, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("organization", Text, nullable=False),
    Column("patient", BigInteger, nullable=False),
    Column("subject", BigInteger, nullable=False),
    #: DeliveryState.
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("control_id", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("fence", BigInteger, nullable=False),
    #: Sealed: the latest decision, the bytes sent, the partner's answer.
    Column("decision_body", BigInteger, nullable=False),
    Column("body", BigInteger, nullable=False),
    Column("answer_body", BigInteger, nullable=False),
    Column("retain_until", BigInteger, nullable=False),
    Index("delivery_message", "message"),
    Index(
        "delivery_open",
        "state",
        "delivery",
        sqlite_where=text("state NOT IN ('delivered', 'expired', 'cancelled_by_consent')"),
        postgresql_where=text("state NOT IN ('delivered', 'expired', 'cancelled_by_consent')"),
    ),
    Index("delivery_retain", "retain_until"),
)

#: Order: one row per (destination, Patient) with undone deliveries or a remembered fence.
LANE = _table(
    "lane",
    Column("lane", BIG, primary_key=True),
    Column("endpoint", Text, nullable=False),
    Column("patient", BigInteger, nullable=False),
    #: Oldest undone delivery; NULL when empty.
    Column("head", BigInteger),
    #: When the head may be tried; NULL when the head waits for something else than the clock.
    Column("next_at", BigInteger),
    Column("lease_until", BigInteger, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Index("lane_identity", "endpoint", "patient", unique=True),
    Index(
        "lane_ready",
        "endpoint",
        "next_at",
        sqlite_where=text("next_at IS NOT NULL"),
        postgresql_where=text("next_at IS NOT NULL"),
    ),
)

#: Undone deliveries by lane; a delivery of several patients stands in several lanes.
LANE_DELIVERY = _table(
    "lane_delivery",
    Column("lane", BigInteger, primary_key=True, autoincrement=False),
    Column("delivery", BigInteger, primary_key=True, autoincrement=False),
    Index("lane_delivery_by_delivery", "delivery"),
    sqlite_with_rowid=False,
)

#: One row per attempt to send.
ATTEMPT = _table(
    "attempt",
    Column("delivery", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, nullable=False),
    #: delivered, retry, ambiguous, dead.
    Column("result", Text, nullable=False),
    #: A code or fixed sentence, never the partner's text.
    Column("detail", Text, nullable=False),
    sqlite_with_rowid=False,
)

#: AuditEvents with their salts, sealed; the commitment opens only with them.
AUDIT_EVENT = _table(
    "audit_event",
    Column("audit", BIG, primary_key=True),
    Column("class", Text, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("retain_until", BigInteger, nullable=False),
    Index("audit_retain", "retain_until"),
)

#: Commitments not yet in the Merkle log; the sequencer empties it within a second.
AUDIT_PENDING = _table(
    "audit_pending",
    Column("audit", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

#: The Merkle log: leaves in order, contiguous from 0; never deleted.
LEAF = _table(
    "leaf",
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("audit", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index("leaf_audit", "audit"),
)

#: Size and root after each run of the sequencer, with the frontier to go on from.
TREE_HEAD = _table(
    "tree_head",
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)
