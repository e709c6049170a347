"""Which consents are in force: lineages, withdrawal, validity in local days, age, identity."""

from datetime import datetime

import pytest


def at(text):
    return datetime.fromisoformat(text)


def test_the_newest_document_of_a_lineage_replaces_the_older_ones(make):
    old = make.consent(make.deny(), id="old", dateTime="2026-01-10")
    new = make.consent(make.permit(), id="new", dateTime="2026-02-10")

    assert make.decided([old, new]).outcome == "permit"
    assert make.decided([new, old]).consents == (("new", ""),)


def test_a_withdrawn_newest_document_does_not_revive_an_older_one(make):
    old = make.consent(id="old")
    for status in ("inactive", "rejected"):
        new = make.consent(id="new", status=status, dateTime="2026-02-10")
        decision = make.decided([old, new])

        assert (decision.outcome, decision.reason) == ("deny", "no-consent")
        assert "widerrufen" in decision.explanation["de"]


@pytest.mark.parametrize("status", ["draft", "proposed", "entered-in-error"])
def test_a_document_that_was_never_in_force_replaces_nothing(make, status):
    newer = make.consent(make.deny(), id="new", status=status, dateTime="2026-02-10")

    assert make.decided([make.consent(), newer]).outcome == "permit"


def test_a_status_nobody_knows_denies(make):
    assert make.decided(make.consent(status="valid")).reason == "indeterminate"


def test_documents_of_the_same_moment_all_count(make):
    withdrawn = make.consent(id="w", status="inactive")

    assert make.decided([make.consent(), make.consent(make.deny(), id="d")]).outcome == "deny"
    assert make.decided([make.consent(), withdrawn]).outcome == "deny"


def test_a_day_and_a_moment_of_that_day_cannot_be_ordered(make):
    morning = make.consent(id="m", dateTime="2026-01-10T09:00:00+01:00")
    day = make.consent(make.deny(), id="d", dateTime="2026-01-10")

    assert make.decided([morning, day]).outcome == "deny"


def test_an_undated_document_permits_only_where_it_is_alone(make):
    undated = {k: v for k, v in make.consent().items() if k != "dateTime"}
    withdrawn = make.consent(id="w", status="inactive")

    assert make.decided(undated).outcome == "permit"
    assert make.decided([undated, withdrawn]).outcome == "deny"
    assert make.decided([{**undated, "provision": make.deny()}, make.consent()]).outcome == "deny"


def test_other_policies_and_organizations_are_other_lineages(make):
    old = make.consent(make.deny(), id="old", dateTime="2020-01-10")
    other = make.consent(organization=[{"reference": "Organization/klinik"}])
    named = [make.consent(id="n", identifier=[{"system": "s", "value": "1"}])]

    assert make.decided([old, other]).outcome == "deny"
    assert make.decided([old, *named]).outcome == "deny"


def test_a_business_identifier_makes_a_lineage_across_policies(make):
    same = {"identifier": [{"system": "s", "value": "1"}]}
    old = make.consent(make.deny(), id="old", dateTime="2020-01-10", policy=[], **same)

    assert make.decided([old, make.consent(**same)]).outcome == "permit"


def test_documents_without_any_sign_of_belonging_stand_alone(make):
    loose = {"policy": [], "organization": []}
    old = make.consent(make.deny(), id="old", dateTime="2020-01-10", **loose)

    assert make.decided([old, make.consent(**loose)]).outcome == "deny"


def test_a_refusal_holds_until_what_replaces_it_is_valid(make):
    old = make.consent(make.deny(), id="old", dateTime="2020-01-10")
    future = make.consent(make.permit(period={"start": "2027-01-01"}), id="new")
    policy = {"implicit": "permit"}

    assert make.decided([old, future], policy=policy).reason == "explicit-deny"
    later = make.ask(time=at("2027-01-01T00:00:00+01:00"))
    assert make.decided([old, future], request=later, policy=policy).outcome == "permit"


def test_the_domain_can_let_every_document_of_a_lineage_count(make):
    old = make.consent(make.deny(), id="old", dateTime="2020-01-10")

    assert make.decided([old, make.consent()], policy={"lineage": "all"}).outcome == "deny"


@pytest.mark.parametrize(
    ("moment", "outcome"),
    [
        ("2025-12-31T23:59:59+01:00", "deny"),
        ("2026-01-01T00:00:00+01:00", "permit"),
        ("2025-12-31T23:00:00Z", "permit"),
        ("2026-12-31T22:59:59Z", "permit"),
        ("2026-12-31T23:00:00Z", "deny"),
    ],
)
def test_a_period_of_days_runs_by_the_clock_on_the_wall(make, moment, outcome):
    year = make.consent(make.permit(period={"start": "2026", "end": "2026-12"}))

    assert make.decided(year, request=make.ask(time=at(moment))).outcome == outcome


def test_a_permit_given_by_a_parent_lapses_with_majority(make):
    mother = make.consent(performer=[{"reference": "RelatedPerson/mother"}])
    born = "2008-06-15"
    before = make.ask(birth_date=born, time=at("2026-06-14T23:59:59+02:00"))
    after = make.ask(birth_date=born, time=at("2026-06-15T00:00:00+02:00"))

    assert make.decided(mother, request=before).outcome == "permit"
    assert make.decided(mother, request=after).outcome == "deny"
    assert "volljährig" in make.decided(mother, request=after).explanation["de"]


def test_a_refusal_by_a_parent_does_not_lapse(make):
    mother = make.consent(make.deny(), performer=[{"reference": "RelatedPerson/mother"}])
    adult = make.ask(birth_date="2000-01-01")

    assert make.decided(mother, request=adult, policy={"implicit": "permit"}).outcome == "deny"


def test_age_may_be_read_from_the_patient_and_unknown_age_does_not_permit(make):
    mother = make.consent(performer=[{"reference": "Patient/mother"}])
    child = {"resourceType": "Patient", "id": "p", "birthDate": "2020-02-29"}

    assert make.decided(mother).outcome == "deny"
    assert make.decided(mother, [child]).outcome == "permit"


def test_consents_of_linked_identities_count_as_one_person(make):
    refused = make.consent(make.deny(), patient={"reference": "Patient/alt"})
    linked = make.ask(linked=(("Patient/p", "Patient/x"), ("Patient/x", "Patient/alt")))

    assert make.decided([make.consent(), refused], request=linked).outcome == "deny"
    assert make.decided([make.consent(), refused]).outcome == "permit"


def test_a_consent_of_a_patient_elsewhere_withholds_but_never_permits(make):
    elsewhere = {"patient": {"reference": "https://other.example/fhir/Patient/p"}}

    assert make.decided(make.consent(**elsewhere)).outcome == "deny"
    assert make.decided([make.consent(make.deny(), id="d", **elsewhere), make.consent(policy=[])])
    refused = make.consent(make.deny(), id="d", **elsewhere)
    assert make.decided([refused, make.consent()]).outcome == "deny"


def test_an_advance_directive_is_no_privacy_consent_and_an_unknown_scope_only_withholds(make):
    directive = make.consent(make.deny(), scope=make.concept("adr"), policy=[])
    unknown = make.consent(scope=make.concept("photography"))

    assert make.decided([make.consent(), directive]).outcome == "permit"
    assert make.decided(unknown).outcome == "deny"
    assert make.decided([make.consent(), {**unknown, "provision": make.deny()}]).outcome == "deny"
