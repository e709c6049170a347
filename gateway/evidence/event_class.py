"""Classes of audit events: what a leaf says publicly about its event, and how long it is kept.

The class is all a reader of the log learns without the event itself. Retention: § 309 SGB V
asks that accesses and attempts stay checkable for three years and go without delay afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from gateway.domain.time import SECOND, Instant


class RetentionClass(StrEnum):
    """Events that are kept for the same time."""

    ACCESS = "access"  #: who saw or received what, and why
    FLOW = "flow"  #: how a message travelled
    ADMINISTRATION = "administration"  #: what people and rules changed
    PERMANENT = "permanent"  #: holds no personal data and explains gaps in the log


class EventClass(StrEnum):
    """What happened; the value stands in the leaf."""

    RECEIVED = "received"
    TRANSLATED = "translated"
    DECIDED = "decided"
    DISCLOSED = "disclosed"
    DELIVERY_STATE = "delivery-state"
    READ = "read"
    SEARCH = "search"
    WRITE = "write"
    IDENTITY = "identity"
    ADMINISTRATIVE = "administrative"
    TOMBSTONE = "tombstone"

    @property
    def retention(self) -> RetentionClass:
        """The class that says how long events like this are kept."""
        return RETENTION_CLASS[self]


RETENTION_CLASS: Mapping[EventClass, RetentionClass] = MappingProxyType(
    {
        EventClass.RECEIVED: RetentionClass.FLOW,
        EventClass.TRANSLATED: RetentionClass.FLOW,
        EventClass.DELIVERY_STATE: RetentionClass.FLOW,
        EventClass.DECIDED: RetentionClass.ACCESS,
        EventClass.DISCLOSED: RetentionClass.ACCESS,
        EventClass.READ: RetentionClass.ACCESS,
        EventClass.SEARCH: RetentionClass.ACCESS,
        EventClass.WRITE: RetentionClass.ACCESS,
        EventClass.IDENTITY: RetentionClass.ADMINISTRATION,
        EventClass.ADMINISTRATIVE: RetentionClass.ADMINISTRATION,
        EventClass.TOMBSTONE: RetentionClass.PERMANENT,
    }
)


@dataclass(frozen=True, slots=True)
class Keep:
    """How long one retention class is kept."""

    #: Full years after the event.
    years: int = 3
    #: Whether the rest of that calendar year is added.
    to_year_end: bool = True


DEFAULT_PERIODS: Mapping[RetentionClass, Keep] = MappingProxyType(
    {
        RetentionClass.ACCESS: Keep(),
        RetentionClass.FLOW: Keep(),
        RetentionClass.ADMINISTRATION: Keep(),
    }
)


#: For what is never deleted.
FOREVER: Instant = 2**62


def retain_until(
    event_class: EventClass,
    recorded: Instant,
    periods: Mapping[RetentionClass, Keep] = DEFAULT_PERIODS,
) -> Instant:
    """Instant from which on the event may be deleted; `FOREVER` for permanent classes.

    Years and their ends are counted in UTC. A class missing from `periods` has its default.
    """
    retention = event_class.retention
    if retention is RetentionClass.PERMANENT:
        return FOREVER
    keep = periods.get(retention, DEFAULT_PERIODS[retention])
    then = datetime.fromtimestamp(recorded // SECOND, UTC)
    if keep.to_year_end:
        end = datetime(then.year + keep.years + 1, 1, 1, tzinfo=UTC)
    else:
        # One day more, so that a leap day never shortens the time.
        end = _years_later(then, keep.years) + timedelta(days=1)
    return int(end.timestamp()) * SECOND


def _years_later(then: datetime, years: int) -> datetime:
    try:
        return then.replace(year=then.year + years)
    except ValueError:  # 29 February in a year without one
        return then.replace(year=then.year + years, month=2, day=28)


#: (AuditEvent.type.code, AuditEvent.subtype[0].code or "*") → class.
_BY_CODES: Mapping[tuple[str, str], EventClass] = MappingProxyType(
    {
        ("110107", "receive"): EventClass.RECEIVED,
        ("110107", "transform"): EventClass.TRANSLATED,
        ("110113", "AuthZ-Consent"): EventClass.DECIDED,
        ("110113", "AuthZ-Role"): EventClass.DECIDED,
        ("110106", "disclose"): EventClass.DISCLOSED,
        ("110106", "transmit"): EventClass.DELIVERY_STATE,
        ("rest", "read"): EventClass.READ,
        ("rest", "vread"): EventClass.READ,
        ("rest", "search"): EventClass.SEARCH,
        ("rest", "history"): EventClass.SEARCH,
        ("rest", "create"): EventClass.WRITE,
        ("rest", "update"): EventClass.WRITE,
        ("rest", "patch"): EventClass.WRITE,
        ("rest", "delete"): EventClass.WRITE,
        ("110110", "link"): EventClass.IDENTITY,
        ("110110", "unlink"): EventClass.IDENTITY,
        ("110110", "merge"): EventClass.IDENTITY,
        ("110110", "unmerge"): EventClass.IDENTITY,
        ("110101", "destroy"): EventClass.TOMBSTONE,
        ("110100", "*"): EventClass.ADMINISTRATIVE,
    }
)


def class_of(event: Mapping[str, Any]) -> EventClass | None:
    """Read an AuditEvent's class from its type and first subtype; None when it is not ours."""
    try:
        kind = event["type"]["code"]
        subtype = event["subtype"][0]["code"]
        return _BY_CODES.get((kind, subtype)) or _BY_CODES.get((kind, "*"))
    except (KeyError, IndexError, TypeError):
        return None
