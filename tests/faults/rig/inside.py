"""What the store says, read beside the running gateway as the commands read it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gateway.domain.delivery import ENDED, Delivery
from gateway.domain.time import now
from gateway.evidence.report import Report
from gateway.evidence.verify import verify
from gateway.operations.local import perform, reading
from gateway.settings import load_settings
from gateway.store import browse, finding, worklist
from gateway.store.evidence_log import EvidenceLog
from gateway.store.reader import View
from gateway.store.views import MessageView, WorkItem
from rig.region import Region

_MANY = 1 << 30


@dataclass(frozen=True, slots=True)
class Inside:
    """Looks into one region's store."""

    region: Region

    @contextmanager
    def _view(self) -> Iterator[View]:
        with reading(load_settings(self.region.folder)) as store, store.reader.view() as view:
            yield view

    def messages(self) -> list[MessageView]:
        """Every message, oldest first."""
        with self._view() as view:
            found = browse.messages(
                view.db, state=None, endpoint="", control_id="", since=0, before=0, limit=_MANY
            )
        return found[::-1]

    def deliveries(self, endpoint: str = "") -> list[Delivery]:
        """Every delivery (of one endpoint), oldest first."""
        with self._view() as view:
            return finding.find(view.db, endpoint=endpoint)

    def sent(self, delivery: int) -> bytes:
        """The bytes stored for a delivery."""
        with self._view() as view:
            return browse.sent(view.db, view.bodies, delivery)

    def states(self, endpoint: str = "") -> Counter[str]:
        """How many deliveries are in which state."""
        return Counter(one.state.value for one in self.deliveries(endpoint))

    def worklist(self) -> list[WorkItem]:
        """What needs a person."""
        with self._view() as view:
            return worklist.items(view.db, limit=_MANY)

    def undone(self) -> list[Delivery]:
        """Deliveries that have not ended."""
        return [one for one in self.deliveries() if one.state not in ENDED]

    def verify(self) -> Report:
        """Recompute the audit log."""
        with self._view() as view:
            log = EvidenceLog(view.db, view.bodies)
            return verify(log, now=now(), patience=60_000_000)

    def unnumbered(self) -> int:
        """How many audit events have no number in the log yet."""
        with self._view() as view:
            return worklist.counts(view.db).unnumbered

    def resolve(self, deliveries: list[int], verdict: str) -> None:
        """Decide about ambiguous deliveries, as the operator's command does."""
        arguments = {"deliveries": deliveries, "verdict": verdict}
        done = perform(load_settings(self.region.folder), "delivery.resolve", arguments)
        assert not done["refused"], done


def eventually(true: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)
