"""FHIRPath: expressions over resources, compiled to Python closures.

https://hl7.org/fhirpath/N1/ (2.0.0) with the functions that are STU in its current build, and
https://hl7.org/fhir/R4/fhirpath.html.

    evaluate(patient, "Patient.name.where(use = 'official').given")
    compile("name.exists() or contact.exists()", type="Patient", strict=True).holds(patient)
"""

from __future__ import annotations

from profiles.fhirpath.context import Bounds, Profiles, Services, Terminology
from profiles.fhirpath.errors import (
    FHIRPathError,
    FHIRPathLimitError,
    FHIRPathSemanticError,
    FHIRPathSyntaxError,
)
from profiles.fhirpath.expression import Expression, compile, evaluate  # noqa: A004
from profiles.fhirpath.items import Node
from profiles.fhirpath.quantity import Quantity
from profiles.fhirpath.results import Item

__all__ = [
    "Bounds",
    "Expression",
    "FHIRPathError",
    "FHIRPathLimitError",
    "FHIRPathSemanticError",
    "FHIRPathSyntaxError",
    "Item",
    "Node",
    "Profiles",
    "Quantity",
    "Services",
    "Terminology",
    "compile",
    "evaluate",
]
