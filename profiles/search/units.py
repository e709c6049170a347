"""Quantities in base units, so that 5.4 g/dL finds 54 g/L.

https://hl7.org/fhir/R4/search.html#quantity: a server may convert units to canonical ones; only
UCUM (https://ucum.org/ucum) says how.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from profiles.fhirpath.ucum import read_unit

UCUM = "http://unitsofmeasure.org"


@dataclass(frozen=True, slots=True)
class Measure:
    """What numbers with one unit are in base units."""

    #: Base units with exponents: only equal ones can be compared.
    dimension: str
    factor: Fraction
    offset: Fraction
    #: The same two as floats.
    rough: tuple[float, float]

    def roughly(self, number: float) -> float:
        """Convert a number for an index: as exact as a float is."""
        factor, offset = self.rough
        return (number + offset) * factor

    def of(self, number: float) -> Fraction:
        """Convert a number, exactly as its decimal digits say."""
        return (Fraction(repr(number)) + self.offset) * self.factor


@lru_cache(maxsize=4096)
def measure(system: str, code: str) -> Measure | None:
    """Return how a unit is converted; None for what is no UCUM code."""
    unit = read_unit(code) if system == UCUM else None
    if unit is None:
        return None
    dimension = ".".join(f"{base}{exponent}" for base, exponent in unit.dimension)
    try:
        rough = (float(unit.factor), float(unit.offset))
    except OverflowError:
        return None
    return Measure(dimension, unit.factor, unit.offset, rough)
