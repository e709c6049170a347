"""Every element of Consent.provision is evaluated, or makes the consent indeterminate."""

from datetime import datetime

import pytest

# Consent.provision and below, as listed in the R4 definition of Consent.
EXTENSION = [{"url": "https://region.example/extension", "valueBoolean": True}]
LOINC = "http://loinc.org"
PERIOD = {"start": "2026-01-01", "end": "2026-12-31"}
PAST = {"start": "2020-01-01", "end": "2020-12-31"}
ACTION = "http://terminology.hl7.org/CodeSystem/consentaction"
TYPES = "http://hl7.org/fhir/resource-types"
CASES = {
    "period": (PERIOD, PAST),
    "actor": (
        [{"role": {"coding": [{"code": "IRCP"}]}, "reference": {"reference": "Practitioner/anna"}}],
        [{"role": {"coding": [{"code": "IRCP"}]}, "reference": {"reference": "Practitioner/ben"}}],
    ),
    "action": (
        [{"coding": [{"system": ACTION, "code": "access"}]}],
        [{"coding": [{"system": ACTION, "code": "disclose"}]}],
    ),
    "securityLabel": (
        [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}],
        [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}],
    ),
    "purpose": ([{"code": "TREAT"}], [{"code": "HMARKT"}]),
    "class": (
        [{"system": TYPES, "code": "Observation"}],
        [{"system": TYPES, "code": "Condition"}],
    ),
    "code": (
        [{"coding": [{"system": LOINC, "code": "85354-9"}]}],
        [{"coding": [{"system": LOINC, "code": "1-8"}]}],
    ),
    "dataPeriod": (PERIOD, PAST),
    "data": (
        [{"meaning": "instance", "reference": {"reference": "Observation/o"}}],
        [{"meaning": "instance", "reference": {"reference": "Observation/other"}}],
    ),
}
NOT_EVALUATED = {
    "extension": EXTENSION,
    "modifierExtension": EXTENSION,
    "_type": {"extension": EXTENSION},
    "somethingNew": "x",
}
BELOW = {
    "actor": {"extension": EXTENSION, "modifierExtension": EXTENSION, "x": 1},
    "data": {"extension": EXTENSION, "modifierExtension": EXTENSION, "x": 1},
}


def test_the_cases_name_every_element_of_the_definition():
    of_r4 = {
        *("id", "extension", "modifierExtension", "type", "period", "actor", "action"),
        *("securityLabel", "purpose", "class", "code", "dataPeriod", "data", "provision"),
    }

    assert of_r4 <= {"id", "type", "provision", *CASES, *NOT_EVALUATED}


@pytest.fixture
def labelled(make):
    return [make.observation("o", "R")]


@pytest.mark.parametrize("element", CASES)
def test_a_permit_applies_only_where_the_element_matches(make, labelled, element):
    hit, miss = CASES[element]

    assert make.decided(make.consent(make.permit(**{element: hit})), labelled).outcome == "permit"
    assert make.decided(make.consent(make.permit(**{element: miss})), labelled).outcome == "deny"


@pytest.mark.parametrize("element", CASES)
def test_an_exception_denies_only_where_the_element_matches(make, labelled, element):
    hit, miss = CASES[element]
    refused = make.decided(make.consent(make.permit(make.deny(**{element: hit}))), labelled)
    let_through = make.decided(make.consent(make.permit(make.deny(**{element: miss}))), labelled)

    assert (refused.outcome, refused.reason) == ("deny", "explicit-deny")
    assert let_through.outcome == "permit"


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("element", NOT_EVALUATED)
def test_an_element_that_is_not_evaluated_denies(make, element, nested):
    part = make.permit(**{element: NOT_EVALUATED[element]})
    provision = make.permit(part) if nested else part
    decision = make.decided(make.consent(provision), policy={"implicit": "permit"})

    assert (decision.outcome, decision.reason) == ("deny", "indeterminate")
    assert "reject-at-intake" in decision.obligations


@pytest.mark.parametrize(
    ("element", "name"), [(element, name) for element in BELOW for name in BELOW[element]]
)
def test_a_part_of_an_element_that_is_not_evaluated_denies(make, element, name):
    hit = [{**CASES[element][0][0], name: BELOW[element][name]}]

    assert make.decided(make.consent(make.permit(**{element: hit}))).reason == "indeterminate"


