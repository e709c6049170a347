"""Whatever stands in a FHIR document: it is taken or refused, never a fault of the gateway."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from mappers import convert
from mappers.base import Context, Mapped
from mappers.dialect import Dialect
from mappers.fhir_r4 import FORMAT
from profiles.issue import GatewayError

CONTEXT = Context(b"k" * 32, Dialect(), "https://region.example/praxis")
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
#: Names the mapper looks at: whatever stands under them is somebody else's.
NAMES = st.sampled_from(
    [
        *("resourceType", "id", "identifier", "system", "value", "name", "family", "given", "use"),
        *("birthDate", "generalPractitioner", "reference", "subject", "patient", "meta", "tag"),
        *("versionId", "extension", "url", "contentType", "entry", "resource", "fullUrl", "type"),
        *("request", "method", "timestamp", "lastUpdated", "signature"),
    ]
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
RESOURCES = st.dictionaries(NAMES, ANYTHING, max_size=6).map(
    lambda one: {**one, "resourceType": "Patient"}
)
REQUESTS = ANYTHING | st.fixed_dictionaries(
    {"method": st.sampled_from(["PUT", "POST", "DELETE", "GET"])},
    optional={"url": st.sampled_from(["Patient", "Patient/1", "Patient?identifier=a|b", "?", "/"])},
)
ENTRIES = ANYTHING | st.fixed_dictionaries(
    {"resource": RESOURCES | ANYTHING},
    optional={"request": REQUESTS, "fullUrl": SCALARS},
)
BUNDLES = st.fixed_dictionaries(
    {
        "resourceType": st.just("Bundle"),
        "type": st.sampled_from(["transaction", "batch", "document", "collection", "message"]),
        "entry": ANYTHING | st.lists(ENTRIES, max_size=3),
    },
    optional={"timestamp": ANYTHING, "meta": ANYTHING, "identifier": ANYTHING},
)


def check(mapped: Mapped) -> None:
    assert mapped.refusal is None or isinstance(mapped.refusal, GatewayError)
    if mapped.refusal is None:
        loss = mapped.loss
        assert loss.fields == loss.mapped + loss.ignored + len(loss.unmapped)
        assert loss.mapped >= 0


@given(BUNDLES | RESOURCES)
def test_any_json_is_taken_or_refused(document):
    check(FORMAT.translate(json.dumps(document).encode(), CONTEXT))


@given(BUNDLES | RESOURCES)
def test_what_is_converted_is_fhir_or_refused(document):
    for mapped in convert(json.dumps(document).encode(), format="fhir_r4"):
        check(mapped)
        assert mapped.bundle["resourceType"] in {"Bundle", "OperationOutcome"}


@given(st.binary(max_size=60).map(lambda data: b'<Bundle xmlns="http://hl7.org/fhir">' + data))
def test_any_xml_is_taken_or_refused(data):
    check(FORMAT.translate(data, CONTEXT))
