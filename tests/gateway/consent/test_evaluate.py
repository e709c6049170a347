"""The order of the rules: kind of data, mandates, own access, store, consents, break-glass."""

from dataclasses import replace

import pytest

from gateway.consent import Actor, Emergency, compile_consent

GLASS = {"breakGlass": {"roles": ["physician"]}}
EMERGENCY = {
    "purposes": ("TREAT", "BTG"),
    "emergency": Emergency(declared=True, authorised=True, reason="bewusstlos"),
}


def test_directory_resources_need_no_consent(make):
    organization = {"resourceType": "Organization", "id": "k"}

    assert make.decided([], [organization]).outcome == "permit"


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Observation", "id": "o"},
        {"resourceType": "Observation", "id": "o", "subject": {"reference": "Group/g"}},
        {"resourceType": "Observation", "id": "o", "subject": {"reference": "https://x/Patient/p"}},
        {"resourceType": "Observation", "id": "o", "subject": {"display": "Max"}},
        {"resourceType": "Observation", "id": "o", "subject": "Patient/p"},
        {"resourceType": "Binary", "id": "b"},
        {"resourceType": "NewThing", "id": "n"},
        {"id": "x"},
        {},
    ],
)
def test_patient_data_that_name_no_patient_stay(make, resource):
    decision = make.decided(make.consent(), [resource], policy={"implicit": "permit"})

    assert (decision.outcome, decision.reason) == ("deny", "no-subject")


def test_every_patient_of_a_resource_must_permit(make):
    meeting = {
        "resourceType": "Appointment",
        "id": "a",
        "participant": [
            {"actor": {"reference": "Patient/p"}},
            {"actor": {"reference": "Patient/q"}},
            {"actor": {"reference": "Practitioner/anna"}},
        ],
    }
    second = make.consent(id="d", patient={"reference": "Patient/q"}, performer=[])

    assert make.decided(make.consent(), [meeting]).outcome == "deny"
    assert make.decided([make.consent(), second], [meeting]).outcome == "permit"


def test_a_consent_may_name_its_patient_by_identifier(make):
    kvnr = {"identifier": {"system": "http://fhir.de/sid/gkv/kvid-10", "value": "X110411675"}}
    resource = make.observation(subject=kvnr)

    assert (
        make.decided(make.consent(patient=kvnr, performer=[kvnr]), [resource]).outcome == "permit"
    )
    assert make.decided(make.consent(), [resource]).outcome == "deny"


@pytest.mark.parametrize(
    ("actor", "outcome"),
    [
        ({"reference": "Organization/praxis"}, "permit"),
        (
            {"identifier": {"system": "http://fhir.de/sid/arge-ik/iknr", "value": "260510007"}},
            "permit",
        ),
        (
            {"identifier": {"system": "http://fhir.de/sid/arge-ik/iknr", "value": "999999999"}},
            "deny",
        ),
        ({"reference": "#org"}, "permit"),
        ({"reference": "Organization/klinik"}, "deny"),
        ({"display": "Praxis Weber"}, "deny"),
    ],
)
def test_a_recipient_is_known_by_reference_or_identifier(make, actor, outcome):
    contained = [
        {
            "resourceType": "Organization",
            "id": "org",
            "identifier": [{"system": make.iknr, "value": "260510007"}],
        }
    ]
    consent = make.consent(make.permit(actor=[make.actor(actor)]), contained=contained)

    assert make.decided(consent).outcome == outcome


@pytest.mark.parametrize(
    "actor",
    [
        {"display": "Praxis Weber"},
        {"identifier": {"system": "urn:telematik", "value": "1-2"}},
        {"reference": "https://other.example/Organization/1"},
        {"reference": "Practitioner/ghost"},
    ],
)
def test_an_excluded_actor_that_cannot_be_ruled_out_is_excluded(make, actor):
    consent = make.consent(make.permit(make.deny(actor=[make.actor(actor)])))
    request = make.ask(unresolvable=frozenset({"Practitioner/ghost"}))

    assert make.decided(consent, request=request).reason == "explicit-deny"


def test_a_system_known_by_identifier_alone_is_a_full_recipient(make):
    system = make.ask(actor=Actor(identifiers=(f"{make.iknr}|260510007",)), role="")
    key = {"identifier": {"system": make.iknr, "value": "260510007"}}
    by_reference = make.permit(make.deny(actor=[make.actor("Organization/praxis")]))

    assert (
        make.decided(make.consent(make.permit(actor=[make.actor(key)])), request=system).outcome
        == "permit"
    )
    assert make.decided(make.consent(by_reference), request=system).outcome == "deny"


