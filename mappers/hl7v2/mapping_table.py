"""The mapping as documentation: every row of the tables and what the functions say of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import NamedTuple

from mappers.codes import rows
from mappers.hl7v2.segments import TARGETS
from mappers.hl7v2.session import PACKAGE

#: What a table of rows is called by → the resource or element it fills.
_NAMES = {
    "allergyintolerance": "AllergyIntolerance",
    "careplan": "CarePlan",
    "careteam": "CareTeam",
    "claimresponse": "ClaimResponse",
    "chargeitem": "ChargeItem",
    "contact": "Patient.contact",
    "diagnosticreport": "DiagnosticReport",
    "documentreference": "DocumentReference",
    "episodeofcare": "EpisodeOfCare",
    "healthcareservice": "HealthcareService",
    "medicationadministration": "MedicationAdministration",
    "medicationdispense": "MedicationDispense",
    "medicationrequest": "MedicationRequest",
    "nutritionorder": "NutritionOrder",
    "practitionerrole": "PractitionerRole",
    "relatedperson": "RelatedPerson",
    "servicerequest": "ServiceRequest",
}
#: Segments of a question: their facts are its parameters.
_ASKED = frozenset({"qak", "qrd", "qrf", "rcp"})
_QUESTION = "Provenance.contained(Parameters.parameter.value)"


class Mapping(NamedTuple):
    """What becomes of one field."""

    segment: str
    #: Number of the field, "4.1" for a part of it; empty: all of the segment.
    field: str
    #: Element with its resource type, e.g. "Patient.birthDate".
    target: str
    #: Datatype map and its argument; empty where a function decides.
    datatype: str
    condition: str

    @property
    def place(self) -> str:
        """The field, or the segment for all of it."""
        return f"{self.segment}-{self.field}" if self.field else self.segment


def mapping_table() -> list[Mapping]:
    """Return every mapping by segment and field."""
    return sorted({*_from_rows(), *_from_facts(), *_from_functions()}, key=_order)


def _order(row: Mapping) -> tuple[str, int, str, str]:
    return row.segment, int(row.field.partition(".")[0] or 0), row.field, row.target


def _from_rows() -> Iterator[Mapping]:
    for path in files(PACKAGE).joinpath("rows").iterdir():
        name = path.name.removesuffix(".csv")
        segment, resource, *_ = name.split("_")
        kind = _NAMES.get(resource, resource.capitalize())
        for row in rows(PACKAGE, "rows", name):
            datatype = f"{row['datatype']} {row['argument']}".strip()
            condition = f"unless {segment.upper()}-{row['unless']}" if row["unless"] else ""
            condition = condition or row.get("if") or ""
            target = f"{kind}.{row['target']}"
            yield Mapping(segment.upper(), row["field"], target, datatype, condition)


def _from_facts() -> Iterator[Mapping]:
    for path in files(PACKAGE).joinpath("facts").iterdir():
        name = path.name.removesuffix(".csv")
        for row in rows(PACKAGE, "facts", name):
            target = _QUESTION if name in _ASKED else "Observation.component.value"
            yield Mapping(name.upper(), row["field"], target, row["datatype"], "")


def _from_functions() -> Iterator[Mapping]:
    for declared in TARGETS:
        for place, targets in declared.items():
            segment, _, field = place.partition("-")
            for target in targets:
                yield Mapping(segment, field, target, "", "")
