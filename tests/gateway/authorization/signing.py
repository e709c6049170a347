"""Clients' keys and the assertions they sign, as clients elsewhere make them."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64encode
from functools import cache
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from joserfc.jws import JWSRegistry

AUDIENCE = "https://gw.example/auth/token"


@cache
def ec_key(kid: str = "labor-1", curve: str = "P-384") -> ECKey:
    return ECKey.generate_key(curve, {"kid": kid, "use": "sig"})


@cache
def rsa_key(kid: str = "labor-rsa", bits: int = 2048) -> RSAKey:
    return RSAKey.generate_key(bits, {"kid": kid, "use": "sig"})


def public(*keys: Any) -> dict[str, Any]:
    return dict(KeySet(list(keys)).as_dict(private=False))


def claims(client: str = "labor", *, now: int = 0, **changes: Any) -> dict[str, Any]:
    second = now or int(time.time())
    made = {
        "iss": client,
        "sub": client,
        "aud": AUDIENCE,
        "iat": second,
        "exp": second + 240,
        "jti": str(uuid4()),
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def signed(key: Any, content: dict[str, Any], *, alg: str = "ES384", **header: Any) -> str:
    head = {"alg": alg, "typ": "JWT", "kid": key.kid, **header}
    registry = JWSRegistry(algorithms=[alg], strict_check_header=False)
    stated = {name: value for name, value in head.items() if value is not None}
    return jwt.encode(stated, content, key, registry=registry)


def forged(header: dict[str, Any], content: dict[str, Any], secret: bytes) -> str:
    """Sign by hand, with whatever header a library would refuse to write."""
    text = ".".join(_base64(json.dumps(part).encode()) for part in (header, content))
    return f"{text}.{_base64(hmac.digest(secret, text.encode(), 'sha256'))}"


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
