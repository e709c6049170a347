"""The port's Transaction: one method per need, each implemented in the file of its concern."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from gateway.domain.delivery import Delivery
from gateway.domain.region import Region
from gateway.domain.time import Instant
from gateway.pipeline.ports import (
    AuditRow,
    Current,
    MessageRow,
    NewDelivery,
    NewVersion,
    Settled,
    StoredAnswer,
)
from gateway.store import (
    audit,
    conditional,
    consents,
    finding,
    identity,
    registry,
    resources,
    settling,
)
from gateway.store import deliveries as outbox
from gateway.store import messages as inbox
from gateway.store.unit import Unit
from profiles.search import Criteria


class StoreTransaction:
    """One transaction of the writer; only valid inside the job it was given to."""

    def __init__(self, unit: Unit) -> None:
        """Bind the unit whose transaction has begun."""
        self.unit = unit
        #: Instant of the transaction: the database's clock on PostgreSQL.
        self.now: Instant = unit.now

    def reserve(self, kind: Literal["message", "resource", "subject"], count: int) -> list[int]:
        """Reserve row numbers so that rows of one batch can name each other before they exist."""
        return self.unit.numbers.take(kind, count)

    # messages ------------------------------------------------------------------
    def stored_answers(
        self, identities: Sequence[tuple[str, str, bytes]]
    ) -> dict[tuple[str, str, bytes], StoredAnswer]:
        """Find inputs by (endpoint, control id, digest) that are stored and not rejected."""
        return inbox.stored_answers(self.unit, identities)

    def same_control_id(self, identities: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Say which (endpoint, control id) are stored already, whatever their bytes."""
        return inbox.same_control_id(self.unit, identities)

    def add_messages(self, rows: Sequence[MessageRow]) -> None:
        """Store messages with their raw bytes sealed."""
        inbox.add(self.unit, rows)

    def still_received(self, messages: Iterable[int]) -> set[int]:
        """Say which messages are stored on receipt and not processed yet, and lock them."""
        return inbox.still_received(self.unit, messages)

    def raw(self, messages: Iterable[int]) -> dict[int, bytes]:
        """Read the original bytes of messages."""
        return inbox.raw(self.unit.db, self.unit.bodies, messages)

    def contents(self, messages: Iterable[int]) -> dict[int, list[Current]]:
        """Read the resource versions messages speak of (`MessageRow.targets`), with bodies."""
        return resources.contents(self.unit.db, self.unit.bodies, messages)

    def finish_messages(self, rows: Sequence[MessageRow]) -> None:
        """Fill in what processing found for messages stored on receipt (raw bytes are kept)."""
        inbox.finish(self.unit, rows)

    # resources -----------------------------------------------------------------
    def lock(self, terms: Sequence[bytes]) -> None:
        """Take the patients' locks, in sorted order (PostgreSQL; SQLite has one writer)."""
        resources.database_locks(self.unit.db, terms)

    def resources_by_identifier(self, terms: Iterable[bytes]) -> dict[bytes, int]:
        """Map keyed identifier hashes to resource numbers."""
        return resources.by_identifier(self.unit, terms)

    def current(
        self, ids: Iterable[tuple[str, str]], *, bodies: bool = True
    ) -> dict[tuple[str, str], Current]:
        """Read present versions by (type, id)."""
        return resources.current(self.unit, ids, bodies=bodies)

    def current_by_number(
        self, numbers: Iterable[int], *, bodies: bool = True
    ) -> dict[int, Current]:
        """Read present versions by store number."""
        return resources.current_by_number(self.unit, numbers, bodies=bodies)

    def of_patient(self, patient: int) -> dict[int, Current]:
        """Read the present versions of everything that belongs to a Patient."""
        return resources.of_patient(self.unit, patient)

    def matching(self, criteria: Criteria, *, organization: str, limit: int) -> list[Current]:
        """Find what an organization keeps and criteria meet, by everything written so far."""
        return conditional.matching(self.unit, criteria, organization=organization, limit=limit)

    def add_subjects(self, subjects: Sequence[int], retain_until: Instant) -> None:
        """Make data keys for reserved subjects."""
        self.unit.bodies.add_subjects(subjects, retain_until)

    def add_versions(self, versions: Sequence[NewVersion]) -> None:
        """Write versions: packs by message and subject, both tables, pending index terms."""
        resources.add_versions(self.unit, versions)

    def set_recency(self, rows: Sequence[tuple[int, str, str]]) -> None:
        """Note (resource, recency, source) of statements that changed nothing: no new version."""
        resources.set_recency(self.unit, rows)

    def add_identifiers(self, rows: Sequence[tuple[bytes, int]]) -> None:
        """Remember which resource a keyed identifier hash names (first one wins)."""
        self.unit.identifiers.add(rows)

    # identity ------------------------------------------------------------------
    def patients_by_kvnr(self, terms: Iterable[bytes]) -> dict[bytes, list[int]]:
        """Find the Patients that state a KVNR."""
        return identity.patients_by_kvnr(self.unit, terms)

    def set_kvnr(
        self, rows: Sequence[tuple[bytes, int]], removed: Sequence[tuple[bytes, int]]
    ) -> None:
        """Add and remove (KVNR hash, Patient) pairs."""
        identity.set_kvnr(self.unit, rows, removed)

    def linked(self, patients: Iterable[int]) -> dict[int, tuple[int, ...]]:
        """Return for each Patient all Patients of the same person, itself included, sorted."""
        return identity.linked(self.unit.db, patients)

    def link(self, rows: Sequence[tuple[int, int, str, str, int, str]]) -> None:
        """Write link events (patient, other, kind, rule, message, by) and the links they leave."""
        identity.link(self.unit, rows)

    def link_events(self, patients: Iterable[int]) -> list[tuple[int, int, int, str, str]]:
        """Read the link events that name one of the Patients on either side, oldest first."""
        return identity.link_events(self.unit, patients)

    def open_identity_cases(self, patients: Iterable[int]) -> set[int]:
        """Say which Patients wait for a person to decide on a link."""
        return identity.open_cases(self.unit, patients)

    # consent -------------------------------------------------------------------
    def consents(self, patients: Iterable[int]) -> dict[int, list[bytes]]:
        """Read the Consent resources (JSON bytes, meta.versionId set) of Patients."""
        return consents.consents(self.unit.db, self.unit.bodies, patients)

    def add_patient_consents(self, rows: Sequence[tuple[int, int]]) -> None:
        """Remember (patient, consent resource number)."""
        consents.add(self.unit, rows)

    # deliveries ----------------------------------------------------------------
    def add_deliveries(self, rows: Sequence[NewDelivery]) -> list[int]:
        """Enqueue deliveries into their lanes; return their numbers in order."""
        return outbox.add(self.unit, rows)

    def claim(self, endpoints: Mapping[str, int], *, lease_until: Instant) -> list[Delivery]:
        """Claim due lane heads (queued or retry → claimed), at most `endpoints[id]` an endpoint."""
        return outbox.claim(self.unit, endpoints, lease_until=lease_until)

    def begin(self, rows: Sequence[tuple[Delivery, bytes, bytes]]) -> list[int]:
        """Mark claimed deliveries inflight: (delivery, bytes to send, decision JSON).

        Empty bytes keep what is stored (a resend repeats it). Returns the deliveries that were
        refused because the claim was lost.
        """
        return outbox.begin(self.unit, rows)

    def outgoing(self, deliveries: Sequence[int]) -> dict[int, bytes]:
        """Read the stored bytes of deliveries that were sent before (a resend repeats them)."""
        return outbox.outgoing(self.unit, deliveries)

    def settle(self, rows: Sequence[Settled]) -> list[int]:
        """Write transitions; return those refused (older fence, or no such transition)."""
        return settling.settle(self.unit, rows)

    def recover(self, now: Instant) -> list[Delivery]:
        """Put claimed deliveries whose lease ended before `now` back; return the inflight ones."""
        return settling.recover(self.unit, now)

    def set_back(self, by: int) -> None:
        """Let undone deliveries be due so many microseconds earlier: the clock was set back."""
        settling.set_back(self.unit, by)

    def deliveries(self, **criteria: Any) -> list[Delivery]:
        """Read deliveries: state, numbers, message, patients, endpoint, expires_before, limit."""
        return finding.find(self.unit.db, **criteria)

    # registry ------------------------------------------------------------------
    def set_region(self, region: Region, *, by: str, summary: str) -> int:
        """Replace the registry; return its new revision."""
        return registry.write(self.unit, region, by=by, summary=summary)

    def set_paused(self, endpoint: str, *, paused: bool, by: str) -> None:
        """Pause or resume an endpoint at run time."""
        registry.set_paused(self.unit, endpoint, paused=paused, by=by)

    # evidence ------------------------------------------------------------------
    def add_audit(self, rows: Sequence[AuditRow]) -> None:
        """Store AuditEvents with their commitments, unnumbered."""
        audit.add(self.unit, rows)
