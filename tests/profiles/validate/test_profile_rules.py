"""Rules of profiles beyond cardinality: how references lead, when dates lie, what is a value."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from profiles.validate.policy import Policy
from profiles.validate.validator import Validator
from tests.profiles.validate.regional import (
    CANONICAL,
    CORE,
    Json,
    by,
    element,
    structure,
    validator,
)

R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition"
ABSENT = f"{CORE}data-absent-reason"
UNKNOWN = {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}
PATIENT = "urn:uuid:6f2a5d1c-6a3b-4f44-9a53-3f2f0d0c7b11"
REPORT = "urn:uuid:0d1b5a3e-57a5-4f0c-8a9e-5a8f3b1c2d4e"


def target(**members: Any) -> Json:
    return {"code": "Reference", "targetProfile": [f"{CORE}Patient"]} | members


def years(count: int) -> Json:
    system = "http://unitsofmeasure.org"
    return {"value": count, "unit": "Jahre", "system": system, "code": "a"}


def additional(purpose: str, value_set: str, *, usage: bool = False) -> Json:
    """Make an additional binding; one with a usage holds in some places only."""
    parts: list[Json] = [
        {"url": "purpose", "valueCode": purpose},
        {"url": "valueSet", "valueCanonical": f"http://hl7.org/fhir/ValueSet/{value_set}"},
    ]
    if usage:
        parts.append({"url": "usage", "valueUsageContext": {}})
    return {"url": f"{CORE}additional-binding", "extension": parts}


STRUCTURES = [
    structure("Gebuendelt", "Observation", element("Observation.subject", type=[target()])),
    structure(
        "Enthalten",
        "Observation",
        element("Observation.subject", type=[target(aggregation=["contained"])]),
    ),
    structure(
        "ImBuendel",
        "Observation",
        element("Observation.subject", type=[target(aggregation=["bundled"])]),
    ),
    structure(
        "MitVersion",
        "Observation",
        element("Observation.subject", type=[target(versioning="specific")]),
    ),
    structure(
        "OhneVersion",
        "Observation",
        element("Observation.subject", type=[target(versioning="independent")]),
    ),
    structure(
        "Geboren",
        "Patient",
        element("Patient.birthDate", minValueQuantity=years(130), maxValueQuantity=years(0)),
    ),
    structure(
        "MitWert",
        "Patient",
        element(
            "Patient.birthDate",
            extension=[{"url": f"{R5}.mustHaveValue", "valueBoolean": True}],
        ),
        element(
            "Patient.gender",
            extension=[{"url": f"{R5}.valueAlternatives", "valueCanonical": ABSENT}],
        ),
    ),
    structure(
        "Gebunden",
        "Patient",
        element(
            "Patient.maritalStatus",
            binding={
                "strength": "example",
                "extension": [
                    additional("required", "marital-status"),
                    additional("extensible", "administrative-gender"),
                    additional("required", "languages", usage=True),
                ],
            },
        ),
    ),
    structure(
        "Einsprachig",
        "Patient",
        element(
            "Patient.text",
            extension=[{"url": f"{CORE}narrative-language-control", "valueCode": "_no"}],
        ),
    ),
    structure(
        "Abschnitte",
        "Composition",
        element("Composition.section", slicing=by("pattern", "code")),
        element("Composition.section:diagnosen"),
        element("Composition.section:diagnosen.title", min=1),
        element("Composition.section:diagnosen.code", min=1, patternCodeableConcept={"text": "D"}),
        abstract=True,
    ),
    structure(
        "Brief",
        "Composition",
        element("Composition.section", slicing=by("pattern", "code")),
        element(
            "Composition.section:D",
            min=1,
            type=[
                {
                    "code": "BackboneElement",
                    "profile": [f"{CANONICAL}Abschnitte"],
                    "_profile": [
                        {
                            "extension": [
                                {
                                    "url": f"{CORE}elementdefinition-profile-element",
                                    "valueString": "Composition.section:diagnosen",
                                }
                            ]
                        }
                    ],
                }
            ],
        ),
    ),
    structure(
        "Geprueft",
        "Observation",
        element(
            "Observation",
            constraint=[
                {
                    "key": "harz-2",
                    "severity": "error",
                    "human": "Wen der Befund betrifft, dessen Geburt liegt fest",
                    "expression": f"contained.all($this.conformsTo('{CANONICAL}MitWert'))",
                }
            ],
        ),
    ),
]


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Validator:
    return validator(tmp_path_factory.mktemp("region"), *STRUCTURES)


def errors(region: Validator, resource: Json, profile: str) -> list[str]:
    """Return the places of errors against a profile of the region."""
    issues = region.validate(resource, [f"{CANONICAL}{profile}"] if profile else [])
    return [one.location for one in issues if one.severity == "error"]


def report(reference: str, **members: Any) -> Json:
    made = {"resourceType": "Observation", "status": "final", "code": {"text": "Gewicht"}}
    return made | {"subject": {"reference": reference}} | members


def bundle(reference: str, profile: str) -> Json:
    claimed = report(reference, meta={"profile": [f"{CANONICAL}{profile}"]})
    entries = [
        {"fullUrl": REPORT, "resource": claimed},
        {"fullUrl": PATIENT, "resource": {"resourceType": "Patient"}},
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


# references ---------------------------------------------------------------------------------------
CONTAINED = {"contained": [{"resourceType": "Patient", "id": "p"}]}


def test_a_contained_target_is_contained(region: Validator) -> None:
    assert errors(region, report("#p", **CONTAINED), "Enthalten") == []
    assert errors(region, report("Patient/1"), "Enthalten") == ["Observation.subject"]


@pytest.mark.parametrize(
    ("reference", "found"),
    [(PATIENT, []), ("https://harz.example/fhir/Patient/1", ["Bundle.entry[0].resource.subject"])],
)
def test_a_bundled_target_is_in_the_bundle(
    region: Validator, reference: str, found: list[str]
) -> None:
    assert errors(region, bundle(reference, "ImBuendel"), "") == found


def test_outside_of_a_bundle_nobody_misses_it(region: Validator) -> None:
    assert errors(region, report("Patient/1"), "ImBuendel") == []


@pytest.mark.parametrize(
    ("reference", "profile", "right"),
    [
        ("Patient/1/_history/3", "MitVersion", True),
        ("Patient/1", "MitVersion", False),
        ("Patient/1", "OhneVersion", True),
        ("Patient/1/_history/3", "OhneVersion", False),
        ("Patient/1/_history/3", "Gebuendelt", True),
    ],
)
def test_a_reference_names_a_version_where_it_has_to(
    region: Validator, reference: str, profile: str, right: bool
) -> None:
    assert errors(region, report(reference), profile) == ([] if right else ["Observation.subject"])


def test_a_uuid_of_an_entry_of_another_type_leads_wrong(region: Validator) -> None:
    wrong = PATIENT.replace("urn:uuid:", "Group/")
    assert sorted(errors(region, bundle(wrong, "Gebuendelt"), "")) == [
        "Bundle.entry[0].resource.subject",
        "Bundle.entry[0].resource.subject.reference",
    ]


# values -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("days", "right"), [(-1, True), (-40_000, True), (-50_000, False), (400, False)]
)
def test_a_duration_limits_a_date_from_now(region: Validator, days: int, right: bool) -> None:
    day = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
    person = {"resourceType": "Patient", "birthDate": day}
    assert errors(region, person, "Geboren") == ([] if right else ["Patient.birthDate"])


def test_an_extension_is_no_value_where_there_has_to_be_one(region: Validator) -> None:
    person = {"resourceType": "Patient", "_birthDate": UNKNOWN}
    assert errors(region, person, "MitWert") == ["Patient.birthDate"]


def test_only_the_named_extension_stands_for_a_value(region: Validator) -> None:
    other = {"extension": [{"url": f"{CORE}iso21090-nullFlavor", "valueCode": "MSK"}]}
    assert errors(region, {"resourceType": "Patient", "_gender": UNKNOWN}, "MitWert") == []
    assert errors(region, {"resourceType": "Patient", "_gender": other}, "MitWert") == [
        "Patient.gender"
    ]


@pytest.mark.parametrize(("code", "severities"), [("M", ["warning"]), ("X", ["warning", "error"])])
def test_additional_bindings_are_as_strict_as_their_purpose(
    region: Validator, code: str, severities: list[str]
) -> None:
    status = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
    person = {
        "resourceType": "Patient",
        "maritalStatus": {"coding": [{"system": status, "code": code}]},
    }
    issues = region.validate(person, [f"{CANONICAL}Gebunden"])
    found = [one for one in issues if one.location == "Patient.maritalStatus"]
    stated = [one.severity for one in found if "marital-status" in one.text or "gender" in one.text]
    assert sorted(set(stated)) == sorted(set(severities))


@pytest.mark.parametrize(("inner", "right"), [("Weiß", True), ('<div lang="de">Weiß</div>', False)])
def test_a_profile_forbids_sections_in_languages(
    region: Validator, inner: str, right: bool
) -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'
    person = {"resourceType": "Patient", "text": {"status": "generated", "div": div}}
    assert errors(region, person, "Einsprachig") == ([] if right else ["Patient.text.div"])


# profiles -----------------------------------------------------------------------------------------
def letter(**section: Any) -> Json:
    text = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}
    return {
        "resourceType": "Composition",
        "status": "final",
        "type": {"text": "Arztbrief"},
        "date": "2026-11-22",
        "author": [{"display": "Dr. Hexe"}],
        "title": "Arztbrief",
        "section": [{"code": {"text": "D"}, "text": text} | section],
    }


def test_a_type_may_be_an_element_of_a_profile(region: Validator) -> None:
    assert errors(region, letter(title="Diagnosen"), "Brief") == []
    assert errors(region, letter(), "Brief") == ["Composition.section[0].title"]


def test_an_invariant_asks_for_profiles(region: Validator) -> None:
    born = {"resourceType": "Patient", "id": "p", "birthDate": "1948-03-14"}
    open_ = {"resourceType": "Patient", "id": "p", "_birthDate": UNKNOWN}
    assert errors(region, report("#p", contained=[born]), "Geprueft") == []
    assert errors(region, report("#p", contained=[open_]), "Geprueft") == ["Observation"]


# what is left open --------------------------------------------------------------------------------
GENDER = "http://hl7.org/fhir/administrative-gender"
STRICT = Policy(display="error", extension="error", profile="error", domains=("https://harz.",))


def coded(display: str) -> Json:
    coding = {"system": GENDER, "code": "male", "display": display}
    return report("Patient/1", code={"coding": [coding]})


def test_a_wrong_display_is_a_warning_or_what_the_policy_says(tmp_path: Path) -> None:
    for region, severity in (
        (validator(tmp_path), "warning"),
        (validator(tmp_path, policy=STRICT), "error"),
    ):
        issues = region.validate(coded("Mann im Mond"))
        place = "Observation.code.coding[0].display"
        assert [one.severity for one in issues if one.location == place] == [severity]
        assert all("Mond" not in one.text for one in issues)
        assert not any(one.location == place for one in region.validate(coded("MALE")))


def test_a_policy_refuses_unknown_extensions_but_of_some_domains(tmp_path: Path) -> None:
    region = validator(tmp_path, policy=STRICT)
    for url, found in (
        ("https://harz.example/neu", []),
        ("https://brocken.example/neu", ["Patient.extension[0]"]),
    ):
        person = {"resourceType": "Patient", "extension": [{"url": url, "valueCode": "x"}]}
        assert errors(region, person, "") == found
