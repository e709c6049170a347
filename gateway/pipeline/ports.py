"""What the stages need from the store; `gateway.store` implements it on SQLite and PostgreSQL.

All methods work in bulk: one call for a whole batch, never one per message. A `Transaction` is one
database transaction of the writer; it is only valid inside the job it was given to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar

from gateway.domain.delivery import Delivery, DeliveryState
from gateway.domain.message import Arrival, MessageState
from gateway.domain.region import Region
from gateway.domain.time import Instant

if TYPE_CHECKING:
    from profiles.search import Criteria, Terms

T = TypeVar("T")


class StoredAnswer(NamedTuple):
    """The answer given to an input that came before."""

    message_id: int
    code: str
    answer: bytes


class MessageRow(NamedTuple):
    """What becomes of an arrival: one row of `message`."""

    #: Reserved with `Transaction.reserve`.
    number: int
    arrival: Arrival
    state: MessageState
    reason: str = ""
    message_type: str = ""
    patient: int = 0
    #: Data key the bytes are sealed with; 0 makes a new one for this message.
    subject: int = 0
    fields: int = 0
    mapped: int = 0
    ignored: int = 0
    unmapped: int = 0
    issues: int = 0
    #: Loss report and issues, JSON bytes; b"" for none.
    report: bytes = b""
    #: Every resource the message speaks of, unchanged ones included: (store number, version).
    targets: tuple[tuple[int, int], ...] = ()
    answer_code: str = ""
    answer: bytes = b""
    retain_until: Instant = 0


class Current(NamedTuple):
    """The present version of a stored resource."""

    number: int
    type: str
    id: str
    subject: int
    patient: int
    organization: str
    version: int
    recency: str
    source: str
    deleted: bool
    #: JSON bytes; b"" unless bodies were asked for.
    body: bytes = b""


class NewVersion(NamedTuple):
    """One resource version to write; version 1 makes a new resource."""

    #: Reserved with `Transaction.reserve` for a new resource.
    number: int
    type: str
    id: str
    subject: int
    #: Store number of its Patient (its own for a Patient), 0 for none.
    patient: int
    organization: str
    version: int
    body: bytes
    recency: str
    source: str
    message_id: int
    deleted: bool = False
    #: Serialised index terms (profiles.search.Terms, see store/index.py); b"" for none.
    terms: bytes = b""
    retain_until: Instant = 0


class NewDelivery(NamedTuple):
    """One delivery to enqueue; the lanes follow from `endpoint` × `lanes`."""

    message_id: int
    endpoint: str
    route: str
    organization: str
    patient: int
    #: Patients (all linked records) whose order it keeps; never empty (0 = no patient).
    lanes: tuple[int, ...]
    subject: int
    state: DeliveryState
    reason: str
    control_id: str
    expires_at: Instant
    #: Decision as JSON bytes.
    decision: bytes
    retain_until: Instant
    #: Undone delivery whose place in the lanes it takes, 0 to stand behind all others. The other
    #: one has to end in the same transaction.
    instead_of: int = 0


class AuditRow(NamedTuple):
    """One AuditEvent with its commitment; it becomes a leaf within a second."""

    event_class: str
    recorded_at: Instant
    commitment: bytes
    #: JSON of {"salt": base64, "event": AuditEvent}; sealed by the store.
    content: bytes
    retain_until: Instant


class Settled(NamedTuple):
    """The end of an attempt, or a transition made by decide, the clock or the operator."""

    delivery: int
    fence: int
    state: DeliveryState
    reason: str
    next_at: Instant = 0
    answer: bytes = b""
    #: 0 when no attempt was made.
    attempt: int = 0
    started_at: Instant = 0
    #: The consent decision that made it (JSON), kept with the delivery; b"" when none was made.
    decision: bytes = b""


class Transaction(Protocol):
    """One transaction; everything in it commits or nothing does."""

    now: Instant

    def reserve(self, kind: Literal["message", "resource", "subject"], count: int) -> list[int]:
        """Reserve row numbers so that rows of one batch can name each other before they exist."""

    # messages ------------------------------------------------------------------
    def stored_answers(
        self, identities: Sequence[tuple[str, str, bytes]]
    ) -> dict[tuple[str, str, bytes], StoredAnswer]:
        """Find inputs by (endpoint, control id, digest) that are stored and not rejected."""

    def same_control_id(self, identities: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Say which (endpoint, control id) are stored already, whatever their bytes."""

    def add_messages(self, rows: Sequence[MessageRow]) -> None:
        """Store messages with their raw bytes sealed."""

    def still_received(self, messages: Iterable[int]) -> set[int]:
        """Say which messages are stored on receipt and not processed yet, and lock them."""

    def raw(self, messages: Iterable[int]) -> dict[int, bytes]:
        """Read the original bytes of messages."""

    def contents(self, messages: Iterable[int]) -> dict[int, list[Current]]:
        """Read the resource versions messages speak of (`MessageRow.targets`), with bodies."""

    def finish_messages(self, rows: Sequence[MessageRow]) -> None:
        """Fill in what processing found for messages stored on receipt (raw bytes are kept)."""

    # resources -----------------------------------------------------------------
    def lock(self, terms: Sequence[bytes]) -> None:
        """Take the patients' locks, in sorted order (PostgreSQL; SQLite has one writer)."""

    def resources_by_identifier(self, terms: Iterable[bytes]) -> dict[bytes, int]:
        """Map keyed identifier hashes to resource numbers."""

    def current(
        self, ids: Iterable[tuple[str, str]], *, bodies: bool = True
    ) -> dict[tuple[str, str], Current]:
        """Read present versions by (type, id)."""

    def current_by_number(
        self, numbers: Iterable[int], *, bodies: bool = True
    ) -> dict[int, Current]:
        """Read present versions by store number."""

    def of_patient(self, patient: int) -> dict[int, Current]:
        """Read the present versions of everything that belongs to a Patient."""

    def matching(self, criteria: Criteria, *, organization: str, limit: int) -> list[Current]:
        """Find what an organization keeps and criteria meet, by everything written so far."""

    def add_subjects(self, subjects: Sequence[int], retain_until: Instant) -> None:
        """Make data keys for reserved subjects."""

    def add_versions(self, versions: Sequence[NewVersion]) -> None:
        """Write versions: packs by message and subject, both tables, pending index terms."""

    def set_recency(self, rows: Sequence[tuple[int, str, str]]) -> None:
        """Note (resource, recency, source) of statements that changed nothing: no new version."""

    def add_identifiers(self, rows: Sequence[tuple[bytes, int]]) -> None:
        """Remember which resource a keyed identifier hash names (first one wins)."""

    # identity ------------------------------------------------------------------
    def patients_by_kvnr(self, terms: Iterable[bytes]) -> dict[bytes, list[int]]:
        """Find the Patients that state a KVNR."""

    def set_kvnr(
        self, rows: Sequence[tuple[bytes, int]], removed: Sequence[tuple[bytes, int]]
    ) -> None:
        """Add and remove (KVNR hash, Patient) pairs."""

    def linked(self, patients: Iterable[int]) -> dict[int, tuple[int, ...]]:
        """Return for each Patient all Patients of the same person, itself included, sorted."""

    def link(self, rows: Sequence[tuple[int, int, str, str, int, str]]) -> None:
        """Write link events (patient, other, kind, rule, message, by) and the links they leave."""

    def link_events(self, patients: Iterable[int]) -> list[tuple[int, int, int, str, str]]:
        """Read the link events that name one of the Patients on either side, oldest first:
        (event, patient, other, kind, rule). `rule` is the source (kvnr, merge, operator); a source
        never undoes another's link, so `link` removes a link only for the source that made it."""

    def open_identity_cases(self, patients: Iterable[int]) -> set[int]:
        """Say which Patients wait for a person to decide on a link."""

    # consent -------------------------------------------------------------------
    def consents(self, patients: Iterable[int]) -> dict[int, list[bytes]]:
        """Read the Consent resources (JSON bytes, meta.versionId set) of Patients."""

    def add_patient_consents(self, rows: Sequence[tuple[int, int]]) -> None:
        """Remember (patient, consent resource number)."""

    # deliveries ----------------------------------------------------------------
    def add_deliveries(self, rows: Sequence[NewDelivery]) -> list[int]:
        """Enqueue deliveries into their lanes; return their numbers in order."""

    def claim(self, endpoints: Mapping[str, int], *, lease_until: Instant) -> list[Delivery]:
        """Claim due lane heads (queued or retry → claimed), at most `endpoints[id]` an endpoint."""

    def begin(self, rows: Sequence[tuple[Delivery, bytes, bytes]]) -> list[int]:
        """Mark claimed deliveries inflight: (delivery, bytes to send, decision JSON).

        Stored bytes of an earlier attempt are kept: a resend repeats them. Returns the deliveries
        that were refused because the claim was lost (fence)."""

    def outgoing(self, deliveries: Sequence[int]) -> dict[int, bytes]:
        """Read the stored bytes of deliveries that were sent before (a resend repeats them)."""

    def settle(self, rows: Sequence[Settled]) -> list[int]:
        """Write the results of attempts and any other transition; return those that were refused
        because the fence is older or the transition does not exist."""

    def recover(self, now: Instant) -> list[Delivery]:
        """Put claimed deliveries whose lease ended before `now` back; return the inflight ones."""

    def set_back(self, by: int) -> None:
        """Let undone deliveries be due so many microseconds earlier: the clock was set back."""

    def deliveries(self, **criteria: Any) -> list[Delivery]:
        """Read deliveries (operators, withdrawals, the clock): state (one or several), numbers,
        message, patients (undone ones only), endpoint, expires_before, limit, newest_first."""

    # evidence ------------------------------------------------------------------
    def add_audit(self, rows: Sequence[AuditRow]) -> None:
        """Store AuditEvents with their commitments, unnumbered."""


