"""What FHIR does not allow is left out, and nothing else."""

import copy

import pytest

from mappers.mend import without

PATIENT = {
    "resourceType": "Patient",
    "name": [
        {"given": ["a", "b", "c"], "_given": [None, None, {"extension": [{"url": "u"}]}]},
        {"family": "x"},
    ],
    "birthDate": "x",
    "_gender": {"extension": [{"url": "u"}, {"url": "v"}]},
    "deceasedBoolean": True,
    "deceasedDateTime": "2",
}


@pytest.mark.parametrize(
    ("locations", "changes"),
    [
        (["Patient.birthDate"], {"birthDate": None}),
        (["Patient.name[1].family"], {"name": PATIENT["name"][:1]}),
        (["Patient.name[0]", "Patient.name[1].family"], {"name": None}),
        (
            ["Patient.name[0].given[0]", "Patient.name[0].given[1]"],
            {
                "name": [
                    {"given": ["c"], "_given": [{"extension": [{"url": "u"}]}]},
                    {"family": "x"},
                ]
            },
        ),
        (["Patient.gender.extension[0].url"], {"_gender": {"extension": [{"url": "v"}]}}),
        (["Patient.gender"], {"_gender": None}),
        (["Patient.deceased"], {"deceasedDateTime": None}),
        (["Patient.name[0].period"], {"name": PATIENT["name"][1:]}),
        (["Patient.name[0].period", "Patient.name[0].given[2]"], {"name": PATIENT["name"][1:]}),
        (["Patient.active"], {}),
    ],
)
def test_elements_go_with_what_is_then_empty_or_lacks_them(locations, changes) -> None:
    before = copy.deepcopy(PATIENT)
    made = without(PATIENT, locations)
    expected = {**PATIENT, **changes}
    assert made == {key: value for key, value in expected.items() if value is not None}
    assert before == PATIENT
