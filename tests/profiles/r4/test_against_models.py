"""An independent reading of the specification (fhir.resources) has the same elements.

Its oldest maintained release is R4B 4.3.0; the differences to R4 4.0.1 are named here.
"""

import pytest
from fhir.resources.R4B import get_fhir_model_class

from profiles.r4 import facts

TYPES = [
    "Address",
    "AllergyIntolerance",
    "Appointment",
    "AuditEvent",
    "Binary",
    "Bundle",
    "CodeableConcept",
    "Communication",
    "Composition",
    "Condition",
    "Consent",
    "Coverage",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "Endpoint",
    "Extension",
    "HumanName",
    "Immunization",
    "Location",
    "MedicationRequest",
    "MedicationStatement",
    "MessageHeader",
    "Meta",
    "Observation",
    "ObservationDefinition",
    "OperationOutcome",
    "Organization",
    "Parameters",
    "Patient",
    "Period",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "Quantity",
    "Questionnaire",
    "QuestionnaireResponse",
    "Reference",
    "RelatedPerson",
    "ResearchStudy",
    "ServiceRequest",
    "Specimen",
    "Subscription",
    "Task",
    "Timing",
]
ONLY_R4 = {"Extension": {"valueMeta"}}
ONLY_R4B = {"Extension": {"valueCodeableReference", "valueRatioRange"}}


def names(element):
    leaf = element["path"].rpartition(".")[2]
    if not leaf.endswith("[x]"):
        return [leaf]
    return [leaf[:-3] + code[0].upper() + code[1:] for code in element["types"]]


def objects(type_name):
    """(model name, elements) of a type and each backbone element in it."""
    elements = facts("elements")["types"][type_name]["elements"]
    for parent in {one["path"].rpartition(".")[0] for one in elements}:
        inside = [one for one in elements if one["path"].rpartition(".")[0] == parent]
        steps = parent.split(".") if parent else []
        yield type_name + "".join(step[0].upper() + step[1:] for step in steps), inside


def fields(model):
    """JSON name → (many?, required?)."""
    for name, field in model.model_fields.items():
        alias = field.alias or name
        if not alias.startswith("_") and alias not in {"resourceType", "fhir_comments"}:
            extra = field.json_schema_extra or {}
            required = field.is_required() or extra.get("element_required") is True
            yield alias, ("List" in str(field.annotation), required)


@pytest.mark.parametrize("type_name", TYPES)
def test_elements_are_the_same(type_name):
    for model_name, elements in objects(type_name):
        theirs = dict(fields(get_fhir_model_class(model_name)))
        ours = {
            name: (one["max"] == "*", one["min"] > 0 and not one["path"].endswith("[x]"))
            for one in elements
            for name in names(one)
        }
        for name in ONLY_R4.get(model_name, ()):
            del ours[name]
        for name in ONLY_R4B.get(model_name, ()):
            del theirs[name]
        assert ours == theirs, model_name
