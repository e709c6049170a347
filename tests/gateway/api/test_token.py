"""The token endpoint and what access tokens open: SMART Backend Services, foreign issuers."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar
from uuid import uuid4

import orjson
import pytest

from gateway.domain.client import Client, Issuer
from gateway.domain.time import SECOND
from tests.gateway.authorization.signing import claims, ec_key, public, rsa_key, signed

PATIENT = "/fhir/Patient/6f1c6b8e-0000-4000-8000-000000000001"
NOW = 1_767_225_600
FORM = {
    "grant_type": "client_credentials",
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
}


def client(**changes):
    made = Client(
        id="labor", organization="klinikum", scopes=("system/*.rs",), jwks=public(ec_key())
    )
    return replace(made, **changes)


@pytest.fixture
def register(gateway):
    def put(*clients):
        gateway.registry = replace(gateway.registry, clients={one.id: one for one in clients})

    put(client())
    gateway.store({**gateway.patient})
    return put


def ask(connect, assertion="", scope="system/Patient.rs", **form):
    data = {
        **FORM,
        "scope": scope,
        "client_assertion": assertion or signed(ec_key(), claims(now=NOW)),
        **form,
    }
    return connect().post("/auth/token", data=data)


def token(connect, scope="system/Patient.rs", **changes):
    return ask(connect, scope=scope, **changes).json()["access_token"]


def bearer(connect, access):
    return connect(authorization=f"Bearer {access}")


def test_a_signed_assertion_gives_a_token_that_opens_what_was_granted(gateway, connect, register):
    answer = ask(connect, scope="system/Patient.rs system/Observation.cruds launch")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert found["token_type"] == "Bearer"
    assert found["expires_in"] == 300
    assert found["scope"] == "system/Observation.rs system/Patient.rs"
    caller = bearer(connect, found["access_token"])
    assert caller.get(PATIENT).status_code == 200
    assert caller.get("/fhir/Patient").json()["total"] == 1


def test_the_well_known_address_says_where_tokens_come_from(connect, gateway):
    found = connect().get("/fhir/.well-known/smart-configuration").json()

    assert found["token_endpoint"] == "https://gw.example/auth/token"
    assert "client-confidential-asymmetric" in found["capabilities"]
    gateway.options = replace(gateway.options, authentication="mtls")
    assert connect().get("/fhir/.well-known/smart-configuration").status_code == 404


def test_a_scope_opens_its_type_and_letters_only(connect, register):
    caller = bearer(connect, token(connect, "system/Patient.r"))

    assert caller.get(PATIENT).status_code == 200
    for path in ("/fhir/Patient", "/fhir/Observation/1", "/fhir/Observation?code=1"):
        answer = caller.get(path)
        assert answer.status_code == 403
        assert "insufficient_scope" in answer.headers["www-authenticate"]


def test_a_scope_with_a_query_shows_what_meets_it(gateway, connect, register):
    gateway.store(_observation("lab", "laboratory"))
    gateway.store(_observation("vital", "vital-signs"))
    access = token(connect, "system/Observation.rs?category=laboratory")
    caller = bearer(connect, access)

    assert caller.get("/fhir/Observation/lab").status_code == 200
    hidden, missing = caller.get("/fhir/Observation/vital"), caller.get("/fhir/Observation/none")
    assert hidden.status_code == 404
    assert hidden.content == missing.content
    found = caller.get("/fhir/Observation").json()
    assert [one["resource"]["id"] for one in found["entry"]] == ["lab"]
    assert found["total"] == 1


def test_an_assertion_is_good_for_one_token(connect, register):
    assertion = signed(ec_key(), claims(now=NOW))

    assert ask(connect, assertion).status_code == 200
    again = ask(connect, assertion)
    assert again.status_code == 401
    assert again.json() == {"error": "invalid_client"}


@pytest.mark.parametrize(
    "assertion",
    [
        signed(ec_key(), claims("praxis", now=NOW)),
        signed(ec_key("stranger"), claims(now=NOW)),
        signed(ec_key(), claims(now=NOW, aud="https://other.example")),
        signed(ec_key(), claims(now=NOW), jku="https://attacker.example/keys"),
        "a.b.c",
        "x",
    ],
)
def test_whatever_is_wrong_with_a_client_the_answer_is_the_same(connect, register, assertion):
    answer = ask(connect, assertion)

    assert answer.status_code == 401
    assert answer.json() == {"error": "invalid_client"}


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_assertion_type": "other"}, 400, "invalid_request"),
        ({"scope": "system/*.cud"}, 400, "invalid_scope"),
        ({"scope": "everything"}, 400, "invalid_scope"),
        ({"scope": "patient/*.rs"}, 400, "invalid_scope"),
    ],
)
def test_requests_nothing_can_be_granted_for(connect, register, changes, status, error):
    answer = ask(connect, **changes)

    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_a_token_ends_with_its_time(gateway, connect, register):
    access = token(connect)

    gateway.clock += 299 * SECOND
    assert bearer(connect, access).get(PATIENT).status_code == 200
    gateway.clock += 1 * SECOND
    assert bearer(connect, access).get(PATIENT).status_code == 401


def test_a_revoked_client_is_refused_with_every_token_it_holds(gateway, connect, register):
    access = token(connect)
    caller = bearer(connect, access)
    assert caller.get(PATIENT).status_code == 200

    gateway.revoked_clients.add("labor")

    assert caller.get(PATIENT).status_code == 401
    assert ask(connect).status_code == 401


def test_what_a_client_loses_in_the_registry_its_tokens_lose(connect, register):
    access = token(connect)
    caller = bearer(connect, access)
    assert caller.get(PATIENT).status_code == 200

    register(client(scopes=("system/Observation.rs",)))

    assert caller.get(PATIENT).status_code == 403


def test_a_token_of_one_gateway_is_none_at_another(gateway, connect, register):
    access = token(connect)

    gateway.options = replace(gateway.options, token_key=b"o" * 32)

    assert bearer(connect, access).get(PATIENT).status_code == 401


def test_a_changed_token_is_no_token(connect, register):
    head, body, mark = token(connect).split(".")

    for access in (f"{head}.{body}.{mark[::-1]}", f"{head}.{body[:-4]}.{mark}", f"{head}.{body}."):
        assert bearer(connect, access).get(PATIENT).status_code == 401


def test_with_smart_alone_registered_tokens_are_not_taken(gateway, connect, register):
    gateway.options = replace(gateway.options, authentication="smart")

    assert connect("klinikum").get(PATIENT).status_code == 401
    assert bearer(connect, token(connect)).get(PATIENT).status_code == 200


def test_a_bearer_token_may_be_a_clients_with_its_scopes(gateway, connect, register):
    from tests.gateway.api.conftest import sha256

    register(client(jwks={}, scopes=("system/Task.rs",), token_sha256=(sha256("of-labor"),)))

    assert bearer(connect, "of-labor").get(PATIENT).status_code == 403
    gateway.revoked_clients.add("labor")
    assert bearer(connect, "of-labor").get(PATIENT).status_code == 401


def test_an_auditor_reads_evidence_only(connect, register):
    register(client(role="auditor", scopes=("system/*.cruds",)))

    answer = ask(connect, scope="system/*.cruds")

    assert answer.json()["scope"] == ("system/AuditEvent.rs system/Consent.rs system/Provenance.rs")
    assert bearer(connect, answer.json()["access_token"]).get(PATIENT).status_code == 403


def test_every_token_and_every_refusal_leaves_an_audit_event(gateway, connect, register):
    ask(connect)
    ask(connect, "a.b.c")

    granted, refused = [event for _, event in gateway.events[-2:]]
    assert granted["subtype"][0]["code"] == "token"
    assert granted["outcome"] == "0"
    assert "client/labor" in orjson.dumps(granted).decode()
    assert refused["outcome"] == "8"


def _observation(id_, category):
    system = "http://terminology.hl7.org/CodeSystem/observation-category"
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "category": [{"coding": [{"system": system, "code": category}]}],
        "code": {"text": "x"},
    }


class _Keys(BaseHTTPRequestHandler):
    """Publishes a key set, as identity providers do."""

    content: ClassVar[dict[str, object]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self):
        self.asked.append(self.path)
        body = orjson.dumps(self.content)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def published():
    _Keys.asked.clear()
    server = HTTPServer(("127.0.0.1", 0), _Keys)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/keys"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_client_may_publish_its_keys(connect, register, published):
    _Keys.content = public(ec_key())
    register(client(jwks={}, jwks_url=published))

    assert ask(connect).status_code == 200
    assert _Keys.asked == ["/keys"]
    own = signed(ec_key(), claims(now=NOW), jku=published)
    assert ask(connect, own).status_code == 200


def _foreign(**changes):
    content = {
        "iss": "https://idp.example/realms/region",
        "aud": "https://gw.example/fhir",
        "sub": str(uuid4()),
        "azp": "praxis-app",
        "organization": "klinikum",
        "scope": "openid user/Patient.rs patient/Observation.rs",
        "iat": NOW,
        "exp": NOW + 300,
        **changes,
    }
    return signed(rsa_key(), content, alg="RS256")


@pytest.fixture
def trusting(gateway, register, published):
    _Keys.content = public(rsa_key())
    issuer = Issuer(
        url="https://idp.example/realms/region", jwks_url=published, scopes=("system/Patient.rs",)
    )
    gateway.options = replace(gateway.options, issuers=(issuer,))


async def _twice(caller, path):
    """The first request finds no keys yet and lets them be fetched."""
    first = await caller._request("GET", path)
    for _ in range(3_000):
        if _Keys.asked:
            break
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    return first, await caller._request("GET", path)


def test_a_token_of_a_trusted_issuer_opens_what_both_grant(connect, trusting):
    caller = bearer(connect, _foreign())

    first, second = asyncio.run(_twice(caller, PATIENT))

    assert first.status_code == 401
    assert second.status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"aud": "https://other.example/fhir"},
        {"exp": NOW - 61},
        {"organization": "nobody"},
        {"organization": None},
        {"cnf": {"jkt": "a-key-we-cannot-check"}},
    ],
)
def test_a_token_of_an_issuer_that_does_not_hold_is_refused(connect, trusting, changes):
    _, answer = asyncio.run(_twice(bearer(connect, _foreign(**changes)), PATIENT))

    assert answer.status_code == 401


def test_a_token_bound_to_a_certificate_needs_it(gateway):
    from gateway.authorization.access_token import (
        Grant,
        is_usable_with,
        issue,
        read_own,
        thumbprint,
    )

    certificate = "ab" * 32
    grant = Grant(
        client="labor",
        organization="klinikum",
        scopes=(),
        expires=(NOW + 300) * SECOND,
        thumbprint=thumbprint(certificate),
    )
    access = issue(b"t" * 32, grant, issuer="https://gw", number="1", now=NOW * SECOND)

    read = read_own(access, b"t" * 32, issuer="https://gw", now=NOW * SECOND)

    assert is_usable_with(read, certificate)
    assert not is_usable_with(read, "")
    assert not is_usable_with(read, "cd" * 32)
