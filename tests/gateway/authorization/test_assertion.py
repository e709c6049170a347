"""Client assertions: what proves a client, and everything that does not."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authorization.assertion import claimed, verify
from gateway.authorization.keys import read_key_set, read_published
from gateway.domain.time import SECOND
from profiles.issue import NotConformant, NotPermitted
from tests.gateway.authorization.signing import (
    AUDIENCE,
    claims,
    ec_key,
    forged,
    public,
    rsa_key,
    signed,
)

NOW = 1_767_225_600


def prove(assertion, *keys, audience=AUDIENCE):
    stated = claimed(assertion)
    return verify(
        assertion,
        stated,
        read_key_set(public(*keys or (ec_key(), rsa_key()))),
        audience=audience,
        now=NOW * SECOND,
    )


@pytest.mark.parametrize(("key", "alg"), [(ec_key(), "ES384"), (rsa_key(), "RS384")])
def test_a_signed_assertion_proves_its_client_once(key, alg):
    content = claims(now=NOW)

    proved = prove(signed(key, content, alg=alg))

    assert proved.client == "labor"
    assert proved.jti == content["jti"]
    assert proved.until > content["exp"] * SECOND


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW - 61},
        {"exp": NOW + 361},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"iat": NOW + 61},
        {"nbf": NOW + 61},
        {"aud": "https://other.example/auth/token"},
        {"aud": [AUDIENCE, "https://other.example"]},
        {"aud": None},
        {"sub": "praxis"},
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 256},
        {"jti": 7},
    ],
)
def test_claims_that_do_not_hold_are_refused(changes):
    with pytest.raises(NotPermitted):
        prove(signed(ec_key(), claims(now=NOW, **changes)))


def test_a_key_of_somebody_else_is_refused():
    stranger = ec_key("labor-1", "P-384")
    other = type(stranger).generate_key("P-384", {"kid": "labor-1", "use": "sig"})

    with pytest.raises(NotPermitted):
        prove(signed(other, claims(now=NOW)))


def test_a_public_key_is_no_shared_secret():
    pem = rsa_key().as_pem(private=False)

    with pytest.raises(NotPermitted):
        prove(forged({"alg": "HS256", "kid": "labor-rsa"}, claims(now=NOW), pem))


@pytest.mark.parametrize("alg", ["RS256", "PS384"])
def test_algorithms_that_were_not_agreed_are_refused(alg):
    with pytest.raises(NotPermitted):
        prove(signed(rsa_key(), claims(now=NOW), alg=alg))


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": {"kty": "EC"}},
        {"x5u": "https://x.example"},
        {"kid": "../../etc/passwd"},
        {"kid": None},
    ],
)
def test_headers_that_bring_their_own_keys_or_rules_are_refused(header):
    with pytest.raises(NotPermitted):
        prove(signed(ec_key(), claims(now=NOW), **header))


def test_an_extension_that_has_to_be_understood_is_refused():
    header = {"alg": "ES384", "kid": "labor-1", "crit": ["exp"], "exp": 1}

    with pytest.raises(NotPermitted):
        prove(forged(header, claims(now=NOW), b"secret"))


def test_without_a_signature_nothing_is_proved():
    head, body, _ = signed(ec_key(), claims(now=NOW)).split(".")
    none = urlsafe_b64encode(b'{"alg":"none","kid":"labor-1"}').rstrip(b"=").decode()

    for assertion in (f"{none}.{body}.", f"{head}.{body}.", f"{head}.{body}.AAAA"):
        with pytest.raises(NotPermitted):
            prove(assertion)


@given(st.text(max_size=200))
def test_any_text_is_refused_in_one_way(text):
    with pytest.raises(NotPermitted):
        claimed(text)


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"keys": []},
        {"keys": [{"kty": "oct", "k": "AAAA", "kid": "1"}]},
        {"keys": [{"kty": "EC", "kid": "1", "crv": "P-384"}]},
        {"keys": "many"},
        public(ec_key("a", "P-256")),
        {"keys": [{**public(rsa_key())["keys"][0], "n": "AQAB" * 43}]},
        {"keys": [ec_key().as_dict(private=True)]},
        {"keys": [*public(ec_key())["keys"], *public(ec_key())["keys"]]},
        {"keys": [{**public(ec_key())["keys"][0], "use": "enc"}]},
    ],
)
def test_a_key_set_that_is_none_is_told_at_registration(found):
    with pytest.raises(NotConformant):
        read_key_set(found)


def test_of_an_identity_provider_only_its_signing_keys_count():
    found = public(ec_key("sig"), rsa_key("enc"))
    found["keys"][1]["use"] = "enc"

    assert [key.kid for key in read_published(found).keys] == ["sig"]
