"""What a worker process is given and what it gives back: plain, picklable, already serialised.

The writer only inserts these bytes for resources that are new; statements about stored resources
carry what `mappers.apply` needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from gateway import __version__
from gateway.domain.region import Region
from gateway.domain.time import Instant
from gateway.pipeline.catalogues import Catalogues
from gateway.pipeline.ports import IndexCoder
from profiles.issue import Issue

#: Type part of a KVNR's keyed hash, apart from identifiers that name records.
KVNR_TYPE = "KVNR"


def _by_position(one: Any) -> tuple[Any, ...]:
    """Pickle by position: three times as fast as the default of frozen dataclasses."""
    return type(one), tuple([getattr(one, name) for name in one.__slots__])


class Outcome(StrEnum):
    """How translating a message ended; the acknowledgement follows from it."""

    #: Translated and structurally sound.
    STORED = "stored"
    #: The sender can repair it, or may not send it; it stays the sender's.
    REJECTED = "rejected"
    #: Our own fault; responsibility is ours.
    QUARANTINED = "quarantined"
    #: The store does not answer; nothing is kept.
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message may cost in a worker process."""

    #: Seconds until the process is killed.
    seconds: float = 20.0
    #: Address space of the process in bytes; 0 sets no limit.
    memory: int = 2_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """Everything translation depends on besides the message."""

    region: Region
    #: Secret that keys the logical ids.
    region_key: bytes
    coder: IndexCoder
    #: URI prefix of the senders' own identifiers; the organization id follows it.
    namespace: str
    #: The gateway's build, for Provenance.
    build: str = __version__
    #: Label rules: {"criteria", "security": ["system|code"], "hold"}; none labels nothing.
    labels: tuple[Mapping[str, Any], ...] = ()
    limits: Limits = field(default_factory=Limits)
    #: Folder of the FHIR packages that endpoints validate against; "" for none.
    packages: str = ""
    #: Where codes are looked up beside the packages.
    catalogues: Catalogues = field(default_factory=Catalogues)


@dataclass(frozen=True, slots=True)
class Job:
    """One message to translate."""

    #: Chosen by the caller; comes back in `Translated.number`.
    number: int
    endpoint: str
    format: str
    control_id: str
    #: Keyed digest of `data`.
    digest: bytes
    received_at: Instant
    data: bytes

    __reduce__ = _by_position


class Statement(NamedTuple):
    """One change to one resource, serialised."""

    #: mappers.Action.
    action: str
    type: str
    #: Logical id the translation minted.
    id: str
    #: Logical id (minted) of its Patient; "" for none.
    subject: str
    #: Keyed hashes of the business identifiers that name it; the first one minted the id.
    terms: tuple[bytes, ...]
    #: What is stored when the resource is new; b"" when then nothing is.
    body: bytes
    #: Index terms of `body`.
    search_terms: bytes
    #: Change.resource where it differs from `body`; b"" when it does not.
    resource: bytes = b""
    cleared: tuple[str, ...] = ()
    #: When each element was said (`gateway.pipeline.clock`).
    clock: str = ""
    historic: bool = False
    #: `resource` holds only the statement and cannot stand alone.
    partial: bool = False


class PatientStated(NamedTuple):
    """What identity matching may know about one patient of a message."""

    #: Logical id the translation minted.
    id: str
    #: Keyed hash of the KVNR; b"" when none is stated.
    kvnr: bytes = b""
    birth_date: str = ""
    family: str = ""
    given: str = ""
    placeholder: bool = False


class Proof(NamedTuple):
    """A Provenance made before the store was asked: all but which versions its targets are."""

    id: str
    #: `Type/id` (minted) of its targets.
    targets: tuple[str, ...]
    #: Its JSON before and after the element `target`.
    head: bytes
    tail: bytes
    #: Index terms when the targets keep their ids; they name no versions.
    search_terms: bytes


class Match(NamedTuple):
    """A route whose criteria the message meets."""

    route: str
    #: `Type/id` (minted) of the resources that meet them.
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Translated:
    """What became of one message in the worker; everything the writer needs."""

    number: int
    outcome: Outcome
    #: Machine-readable reason when it is not STORED: an issue type, mapping-failed, time-limit …
    reason: str = ""
    message_type: str = ""
    statements: tuple[Statement, ...] = ()
    patients: tuple[PatientStated, ...] = ()
    matches: tuple[Match, ...] = ()
    #: Place ("Patient.generalPractitioner") → identifiers (system, value) stated there.
    recipients: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    #: Some document or result in it is not final.
    preliminary: bool = False
    #: A label rule wants a person to look before it leaves.
    hold: bool = False
    fields: int = 0
    mapped: int = 0
    ignored: int = 0
    unmapped: int = 0
    issues: tuple[Issue, ...] = ()
    #: Loss report and issues as JSON.
    report: bytes = b""
    #: The message's Provenance.
    provenance: Proof | None = None
    #: SHA-256 of the message's bytes, hexadecimal.
    sha256: str = ""
    #: Acknowledgement code and bytes (or the HTTP status and nothing).
    answer_code: str = ""
    answer: bytes = b""

    __reduce__ = _by_position
