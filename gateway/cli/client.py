"""`gateway client …`: systems that call the FHIR interface with rights of their own.

A client is a file `clients/ID.toml` of the configuration, reviewed and registered like the rest;
it holds hashes and public keys, no secrets. Revoking holds at once, whatever the files say.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.output import Config, Json, fail, show, table
from gateway.cli.session import looking, perform, settings_and_region

if TYPE_CHECKING:
    from gateway.domain.client import Client

Name = Annotated[str, typer.Argument(metavar="CLIENT", help="Id of the client.")]
KeySet = Annotated[
    Path | None, typer.Option("--jwks", metavar="FILE", help="Its public keys (JWKS).")
]
KeySetUrl = Annotated[
    str, typer.Option("--jwks-url", metavar="URL", help="Where it publishes its keys.")
]
Certificate = Annotated[
    Path | None, typer.Option("--certificate", metavar="FILE", help="Its certificate (PEM).")
]
Token = Annotated[bool, typer.Option("--token", help="Make a bearer token and print it once.")]


def add(
    name: Name,
    *,
    organization: Annotated[str, typer.Option(help="Id of the organization it acts for.")],
    role: Annotated[
        str, typer.Option(help="system, practitioner, agency, auditor or operator.")
    ] = "system",
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="SMART scope it may have; repeatable.")
    ] = None,
    jwks: KeySet = None,
    jwks_url: KeySetUrl = "",
    certificate: Certificate = None,
    token: Token = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write a client into the configuration; `gateway apply` registers it."""
    from gateway.domain.client import EVERYTHING, Client

    folder = _folder(config)
    if (folder / f"{name}.toml").exists():
        fail(f"clients/{name}.toml exists already; `gateway client rotate` changes its credentials")
    client = Client(
        id=name, organization=organization, role=role, scopes=tuple(scope or EVERYTHING)
    )
    _write(folder, *_credentials(client, jwks, jwks_url, certificate, token), as_json=as_json)


def rotate(
    name: Name,
    jwks: KeySet = None,
    jwks_url: KeySetUrl = "",
    certificate: Certificate = None,
    token: Token = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Former tokens and certificates stay good beside.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Give a client new credentials; without --keep the former ones end with `gateway apply`."""
    folder = _folder(config)
    former = _registered_in(config, folder, name)
    if not keep:
        former = replace(
            former, token_sha256=(), certificate_sha256=(), jwks={}, jwks_file="", jwks_url=""
        )
    _write(folder, *_credentials(former, jwks, jwks_url, certificate, token), as_json=as_json)


def list_(config: Config = None, as_json: Json = False) -> None:
    """List the registered clients."""
    from gateway.store import clients, registry

    with looking(config) as view:
        region = registry.read(view.db)
        revoked = clients.revoked(view.db)
    rows = [_json(client, revoked) for client in region.clients.values()]
    columns = ("client", "organization", "role", "scopes", "proves_itself_by", "revoked")
    shown = [
        ["yes" if row[c] is True else "" if row[c] is False else _text(row[c]) for c in columns]
        for row in rows
    ]
    show(rows, as_json=as_json, human=lambda out: out.print(table(columns, shown)))


def revoke(name: Name, config: Config = None, as_json: Json = False) -> None:
    """Refuse a client from now on, with every token it holds."""
    result = perform(config, "client.revoke", {"client": name})
    show(result, as_json=as_json, human=lambda out: out.print(f"{name} is revoked."))


def restore(name: Name, config: Config = None, as_json: Json = False) -> None:
    """Let a revoked client in again."""
    result = perform(config, "client.restore", {"client": name})
    show(result, as_json=as_json, human=lambda out: out.print(f"{name} may call again."))


def _folder(config: Any) -> Path:
    from gateway.settings import find

    return find(config).resolve().parent / "clients"


def _registered_in(config: Any, folder: Path, name: str) -> Client:
    """Return a client as its file has it: one that stands elsewhere is changed there."""
    from gateway.configuration.files import read_folder

    client = read_folder(config).region.clients.get(name)
    if client is None or not (folder / f"{name}.toml").exists():
        settings_and_region(config)
        fail(f"there is no clients/{name}.toml; a client in another file is changed there")
    return client


def _credentials(
    client: Client, jwks: Path | None, jwks_url: str, certificate: Path | None, token: bool
) -> tuple[Client, dict[str, bytes], str]:
    """Add what the options name: the client, files beside it, and the token, "" for none."""
    files: dict[str, bytes] = {}
    made = ""
    if jwks is not None:
        files[f"{client.id}.jwks.json"] = _key_set(jwks)
        client = replace(client, jwks_file=f"clients/{client.id}.jwks.json", jwks_url="")
    if jwks_url:
        client = replace(client, jwks_url=jwks_url, jwks_file="")
    if certificate is not None:
        digest = _fingerprint(certificate)
        client = replace(client, certificate_sha256=(*client.certificate_sha256, digest))
    if token:
        made = secrets.token_urlsafe(32)
        digest = hashlib.sha256(made.encode()).hexdigest()
        client = replace(client, token_sha256=(*client.token_sha256, digest))
    if not (jwks or jwks_url or certificate or token):
        fail("say how it proves itself: --jwks, --jwks-url, --certificate or --token", code=2)
    return client, files, made


def _key_set(path: Path) -> bytes:
    from gateway.authorization.keys import read_key_set
    from profiles.reading import read_json

    data = path.read_bytes()
    read_key_set(read_json(data))
    return data


def _fingerprint(path: Path) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(SHA256()).hex()
    except ValueError:
        fail(f"{path} is no certificate in PEM form", code=2)


def _write(
    folder: Path, client: Client, files: dict[str, bytes], token: str, *, as_json: bool
) -> None:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / f"{client.id}.toml").write_text("\n".join(_lines(client)) + "\n", encoding="utf-8")
    result = {"client": client.id, "file": f"clients/{client.id}.toml"}
    if token:
        result["token"] = token
    words = f"Wrote clients/{client.id}.toml. Register it: gateway apply {folder.parent}"
    if token:
        words += f"\nToken, shown this once: {token}"
    show(result, as_json=as_json, human=lambda out: out.print(words, soft_wrap=True))


def _lines(client: Client) -> Iterator[str]:
    """The client as TOML; JSON strings and lists of them are TOML as well."""
    import json

    yield "[[client]]"
    for name in ("id", "organization", "role", "jwks_file", "jwks_url"):
        if value := getattr(client, name):
            yield f"{name} = {json.dumps(value)}"
    for name in ("scopes", "token_sha256", "certificate_sha256"):
        if values := getattr(client, name):
            yield f"{name} = {json.dumps(list(values))}"


def _json(client: Client, revoked: frozenset[str]) -> dict[str, Any]:
    ways = {
        "signed assertion": client.signs,
        "bearer token": bool(client.token_sha256),
        "certificate": bool(client.certificate_sha256),
    }
    return {
        "client": client.id,
        "organization": client.organization,
        "role": client.role,
        "scopes": list(client.scopes),
        "proves_itself_by": [way for way, given in ways.items() if given],
        "revoked": client.id in revoked,
    }


def _text(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
