"""Who calls: tokens, certificates, nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.api.auth import FailedLogins, identify
from gateway.api.credentials import Credentials
from gateway.domain.time import SECOND
from gateway.endpoints.key_sets import KeySets

PATH = "/fhir/Patient/6f1c6b8e-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer wrong", "Basic dG9rZW4=", "token-klinikum", "Bearer \u00e4"],
)
def test_without_a_registered_token_nothing_is_answered(gateway, connect, authorization):
    headers = {"authorization": authorization.encode()} if authorization else {}

    answer = connect().get(PATH, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["issue"][0]["code"] == "login"


def test_a_client_certificate_names_its_organization(gateway):
    request = _request(state={"gateway.certificate": "ab" * 32})

    found = identify(request, gateway.region(), "mtls", FailedLogins(3), _credentials(), 0)

    assert found.organization == "klinikum"


def test_a_token_of_one_organization_with_the_certificate_of_another_is_refused(gateway):
    from starlette.exceptions import HTTPException

    request = _request(
        state={"gateway.certificate": "ab" * 32}, authorization="Bearer token-praxis"
    )

    with pytest.raises(HTTPException) as caught:
        identify(request, gateway.region(), "token", FailedLogins(3), _credentials(), 0)
    assert caught.value.status_code == 401


def test_mtls_does_not_take_tokens(gateway):
    from starlette.exceptions import HTTPException

    request = _request(authorization="Bearer token-klinikum")

    with pytest.raises(HTTPException):
        identify(request, gateway.region(), "mtls", FailedLogins(3), _credentials(), 0)


def test_with_authentication_none_a_caller_may_say_who_it_stands_for(gateway, connect):
    gateway.options = replace(gateway.options, authentication="none")
    gateway.store({**gateway.patient})

    assert connect().get(PATH).status_code == 404
    assert connect(x_organization="klinikum").get(PATH).status_code == 200
    assert connect(x_organization="nobody").get(PATH).status_code == 404


def test_guessing_is_stopped_for_a_minute_and_others_are_served(gateway, connect):
    gateway.options = replace(gateway.options, failed_logins=3)
    gateway.store({**gateway.patient})
    guesser = connect(authorization="Bearer wrong")

    answers = [guesser.get(PATH).status_code for _ in range(5)]

    assert answers == [401, 401, 401, 429, 429]
    other = guesser
    other.peer = "10.9.9.9"
    other.headers = {"authorization": "Bearer token-klinikum"}
    assert other.get(PATH).status_code == 200
    guesser.peer = "10.1.2.3"
    gateway.clock += 61 * SECOND
    assert guesser.get(PATH).status_code == 200


def _credentials():
    return Credentials(
        key=b"t" * 32,
        base_url="https://gw.example/fhir",
        issuers={},
        key_sets=KeySets(),
        revoked=frozenset,
    )


def _request(*, state=None, authorization=""):
    from starlette.requests import Request

    headers = [(b"authorization", authorization.encode())] if authorization else []
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/",
            "headers": headers,
            "client": ("10.1.2.3", 1),
            "state": state or {},
        }
    )