@pytest.mark.parametrize("malformed", ["text", 7, True, None, [], {}, [{}], ["text"], [None]])
@pytest.mark.parametrize("element", [*CASES, "provision"])
def test_an_element_that_cannot_be_read_denies(make, element, malformed):
    provision = {**make.permit(), element: malformed}

    assert make.decided(make.consent(provision)).reason == "indeterminate"


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("purpose", [{"system": "s", "display": "Behandlung"}]),
        ("action", [{"text": "ansehen"}]),
        ("action", [{"coding": [{"system": ACTION, "code": "shred"}]}]),
        ("code", [{"coding": [{"system": LOINC}]}]),
        ("data", [{"meaning": "whatever", "reference": {"reference": "Observation/o"}}]),
        ("data", [{"reference": {"reference": "Observation/o"}}]),
        ("period", {"start": "2026-13-01"}),
        ("period", {"start": "2026-02-02", "end": "2026-02-01"}),
        ("period", {"_end": {"extension": EXTENSION}}),
        ("dataPeriod", {"end": "soon"}),
        ("type", "allow"),
        ("type", ["permit"]),
    ],
)
def test_a_value_that_cannot_be_interpreted_denies(make, element, value):
    assert make.decided(make.consent({**make.permit(), element: value})).reason == "indeterminate"


def test_a_root_without_type_is_never_guessed(make):
    constrained = {"actor": [make.actor("Practitioner/anna")]}
    optin = make.concept("OPTIN", make.act)

    assert make.decided(make.consent(constrained)).reason == "indeterminate"
    assert make.decided(make.consent(constrained, policyRule=optin)).reason == "indeterminate"
    assert make.decided(make.consent({"provision": [make.deny()]})).reason == "indeterminate"


def test_a_root_that_only_holds_exceptions_follows_the_base_policy(make):
    exceptions = {"provision": [make.deny(actor=[make.actor("Practitioner/anna")])]}
    optin = make.consent(exceptions, policyRule=make.concept("OPTIN", make.act))
    somebody = make.ask(actor=make.ask().actor.member_of[0])

    assert make.decided(optin).reason == "explicit-deny"
    assert make.decided(optin, request=somebody).outcome == "permit"


def test_a_root_of_the_base_type_never_widens(make):
    only_treatment = make.permit(purpose=make.purposes("TREAT"))
    optin = make.consent(only_treatment, policyRule=make.concept("OPTIN", make.act))

    assert make.decided(optin).outcome == "permit"
    assert make.decided(optin, request=make.ask(purposes=("HMARKT",))).reason == "not-covered"


@pytest.mark.parametrize("element", ["modifierExtension", "implicitRules"])
def test_what_may_change_the_meaning_of_the_whole_consent_denies(make, element):
    assert make.decided(make.consent(**{element: EXTENSION})).reason == "indeterminate"


def test_policy_codes_are_not_data_codes(make):
    system = "urn:oid:2.16.840.1.113883.3.1937.777.24.5.3"
    allowed = make.permit(code=[make.concept(f"{system[8:]}.8", system)])
    both = make.deny(allowed, make.permit(code=[make.concept(f"{system[8:]}.6", system)]))
    request = make.ask(purposes=("HRESCH",), policy_codes=(f"{system[8:]}.8", f"{system[8:]}.6"))

    assert make.decided(make.consent(both), request=request).outcome == "permit"
    assert make.decided(make.consent(make.deny(allowed)), request=request).outcome == "deny"
    mixed = make.permit(code=[make.concept("x", system), make.concept("x", LOINC)])
    assert make.decided(make.consent(mixed), request=request).reason == "indeterminate"


def test_a_research_consent_says_nothing_about_care(make):
    research = make.consent(make.deny(), id="r", scope=make.concept("research"), policy=[])
    care = make.consent(make.permit(purpose=make.purposes("TREAT")))

    assert make.decided([research, care]).outcome == "permit"
    assert make.decided([research, care], request=make.ask(purposes=("HRESCH",))).outcome == "deny"


def test_a_nested_permit_inherits_what_it_does_not_state(make):
    anna = make.permit(actor=[make.actor("Practitioner/anna")], securityLabel=[make.label("R")])
    root = make.permit(
        anna, purpose=make.purposes("TREAT"), securityLabel=[make.label("N")], period=PERIOD
    )
    restricted = [make.observation("o", "R")]

    assert make.decided(make.consent(root), restricted).outcome == "permit"
    for other in (
        make.ask(purposes=("HMARKT",)),
        make.ask(time=datetime.fromisoformat("2027-06-15T10:00:00+02:00")),
    ):
        assert make.decided(make.consent(root), restricted, other).outcome == "deny"
