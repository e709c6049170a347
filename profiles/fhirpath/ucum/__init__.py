"""Units of measure: what a UCUM code means in base units, exactly.

https://ucum.org/ucum (case-sensitive codes). Factors are fractions, so that no conversion
loses anything. Degrees Celsius, Fahrenheit and Réaumur have an offset; logarithmic units
(pH, B, Np) compare with themselves only and are not in any product.
"""

from __future__ import annotations

from profiles.fhirpath.ucum.unit import Unit, read_unit

__all__ = ["Unit", "read_unit"]
