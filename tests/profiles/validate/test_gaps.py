"""Every element has a value or children (ele-1), in whatever list of JSON it stands."""

import pytest

from profiles.packages import open_packages
from profiles.validate.validator import Validator

TOLD = {"extension": [{"url": "https://a.example/warum", "valueString": "unlesbar"}]}


@pytest.fixture(scope="module")
def validator():
    return Validator(open_packages([]))


def errors(validator, patient):
    found = validator.validate({"resourceType": "Patient"} | patient)
    return [(one.code, one.location) for one in found if one.severity == "error"]


@pytest.mark.parametrize(
    ("patient", "place"),
    [
        ({"_birthDate": {"id": "a"}}, "Patient.birthDate"),
        ({"name": [{"id": "a"}]}, "Patient.name[0]"),
        ({"contact": [{"name": {"id": "a"}}]}, "Patient.contact[0].name"),
        ({"name": [{"given": [None, "Änne"], "_given": [None, None]}]}, "Patient.name[0].given[0]"),
        ({"name": [{"given": ["Änne", None], "_given": [TOLD]}]}, "Patient.name[0].given[1]"),
        (
            {"name": [{"given": ["Änne"], "_given": [{"id": "a"}, {"id": "b"}]}]},
            "Patient.name[0].given[1]",
        ),
        ({"name": [{"_given": [None, TOLD]}]}, "Patient.name[0].given[0]"),
    ],
)
def test_what_has_neither_value_nor_children_is_named(validator, patient, place):
    assert errors(validator, patient) == [("invariant", place)]


@pytest.mark.parametrize(
    "patient",
    [
        {"_birthDate": TOLD},
        {"birthDate": "1951-05-02", "_birthDate": {"id": "a"}},
        {"name": [{"_given": [TOLD]}]},
        {"name": [{"given": ["Änne", None], "_given": [None, TOLD]}]},
        {"name": [{"given": ["Änne", "Hildegard"], "_given": [{"id": "a"}]}]},
        {"name": [{"given": ["Änne"], "_given": [None]}]},
        {"name": [{"id": "a", "family": "Öhlschläger"}]},
    ],
)
def test_a_gap_is_filled_by_what_stands_beside_it(validator, patient):
    assert errors(validator, patient) == []


def test_a_member_without_a_name_is_an_issue_like_any_other_unknown_one(validator):
    assert errors(validator, {"": "x"}) == [("structure", "Patient")]
