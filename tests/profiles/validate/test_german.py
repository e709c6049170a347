"""German numbers: right ones pass, wrong ones are warnings at their value."""

import pytest

from profiles.validate.german import (
    CODES,
    IDENTIFIERS,
    german_coding_issues,
    german_identifier_issues,
)

DE = "http://fhir.de/sid/"
KBV = "https://fhir.kbv.de/NamingSystem/KBV_NS_Base_"
RIGHT = [
    (f"{DE}gkv/kvid-10", "X110411675"),
    (f"{DE}pkv/kvid-10", "A123456780"),
    (f"{DE}gkv/kvnr-30", "X1104116751049400051"),
    (f"{DE}gkv/kvnr-30", "X110411675104940005A1234567801"),
    (f"{DE}gkv/kvk-versichertennummer", "123456789"),
    (f"{DE}arge-ik/iknr", "104940005"),
    (f"{DE}kbv/vknr", "24101"),
    (f"{KBV}ANR", "838382202"),
    (f"{KBV}ANR", "999999900"),
    (f"{KBV}ANR", "555555301"),
    (f"{KBV}BSNR", "721111100"),
    (f"{DE}kzbv/zahnarztnummer", "123456789"),
    (f"{DE}kzbv/kzvabrechnungsnummer", "123456789"),
    (f"{DE}bundesaerztekammer/efn", "802760612345678"),
    ("https://gematik.de/fhir/sid/telematik-id", "1-2c47sd-e518"),
]
WRONG = [
    (f"{DE}gkv/kvid-10", "A123456789", "check digit"),
    (f"{DE}gkv/kvid-10", "a123456780", "capital letter"),
    (f"{DE}pkv/kvid-10", "123456780", "capital letter"),
    (f"{DE}gkv/kvnr-30", "A1234567891049400051", "check digit"),
    (f"{DE}gkv/kvnr-30", "A123456780", "payer"),
    (f"{DE}gkv/kvk-versichertennummer", "X123", "old insurance card"),
    (f"{DE}arge-ik/iknr", "104940006", "check digit"),
    (f"{DE}arge-ik/iknr", "10494000", "nine digits"),
    (f"{DE}kbv/vknr", "241010", "five digits"),
    (f"{KBV}ANR", "838382302", "check digit"),
    (f"{KBV}ANR", "8383822", "nine digits"),
    (f"{KBV}BSNR", "72111110", "nine digits"),
    (f"{DE}kzbv/zahnarztnummer", "12345", "nine digits"),
    (f"{DE}kzbv/kzvabrechnungsnummer", "12345", "nine digits"),
    (f"{DE}bundesaerztekammer/efn", "123456789012345", "80276"),
    ("https://gematik.de/fhir/sid/telematik-id", "2c47sd-e518", "sector"),
]
PZN = "http://fhir.de/CodeSystem/ifa/pzn"


@pytest.mark.parametrize(("system", "value"), RIGHT)
def test_a_right_number_passes(system, value):
    assert list(german_identifier_issues({"system": system, "value": value}, "x")) == []


@pytest.mark.parametrize(("system", "value", "word"), WRONG)
def test_a_wrong_number_is_a_warning_that_does_not_repeat_it(system, value, word):
    (issue,) = german_identifier_issues({"system": system, "value": value}, "Patient.identifier[0]")
    assert (issue.severity, issue.location) == ("warning", "Patient.identifier[0].value")
    assert word in issue.text
    assert value not in issue.text


def test_every_system_has_a_right_and_a_wrong_number_here():
    assert {system for system, _ in RIGHT} == {one[0] for one in WRONG} == set(IDENTIFIERS)


def test_a_pzn_is_checked_as_a_code():
    assert set(CODES) == {PZN}
    assert list(german_coding_issues({"system": PZN, "code": "02859353"}, "x")) == []
    for code, word in (("02859354", "check digit"), ("2859353", "eight digits")):
        (issue,) = german_coding_issues({"system": PZN, "code": code}, "Medication.code.coding[0]")
        assert (issue.severity, issue.location) == ("warning", "Medication.code.coding[0].code")
        assert word in issue.text


@pytest.mark.parametrize(
    "identifier",
    [
        {},
        {"value": "1"},
        {"system": "urn:oid:1.2", "value": "x"},
        {"system": f"{DE}gkv/kvid-10"},
        {"system": [], "value": {}},
    ],
)
def test_what_is_no_german_number_is_left_alone(identifier):
    assert list(german_identifier_issues(identifier, "x")) == []
