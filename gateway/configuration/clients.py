"""Rules for clients of the FHIR interface and for identity providers; reading their key sets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gateway.configuration.finding import ID, error
from gateway.configuration.organizations import SHA256
from gateway.domain.client import Client
from gateway.domain.region import Region
from gateway.settings import Settings
from profiles.issue import Issue, NotConformant
from profiles.reading import read_json


def keyed(client: Client, settings: Settings) -> Client:
    """Put the key set of `jwks_file` into the client: processes elsewhere do not have the file.

    Raises NotConformant when the file cannot be read or is no JSON object.
    """
    if not client.jwks_file:
        return client
    path = settings.path(client.jwks_file)
    try:
        found = read_json(path.read_bytes())
    except OSError as fault:
        raise NotConformant(f"{client.jwks_file} cannot be read: {fault.strerror}") from fault
    if not isinstance(found, dict):
        raise NotConformant(f"{client.jwks_file} is no key set")
    return replace(client, jwks=found)


def client_rules(region: Region) -> Iterator[Issue]:
    """Every client acts for one organization, can prove itself, and asks for what exists."""
    owner = {
        digest: f"organization {organization.id}"
        for organization in region.organizations.values()
        for digest in (*organization.token_sha256, *organization.certificate_sha256)
    }
    for client in region.clients.values():
        place = f"client {client.id}"
        if not ID.fullmatch(client.id):
            yield error(f"{place}: an id has letters, digits, - and ., at most 64", place)
        if client.organization not in region.organizations:
            yield error(f"{place}: there is no organization of this id", place, "not-found")
        yield from _proofs(client, place, owner)
        yield from _keys(client, place)
        yield from _scopes(client.scopes, client.role, place)


def issuer_rules(settings: Settings) -> Iterator[Issue]:
    """Identity providers are reached over TLS, and each stands once."""
    known: set[str] = set()
    for number, issuer in enumerate(settings.issuer, start=1):
        place = f"gateway.toml [[issuer]] {number}"
        if issuer.url in known or issuer.url == settings.gateway.base_url:
            yield error(f"{place}: this issuer stands twice", place, "duplicate")
        known.add(issuer.url)
        yield from _address(issuer.jwks_url, place)
        yield from _scopes(issuer.scopes, issuer.role, place)


def _proofs(client: Client, place: str, owner: dict[str, str]) -> Iterator[Issue]:
    if not (client.signs or client.token_sha256 or client.certificate_sha256):
        yield error(
            f"{place}: needs jwks_file, jwks_url, token_sha256 or certificate_sha256",
            place,
            "required",
        )
    for digest in (*client.token_sha256, *client.certificate_sha256):
        if not SHA256.fullmatch(digest):
            yield error(f"{place}: a SHA-256 is written as 64 characters 0-9 a-f", place)
        elif owner.setdefault(digest, place) != place:
            yield error(
                f"{place}: shares a token or certificate with {owner[digest]}", place, "conflict"
            )


def _keys(client: Client, place: str) -> Iterator[Issue]:
    if client.jwks and client.jwks_url:
        yield error(f"{place}: has both a key set and the address of one", place, "conflict")
    if client.jwks_url:
        yield from _address(client.jwks_url, place)
    if client.jwks:
        from gateway.authorization.keys import read_key_set

        try:
            read_key_set(client.jwks)
        except NotConformant as refused:
            yield error(f"{place}: {refused.text}", place)


def _address(url: str, place: str) -> Iterator[Issue]:
    from gateway.endpoints.networks import check_registered
    from profiles.issue import GatewayError

    try:
        check_registered(url)
    except GatewayError as refused:
        yield error(f"{place}: jwks_url: {refused.text}", place)


def _scopes(scopes: tuple[str, ...], role: str, place: str) -> Iterator[Issue]:
    from gateway.authorization.roles import LIMITS, granted
    from gateway.authorization.scopes import read_scope

    if role not in LIMITS:
        yield error(f"{place}: role is one of {', '.join(LIMITS)}", place)
        return
    for text in scopes:
        if read_scope(text) is None:
            yield error(f"{place}: scopes are written like system/Patient.rs", place)
            return
    if not granted(role, scopes):
        yield error(f"{place}: the role {role} lets nothing of these scopes through", place)
