"""The desk an operator works at: what every operation may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from gateway.evidence import audit_event
from gateway.evidence.event_class import EventClass
from gateway.evidence.parts import Party
from gateway.pipeline.ports import Transaction
from gateway.pipeline.site import Site
from gateway.settings import Settings

T = TypeVar("T")

#: A writing operation waits this long for its commit, in seconds.
PATIENCE = 60.0


class DeskStore(Protocol):
    """The store as an operator needs it."""

    @property
    def writer(self) -> Any:
        """The writer (`gateway.pipeline.ports.Writer`)."""

    @property
    def reader(self) -> Any:
        """The reader (`gateway.store.reader.StoreReader`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything an operation may use; made by the serving process or by the command itself."""

    settings: Settings
    store: DeskStore
    site: Callable[[], Site]
    #: Who works here, e.g. os-user:anna; goes into the audit log.
    by: str
    #: Called after a commit that may have made work: deliveries due, registry changed.
    changed: Callable[[], None] = lambda: None

    def write(self, job: Callable[[Transaction], T]) -> T:
        """Run a job in the writer and return its result after the commit."""
        result: T = self.store.writer.submit(job).result(PATIENCE)
        self.changed()
        return result

    def record(
        self,
        tx: Transaction,
        act: str,
        objects: Sequence[Party],
        detail: Mapping[str, str | int] | None = None,
    ) -> str:
        """Leave the audit event of an administrative act in the act's own transaction.

        Returns its id.
        """
        auditor = self.site().auditor
        event = audit_event.administrative(
            auditor.stamp(tx.now),
            act=act,
            actor=Party(value=self.by),
            objects=objects,
            detail=detail,
        )
        tx.add_audit([auditor.row(EventClass.ADMINISTRATIVE, tx.now, event)])
        return str(event["id"])


def delivery_party(number: int) -> Party:
    """Name a delivery in an audit event."""
    from gateway.evidence import codes

    return Party(system=codes.DELIVERY, value=str(number))


def endpoint_party(name: str) -> Party:
    """Name an endpoint in an audit event."""
    return Party(reference=f"Endpoint/{name}")


def patient_party(logical_id: str) -> Party:
    """Name a patient record in an audit event."""
    return Party(reference=f"Patient/{logical_id}")
