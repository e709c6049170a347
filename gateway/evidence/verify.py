"""Verification of the audit log: leaves, heads and events must tell the same story.

Recomputes the tree (RFC 9162) and compares it with every stored head; checks that leaves are
canonical, numbered without gap and dated by their run; that every event opens its leaf's
commitment and has its class; that a missing event is covered by a tombstone; and that nothing
waits too long for its number. Streams: memory does not grow with the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.domain.time import SECOND, Instant
from gateway.evidence.audit_event import erased_ranges
from gateway.evidence.event_class import EventClass, class_of
from gateway.evidence.leaf import Leaf, commit
from gateway.evidence.merkle import Frontier, leaf_hash
from gateway.evidence.numbering import numbered
from gateway.evidence.report import Finding, Report, merged
from gateway.evidence.sequence import Head

#: A commitment that waits longer for its number is reported.
PATIENCE = 5 * SECOND


@dataclass(frozen=True, slots=True)
class Opening:
    """An event with the salt that opens its commitment."""

    seq: int
    event: Mapping[str, Any]
    salt: bytes


class LeafSource(Protocol):
    """Where a log is read from: a store, or an export."""

    def leaves(self) -> Iterable[bytes]:
        """Read all leaves in the order of their rows."""

    def heads(self) -> Iterable[Head]:
        """Read all heads, smallest first."""

    def openings(self) -> Iterable[Opening]:
        """Read the events that still exist, by leaf number."""

    def waiting(self) -> Iterable[Instant]:
        """When the events without number were recorded."""


def verify(
    log: LeafSource,
    *,
    anchors: Sequence[tuple[int, bytes]] = (),
    now: Instant | None = None,
    patience: int = PATIENCE,
) -> Report:
    """Check a log from end to end; never raises for what the log holds.

    `anchors` are heads (size, root) kept outside the gateway, e.g. by partners. Without `now`
    nothing is said about waiting events. `patience` is in microseconds.
    """
    check = _Check(log, anchors)
    for index, data, leaf in numbered(log.leaves(), check.findings):
        if index is None:
            check.skip(data)
        else:
            check.take(index, data, leaf)
    check.finish()
    if now is not None:
        check.report_waiting(log.waiting(), now - patience)
    return check.report()


class _Check:
    """State of one pass over a log."""

    def __init__(self, log: LeafSource, anchors: Sequence[tuple[int, bytes]]) -> None:
        self.findings: list[Finding] = []
        self._heads = iter(log.heads())
        self._head = next(self._heads, None)
        self._openings = iter(log.openings())
        self._opening = next(self._openings, None)
        self._anchors = dict(anchors)
        self._anchored = 0
        self._frontier = Frontier()
        self._covered = 0
        self._next = 0
        self._time = ""
        self._opened = 0
        self._gaps: list[tuple[int, int]] = []
        self._erased: list[tuple[int, int]] = []

    def take(self, index: int, data: bytes, leaf: Leaf | None) -> None:
        """Check one leaf whose number has to be `index`."""
        self._close_heads(index)
        head = self._head
        if leaf is not None:
            if head is not None and leaf.time != head.time:
                self._find(index, "time", "The leaf is not dated by its run.")
            self._open(index, leaf)
        self._frontier = self._frontier.append(leaf_hash(data))
        self._next = max(self._next, index + 1)
        self._compare_anchor()

    def skip(self, data: bytes) -> None:
        """Take a leaf that belongs nowhere into the tree, which will show it."""
        self._frontier = self._frontier.append(leaf_hash(data))

    def _find(self, index: int, rule: str, text: str, last: int | None = None) -> None:
        self.findings.append(Finding(index, index if last is None else last, rule, text))

    # heads -----------------------------------------------------------------------
    def _close_heads(self, size: int) -> None:
        """Compare the tree with every head that ends before leaf number `size`."""
        while self._head is not None and self._head.size <= size:
            self._compare(self._head)
            self._head = next(self._heads, None)

    def _compare(self, head: Head) -> None:
        first, last = self._covered, max(head.size - 1, self._covered)
        if head.size <= self._covered or head.time < self._time:
            self._find(first, "head", "Heads do not follow each other.", last)
        if head.size != self._frontier.size or head.root != self._frontier.root():
            self._find(first, "root", "The leaves do not give the root of their head.", last)
        elif head.frontier != self._frontier.to_bytes():
            self._find(last, "head", "The head's frontier is not the tree's.")
        self._covered, self._time = max(head.size, self._covered), max(head.time, self._time)
        self._go_on_from(head)

    def _go_on_from(self, head: Head) -> None:
        """After a difference the next runs are judged from the head, if it is one."""
        try:
            stored = Frontier.from_bytes(head.frontier)
        except ValueError:
            return
        if stored.size == head.size and stored.root() == head.root:
            self._frontier = stored

    def _compare_anchor(self) -> None:
        size = self._frontier.size
        expected = self._anchors.pop(size, None) if self._anchors else None
        if expected is None:
            return
        if expected == self._frontier.root():
            self._anchored = size
        else:
            self._find(0, "anchor", "The log differs from a head kept outside.", size - 1)

    # events ----------------------------------------------------------------------
    def _open(self, index: int, leaf: Leaf) -> None:
        opening = self._opening_for(index)
        if opening is None:
            self._miss(index)
            return
        if not _opens(opening, leaf.commitment):
            self._find(index, "opening", "The event does not open its commitment.")
            return
        self._opened += 1
        if class_of(opening.event) is not leaf.event_class:
            self._find(index, "class", "The leaf names another class than its event has.")
        if leaf.event_class is EventClass.TOMBSTONE:
            self._bury(index, opening.event)

    def _miss(self, index: int) -> None:
        if self._gaps and self._gaps[-1][1] == index - 1:
            self._gaps[-1] = (self._gaps[-1][0], index)
        else:
            self._gaps.append((index, index))

    def _opening_for(self, index: int) -> Opening | None:
        while self._opening is not None and self._opening.seq < index:
            self._find(self._opening.seq, "beyond", "The event has no leaf of its own.")
            self._opening = next(self._openings, None)
        opening = self._opening
        if opening is None or opening.seq != index:
            return None
        self._opening = next(self._openings, None)
        return opening

    def _bury(self, index: int, event: Mapping[str, Any]) -> None:
        try:
            ranges = erased_ranges(event)
        except (ValueError, KeyError, TypeError, AttributeError):
            ranges = ((index, index),)
        if all(0 <= first <= last < index for first, last in ranges):
            self._erased += ranges
        else:
            self._find(index, "erasure", "The tombstone names leaves it cannot cover.")

    # the end ---------------------------------------------------------------------
    def finish(self) -> None:
        """Check what is left over when the leaves are at their end."""
        self._close_heads(self._next)
        if self._covered < self._next:
            self._find(self._covered, "uncovered", "No head covers these leaves.", self._next - 1)
        while self._head is not None:
            self._find(self._next, "root", "The log is cut off.", self._head.size - 1)
            self._head = next(self._heads, None)
        while self._opening is not None:
            self._find(self._opening.seq, "beyond", "The event has no leaf of its own.")
            self._opening = next(self._openings, None)
        for size in self._anchors:
            if size > 0:
                self._find(0, "anchor", "The log is shorter than a head kept outside.", size - 1)

    def report_waiting(self, recorded: Iterable[Instant], limit: Instant) -> None:
        """Report events recorded before `limit` that still have no number."""
        count = sum(1 for at in recorded if at < limit)
        if count:
            self._find(-1, "unnumbered", f"{count} events wait too long for their number.")

    def report(self) -> Report:
        """Sum up."""
        lost = _outside(self._gaps, self._erased)
        kept = _outside(self._erased, self._gaps)
        for first, last in lost:
            self._find(first, "missing", "The event is missing.", last)
        for first, last in kept:
            self._find(first, "erasure", "The event was declared erased and is there.", last)
        return Report(
            size=self._next,
            root=self._frontier.root(),
            opened=self._opened,
            erased=_count(self._gaps) - _count(lost),
            findings=merged(self.findings),
            anchored=self._anchored,
        )


def _opens(opening: Opening, commitment: bytes) -> bool:
    try:
        return commit(opening.event, opening.salt) == commitment
    except (TypeError, ValueError):  # nothing we ever committed to
        return False


def _count(ranges: Iterable[tuple[int, int]]) -> int:
    return sum(last - first + 1 for first, last in ranges)


def _outside(
    ranges: Iterable[tuple[int, int]], cover: Iterable[tuple[int, int]]
) -> list[tuple[int, int]]:
    """The parts of `ranges` that `cover` leaves out; bounds are inclusive."""
    covering = sorted(cover)
    parts = []
    for start, end in ranges:
        position = start
        for first, last in covering:
            if last < position or first > end:
                continue
            if first > position:
                parts.append((position, first - 1))
            position = last + 1
        if position <= end:
            parts.append((position, end))
    return parts
