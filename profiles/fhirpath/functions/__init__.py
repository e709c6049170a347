"""The functions of FHIRPath by name.

https://hl7.org/fhirpath/N1/#functions and its current build for those marked STU there,
https://hl7.org/fhir/R4/fhirpath.html#functions.
"""

from __future__ import annotations

from profiles.fhirpath.functions import (
    boundaries,
    collections,
    conversion,
    definitions,
    elements,
    math,
    moments,
    strings,
)
from profiles.fhirpath.functions.function import Function

#: Functions whose arguments are values. Those with expressions are in `profiles.fhirpath.lambdas`.
FUNCTIONS: dict[str, Function] = {
    **collections.FUNCTIONS,
    **conversion.FUNCTIONS,
    **strings.FUNCTIONS,
    **math.FUNCTIONS,
    **moments.FUNCTIONS,
    **boundaries.FUNCTIONS,
    **elements.FUNCTIONS,
    **definitions.FUNCTIONS,
}
