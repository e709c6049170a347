"""The gateway as the HTTP interface sees it: intake, reader, writer behind `api.ports.Gateway`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.api.ports import Condition, Found, Options, PatientConsents, Posted, Stored, Taken
from gateway.consent import Policy
from gateway.domain.region import Region
from gateway.domain.time import Clock, Instant
from gateway.evidence.event_class import EventClass
from gateway.evidence.parts import Stamp
from gateway.operations.folders import FolderState, Lookout
from gateway.operations.folders import counts as folder_counts
from gateway.pipeline.documents import load
from gateway.pipeline.intake import Intake
from gateway.pipeline.ports import Transaction
from gateway.pipeline.site import Site
from gateway.settings import AlertSettings
from gateway.store import clients
from gateway.store.audit_reading import Stretch
from gateway.store.hits import Query
from gateway.store.store import Store
from gateway.store.unit import unit_of
from gateway.store.views import Counts, StoredResource


@dataclass(frozen=True, slots=True)
class HttpGateway:
    """Implements `gateway.api.ports.Gateway` over one process's parts."""

    options: Options
    store: Store
    intake: Intake
    site: Callable[[], Site]
    clock: Clock
    alert: AlertSettings
    revoked: Callable[[], frozenset[str]] = frozenset
    lookout: Lookout = field(default_factory=Lookout)

    def now(self) -> Instant:
        """The present instant of the gateway's clock."""
        return self.clock()

    def region(self) -> Region:
        """The registry in force."""
        return self.site().region

    def policy(self) -> Policy:
        """The consent policy in force."""
        return self.site().desk.policy

    async def audit_events(
        self, stretch: Stretch, limit: int
    ) -> Sequence[tuple[int, dict[str, Any]]]:
        """Read AuditEvents of a stretch of time: (leaf number, event)."""
        return await asyncio.to_thread(self.store.reader.audit_events, stretch, limit)

    async def use_assertion(self, client: str, jti: str, until: Instant) -> bool:
        """Note that a signed assertion is used; False when it was before."""

        def job(tx: Transaction) -> bool:
            return clients.use_once(unit_of(tx), client, jti, until)

        return await asyncio.wrap_future(self.store.writer.submit(job))

    async def receive(self, posted: Posted) -> Taken:
        """Take an input in: returns after the commit."""
        answer = await self.intake.receive(
            posted.endpoint, posted.data, format=posted.format, key=posted.key
        )
        return Taken(status=answer.status, answer=answer.data or b"", issues=answer.issues)

    async def find(self, type_: str, id_: str, version: int = 0) -> Stored | None:
        """Read one resource: the present version, or one version; None when there is none."""
        found = await asyncio.to_thread(self.store.reader.resource, type_, id_, version)
        return None if found is None else stored(found)

    async def hits(
        self, query: Query, *, after: tuple[Any, ...], limit: int
    ) -> tuple[Sequence[Found], tuple[Any, ...]]:
        """Return confirmed hits behind `after`, at most `limit`, and where to go on."""
        reader = self.store.reader
        hits = await asyncio.to_thread(reader.hits, query, after=after, limit=limit)
        found = [
            Found(stored=stored(hit.stored, hit.resource), position=hit.position)
            for hit in hits.found
        ]
        return found, hits.following

    async def named(self, names: Sequence[tuple[str, str]]) -> Sequence[Stored]:
        """Read present versions by (type, logical id)."""
        found = await asyncio.to_thread(self.store.reader.named, names)
        return [stored(one) for one in found]

    async def consents(self, patients: Sequence[int]) -> Mapping[int, PatientConsents]:
        """Read the consents of patients."""
        return await asyncio.to_thread(self._consents, [one for one in patients if one])

    def _consents(self, patients: Sequence[int]) -> dict[int, PatientConsents]:
        reader = self.store.reader
        linked = reader.linked(patients)
        everybody = sorted({member for members in linked.values() for member in members})
        consents = reader.consents(everybody)
        records = {one.number: one for one in reader.resources_of(everybody)}
        return {
            patient: PatientConsents(
                consents=tuple(
                    load(consent)
                    for member in linked.get(patient, (patient,))
                    for consent in consents.get(member, ())
                ),
                linked=tuple(
                    f"Patient/{records[member].id}"
                    for member in linked.get(patient, (patient,))
                    if member in records
                ),
                birth_date=_birth_date(records.get(patient)),
            )
            for patient in patients
        }

    def stamp(self) -> Stamp:
        """Make id, time and observer of one audit event."""
        return self.site().auditor.stamp(self.clock())

    async def audit(self, events: Sequence[tuple[EventClass, dict[str, Any]]]) -> None:
        """Store audit events; returns after the commit."""
        auditor, now = self.site().auditor, self.clock()
        rows = [auditor.row(event_class, now, event) for event_class, event in events]
        await asyncio.wrap_future(self.store.writer.submit(lambda tx: tx.add_audit(rows)))

    async def condition(self) -> Condition:
        """Say how the gateway is: the store was asked, the writer answered."""
        counts = await asyncio.to_thread(self.store.reader.counts)
        folders = await asyncio.to_thread(self.lookout.states, self.region(), self.clock())
        await asyncio.wrap_future(self.store.writer.submit(_nothing))
        return Condition(
            ready=True,
            parts=self._parts(counts, folders),
            counts=(*_counts(counts, self.intake), *folder_counts(folders)),
        )

    def _parts(self, counts: Counts, folders: Sequence[FolderState]) -> tuple[tuple[str, str], ...]:
        now, alert = self.clock(), self.alert
        return (
            ("store", "ok"),
            ("worklist", _aged(now, counts.oldest_work, alert.worklist_age)),
            ("delivery", _aged(now, counts.oldest_delivery, alert.delivery_age)),
            ("audit", _aged(now, counts.unnumbered_since, alert.unnumbered_age)),
            *((f"folder {one.endpoint}", one.wrong or "ok") for one in folders),
        )


def _nothing(_: object) -> None:
    """Ask the writer for a sign of life."""


def stored(found: StoredResource, resource: dict[str, Any] | None = None) -> Stored:
    """Return a resource of the store as the HTTP interface knows it, and as read where it was."""
    return Stored(
        number=found.number,
        type=found.type,
        id=found.id,
        version=found.version,
        organization=found.organization,
        patient=found.patient,
        patient_id=found.patient_id,
        updated_at=found.updated_at,
        deleted=found.deleted,
        body=found.body,
        resource=resource,
    )


def _birth_date(patient: StoredResource | None) -> str:
    if patient is None or patient.deleted:
        return ""
    return str(load(patient.body).get("birthDate", ""))


def _aged(now: Instant, since: Instant, limit: int) -> str:
    return "overdue" if since and now - since > limit else "ok"


def _counts(counts: Counts, intake: Intake) -> list[tuple[str, Mapping[str, str], float]]:
    found: list[tuple[str, Mapping[str, str], float]] = [
        ("messages", {"state": state}, number) for state, number in counts.messages.items()
    ]
    found += [("deliveries", {"state": s}, number) for s, number in counts.deliveries.items()]
    found += [("undelivered", {"endpoint": e}, number) for e, number in counts.endpoints.items()]
    found += [
        ("messages_ever", {}, counts.messages_ever),
        ("identity_cases", {}, counts.identity),
        ("audit_leaves", {}, counts.leaves),
        ("audit_unnumbered", {}, counts.unnumbered),
        ("resources_unindexed", {}, counts.unindexed),
        ("inputs_in_work", {}, intake.depth),
    ]
    return found
