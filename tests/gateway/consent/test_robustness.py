"""Foreign content never brings the engine down and never opens it."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.consent import compile_consent, filter_resources

NAMES = st.sampled_from(
    [
        *("resourceType", "id", "meta", "security", "contained", "subject", "reference", "entry"),
        *("identifier", "extension", "url", "code", "coding", "system", "type", "provision"),
        *("period", "start", "actor", "role", "purpose", "data", "meaning", "securityLabel"),
        *("patient", "performer", "dateTime", "policyRule", "scope", "section", "text", "link"),
    ]
)
WORDS = st.sampled_from(
    [
        *("permit", "deny", "Patient/p", "Observation", "Bundle", "Binary", "Provenance", "R"),
        *("2026-01-10", "#c1", "urn:uuid:1", "", "OPTIN", "document", "DocumentReference"),
    ]
)
JSON = st.recursive(
    st.one_of(WORDS, st.none(), st.booleans(), st.integers()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=5)),
    max_leaves=12,
)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=6)
TYPES = st.sampled_from(
    [
        *("Observation", "Bundle", "Provenance", "DocumentReference", "Composition", "Binary"),
        *("Appointment", "Device", "Condition", "Patient"),
    ]
)
RESOURCES = st.builds(
    lambda kind, rest, patient: {
        **rest,
        "resourceType": kind,
        **({"subject": {"reference": "Patient/p"}} if patient else {}),
    },
    TYPES,
    OBJECTS,
    st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(overrides=OBJECTS)
def test_any_consent_compiles_and_what_cannot_be_read_never_permits(make, overrides):
    consent = {**make.consent(), **overrides}
    compiled = compile_consent(consent)

    if compiled.problem:
        assert make.decided(consent, policy={"implicit": "permit"}).reason in {
            "indeterminate",
            "permit",
        }
        assert make.decided(consent).outcome == "deny"


@settings(max_examples=60, deadline=None)
@given(provision=OBJECTS)
def test_a_provision_of_anything_denies_or_is_readable(make, provision):
    consent = make.consent(provision)

    assert compile_consent(consent).problem or make.decided(consent).outcome in {"permit", "deny"}


@settings(max_examples=60, deadline=None)
@given(resources=st.lists(RESOURCES, max_size=3))
def test_any_resources_are_judged_and_filtered(make, resources):
    exceptions = [
        make.deny(securityLabel=[make.label("HIV")]),
        make.deny(code=[make.concept("F10", "s")]),
        make.deny(dataPeriod={"end": "2020"}),
        make.deny(data=[{"meaning": "related", "reference": {"reference": "Observation/o"}}]),
        make.deny(class_=[{"system": "s", "code": "c"}]),
    ]
    consent = make.consent(make.permit(*exceptions))
    decision = make.decided(consent, resources)

    json.dumps(filter_resources(resources, decision))
    refused = make.decided(make.consent(make.deny()), resources)
    assert not [name for name in refused.visible if name.startswith("Observation/")]
