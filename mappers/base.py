"""The types every format speaks: Mapped, Change, Key, Loss, Context, Format.

A mapper is a pure function from bytes to `Mapped`: no clock, no network, no database. What a
message says is a list of changes to resources; `mappers.apply` turns a change into a version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from mappers.bundle import transaction
from mappers.returning import Returning
from profiles.issue import GatewayError, Issue, operation_outcome
from profiles.reading.foreign_json import read_own

if TYPE_CHECKING:
    from mappers.dialect import Dialect
    from mappers.hl7v2.header import Header

Resource = dict[str, Any]

#: Goes into every Provenance; raised whenever the same bytes map to other resources.
MAPPING_VERSION = "4"


class Action(StrEnum):
    """What a change does to the resource it names."""

    MERGE = "merge"
    REPLACE = "replace"
    CANCEL = "cancel"
    DELETE = "delete"
    LINK = "link"
    #: What it names now belongs to the patient it states, with all that belongs to it.
    MOVE = "move"


class Key(NamedTuple):
    """One business identifier that names a resource in its sender's namespace."""

    #: Resource type, e.g. "Patient".
    type: str
    #: Assigner namespace as a URI.
    system: str
    #: The identifier itself, as the sender writes it.
    value: str


@dataclass(slots=True, eq=False)
class Change:
    """One statement about one resource; nobody changes its parts, they may be shared.

    Not frozen for one reason: what a mapper has written as JSON is read when somebody asks.
    """

    action: Action
    type: str
    #: Logical id minted from keys[0]: a UUID from HMAC-SHA-256 over type, system and value.
    id: str
    #: keys[0] mints the id; the others also name the resource.
    keys: tuple[Key, ...]
    #: What `resource` returns; None: it is read from `body` when it is asked for.
    stated: Resource | None
    #: Top-level elements the source deletes with `""`.
    cleared: tuple[str, ...] = ()
    #: Instant of the statement in UTC, comparable as text; empty when the source says none.
    recency: str = ""
    #: Logical id of the Patient it belongs to; empty for Organization, Practitioner, Location.
    subject: str = ""
    #: True: fills periods and history only, never the current state (ZBE-5 = Y).
    historic: bool = False
    #: Elements that only fill what nobody has stated, e.g. a status implied by the event.
    weak: tuple[str, ...] = ()
    #: True: `resource` holds only the statement made and cannot stand alone as a resource.
    partial: bool = False
    #: `resource` as compact JSON where the mapper has written it already; else empty.
    body: bytes = b""
    #: True: `body` holds numbers whose literal counts.
    has_decimals: bool = False

    @property
    def resource(self) -> Resource:
        """Full resource with id and references "Type/<uuid>".

        For CANCEL and DELETE the statement made; for LINK a Patient with `link`.
        """
        if self.stated is None:
            self.stated = read_own(self.body, decimals=self.has_decimals)
        return self.stated

    def __eq__(self, other: object) -> bool:
        """Equal when all parts are, however the resource is held."""
        if not isinstance(other, Change):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in _PARTS)

    __hash__ = None  # type: ignore[assignment]  # a resource has none


_PARTS = ("resource", *(one.name for one in fields(Change) if one.name not in {"stated", "body"}))


@dataclass(frozen=True, slots=True)
class Loss:
    """Account of every non-empty source leaf: fields == mapped + ignored + len(unmapped)."""

    fields: int = 0
    mapped: int = 0
    ignored: int = 0
    #: (source path, value) of leaves that reached no output.
    unmapped: tuple[tuple[str, str], ...] = ()
    #: (source path, reason) of leaves left out on purpose.
    ignored_paths: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """What identity matching may know about one patient of a message."""

    id: str
    keys: tuple[Key, ...]
    kvnr: str = ""
    #: FHIR date, possibly partial.
    birth_date: str = ""
    family: str = ""
    given: str = ""
    #: True: a placeholder name ("Unbekannt", "Neugeborenes") that never matches anybody.
    placeholder: bool = False


class Memory(Returning):
    """Values worth keeping between messages: those asked for twice; bounded, forgets at will.

    Most fields of a message never come again, so a newcomer is only noted; it is kept when it
    comes back. Nobody may change what is kept.
    """

    __slots__ = ("newcomers",)

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.newcomers: dict[Any, Any] = {}

    def offer(self, key: Any, value: Any, token: Any = None) -> None:
        """Keep a value whose key came before.

        A key that is the id of an object comes with it as `token`: held, so no other gets the id.
        """
        if self.again(key) if token is None else self._held(key, token):
            self.keep(key, value)

    def _held(self, key: Any, token: Any) -> bool:
        newcomers = self.newcomers
        if newcomers.get(key) is token:
            return True
        if len(newcomers) >= _MOST_NEWCOMERS:
            newcomers.clear()
        newcomers[key] = token
        return False


