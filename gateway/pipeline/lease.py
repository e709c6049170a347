"""The lease of a claim: how long it holds its lanes, and what becomes of one that ran out.

A lease is dated by the store's clock, an attempt by the monotonic one of its process: a process
that stood still, and a clock that somebody sets back, are told by comparing the two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from gateway.domain.delivery import DeliveryState
from gateway.domain.log import log
from gateway.domain.region import Region
from gateway.domain.time import DAY, SECOND, Instant
from gateway.pipeline.ports import Transaction
from gateway.pipeline.settle import moved, write
from gateway.pipeline.site import Site

_log = log("lease")

#: How much longer than the longest attempt a claim holds its lanes without news: time for the
#: commits before and after it. Only another process may take what is left when it has run out.
LEASE_MARGIN = 20 * SECOND
#: How long after its claim a delivery may leave, in seconds; a process that stood still longer
#: has perhaps lost it to another one, and a lost one must not be sent.
LEAVE_WITHIN = LEASE_MARGIN / SECOND / 2
#: A clock that is further behind than this was set back; less is waited out.
SET_BACK = 60 * SECOND
#: Later than any lease.
FAR = 365 * DAY


def duration(region: Region, endpoints: Iterable[str]) -> int:
    """Say how long a claim for these endpoints holds, in microseconds."""
    known = [region.endpoints[name] for name in endpoints if name in region.endpoints]
    return max((endpoint.timeout for endpoint in known), default=0) + LEASE_MARGIN


@dataclass(frozen=True, slots=True)
class Mark:
    """One moment by two clocks."""

    #: The store's.
    at: Instant
    #: The monotonic one of this process, in seconds.
    monotonic: float


def follow_clock(tx: Transaction, mark: Mark, monotonic: float) -> None:
    """Let what waits for the clock follow it when somebody has set it back since the mark."""
    back = mark.at + int((monotonic - mark.monotonic) * SECOND) - tx.now
    if back > SET_BACK:
        tx.set_back(back)
        _log.warning("clock_set_back", seconds=back // SECOND)


def recover(tx: Transaction, site: Site, flying: Collection[int], *, alone: bool) -> None:
    """Put back what a crash left claimed or inflight, except what is on the wire here (`flying`).

    Inflight ones are sent again only where the endpoint is declared idempotent. A process that is
    alone does not wait until the leases of the dead run out.
    """
    endpoints = site.region.endpoints
    moves = []
    for delivery in tx.recover(tx.now + FAR if alone else tx.now):
        if delivery.id in flying:
            continue
        endpoint = endpoints.get(delivery.endpoint)
        again = endpoint is not None and endpoint.idempotent
        state = DeliveryState.RETRY if again else DeliveryState.AMBIGUOUS
        moves.append(moved(delivery, state, "interrupted", tx.now))
    write(tx, site, moves)
