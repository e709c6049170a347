"""Rules of FHIR R4 that need no profile: type → what is checked natively.

A rule is a pure function from one value to issues; its place is the beginning of every location.
For a data type the place may be "", then locations begin with a dot and the caller writes the place
before them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from profiles.issue import Issue
from profiles.validate.bundle import bundle_issues
from profiles.validate.bundle_references import bundle_reference_issues
from profiles.validate.bundle_requests import bundle_request_issues
from profiles.validate.definitional import (
    capability_statement_issues,
    code_system_issues,
    search_parameter_issues,
)
from profiles.validate.german import german_coding_issues, german_identifier_issues
from profiles.validate.narrative import narrative_issues
from profiles.validate.questionnaire import questionnaire_issues
from profiles.validate.references import containment_issues, reference_issues
from profiles.validate.systems import system_issues

Rule = Callable[[dict[str, Any], str], Iterable[Issue]]

#: Resource or data type → its rules. DomainResource stands for every resource that may contain
#: others and is not itself contained. A QuestionnaireResponse needs its Questionnaire besides:
#: questionnaire_response.py.
RULES: dict[str, tuple[Rule, ...]] = {
    "Age": (system_issues,),
    "Bundle": (bundle_issues, bundle_request_issues, bundle_reference_issues),
    "CapabilityStatement": (capability_statement_issues,),
    "CodeSystem": (code_system_issues,),
    "Coding": (german_coding_issues, system_issues),
    "Count": (system_issues,),
    "Distance": (system_issues,),
    "DomainResource": (containment_issues,),
    "Duration": (system_issues,),
    "Identifier": (german_identifier_issues, system_issues),
    "Narrative": (narrative_issues,),
    "Quantity": (system_issues,),
    "Questionnaire": (questionnaire_issues,),
    "Reference": (reference_issues,),
    "SearchParameter": (search_parameter_issues,),
}

#: Invariants that the rules check, so that their FHIRPath need not be evaluated.
COVERED = frozenset(
    {
        *("txt-1", "txt-2", "ref-1", "dom-2", "dom-3", "dom-4", "dom-5", "qrs-1"),
        *(f"bdl-{number}" for number in (1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12)),
        *(f"que-{number}" for number in range(1, 14)),
    }
)
