"""The wires others send to: MLLP listeners and folders, and what goes wrong on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.bootstrap.folders import Folders
from gateway.domain.log import log
from gateway.domain.region import Endpoint, Region
from gateway.domain.time import SECOND, Clock
from gateway.domain.transport import WireEvent, WireFault
from gateway.endpoints.mllp import MllpListener, MllpServer, serve_mllp
from gateway.evidence import audit_event
from gateway.evidence.audit_event import MessageFacts, Outcome, Result
from gateway.evidence.event_class import EventClass
from gateway.evidence.parts import Party
from gateway.pipeline.intake import Intake
from gateway.pipeline.ports import Writer
from gateway.pipeline.site import Site
from gateway.settings import MllpSettings
from profiles.issue import Unavailable

_log = log("listeners")

#: Faults that happen to honest partners every day; they are logged, not audited.
EVERYDAY = frozenset({WireFault.IDLE, WireFault.OUT_OF_RESOURCES})


@dataclass(slots=True)
class Listeners:
    """The MLLP listeners and folders of one process; they follow the registry."""

    settings: MllpSettings
    intake: Intake
    folders: Folders
    writer: Writer
    clock: Clock
    shares_ports: bool = False
    _servers: dict[str, tuple[MllpListener, MllpServer]] = field(default_factory=dict)
    _site: Site | None = None

    async def follow(self, site: Site) -> None:
        """Open what the region has and close what it no longer has.

        Raises NotConformant and OSError for a listener that cannot be opened at start; later such
        a listener is logged and the others go on.
        """
        first = self._site is None
        self._site = site
        wanted = {e.id: self._listener(e, site.region) for e in _listening(site.region)}
        for name, (listener, server) in list(self._servers.items()):
            if wanted.get(name) != listener:
                await server.stop()
                del self._servers[name]
        for name, listener in wanted.items():
            if name not in self._servers:
                await self._open(name, listener, first=first)
        await self.folders.follow(site.region)

    async def _open(self, name: str, listener: MllpListener, *, first: bool) -> None:
        try:
            server = await serve_mllp(listener, self.intake.receive_frame, observe=self._observe)
        except Exception as error:
            if first:
                raise
            _log.error("listener_not_opened", endpoint=name, error=type(error).__name__)
            return
        self._servers[name] = (listener, server)
        _log.info("listener_opened", endpoint=name, port=server.port)

    async def stop(self) -> None:
        """Stop reading, finish what is being answered."""
        await self.folders.stop()
        for _, server in self._servers.values():
            await server.stop()
        self._servers.clear()

    def ports(self) -> Mapping[str, int]:
        """Return the bound port of each endpoint."""
        return {name: server.port for name, (_, server) in self._servers.items()}

    def _listener(self, endpoint: Endpoint, region: Region) -> MllpListener:
        organization = region.organizations.get(endpoint.organization)
        certificates = organization.certificate_sha256 if organization is not None else ()
        settings = self.settings
        return replace(
            MllpListener.of(endpoint, certificates=certificates),
            spool_above=settings.spool_above,
            max_held=settings.held,
            idle=settings.idle_timeout / SECOND,
            frame_timeout=settings.frame_timeout / SECOND,
            max_connections=settings.connections,
            max_per_peer=settings.connections_per_peer,
            window=settings.window,
            shared=self.shares_ports,
        )

    def _observe(self, event: WireEvent) -> None:
        """Leave evidence of a connection or frame that was turned away."""
        _log.warning("wire_fault", endpoint=event.endpoint, fault=event.fault.value)
        site = self._site
        if event.fault in EVERYDAY or site is None:
            return
        now = self.clock()
        made = audit_event.received(
            site.auditor.stamp(now),
            message=MessageFacts("", ""),
            sender=Party(value=event.endpoint, address=event.peer),
            result=Result(Outcome.SERIOUS_FAILURE, event.fault.value),
        )
        row = site.auditor.row(EventClass.RECEIVED, now, made)
        try:
            self.writer.submit(lambda tx: tx.add_audit([row]))
        except Unavailable:
            _log.error("wire_fault_not_audited", endpoint=event.endpoint)


def _listening(region: Region) -> list[Endpoint]:
    return [e for e in region.incoming() if e.connection_type == "hl7v2-mllp" and e.listen]
