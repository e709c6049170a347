"""What must hold between the parts of a configuration; `gateway check` and `serve` ask here.

Each rule yields findings; an error keeps `serve` from starting, a warning does not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from gateway.configuration.clients import client_rules, issuer_rules
from gateway.configuration.endpoints import endpoint_rules
from gateway.configuration.finding import error, is_address, on_loopback, warning
from gateway.configuration.folders import folder_rules
from gateway.configuration.organizations import organization_rules, practitioner_rules
from gateway.configuration.routes import route_rules
from gateway.configuration.secret import secret_fault
from gateway.domain.region import Region
from gateway.settings import Settings
from gateway.store.keys import FILES, KEY_BYTES
from profiles.issue import GatewayError, Issue, NotConformant
from profiles.search import parse_criteria

#: The store's keys and the one that signs checkpoints.
KEY_FILES = (*FILES.values(), "signing.key")


def check(settings: Settings, region: Region) -> tuple[Issue, ...]:
    """Apply every rule."""
    return (
        *security_rules(settings, region),
        *store_rules(settings),
        *key_rules(settings),
        *organization_rules(region),
        *practitioner_rules(region),
        *client_rules(region),
        *issuer_rules(settings),
        *endpoint_rules(region),
        *folder_rules(region),
        *dialect_rules(region),
        *route_rules(region),
        *policy_rules(region),
        *label_setting_rules(settings),
    )


def security_rules(settings: Settings, region: Region) -> Iterator[Issue]:
    """`authentication = "none"` is for one machine; tokens want TLS beyond it."""
    http = settings.http.listen
    listeners = {"gateway.toml [http]": http}
    for endpoint in region.incoming():
        if endpoint.listen:
            listeners[f"endpoint {endpoint.id}"] = endpoint.listen
    yield from (
        error(f'{place}: listen = "{address}" is not host:port', place)
        for place, address in listeners.items()
        if not is_address(address)
    )
    if settings.security.authentication == "none":
        yield from (
            error(
                f'gateway.toml [security]: authentication = "none" is accepted only while every '
                f"listener is on loopback, and {place} listens on {address}; "
                f'write authentication = "token"',
                place,
            )
            for place, address in listeners.items()
            if is_address(address) and not on_loopback(address)
        )
    elif is_address(http) and not on_loopback(http) and not settings.http.certificate:
        yield warning(
            "gateway.toml [http]: outside loopback without a certificate, tokens and data travel "
            "unprotected; name certificate and key, or put a TLS proxy before it",
            "gateway.toml [http]",
        )
    if settings.security.authentication == "mtls" and not settings.http.ca:
        yield error(
            'gateway.toml [http]: authentication = "mtls" needs certificate, key and ca',
            "gateway.toml [http]",
        )


def store_rules(settings: Settings) -> Iterator[Issue]:
    """The database URL is one we can open, and holds no password."""
    place = "gateway.toml [store]"
    url = settings.store.url
    if not url.startswith(("sqlite:///", "postgresql+psycopg://", "postgresql://")):
        yield error(f"{place}: url starts with sqlite:/// or postgresql+psycopg://", place)
        return
    user = url.partition("://")[2].rpartition("@")[0]
    if ":" in user:
        yield error(
            f"{place}: no password in url; name a file with password_file = "
            f'"keys/database.password" or a variable with password_env',
            place,
        )
    if settings.store.password_env and settings.store.password_env not in os.environ:
        yield warning(f"{place}: the variable named by password_env is not set here", place)


def key_rules(settings: Settings) -> Iterator[Issue]:
    """Key files exist, hold 32 bytes, and nobody else reads them."""
    folder = settings.path(settings.keys.folder)
    place = "gateway.toml [keys]"
    for name in KEY_FILES:
        fault = secret_fault(folder / name) or _key_fault(folder / name)
        if fault:
            yield error(f"{place}: {name}: {fault}", place)


def _key_fault(path: Path) -> str:
    try:
        usable = len(bytes.fromhex(path.read_text(encoding="ascii"))) == KEY_BYTES
    except ValueError:
        usable = False
    return "" if usable else f"must hold {KEY_BYTES} bytes in hexadecimal"


def dialect_rules(region: Region) -> Iterator[Issue]:
    """Dialects can be read, and those named exist."""
    from mappers.dialect import Dialect
    from mappers.message_profile import profile_of
    from mappers.shipped import NAMES

    for name, mapping in region.dialects.items():
        try:
            Dialect.from_mapping(name, mapping)
        except NotConformant as refused:
            yield from (
                Issue("error", issue.code, issue.text, f"dialects/{name}.toml")
                for issue in refused.issues
            )
        except (TypeError, ValueError, AttributeError):
            yield error(f"dialects/{name}.toml: a value has the wrong form", f"dialects/{name}")
    for endpoint in region.endpoints.values():
        try:
            profile_of(endpoint.message_profile)
        except ValueError as refused:
            place = f"endpoint {endpoint.id}"
            yield error(f"{place}: message_profile: {refused}", place)
        if endpoint.dialect and endpoint.dialect not in {*region.dialects, *NAMES}:
            place = f"endpoint {endpoint.id}"
            yield error(
                f"{place}: there is no dialects/{endpoint.dialect}.toml", place, "not-found"
            )


def policy_rules(region: Region) -> Iterator[Issue]:
    """The consent policy is one the engine reads."""
    from gateway.consent import Policy

    try:
        Policy.from_mapping(region.policy)
    except NotConformant as refused:
        yield from (
            Issue("error", issue.code, f"gateway.toml [consent]: {issue.text}", "[consent]")
            for issue in refused.issues
        )


def label_setting_rules(settings: Settings) -> Iterator[Issue]:
    """Label rules name what search evaluates, and labels with their system."""
    for number, rule in enumerate(settings.label, start=1):
        place = f"gateway.toml [[label]] {number}"
        try:
            parse_criteria(rule.criteria)
        except GatewayError as refused:
            yield error(f"{place}: criteria: {refused.text}", place)
        for text in rule.security:
            if not all(text.partition("|")[::2]):
                yield error(f"{place}: security is written as system|code", place)
        if not rule.security and not rule.hold:
            yield error(f"{place}: add security or hold", place, "required")
