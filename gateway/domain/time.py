"""Instants as the gateway stores them: whole microseconds since 1970-01-01T00:00:00Z."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

#: Microseconds since the epoch, UTC.
Instant = int
#: Where the time comes from; injected so that tests can move it.
Clock = Callable[[], Instant]

MILLISECOND = 1_000
SECOND = 1_000 * MILLISECOND
DAY = 86_400 * SECOND

_DURATION = re.compile(r"(\d+)\s*(ms|s|m|h|d|y)")
_UNITS = {
    "ms": 1_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3_600 * SECOND,
    "d": DAY,
    "y": 365 * DAY,
}


def now() -> Instant:
    """Return the present instant of the system clock."""
    return time.time_ns() // 1_000


# One batch renders the same instant for every event in it.
@lru_cache(maxsize=64)
def fhir_instant(at: Instant) -> str:
    """Render an instant as FHIR `instant` in UTC with microseconds."""
    return (
        datetime.fromtimestamp(at / SECOND, UTC)
        .isoformat(timespec="microseconds")
        .replace("+00:00", "Z")
    )


def duration(text: str) -> int:
    """Read a duration such as `5s`, `15m`, `14d` into microseconds; ValueError otherwise."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("a duration is a number and a unit: 500ms, 5s, 15m, 4h, 14d, 3y")
    return int(match[1]) * _UNITS[match[2]]
