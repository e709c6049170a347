"""References: their form, what is contained, and what they mean inside a Bundle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.validate.references import containment_issues, reference_issues
from profiles.validate.resolver import Resolver

UUID = "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"


def found(rule, value, place):
    return [(one.severity, one.location) for one in rule(value, place)]


@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "Patient/p-1"},
        {"reference": "Patient/p-1/_history/2", "type": "Patient"},
        {"reference": "https://klinik.example/fhir/Patient/1", "type": "Patient"},
        {"reference": "https://klinik.example/anything?x=1"},
        {"reference": UUID, "type": "Patient"},
        {"reference": "urn:oid:1.2.276.0.76.4.8"},
        {"reference": "Patient?identifier=http://fhir.de/sid/gkv/kvid-10|X110411675"},
        {"reference": "#p"},
        {"reference": "Patient/1", "type": "http://hl7.org/fhir/StructureDefinition/Patient"},
        {"display": "Praxis Dr. Weber"},
        {"type": "Organization", "identifier": {"value": "260510007"}},
    ],
)
def test_the_forms_of_a_reference_are_accepted(reference):
    assert found(reference_issues, reference, "Observation.subject") == []


@pytest.mark.parametrize(
    ("reference", "severity", "member"),
    [
        ({"reference": "p-1"}, "warning", "reference"),
        ({"reference": "Patient"}, "warning", "reference"),
        ({"reference": "/Patient/1"}, "error", "reference"),
        ({"reference": "Patient/1/"}, "error", "reference"),
        ({"reference": "Patient/a_b"}, "error", "reference"),
        ({"reference": "Patient/1#x"}, "error", "reference"),
        ({"reference": "Patent/1"}, "error", "reference"),
        ({"reference": f"Patient/{'x' * 65}"}, "error", "reference"),
        ({"reference": "urn:uuid:1"}, "error", "reference"),
        ({"reference": UUID.upper().replace("URN:UUID", "urn:uuid")}, "error", "reference"),
        ({"reference": "urn:oid:1.02.3"}, "error", "reference"),
        ({"reference": "Patient/1", "type": "Group"}, "error", "type"),
        ({"reference": "https://a.example/Patient/1", "type": "Group"}, "error", "type"),
        ({"type": "Patent"}, "warning", "type"),
    ],
)
def test_other_forms_are_refused_where_they_are(reference, severity, member):
    place = "Observation.subject"
    assert found(reference_issues, reference, place) == [(severity, f"{place}.{member}")]


def patient(contained, *references, **more):
    links = [{"reference": one} for one in references]
    return {"resourceType": "Patient", "generalPractitioner": links, "contained": contained} | more


DOCTOR = {"resourceType": "Practitioner", "id": "d"}


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Patient"},
        patient([DOCTOR], "#d"),
        patient([{"resourceType": "Provenance", "id": "v", "target": [{"reference": "#"}]}]),
        patient([DOCTOR], extension=[{"url": "http://a.example", "valueUri": "#d"}]),
        patient(
            [
                {
                    "resourceType": "PractitionerRole",
                    "practitioner": {"reference": "#d"},
                    "id": "r",
                },
                DOCTOR,
            ],
            "#r",
        ),
        patient([DOCTOR | {"meta": {"profile": ["http://a.example"]}}], "#d"),
    ],
)
def test_contained_resources_that_are_used_are_accepted(resource):
    assert found(containment_issues, resource, "Patient") == []


@pytest.mark.parametrize(
    ("resource", "location", "word"),
    [
        (patient([DOCTOR], "#x", "#d"), "generalPractitioner[0].reference", "ref-1"),
        (
            {"resourceType": "Patient", "managingOrganization": {"reference": "#o"}},
            "managingOrganization.reference",
            "ref-1",
        ),
        (patient([DOCTOR]), "contained[0]", "dom-3"),
        (patient([{"resourceType": "Practitioner"}]), "contained[0]", "dom-3"),
        (patient([DOCTOR | {"contained": []}], "#d"), "contained[0].contained", "dom-2"),
        (
            patient([DOCTOR | {"meta": {"versionId": "1"}}], "#d"),
            "contained[0].meta.versionId",
            "dom-4",
        ),
        (
            patient([DOCTOR | {"meta": {"lastUpdated": "2026-01-01T00:00:00Z"}}], "#d"),
            "contained[0].meta.lastUpdated",
            "dom-4",
        ),
        (
            patient([DOCTOR | {"meta": {"security": [{"code": "R"}]}}], "#d"),
            "contained[0].meta.security",
            "dom-5",
        ),
        (patient([DOCTOR, DOCTOR], "#d"), "contained[1].id", "same id"),
    ],
)
def test_a_fault_of_containment_is_found_where_it_is(resource, location, word):
    (issue,) = containment_issues(resource, "Bundle.entry[0].resource")
    assert issue.location == f"Bundle.entry[0].resource.{location}"
    assert word in issue.text
    assert issue.severity == "error"


BASE = "https://klinik.example/fhir/"
BUNDLE = {
    "resourceType": "Bundle",
    "entry": [
        {"fullUrl": f"{BASE}Patient/1", "resource": {"resourceType": "Patient", "id": "1"}},
        {"fullUrl": UUID, "resource": patient([DOCTOR], "#d", id="2")},
        {
            "fullUrl": f"{BASE}Group/3",
            "resource": {"resourceType": "Group", "id": "3", "meta": {"versionId": "1"}},
        },
        {
            "fullUrl": f"{BASE}Group/3",
            "resource": {"resourceType": "Group", "id": "3", "meta": {"versionId": "2"}},
        },
        {"fullUrl": "Patient/7", "resource": {"resourceType": "Patient", "id": "7"}},
        {"request": {"method": "DELETE", "url": "Patient/9"}},
        "no entry",
    ],
}


@pytest.mark.parametrize(
    ("reference", "at", "place"),
    [
        ("Patient/1", f"{BASE}Group/3", "entry[0].resource"),
        (f"{BASE}Patient/1", UUID, "entry[0].resource"),
        (UUID, f"{BASE}Patient/1", "entry[1].resource"),
        ("Group/3", f"{BASE}Patient/1", "entry[2].resource"),
        ("Group/3/_history/2", f"{BASE}Patient/1", "entry[3].resource"),
        ("#d", UUID, "entry[1].resource.contained[0]"),
        ("#", UUID, "entry[1].resource"),
        ("Patient/1", UUID, None),
        ("Patient/1", "https://other.example/Group/3", None),
        ("Group/3/_history/9", f"{BASE}Patient/1", None),
        ("Patient/7", f"{BASE}Patient/1", None),
        ("#d", f"{BASE}Patient/1", None),
        ("#d", "https://unknown.example/Patient/1", None),
        ("", UUID, None),
    ],
)
def test_a_reference_resolves_by_the_rules_of_bundles(reference, at, place):
    resolved = Resolver(BUNDLE).resolve(reference, at)
    assert (resolved and resolved[1]) == (place and f"Bundle.{place}")


def test_a_resource_resolves_what_it_contains():
    resource = patient([DOCTOR], "#d")
    assert Resolver(resource).resolve("#d") == (DOCTOR, "Patient.contained[0]")
    assert Resolver(resource, "Bundle.entry[4].resource").resolve("#") == (
        resource,
        "Bundle.entry[4].resource",
    )


def test_an_entry_with_another_base_is_found_by_its_name_only():
    ((resource, place),) = Resolver(BUNDLE).named("Patient/1")
    assert (resource["id"], place) == ("1", "Bundle.entry[0].resource")
    assert Resolver(BUNDLE).named("not a URL") == []


JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=4) | st.sampled_from(["#", "#d", "Patient/1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["contained", "id", "meta", "reference", "type", "security", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["contained", "reference", "type", "x"]), JSON))
def test_any_json_is_judged_not_crashed_on(value):
    for rule in (reference_issues, containment_issues):
        assert all(one.location.startswith("Patient") for one in rule(value, "Patient"))
