"""Audit rows: AuditEvents with salt and commitment, made where the act is decided.

The commitment commits with the act; `gateway.evidence` says what an event holds.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.domain.time import DAY, MILLISECOND, Instant, fhir_instant
from gateway.evidence.event_class import (
    DEFAULT_PERIODS,
    EventClass,
    Keep,
    RetentionClass,
    retain_until,
)
from gateway.evidence.leaf import SALT_SIZE, canonical, commit_bytes
from gateway.evidence.parts import Party, Stamp
from gateway.pipeline.ports import AuditRow


@dataclass(frozen=True, slots=True)
class Auditor:
    """Makes audit rows in the name of one gateway process."""

    observer: Party
    periods: Mapping[RetentionClass, Keep] = field(default_factory=lambda: DEFAULT_PERIODS)
    #: Source of salts and event ids.
    random: Callable[[int], bytes] = os.urandom
    #: The last instant and how FHIR writes it.
    _last: list[Any] = field(default_factory=lambda: [-1, ""])
    #: (class, day) → end of retention: the calendar is asked once a day.
    _ends: dict[tuple[EventClass, int], Instant] = field(default_factory=dict)

    def stamp(self, at: Instant) -> Stamp:
        """Begin an event: a fresh id, the instant, this gateway."""
        if at != self._last[0]:
            # Everything of one transaction has one instant.
            self._last[:] = (at, fhir_instant(at))
        return Stamp(_uuid(at, self.random(10)), self._last[1], self.observer)

    def row(self, event_class: EventClass, at: Instant, event: Mapping[str, Any]) -> AuditRow:
        """Salt an event and commit to it."""
        salt = self.random(SALT_SIZE)
        body = canonical(event)
        content = b'{"event":' + body + b',"salt":"' + b64encode(salt) + b'"}'
        end = self._end(event_class, at)
        return AuditRow(event_class.value, at, commit_bytes(body, salt), content, end)

    def _end(self, event_class: EventClass, at: Instant) -> Instant:
        key = (event_class, at // DAY)
        end = self._ends.get(key)
        if end is None:
            if len(self._ends) > 256:
                self._ends.clear()
            end = self._ends[key] = retain_until(event_class, at, self.periods)
        return end


def _uuid(at: Instant, random: bytes) -> str:
    """Write an instant and ten random bytes as a UUID of version 7 (RFC 9562 section 5.7).

    An auditor's question for one event leads to its place in the log by the time in its id.
    """
    digits = f"{at // MILLISECOND & 0xFFFFFFFFFFFF:012x}{random.hex()}"
    variant = "89ab"[random[2] & 3]
    return f"{digits[:8]}-{digits[8:12]}-7{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