_MOST_NEWCOMERS = 2048


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a written message says of itself besides its content."""

    #: Application and facility that send.
    sending: tuple[str, str] = ("GATEWAY", "")
    #: Application and facility that receive.
    receiving: tuple[str, str] = ("", "")
    #: Identity of the message, the same on every resend; empty: it follows from the content.
    control_id: str = ""
    #: FHIR instant; empty: that of the Bundle.
    time: str = ""
    #: Character set by its name in table 0211.
    charset: str = "UNICODE UTF-8"
    #: Trigger event the content came with, e.g. "A02"; empty when unknown.
    event: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that travels beside a record."""

    #: Plain file name, as the record names it.
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Encoded:
    """One message in a partner's format, and what that format had no place for."""

    data: bytes
    #: FHIRPath of every element that is not in the message, never values.
    left_out: tuple[str, ...] = ()
    #: Files that go beside it (`mappers.parcel`).
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What a translation needs besides the bytes."""

    #: Secret of the region: keys the logical ids.
    region_key: bytes
    dialect: Dialect
    #: URI prefix of the sender's own identifiers, without a trailing slash.
    namespace: str
    #: Also report FHIR element → source paths.
    lineage: bool = False
    #: True: take messages without control id or patient number too, as a converter may; a
    #: gateway that is answerable for identities does not.
    lenient: bool = False
    #: "Patient/<id>" → elements that FHIR does not allow as the message has them: left out.
    without: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: How what is written is addressed.
    envelope: Envelope = field(default_factory=Envelope)
    #: What repeated fields (wards, doctors, insurers) were converted to before.
    memory: Memory = field(default_factory=Memory, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Mapped:
    """Everything one message said."""

    format: str
    #: E.g. "ADT^A01".
    message_type: str
    #: HL7 v2 header facts; None for other formats.
    header: Header | None = None
    changes: tuple[Change, ...] = ()
    issues: tuple[Issue, ...] = ()
    loss: Loss = field(default_factory=Loss)
    #: FHIR element ("Patient/<id>.name[0].family") → source paths, when asked for.
    lineage: Mapping[str, tuple[str, ...]] | None = None
    #: Set: the message could not be translated; `changes` is then empty.
    refusal: GatewayError | None = None
    #: One per patient group.
    patients: tuple[PatientFacts, ...] = ()
    #: "Patient.generalPractitioner" | "DocumentReference.recipient" → identifiers stated.
    recipients: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    #: Provenance of the translation, naming the source by its SHA-256.
    provenance: Resource | None = None
    #: FHIR instant the sender put on the message; empty when it says none.
    timestamp: str = ""
    #: The Bundle as its sender wrote it, where its resources belong together and go on as one: a
    #: document, a collection. `changes` is what it states.
    whole: Resource | None = None

    @property
    def bundle(self) -> Resource:
        """The transaction Bundle a FHIR server can take, or an OperationOutcome when refused."""
        if self.refusal is not None:
            return operation_outcome(self.refusal.issues)
        return transaction(self)


@dataclass(frozen=True, slots=True)
class Piece:
    """One message of a file, or what is wrong with what holds them."""

    data: bytes
    #: Byte of the file where it begins; -1 is the end.
    offset: int
    #: Not empty: no message but an envelope (a batch's header or trailer) that does not fit.
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Format:
    """One source format: how to recognise, split, translate and write it."""

    name: str
    #: True when these bytes look like this format (first bytes only).
    recognises: Callable[[bytes], bool]
    #: The messages of one file or frame, in order.
    split: Callable[[bytes], Iterator[bytes]]
    #: One message → Mapped; never raises for bad content, it sets `refusal`.
    translate: Callable[[bytes, Context], Mapped]
    #: Media type of a message.
    media_type: str
    #: FHIR Bundle → message in this format; None where the gateway only reads it.
    encode: Callable[[Resource, Context], Encoded] | None = None
    #: Names of the files a message expects beside it; None where it never does.
    beside: Callable[[bytes], tuple[str, ...]] | None = None
    #: The same, and where each begins, from a file that is read in chunks; None where a file is
    #: read whole.
    stream: Callable[[Iterable[bytes]], Iterator[Piece]] | None = None
    #: True: the resources come with all they claim: they are a sender's own, or written already.
    keeps_claims: bool = False
    #: True: the resources are the sender's own. What FHIR does not allow in them is refused, never
    #: left out.
    foreign: bool = False
