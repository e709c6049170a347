"""What a FHIR server's answer means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.transport import PartnerRefused, PartnerUnavailable, PartnerUncertain
from gateway.endpoints.fhir_answer import judge, outcome_codes, retry_after
from gateway.endpoints.http_client import Answer
from profiles.reading import write_json


def transaction_response(*statuses, kind="transaction-response"):
    entries = [{"response": {"status": status}} for status in statuses]
    return write_json({"resourceType": "Bundle", "type": kind, "entry": entries})


def outcome(*codes, **issue):
    issues = [{"severity": "error", "code": code, **issue} for code in codes]
    return write_json({"resourceType": "OperationOutcome", "issue": issues})


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_transaction_response_whose_every_entry_succeeded_is_a_delivery(status):
    body = transaction_response("201 Created", "200", "204 No Content")
    sent = judge(Answer(status, {}, body), 3)
    assert (sent.status, sent.answer) == (str(status), body)


def test_only_the_first_64_kb_of_an_answer_are_kept():
    body = transaction_response(*["201 Created"] * 3000)
    assert len(judge(Answer(200, {}, body), 3000).answer) == 65536


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Bitte anmelden</body></html>",
        b"",
        transaction_response("201")[:-9],
        outcome("processing"),
        transaction_response("201", kind="batch-response"),
        transaction_response("404 Not Found"),
        transaction_response("20 Created"),
        transaction_response(),
        transaction_response("201", "201"),
        b"[]",
        b"null",
        b'{"resourceType":"Bundle","type":"transaction-response","entry":[{"response":7}]}',
        b'{"resourceType":"Bundle","type":"transaction-response","entry":[null]}',
        b'{"resourceType":"Bundle","type":"transaction-response","entry":{}}',
        b'{"resourceType":"Bundle","resourceType":"Bundle","type":"transaction-response"}',
    ],
)
def test_any_other_200_is_not_a_delivery(body):
    with pytest.raises(PartnerUncertain):
        judge(Answer(200, {}, body), 1)


def test_a_broken_off_200_is_not_a_delivery():
    with pytest.raises(PartnerUncertain):
        judge(Answer(200, {}, transaction_response("201"), complete=False), 1)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
@pytest.mark.parametrize(("header", "seconds"), [(None, None), ("7", 7.0)])
def test_not_now_is_tried_again_when_the_partner_wants(status, header, seconds):
    headers = {} if header is None else {"retry-after": header}
    with pytest.raises(PartnerUnavailable) as raised:
        judge(Answer(status, headers, b"<html>", complete=False), 1)
    assert raised.value.retry_after == seconds


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 412, 413, 422])
def test_a_refusal_carries_the_outcomes_codes_and_no_texts(status):
    body = outcome("duplicate", diagnostics="Lieschen Müller", details={"coding": [{"code": "X1"}]})
    with pytest.raises(PartnerRefused) as raised:
        judge(Answer(status, {}, body), 1)
    assert raised.value.codes == (str(status), "duplicate", "X1")
    assert "Müller" not in str(raised.value)
    assert raised.value.answer == body


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_not_a_delivery(status):
    with pytest.raises(PartnerRefused):
        judge(Answer(status, {"location": "http://169.254.169.254/"}), 1)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "99999999999999"}, 86_400.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        (
            {
                "retry-after": "Sun, 22 Nov 2026 10:01:30 GMT",
                "date": "Sun, 22 Nov 2026 10:00:00 GMT",
            },
            90.0,
        ),
        ({"retry-after": "Sat, 01 Jan 2000 00:00:00 GMT"}, 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers, seconds):
    assert retry_after(Answer(503, headers)) == seconds


def test_codes_are_bounded_and_plain():
    resource = {"issue": [{"code": f"c{number}"} for number in range(99)]}
    assert len(outcome_codes(resource)) == 10
    assert outcome_codes({"issue": [{"code": "a b"}, {"code": 7}, {"code": "x" * 65}, 3]}) == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["entry", "response", "issue", "code", "type"]), inner)
    ),
    max_leaves=12,
)


@given(json_values, st.integers(100, 599))
def test_no_answer_makes_the_judge_stumble(value, status):
    with pytest.raises((PartnerRefused, PartnerUnavailable, PartnerUncertain)):
        judge(Answer(status, {}, write_json(value)), 1)