class IndexCoder(Protocol):
    """Turns what is searched for into keyed hashes; picklable, used in the worker processes.

    It holds the index key only, never the data key.
    """

    def identifier_term(self, type: str, system: str, value: str, /) -> bytes:  # noqa: A002
        """Return the keyed hash (16 bytes) of a business identifier."""

    def encode(self, type: str, terms: Terms, /) -> bytes:  # noqa: A002
        """Return the index terms of one resource as `NewVersion.terms` wants them."""


class Writer(Protocol):
    """The one thread that writes: takes what has arrived, one transaction, one commit."""

    def submit(self, job: Callable[[Transaction], T], *, joins: bool = False) -> Future[T]:
        """Run a job in the next group commit; the future resolves after the commit.

        A job that `joins` may wait a moment for a group that others begin. Each job runs in a
        savepoint: when one raises, only it is undone and its future raises.
        """


class Reader(Protocol):
    """Reads outside the writer: each call sees one consistent snapshot."""

    def region(self) -> Region:
        """Read the registry."""

    def raw(self, message_id: int) -> bytes:
        """Read the original bytes of a message; NotFound is an empty bytes object."""

    def received(self, *, after: int, limit: int) -> list[tuple[int, Arrival]]:
        """Read messages stored on receipt and not processed yet, by number above `after`."""
