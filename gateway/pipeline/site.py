"""The site: everything of this gateway and its region that recording a batch needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.domain.region import Endpoint, Region
from gateway.domain.time import DAY, Instant
from gateway.evidence.parts import Party
from gateway.pipeline.audit import Auditor
from gateway.pipeline.criteria import Criterion
from gateway.pipeline.decide import ConsentDesk
from gateway.pipeline.ports import IndexCoder
from gateway.pipeline.route import RouteTable


@dataclass(frozen=True, slots=True)
class Site:
    """One consistent picture of the region, prepared; replaced whole when `apply` changed it."""

    region: Region
    routes: RouteTable
    desk: ConsentDesk
    coder: IndexCoder
    auditor: Auditor
    #: The gateway's build, for Provenance.
    build: str
    #: URI prefix of the senders' own identifiers, as in WorkerConfig.
    namespace: str
    #: Route id → its criteria, compiled.
    criteria: Mapping[str, Criterion]
    #: Names the format an endpoint speaks; raises NotConformant when nobody knows.
    format_of: Callable[[Endpoint], str]

    @classmethod
    def of(
        cls,
        region: Region,
        *,
        namespace: str,
        coder: IndexCoder,
        observer: Party,
        build: str,
        format_of: Callable[[Endpoint], str],
    ) -> Site:
        """Prepare a region; `namespace` is the one of WorkerConfig.

        Raises NotConformant or NotSupported for criteria and policies that cannot be read.
        """
        return cls(
            region,
            RouteTable.of(region, namespace),
            ConsentDesk.of(region),
            coder,
            Auditor(observer),
            build,
            namespace,
            {route.id: Criterion.read(route.criteria) for route in region.routes.values()},
            format_of,
        )

    def retain_until(self, organization: str, received_at: Instant) -> Instant:
        """Return when a message of the organization may be deleted: the end of that day, UTC."""
        known = self.region.organizations.get(organization)
        retain = known.retain if known is not None else 90 * DAY
        return -(-(received_at + retain) // DAY) * DAY
