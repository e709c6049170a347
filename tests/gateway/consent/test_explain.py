"""Every decision explains itself in two languages, with names and without clinical content."""

import json

import pytest

from gateway.consent import Emergency, Reason
from gateway.consent.explain import LANGUAGES, catalogue


def test_every_reason_has_a_sentence_in_every_language():
    reasons = {v for k, v in vars(Reason).items() if k.isupper()} - {Reason.PERMIT}

    for language in LANGUAGES:
        assert reasons <= catalogue()[language]["because"].keys()
        assert all(text for group in catalogue()[language].values() for text in group.values())


def test_a_permit_names_recipient_purpose_and_consent(make):
    consent = make.consent(organization=[{"reference": "Organization/k", "display": "Klinikum"}])
    explanation = make.decided(consent).explanation

    assert explanation["de"] == (
        "Dr. Anna Weber darf die Daten für den Zweck Behandlung erhalten. "
        "Grundlage: Ihre Einwilligung vom 10.01.2026 gegenüber Klinikum."
    )
    assert explanation["en"] == (
        "Dr. Anna Weber may have the data for treatment, "
        "on the basis of your consent of 2026-01-10 given to Klinikum."
    )


def test_a_refusal_is_called_one(make):
    explanation = make.decided(make.consent(make.deny())).explanation

    assert "Ihre Ablehnung vom 10.01.2026" in explanation["de"]
    assert "your refusal" in explanation["en"]


@pytest.mark.parametrize(
    "vouching",
    [
        {"performer": [{"reference": "Organization/k", "display": "Klinikum am Ring"}]},
        {"sourceReference": {"identifier": {"value": "7"}, "display": "Klinikum am Ring"}},
        {"organization": [{"display": "Klinikum am Ring"}]},
    ],
)
def test_a_consent_a_sender_attests_is_an_ordinary_one_that_names_its_source(make, vouching):
    attested = {
        k: v
        for k, v in make.consent(policyRule={"text": "§ 39 (1a) SGB V"}).items()
        if k not in ("performer", "organization", "policy")
    }
    decision = make.decided({**attested, **vouching})

    assert decision.outcome == "permit"
    assert "bestätigt durch Klinikum am Ring" in decision.explanation["de"]


@pytest.mark.parametrize(
    ("provision", "word"),
    [({"period": {"end": "2025"}}, "abgelaufen"), ({"period": {"start": "2027"}}, "später")],
)
def test_a_consent_that_does_not_hold_now_is_said_so(make, provision, word):
    decision = make.decided(make.consent(make.permit(**provision)))

    assert decision.reason == "no-consent"
    assert word in decision.explanation["de"]


def test_explanations_say_nothing_about_the_data(make):
    icd = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
    exception = make.deny(
        securityLabel=[{**make.label("HIV"), "display": "HIV/AIDS"}],
        code=[{"coding": [{"system": icd, "code": "B20", "display": "HIV-Krankheit"}]}],
    )
    secret = make.observation("hiv", "HIV", code=make.concept("B20", icd))
    consent = make.consent(make.permit(exception))
    for resources in ([secret], [secret, make.observation()]):
        text = json.dumps(make.decided(consent, resources).explanation)

        assert not any(word in text for word in ("HIV", "B20", "hiv", "Observation", "1 "))


def test_a_partial_answer_says_that_the_rest_is_withheld_and_why(make):
    consent = make.consent(make.permit(make.deny(securityLabel=[make.label("HIV")])))
    decision = make.decided(consent, [make.observation("x", "HIV"), make.observation()])

    assert decision.explanation["de"] == (
        "Dr. Anna Weber erhält für den Zweck Behandlung nur einen Teil der Daten. "
        "Der übrige Teil wird zurückgehalten: "
        "Ihre Einwilligung vom 10.01.2026 schließt das aus."
    )


def test_names_with_braces_stay_names(make):
    request = make.ask(actor=make.ask().actor.__class__("Practitioner/x", display="{purpose}"))

    assert make.decided([], request=request).explanation["en"].startswith("{purpose} may not")


def test_an_emergency_tells_the_patient_it_will_be_reviewed(make):
    request = make.ask(
        purposes=("TREAT", "BTG"), emergency=Emergency(declared=True, authorised=True, reason="x")
    )
    policy = {"break_glass": {"roles": ["physician"]}}

    assert "Notfall" in make.decided([], request=request, policy=policy).explanation["de"]
