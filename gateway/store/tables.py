"""Every table of the store; migrations create exactly these (a test compares them).

Conventions: integer keys; instants in microseconds UTC; `retain_until` on every row that holds or
points at data of a person; terms are keyed hashes, so a stolen file is not a dictionary attack away
from names; everything readable about a patient lies sealed in `body`. Large columns stand last, so
that reading the others does not walk their overflow pages.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    Table,
    Text,
    text,
)
from sqlalchemy.schema import SchemaItem

METADATA = MetaData()

#: SQLite numbers rows only in INTEGER PRIMARY KEY columns; PostgreSQL wants BIGINT.
BIG = BigInteger().with_variant(Integer, "sqlite")

#: Text that is compared byte by byte, so that a range of it is a prefix.
BYTEWISE = Text().with_variant(Text(collation="C"), "postgresql")

#: Row numbers a PostgreSQL process takes at once, by kind. Deliveries are numbered one by one,
#: under the locks of their lanes, because their numbers are the order of a lane.
SEQUENCES: dict[str, int] = {
    "message": 100,
    "resource": 1_000,
    "subject": 100,
    "body": 500,
    "pending": 100,
    "delivery": 1,
    "lane": 100,
    "audit": 200,
}
for _kind, _block in SEQUENCES.items():
    Sequence(f"{_kind}_number", start=1, increment=_block, metadata=METADATA)


def _table(name: str, *items: SchemaItem, rowid: bool = True) -> Table:
    return Table(name, METADATA, *items, sqlite_with_rowid=rowid)


def _number(name: str, *, counted_by_database: bool = False) -> Column[int]:
    """Row number that is the whole primary key."""
    return Column(name, BIG, primary_key=True, autoincrement=counted_by_database)


def _part(name: str) -> Column[int]:
    """Integer part of a primary key."""
    return Column(name, BigInteger, primary_key=True, autoincrement=False)


def _big(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _int(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _blob(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(
        name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where)
    )


#: Key-value facts about the store itself: the installation, high-water marks, last good backup.
META = _table("meta", Column("key", Text, primary_key=True), _text("value"))

#: The registry as `apply` left it: one JSON document per organization, endpoint, route,
#: practitioner, dialect, policy.
REGISTRY = _table(
    "registry",
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    _big("revision"),
    _text("body"),
)

#: One row per `apply`; the largest revision is in force.
REGISTRY_REVISION = _table(
    "registry_revision",
    _number("revision"),
    _big("applied_at"),
    _text("applied_by"),
    _text("summary"),
)

#: What the operator set at run time for an endpoint.
ENDPOINT_STATE = _table(
    "endpoint_state",
    Column("endpoint", Text, primary_key=True),
    _int("paused"),
    _big("changed_at"),
    _text("changed_by"),
)

#: What the operator set at run time for a client of the FHIR interface.
CLIENT_STATE = _table(
    "client_state",
    Column("client", Text, primary_key=True),
    _int("revoked"),
    _big("changed_at"),
    _text("changed_by"),
)

#: Signed assertions that were used (keyed hash of client and jti): each is good for one token.
ASSERTION_USE = _table(
    "assertion_use",
    Column("term", LargeBinary, primary_key=True),
    _big("retain_until"),
    Index("assertion_use_retain", "retain_until"),
    rowid=False,
)

#: Bulk exports asked for; they hold no data, only what is wanted, sealed.
EXPORT_JOB = _table(
    "export_job",
    Column("job", Text, primary_key=True),
    _text("organization"),
    _text("client"),
    _big("at"),
    _big("retain_until"),
    _text("content"),
    Index("export_job_retain", "retain_until"),
)

#: A data key, wrapped by the key file outside the database. One per patient, one per message
#: without a patient. Destroying the row erases everything sealed with it.
DATA_KEY = _table(
    "data_key",
    _number("subject"),
    _text("key_id"),
    _big("retain_until"),
    _blob("wrapped"),
    Index("data_key_retain", "retain_until"),
)

#: Sealed bytes. One body is a pack of parts: raw bytes and report of a message, the resources of a
#: message and patient, the decisions of a message, audit events; `slot` elsewhere is the part.
BODY = _table(
    "body",
    _number("body"),
    _big("subject"),
    _big("retain_until"),
    _blob("content"),
    Index("body_retain", "retain_until"),
)

MESSAGE = _table(
    "message",
    _number("message"),
    _text("endpoint"),
    _text("organization"),
    _text("control_id"),
    _text("sender"),
    _blob("digest"),
    _big("received_at"),
    _text("processing_id"),
    _text("format"),
    _text("message_type"),
    #: MessageState.
    _text("state"),
    #: Machine-readable reason of the state, e.g. no-route, unknown-recipient, mapping-failed.
    _text("reason"),
    #: Store number of the first Patient; 0 when none is known.
    _big("patient"),
    _big("subject"),
    #: Part 0 is the bytes as they came.
    _big("raw_body"),
    #: Loss report and issues as JSON: the last part of this body; 0 when there is none yet.
    _big("report_body"),
    _int("fields"),
    _int("mapped"),
    _int("ignored"),
    _int("unmapped"),
    _int("issues"),
    #: The acknowledgement code given: AA AE AR CA CE CR, or the HTTP status.
    _text("answer_code"),
    _big("retain_until"),
    #: Resource versions it speaks of, unchanged ones included: pairs of 64 bit numbers.
    _blob("targets"),
    #: The acknowledgement's bytes, given again when the same input comes again.
    _blob("answer"),
    # D2: two racing copies of one input cannot both be stored; rejected ones may come again.
    _partial(
        "message_identity",
        "endpoint",
        "control_id",
        "digest",
        unique=True,
        where="state <> 'rejected'",
    ),
    # Work lists and the on_receipt queue look at few states; a partial index stays small.
    _partial(
        "message_open",
        "state",
        "message",
        where="state IN ('received', 'quarantined', 'unrouted')",
    ),
    Index("message_retain", "retain_until"),
)

#: The present version of every resource; IDENTIFIER finds it by type and id.
RESOURCE = _table(
    "resource",
    _number("resource"),
    _text("type"),
    _text("id"),
    #: Data key it is sealed with.
    _big("subject"),
    #: Store number of the Patient it belongs to (its own number for a Patient), 0 for none.
    _big("patient"),
    #: Custodian: the organization whose message made it.
    _text("organization"),
    _int("version"),
    #: Message that made this version.
    _big("message"),
    _big("body"),
    _int("slot"),
    #: Recency of the newest statement and the application that made it.
    _text("recency"),
    _text("source"),
    _big("updated_at"),
    _int("deleted"),
    _big("retain_until"),
    Index("resource_patient", "patient"),
    # Rows come at its end, because times only grow.
    Index("resource_updated", "type", "updated_at", "resource"),
)

#: Former versions; the present one is in RESOURCE.
VERSION = _table(
    "version",
    _part("resource"),
    Column("version", Integer, primary_key=True, autoincrement=False),
    _big("message"),
    _big("body"),
    _int("slot"),
    _big("recorded_at"),
    _int("deleted"),
    rowid=False,
)

#: What names a resource: keyed hashes (16 bytes) of type and id, and of its business identifiers.
IDENTIFIER = _table(
    "identifier",
    Column("term", LargeBinary, primary_key=True),
    _big("resource"),
    rowid=False,
)

#: SQLite: rows of IDENTIFIER that are not merged into its tree yet. Hashes fall on random pages;
#: merged in sorted runs they cost a tenth of what they cost one by one.
IDENTIFIER_RECENT = _table("identifier_recent", _number("recent"), _blob("content"))

#: KVNR (keyed hash) → Patients that state it; only proposes links.
PATIENT_KVNR = _table(
    "patient_kvnr",
    Column("term", LargeBinary, primary_key=True),
    _part("patient"),
    Index("patient_kvnr_by_patient", "patient"),
    rowid=False,
)

#: Links between Patients as they stand: both directions are rows, one for each source.
PATIENT_LINK = _table(
    "patient_link",
    _part("patient"),
    _part("other"),
    #: The source: kvnr, merge or operator.
    Column("rule", Text, primary_key=True),
    rowid=False,
)

#: What was linked, unlinked, merged, held, and why; never deleted before its patients.
LINK_EVENT = _table(
    "link_event",
    _number("event", counted_by_database=True),
    _big("patient"),
    _big("other"),
    #: linked, unlinked, merged, unmerged, held, resolved.
    _text("kind"),
    _text("rule"),
    _big("message"),
    _big("at"),
    _text("by"),
    #: For held: 1 while a person has to decide.
    _int("open"),
    _partial("link_event_open", "patient", where="open = 1"),
    Index("link_event_patient", "patient"),
    Index("link_event_other", "other"),
)

#: Consent resources by the Patient they are about.
PATIENT_CONSENT = _table("patient_consent", _part("patient"), _part("resource"), rowid=False)

#: Tokens, references and URIs as keyed hashes of type, parameter and value. A segment is a run of
#: resource numbers, so inserts stay in a small part of the tree; one row holds all resources of one
#: indexed batch that have the term, as 16 bit offsets into the segment.
TERM = _table(
    "term",
    _part("segment"),
    _part("term"),
    _part("batch"),
    _blob("resources"),
    rowid=False,
)

#: Dates as half-open ranges; `param` is the keyed hash of type and parameter.
DATE_TERM = _table(
    "date_term",
    _part("segment"),
    _part("param"),
    _part("low"),
    _part("high"),
    _part("resource"),
    rowid=False,
)

#: Numbers and quantities; `param` is the keyed hash of type and parameter.
QUANTITY_TERM = _table(
    "quantity_term",
    _part("segment"),
    _part("param"),
    Column("value", Double, primary_key=True),
    _part("resource"),
    rowid=False,
)

#: Normalised beginnings of strings: the residual risk that prefix search costs.
STRING_TERM = _table(
    "string_term",
    _part("segment"),
    _part("param"),
    Column("prefix", BYTEWISE, primary_key=True),
    _part("resource"),
    rowid=False,
)

#: Index terms of committed resources that the search tables do not have yet; one row per batch.
INDEX_PENDING = _table("index_pending", _number("pending"), _int("resources"), _blob("content"))

DELIVERY = _table(
    "delivery",
    _number("delivery"),
    _big("message"),
    _text("endpoint"),
    _text("route"),
    _text("organization"),
    #: First Patient, and all whose lanes it stands in (numbers separated by commas).
    _big("patient"),
    _text("lanes"),
    _big("subject"),
    #: DeliveryState.
    _text("state"),
    _text("reason"),
    _int("attempts"),
    _text("control_id"),
    _big("created_at"),
    _big("changed_at"),
    _big("next_at"),
    _big("expires_at"),
    _big("fence"),
    #: Sealed: the latest decision, the bytes sent, the partner's answer; 0 for none.
    _big("decision_body"),
    _int("decision_slot"),
    _big("body"),
    _big("answer_body"),
    _big("retain_until"),
    Index("delivery_message", "message"),
    # What waits for a consent, the clock or a person; everything else undone is in a lane.
    _partial(
        "delivery_waiting",
        "state",
        "delivery",
        where="state IN ('waiting_for_consent', 'held', 'ambiguous', 'dead')",
    ),
    Index("delivery_retain", "retain_until"),
)

#: Order: one row per (destination, Patient) with undone deliveries.
LANE = _table(
    "lane",
    _number("lane"),
    _big("patient"),
    _text("endpoint"),
    #: Oldest undone delivery.
    _big("head"),
    #: When the head may be tried; NULL when it waits for something else than the clock.
    Column("next_at", BigInteger),
    #: End of the lease of the process that works on the head; 0 when nobody does.
    _big("lease_until"),
    Index("lane_identity", "patient", "endpoint", unique=True),
    _partial("lane_ready", "endpoint", "next_at", where="next_at IS NOT NULL"),
    _partial("lane_leased", "lease_until", where="lease_until > 0"),
)

#: Undone deliveries by lane; a delivery of several patients stands in several lanes.
LANE_DELIVERY = _table(
    "lane_delivery",
    _part("lane"),
    _part("delivery"),
    #: What the lane is sorted by: the delivery's number, or that of the one it was made anew for.
    Column("place", BigInteger, nullable=False, server_default="0"),
    rowid=False,
)

#: One row per attempt to send.
ATTEMPT = _table(
    "attempt",
    _part("delivery"),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _big("started_at"),
    _big("ended_at"),
    #: The state it led to: delivered, retry, ambiguous, dead.
    _text("result"),
    #: A code or fixed sentence, never the partner's text.
    _text("detail"),
    rowid=False,
)

#: AuditEvents; event and salt are sealed, the commitment opens only with them.
AUDIT_EVENT = _table(
    "audit_event",
    _number("audit"),
    _text("class"),
    _big("recorded_at"),
    _big("body"),
    _int("slot"),
    _big("retain_until"),
    _blob("commitment"),
    Index("audit_retain", "retain_until"),
)

#: Commitments not yet in the Merkle log; the sequencer empties it within a second.
AUDIT_PENDING = _table("audit_pending", _number("audit"))

#: The Merkle log: leaves in order, contiguous from 0; never deleted.
LEAF = _table("leaf", _number("seq"), _big("audit"), _blob("data"))

#: Size, root and instant (FHIR) after each run of the sequencer, with the frontier to go on from.
TREE_HEAD = _table("tree_head", _number("size"), _text("at"), _blob("root"), _blob("frontier"))
