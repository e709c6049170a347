"""TLS contexts from an endpoint's `tls` settings, see SETTINGS.

TLS 1.2 is the floor (RFC 9325, section 3.1.1; BSI TR-02102-2). Names are always checked towards
partners; there is no setting to switch that off.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Mapping
from typing import Any

from profiles.issue import NotConformant

#: Keys of an endpoint's `tls` table.
SETTINGS = ("ca", "certificate", "key", "client_certificate_required")


def requires_certificate(tls: Mapping[str, Any]) -> bool:
    """Say whether a listener with these settings turns away senders without a certificate."""
    return bool(tls) and bool(tls.get("client_certificate_required", bool(tls.get("ca"))))


def server_context(tls: Mapping[str, Any]) -> ssl.SSLContext | None:
    """Build the context of a listener; None when it speaks plain TCP.

    With `client_certificate_required` (the default as soon as `ca` is named) a sender must show a
    certificate that `ca` issued. Raises NotConformant when files are missing or unusable.
    """
    if not tls:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    required = requires_certificate(tls)
    if required and not tls.get("ca"):
        raise NotConformant("Client certificates are required, and no ca file says whose.")
    _load(context, tls, own=True)
    context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_NONE
    return context


def client_context(tls: Mapping[str, Any]) -> ssl.SSLContext:
    """Build the context towards a partner: its `ca` (else the system's), our certificate if any.

    Raises NotConformant when files are missing or unusable.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not tls.get("ca"):
        context.load_default_certs()
    _load(context, tls, own=False)
    return context


def fingerprint(certificate: bytes | None) -> str:
    """Return the SHA-256 of a DER certificate in hex; empty without one."""
    return hashlib.sha256(certificate).hexdigest() if certificate else ""


def _load(context: ssl.SSLContext, tls: Mapping[str, Any], *, own: bool) -> None:
    unknown = set(tls) - set(SETTINGS)
    if unknown:
        raise NotConformant(f"Unknown TLS setting; known are {', '.join(SETTINGS)}.")
    try:
        if tls.get("ca"):
            context.load_verify_locations(tls["ca"])
        if own or tls.get("certificate"):
            context.load_cert_chain(tls["certificate"], tls.get("key"))
    except KeyError as error:
        raise NotConformant("A TLS listener needs a certificate file.") from error
    except (OSError, ssl.SSLError) as error:
        raise NotConformant("A TLS file cannot be read or does not fit the others.") from error