def test_custodian_author_and_unknown_roles_are_matched_in_their_own_way(make):
    def outcome(role, reference, **request):
        provision = make.permit(actor=[make.actor(reference, role)])
        resource = make.observation(performer=[{"reference": "Practitioner/x"}])
        return make.decided(make.consent(provision), [resource], make.ask(**request)).outcome

    assert outcome("CST", "Organization/k", custodian=Actor("Organization/k")) == "permit"
    assert outcome("CST", "Organization/k", custodian=Actor("Organization/l")) == "deny"
    assert outcome("CST", "Organization/k") == "deny"
    assert outcome("AUT", "Practitioner/x") == "permit"
    assert outcome("AUT", "Practitioner/y") == "deny"
    assert outcome("WIT", "Practitioner/anna") == "deny"


def test_a_permit_covers_every_purpose_and_a_deny_needs_one(make):
    permit = make.consent(make.permit(purpose=make.purposes("TREAT")))
    deny = make.consent(make.permit(make.deny(purpose=make.purposes("HMARKT"))))
    both = make.ask(purposes=("TREAT", "HMARKT"))

    assert make.decided(permit, request=both).outcome == "deny"
    assert make.decided(deny, request=both).outcome == "deny"
    assert make.decided(permit, request=make.ask(purposes=("ETREAT",))).outcome == "permit"
    assert make.decided(permit, request=make.ask(purposes=("BTG",))).outcome == "deny"
    assert make.decided(permit, request=make.ask(purposes=())).outcome == "deny"


def test_a_pure_refusal_subtracts_from_the_implicit_policy_and_a_permit_replaces_it(make):
    policy = {"implicit": "permit-treatment"}
    other = make.actor("Organization/klinik")

    assert make.decided(make.consent(make.deny(actor=[other])), policy=policy).outcome == "permit"
    assert make.decided(make.consent(make.permit(actor=[other])), policy=policy).outcome == "deny"


def test_the_implicit_policy_reaches_normal_data_of_clinical_recipients_only(make):
    policy = {"implicit": "permit-treatment"}
    agency = Actor("Organization/amt", kind="agency")
    practice = replace(agency, kind="practice")

    def outcome(labels=(), **request):
        return make.decided(
            [], [make.observation("o", *labels)], make.ask(**request), policy
        ).outcome

    assert outcome() == "permit"
    assert outcome(labels=("HIV",)) == "deny"
    assert outcome(purposes=("HMARKT",)) == "deny"
    assert outcome(role="social-worker") == "deny"
    assert outcome(role="", actor=agency) == "deny"
    assert outcome(role="", actor=practice) == "permit"
    assert outcome(role="social-worker", actor=practice) == "deny"


def test_implicit_rules_may_name_purposes_and_kinds_and_a_deny_wins(make):
    policy = {
        "implicit": [
            {"type": "permit", "purposes": ["TREAT"], "kinds": ["practice", "hospital"]},
            {"type": "deny", "actions": ["correct"]},
        ]
    }

    assert make.decided([], policy=policy).outcome == "permit"
    assert make.decided([], request=make.ask(action="correct"), policy=policy).outcome == "deny"
    assert make.decided([], request=make.ask(purposes=("HMARKT",)), policy=policy).outcome == "deny"


def test_one_may_read_ones_own_data(make):
    own = make.ask(actor=Actor("Patient/p"), role="patient", purposes=("PATRQT",))

    assert make.decided(make.consent(make.deny()), request=own).rule == "R6 own access"
    assert make.decided([], request=replace(own, action="disclose")).outcome == "deny"
    assert make.decided([], request=replace(own, actor=Actor("Patient/q"))).outcome == "deny"


def test_without_a_readable_consent_store_nothing_is_decided(make):
    request = make.ask(consent_store_available=False)
    decision = make.decided(make.consent(), request=request)

    assert (decision.outcome, decision.reason) == ("deny", "consent-store-unavailable")
    assert {"retry-later", "hold-delivery"} <= set(decision.obligations)
    emergency = replace(request, **EMERGENCY)
    assert "review" in make.decided([], request=emergency, policy=GLASS).obligations


