"""The sequencer's arithmetic: number waiting commitments into the log, one head per run.

Pure: whoever runs it holds the one lock on the log, reads the last head, and stores leaves and
head in one transaction. All leaves of a run carry the head's time, so a changed time shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.evidence.event_class import EventClass
from gateway.evidence.leaf import leaf
from gateway.evidence.merkle import Frontier, leaf_hash


@dataclass(frozen=True, slots=True)
class Head:
    """The log's state after one run."""

    size: int
    root: bytes
    #: UTC instant of the run, with microseconds.
    time: str
    #: `Frontier.to_bytes`: what the next run goes on from.
    frontier: bytes


@dataclass(frozen=True, slots=True)
class Run:
    """What one run adds: leaves from number `head.size - len(leaves)` on."""

    leaves: tuple[bytes, ...]
    head: Head


def sequence(
    previous: Head | None, waiting: Sequence[tuple[EventClass, bytes]], now: str
) -> Run | None:
    """Number (class, commitment) pairs in the order given; None when nothing waits.

    A clock that went back does not take the log with it: the time stands still until the clock
    has caught up.
    """
    if not waiting:
        return None
    frontier = Frontier.from_bytes(previous.frontier) if previous else Frontier()
    time = max(previous.time, now) if previous else now
    leaves = tuple(
        leaf(number, time, event_class, commitment)
        for number, (event_class, commitment) in enumerate(waiting, frontier.size)
    )
    after = frontier.extend(map(leaf_hash, leaves))
    return Run(leaves, Head(after.size, after.root(), time, after.to_bytes()))
