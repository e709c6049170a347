"""POST /inbound/{endpoint}: who may, what is taken, what is answered."""

from __future__ import annotations

import pytest

from gateway.api.ports import Taken
from profiles.issue import Issue, NotConformant, NotSupported, Unavailable

ER7 = "x-application/hl7-v2+er7"
MESSAGE = b"MSH|^~\\&|KIS|KLINIKUM|||20260101||ADT^A01|1|P|2.5\r"


def _post(client, data=MESSAGE, *, endpoint="klinikum-http", content_type=ER7, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(
        f"/inbound/{endpoint}", content=data, headers={"content-type": content_type, **named}
    )


def test_a_message_is_answered_with_its_acknowledgement(gateway, connect):
    gateway.answer = Taken(status=200, answer=b"MSH|ACK")

    answer = _post(connect("klinikum"))

    assert (answer.status_code, answer.content) == (200, b"MSH|ACK")
    assert answer.headers["content-type"] == ER7
    posted = gateway.posted[0]
    assert (posted.endpoint, posted.organization, posted.format) == (
        "klinikum-http",
        "klinikum",
        "hl7v2",
    )
    assert (posted.data, posted.peer) == (MESSAGE, "10.1.2.3")


def test_of_two_acknowledgements_the_application_one_is_the_body(gateway, connect):
    gateway.answer = Taken(status=200, answer=b"MSA|CA\r\x1c\r\x0bMSA|AA\r")

    assert _post(connect("klinikum")).content == b"MSA|AA\r"


def test_a_refusal_keeps_its_acknowledgement_and_its_status(gateway, connect):
    gateway.answer = Taken(status=422, answer=b"MSA|AE")

    answer = _post(connect("klinikum"))

    assert (answer.status_code, answer.content) == (422, b"MSA|AE")


def test_a_bundle_is_answered_with_an_operation_outcome(gateway, connect):
    for status, severity in ((200, "information"), (202, "information"), (422, "error")):
        gateway.answer = Taken(
            status=status, issues=(Issue("error", "value", "A value is wrong."),)
        )

        answer = _post(connect("klinikum"), b"{}", content_type="application/fhir+json")

        assert answer.status_code == status
        assert answer.json()["resourceType"] == "OperationOutcome"
        assert answer.json()["issue"][0]["severity"] == severity


@pytest.mark.parametrize(
    ("error", "status"),
    [(Unavailable(), 503), (NotConformant(), 422), (NotSupported(), 422)],
)
def test_errors_follow_the_one_table(gateway, connect, error, status):
    gateway.answer = error

    answer = _post(connect("klinikum"))

    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("endpoint", ["klinikum-http", "klinikum-mllp", "nobody"])
def test_an_endpoint_of_another_organization_is_refused_like_one_that_does_not_exist(
    gateway, connect, endpoint
):
    foreign = _post(connect("praxis"), endpoint=endpoint)
    missing = _post(connect("praxis"), endpoint="never-there")

    assert foreign.status_code == missing.status_code == 403
    assert foreign.content == missing.content
    assert gateway.posted == []
    assert [(kind, event["outcome"]) for kind, event in gateway.events] == [("received", "8")] * 2


def test_a_body_above_the_limit_of_its_endpoint_is_refused_before_it_is_read(gateway, connect):
    assert _post(connect("klinikum"), b"x" * 1_001).status_code == 413
    assert gateway.posted == []


def test_a_body_without_length_is_cut_at_the_limit(gateway, connect):
    async def endless():
        for _ in range(1_000):
            yield b"x" * 100

    assert _post(connect("klinikum"), endless()).status_code == 413


def test_compressed_bodies_and_unknown_content_types_are_refused(gateway, connect):
    assert _post(connect("klinikum"), content_encoding="gzip").status_code == 415
    assert _post(connect("klinikum"), content_type="text/plain").status_code == 415
    assert gateway.posted == []


def test_the_idempotency_key_is_handed_on(gateway, connect):
    _post(connect("klinikum"), b"{}", content_type="application/fhir+json", idempotency_key="k-1")

    assert gateway.posted[0].key == "k-1"
