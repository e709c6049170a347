"""Public keys of others: JSON Web Key Sets (RFC 7517) that clients and issuers sign with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from profiles.issue import NotConformant

#: Algorithms of signatures that are accepted, with the key type each needs.
#: SMART 2.2 client-confidential-asymmetric: RS384 and ES384.
ALGORITHMS = {"RS384": "RSA", "ES384": "EC"}
#: Bits; BSI TR-02102-1 asks for 3000 from 2023, SMART for 2048.
RSA_BITS = 2048


def read_key_set(found: Any) -> KeySet:
    """Read a key set of public keys.

    Raises NotConformant for anything else: a private key in it, an unknown kind of key, a curve
    that is not P-384, an RSA key that is too short, a key without `kid`, a `kid` used twice.
    """
    keys = found.get("keys") if isinstance(found, Mapping) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= 50:
        raise NotConformant("A key set is a JSON object whose keys are 1 to 50 public keys.")
    for key in keys:
        _check(key)
    if len({key["kid"] for key in keys}) != len(keys):
        raise NotConformant("Two keys of a key set have the same kid.")
    try:
        read = KeySet.import_key_set({"keys": keys})
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise NotConformant("A key of the key set cannot be read.") from error
    return read


def read_published(found: Any) -> KeySet:
    """Read the key set of an identity provider, which may hold keys of other kinds as well.

    Keys that are not for signatures, or of no kind that signs access tokens here, are left out.
    Raises NotConformant when nothing remains.
    """
    keys = found.get("keys") if isinstance(found, Mapping) else None
    usable = [key for key in keys if _signs(key)] if isinstance(keys, list) else []
    try:
        read = KeySet.import_key_set({"keys": usable[:50]})
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise NotConformant("A key of the key set cannot be read.") from error
    if not read.keys:
        raise NotConformant("There is no usable key in the key set.")
    return read


def _signs(key: Any) -> bool:
    return (
        isinstance(key, Mapping)
        and key.get("kty") in ALGORITHMS.values()
        and isinstance(key.get("kid"), str)
        and key.get("use", "sig") == "sig"
        and "d" not in key
        and not _is_weak(key)
    )


def _check(key: Any) -> None:
    if not isinstance(key, Mapping) or key.get("kty") not in ALGORITHMS.values():
        raise NotConformant("A key of a key set is an RSA or EC key.")
    if "d" in key:
        raise NotConformant("A key set holds a private key: publish the public part only.")
    if not isinstance(key.get("kid"), str) or not key["kid"]:
        raise NotConformant("Every key of a key set has a kid.")
    if key.get("use", "sig") != "sig":
        raise NotConformant("A key of the key set is not for signatures.")
    if _is_weak(key):
        raise NotConformant(f"An RSA key of the key set has less than {RSA_BITS} bits.")
    if key["kty"] == "EC" and key.get("crv") != "P-384":
        raise NotConformant("An EC key of the key set is not on P-384, as ES384 needs.")


def _is_weak(key: Mapping[str, Any]) -> bool:
    """Whether an RSA key is too short, by the length of its modulus (RFC 7518 section 6.3.1.1)."""
    modulus = key.get("n")
    return key["kty"] == "RSA" and isinstance(modulus, str) and len(modulus) * 6 < RSA_BITS
