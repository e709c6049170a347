"""Two timestamps → Period (https://hl7.org/fhir/R4/datatypes.html#Period).

A Period begins before it ends (invariant per-1): an end that lies before its start is reported and
left out, so that it shows as unmapped instead of making the resource invalid.
"""

from __future__ import annotations

from typing import Any

from mappers import times
from mappers.hl7v2.session import Session


def ordered(session: Session, period: dict[str, Any]) -> dict[str, Any]:
    """Return the period, without its end where that lies before its start."""
    start, end = period.get("start"), period.get("end")
    if start is None or end is None or not times.is_after(start, end):
        return period
    session.issue("value", "the period ends before it begins; its end is left out", end, "102")
    return {"start": start}


def settle(session: Session, stated: dict[str, Any]) -> None:
    """Put the `period` of something in order."""
    period = stated.get("period")
    if period is not None:
        stated["period"] = ordered(session, period)
