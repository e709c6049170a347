"""References lead to the types of resource that core allows in their element."""

import pytest

from profiles.packages import open_packages
from profiles.validate.validator import Validator

ONE = "urn:uuid:1fd2a6b2-0bd5-4a79-8a8c-3e8a9a5f0001"
TWO = "urn:uuid:1fd2a6b2-0bd5-4a79-8a8c-3e8a9a5f0002"
SERVER = "https://klinik.example/fhir"


@pytest.fixture(scope="module")
def validator():
    return Validator(open_packages([]))


def observation(subject, **more):
    code = {"text": "Blutdruck"}
    return {"resourceType": "Observation", "status": "final", "code": code, "subject": subject} | (
        more
    )


def collection(subject, target, url=TWO):
    entries = [
        {"fullUrl": ONE, "resource": observation(subject)},
        {"fullUrl": url, "resource": target},
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def errors(validator, resource):
    found = validator.validate(resource)
    return [(one.location, one.text) for one in found if one.severity == "error"]


def contained(target):
    return observation({"reference": "#x"}, contained=[target | {"id": "x"}])


PATIENT, PRACTITIONER = {"resourceType": "Patient"}, {"resourceType": "Practitioner"}
AT = "Observation.subject"
ENTRY = "Bundle.entry[0].resource.subject"
WRONG = [
    (observation({"reference": "Practitioner/1"}), f"{AT}.reference"),
    (observation({"reference": f"{SERVER}/Practitioner/1"}), f"{AT}.reference"),
    (observation({"reference": TWO, "type": "Practitioner"}), f"{AT}.reference"),
    (observation({"type": "Practitioner", "identifier": {"value": "1"}}), f"{AT}.type"),
    (contained(PRACTITIONER), f"{AT}.reference"),
    (collection({"reference": TWO}, PRACTITIONER), f"{ENTRY}.reference"),
    (
        collection(
            {"reference": f"{SERVER}/Practitioner/1"},
            PRACTITIONER | {"id": "1"},
            f"{SERVER}/Practitioner/1",
        ),
        f"{ENTRY}.reference",
    ),
]


@pytest.mark.parametrize(("resource", "place"), WRONG)
def test_a_reference_to_another_type_is_an_error_however_the_type_is_known(
    validator, resource, place
):
    text = "refers to a resource type that FHIR R4 does not allow here"
    assert errors(validator, resource) == [(place, text)]


@pytest.mark.parametrize(
    "resource",
    [
        observation({"reference": "Patient/1"}),
        observation({"reference": f"{SERVER}/Patient/1"}),
        observation({"reference": "https://klinik.example/somewhere"}),
        observation({"reference": TWO}),
        observation({"type": "Patient", "identifier": {"value": "1"}}),
        observation({"display": "Änne Öhlschläger"}),
        contained(PATIENT),
        collection({"reference": TWO}, PATIENT),
        # An element whose targets are any resource.
        observation({"reference": "Patient/1"}, focus=[{"reference": "Basic/1"}]),
    ],
)
def test_a_reference_that_leads_where_it_may_or_does_not_tell_is_none(validator, resource):
    assert errors(validator, resource) == []
