"""Location.near: places within a distance of a point.

https://hl7.org/fhir/R4/location.html#positional: `[latitude]|[longitude]|[distance]|[units]` in
WGS84; kilometres where no unit is named. Without a distance the server says what is near.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from profiles.fhirpath.ucum import read_unit

#: What is near when nobody says how near: across a rural district.
_USUAL = 20_000.0
#: Mean radius of the earth (IUGG), in metres.
_EARTH = 6_371_008.8
_UNIT = "km"
_METRE = (("m", 1),)


@dataclass(frozen=True, slots=True)
class NearValue:
    """A point and how far from it, in degrees and metres."""

    latitude: float
    longitude: float
    metres: float


def read_near(text: str) -> NearValue | None:
    """Read a value of `near`; None when it is not valid."""
    parts = [part.strip() for part in text.split("|")]
    if not 2 <= len(parts) <= 4:
        return None
    latitude, longitude = _number(parts[0]), _number(parts[1])
    metres = _metres(*parts[2:])
    if latitude is None or longitude is None or metres is None:
        return None
    if abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return NearValue(latitude, longitude, metres)


def _metres(distance: str = "", unit: str = "") -> float | None:
    if not distance:
        return _USUAL
    number, known = _number(distance), read_unit(unit or _UNIT)
    if number is None or number < 0 or known is None or known.dimension != _METRE:
        return None
    return number * float(known.factor)


def _number(text: str) -> float | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return float(number) if number.is_finite() else None


def is_near(value: NearValue, position: Any) -> bool:
    """Say whether a position (Location.position) is within the distance."""
    if not isinstance(position, dict):
        return False
    latitude, longitude = position.get("latitude"), position.get("longitude")
    if latitude is None or longitude is None:
        return False
    return _distance(value, float(latitude), float(longitude)) <= value.metres


def _distance(value: NearValue, latitude: float, longitude: float) -> float:
    """Great-circle distance in metres (haversine formula)."""
    north, other = math.radians(value.latitude), math.radians(latitude)
    turn = math.radians(longitude - value.longitude)
    half = math.sin((other - north) / 2) ** 2
    half += math.cos(north) * math.cos(other) * math.sin(turn / 2) ** 2
    return 2 * _EARTH * math.asin(min(1.0, math.sqrt(half)))
