"""What a caller asks to be written, what it becomes in a worker, and what the writer answers.

Plain and picklable; resources travel as the bytes that are stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from gateway.domain.time import Instant
from profiles.issue import Issue, NotConformant
from profiles.reading import read_json
from profiles.reading.fhir_xml import read_fhir_xml

#: Types whose resources only the gateway makes: nobody writes them by this interface.
NOT_WRITTEN = frozenset({"AuditEvent", "Subscription"})
#: Types that are evidence: once stored they stay as they are.
NOT_CHANGED = frozenset({"Provenance"})


class Method(StrEnum):
    """HTTP methods of entries, in the order a transaction is processed."""

    DELETE = "DELETE"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    GET = "GET"
    HEAD = "HEAD"


#: https://hl7.org/fhir/R4/http.html#trules: deletes, creates, updates and patches, then reads.
ORDER: Mapping[Method, int] = {
    Method.DELETE: 0,
    Method.POST: 1,
    Method.PUT: 2,
    Method.PATCH: 2,
    Method.GET: 3,
    Method.HEAD: 3,
}


class Kind(StrEnum):
    """What a worker is asked to make of bytes."""

    #: One resource, to be stored as it is.
    RESOURCE = "resource"
    #: A Bundle of type transaction, or of type batch, which is only taken apart.
    BUNDLE = "bundle"
    JSON_PATCH = "json-patch"
    MERGE_PATCH = "merge-patch"
    #: JSON of no kind in particular: one of the JSON patches, as its content tells.
    ANY_PATCH = "any-patch"
    XML_PATCH = "xml-patch"
    FHIRPATH_PATCH = "fhirpath-patch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Bytes a caller sent, to be understood and checked in a worker process."""

    kind: Kind
    data: bytes
    #: The bytes are XML, else JSON.
    xml: bool = False
    #: The type the address names; "" for bundles.
    type: str = ""
    #: The id it will have.
    id: str = ""
    #: What the address says the resource's own id is; "" where it says nothing.
    named: str = ""
    #: The present content a patch applies to.
    current: bytes = b""
    #: What is done about errors: "reject" or "none".
    validation: str = "reject"
    #: Address of this interface: absolute references below it are its own.
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An operation that needs no stored data, to be run in a worker process."""

    #: Resource type the address names, "" for none.
    type: str
    #: Key of `gateway.pipeline.rest.operations.OPERATIONS`.
    key: tuple[str, str]
    #: Names and values of the address's query.
    query: tuple[tuple[str, str], ...] = ()
    #: The body, b"" without one.
    data: bytes = b""
    #: The body is XML, else JSON, where it is FHIR at all.
    xml: bool = False
    #: The present, as FHIR dateTime.
    time: str = ""

    def read(self) -> dict[str, Any] | None:
        """Read a body that is FHIR; None without one. Raises NotConformant."""
        if not self.data:
            return None
        read = read_fhir_xml(self.data) if self.xml else read_json(self.data)
        if not isinstance(read, dict) or not isinstance(read.get("resourceType"), str):
            raise NotConformant("The body is no FHIR resource.", location="resourceType")
        return read


class Act(NamedTuple):
    """One change, understood and checked; what the writer performs."""

    method: Method
    type: str
    #: The id it has, or gets when it is created; "" where only criteria name it.
    id: str
    #: What is stored; b"" for a deletion.
    body: bytes = b""
    #: Index terms of `body`.
    terms: bytes = b""
    #: Logical ids of Patients it may belong to, the most telling first.
    subjects: tuple[str, ...] = ()
    #: `Type?…` of If-None-Exist, or of a conditional update or deletion.
    criteria: str = ""
    #: If-Match: the version it has to have; 0 any, -1 none has it.
    version: int = 0
    #: The id a body states though only criteria name the resource: it has to be what they find.
    named: str = ""
    #: `Type/id` that its Provenance (a caller's own) speaks of.
    targets: tuple[str, ...] = ()


class Entry(NamedTuple):
    """One entry of a batch or transaction that is answered by itself: a read, or all of a batch."""

    method: str
    #: Relative address with its query.
    url: str
    body: bytes = b""
    #: Media type of the body.
    media: str = "application/fhir+json"
    #: (header, value) of ifNoneMatch and the like.
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a worker made of a Check or a Call."""

    #: The Bundle is a batch.
    batch: bool = False
    #: In the order of the entries; for a single resource exactly one.
    acts: tuple[Act, ...] = ()
    #: Position in the Bundle → what is asked there and answered by itself.
    entries: Mapping[int, Entry] = field(default_factory=dict)
    #: Position of each act in the Bundle.
    positions: tuple[int, ...] = ()
    #: `Type?…` of a conditional reference → the placeholder id that stands in the bodies.
    references: Mapping[str, str] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()
    #: HTTP status when it cannot be performed: 400, 404, 422; 0 when it can.
    refused: int = 0
    #: What an operation answers: a resource as JSON.
    answer: bytes = b""


class Stated(NamedTuple):
    """Who asks, for the evidence."""

    organization: str
    #: Its network address.
    peer: str
    request_id: str = ""
    #: Id of the client; "" for the organization as a whole.
    client: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Acts that are performed together, all or none."""

    acts: tuple[Act, ...]
    caller: Stated
    #: Placeholder ids of conditional references, by their criteria.
    references: Mapping[str, str] = field(default_factory=dict)
    #: `Type/id` → whether the caller may see it; what is missing here is not known yet.
    sight: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    #: An update may create what does not exist.
    create_on_update: bool = False
    #: Only look: which resource it is about, whether it may be changed; nothing is written.
    look: bool = False
    #: Whether the caller's scopes let it write this content by this method; None: they do.
    may: Callable[[bytes, Method], bool] | None = None


class Done(NamedTuple):
    """What became of one act."""

    #: HTTP status: 200, 201, 204, or why not.
    status: int
    type: str = ""
    id: str = ""
    version: int = 0
    #: 0 where nothing was written: the resource is as it was.
    updated_at: Instant = 0
    #: The stored bytes, without version and time.
    body: bytes = b""
    number: int = 0
    patient: int = 0
    patient_id: str = ""
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """What became of an Order."""

    #: One for each act, in its order; only one when it was refused.
    done: tuple[Done, ...] = ()
    #: Which act was refused; -1 for none.
    refused: int = -1
    #: `Type/id` the writer has to know the sight of; nothing has been done.
    unsure: tuple[tuple[str, str], ...] = ()
    #: Deliveries that may be sent now.
    released: int = 0