def test_an_authorised_emergency_opens_what_no_consent_speaks_about(make):
    emergency = make.ask(**EMERGENCY)
    decision = make.decided([], request=emergency, policy=GLASS)

    assert decision.outcome == "permit"
    assert "audit-emergency-override" in decision.obligations
    assert make.decided(make.consent({}), request=emergency, policy=GLASS).outcome == "permit"


@pytest.mark.parametrize(
    "change",
    [
        {"role": "nurse"},
        {"action": "disclose"},
        {"purposes": ("TREAT",)},
        {"purposes": ("HMARKT", "BTG")},
        {"emergency": None},
        {"emergency": Emergency(declared=True, authorised=True, reason=" ")},
        {"emergency": Emergency(declared=True, authorised=False, reason="bewusstlos")},
        {"emergency": Emergency(declared=False, authorised=True, reason="bewusstlos")},
    ],
)
def test_nobody_else_breaks_the_glass(make, change):
    request = make.ask(**{**EMERGENCY, **change})

    assert make.decided([], request=request, policy=GLASS).outcome == "deny"


@pytest.mark.parametrize("purpose", ["BTG", "ETREAT"])
def test_a_refusal_that_names_emergencies_is_never_overridden(make, purpose):
    policy = {"breakGlass": {"roles": ["physician"], "onExplicitDeny": "permit"}}
    emergency = make.ask(**{**EMERGENCY, "purposes": (purpose, "BTG")})
    named = make.consent(make.deny(purpose=make.purposes(purpose)))

    assert make.decided(make.consent(make.deny()), request=emergency, policy=policy).permits
    assert make.decided(named, request=emergency, policy=policy).outcome == "deny"


def test_a_legal_mandate_gives_the_listed_minimum_and_nothing_else(make):
    mandate = {
        "id": "IfSG-7",
        "recipient": f"{make.iknr}|1",
        "purpose": "PUBHLTH",
        "actions": ["disclose"],
        "resourceTypes": ["Patient", "Observation"],
        "codes": [["http://loinc.org", "94500-6"]],
    }
    policy = {"legalMandates": [mandate]}
    office = Actor("Organization/amt", (f"{make.iknr}|1",))
    request = make.ask(actor=office, purposes=("PUBHLTH",), action="disclose", role="authority")
    patient = {"resourceType": "Patient", "id": "p"}
    reported = make.observation("r", code=make.concept("94500-6", "http://loinc.org"))
    refusal = make.consent(make.deny())
    decision = make.decided(refusal, [patient, reported, make.observation("o")], request, policy)

    assert decision.visible == ("Patient/p", "Observation/r")
    assert decision.removed == ("Observation/o",)
    assert {"log-legal-basis", "minimum-dataset"} <= set(decision.obligations)
    assert make.decided(refusal, [patient], request, policy).outcome == "deny"


def test_a_question_without_data_is_about_everything_of_the_patient(make):
    def outcome(provision, patient="Patient/p"):
        return make.decided(make.consent(provision), [], make.ask(patient=patient)).outcome

    assert outcome(make.permit()) == "permit"
    assert outcome(make.permit(securityLabel=[make.label("N")])) == "deny"
    assert outcome(make.permit(make.deny(code=[make.concept("F10")]))) == "deny"
    assert outcome(make.permit(), patient="Patient/q") == "deny"


def test_directory_entries_of_a_message_do_not_travel_without_their_patient(make):
    organization = {"resourceType": "Organization", "id": "k"}
    decision = make.decided([], [organization, make.observation()])

    assert (decision.outcome, decision.reason) == ("deny", "no-consent")


def test_compiled_consents_decide_like_the_originals_and_know_their_time_zone(make):
    consent = make.consent(make.permit(make.deny(code=[make.concept("F10")])))

    assert make.decided(compile_consent(consent)) == make.decided(consent)
    with pytest.raises(ValueError, match="time zone"):
        make.decided(compile_consent(consent, "Asia/Tokyo"))


def test_a_decision_names_consent_and_version_and_every_part(make):
    consent = make.consent(meta={"versionId": "3"})
    answer = make.decided(consent).as_json()

    assert answer["consents"] == [{"id": "c", "versionId": "3"}]
    assert answer["details"] == [
        {"part": "Observation/o", "outcome": "permit", "rule": "R9 permit"}
    ]
