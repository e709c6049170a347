"""`gateway init DIR`: a folder that `gateway serve` starts from."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import Json, fail, show

#: What has to be kept off this machine, and why.
BACKUP = (
    ("keys/data.key", "without it nothing stored can be read"),
    ("keys/region.key", "without it the same patients get other ids"),
    ("keys/index.key", "without it nothing stored can be found"),
    ("keys/signing.key", "signs the audit log"),
    ("gateway.toml and its folders", "best kept in git; they hold no secrets"),
)
_TOKEN = "klinikum.token"  # noqa: S105 - a file name
_PLACEHOLDER = "$TOKEN_SHA256"


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make.")],
    as_json: Json = False,
) -> None:
    """Make a commented configuration, keys (0400) and a development CA."""
    from gateway.cli.certificates import write_development_certificates

    if (folder / "gateway.toml").exists():
        fail(f"{folder}/gateway.toml exists already; nothing was changed", code=2)
    if (folder / "keys").exists():
        fail(f"{folder}/keys exists already; keys are never overwritten", code=2)
    folder.mkdir(parents=True, exist_ok=True)
    token = _write_keys(folder / "keys")
    client = write_development_certificates(folder / "certificates")
    _write_template(folder, hashlib.sha256(token.encode()).hexdigest())
    show(_summary(folder, client), as_json=as_json, human=lambda out: out.print(_story(folder)))


def _write_keys(folder: Path) -> str:
    from gateway.store.keys import KEY_BYTES, create

    folder.mkdir(mode=0o700)
    create(folder)
    _write_secret(folder / "signing.key", f"{secrets.token_hex(KEY_BYTES)}\n".encode())
    token = secrets.token_urlsafe(32)
    _write_secret(folder / _TOKEN, f"{token}\n".encode())
    return token


def _write_secret(path: Path, content: bytes) -> None:
    """The file is never readable by others, not even for a moment."""
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(content)
    path.chmod(0o400)


def _write_template(folder: Path, token_sha256: str) -> None:
    for name, source in _template(resources.files("gateway.cli") / "template"):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        content = source.read_bytes().replace(_PLACEHOLDER.encode(), token_sha256.encode())
        target.write_bytes(content)
    for name in ("organizations", "endpoints", "routes", "clients", "consents"):
        (folder / name).mkdir(exist_ok=True)


def _template(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for item in folder.iterdir():
        if item.is_dir():
            yield from _template(item, f"{prefix}{item.name}/")
        else:
            yield f"{prefix}{item.name}", item


def _summary(folder: Path, client_sha256: str) -> dict[str, object]:
    return {
        "folder": str(folder),
        "back_up": [name for name, _ in BACKUP],
        "development_client_certificate_sha256": client_sha256,
    }


def _story(folder: Path) -> str:
    kept = "\n".join(f"  {name:<30} {why}" for name, why in BACKUP)
    return (
        f"Made {folder}.\n\nBack up, off this machine:\n{kept}\n\n"
        f"The certificates in {folder}/certificates are for development only.\n"
        f"The token of the example hospital is in {folder}/keys/{_TOKEN}.\n\n"
        f"Next:  gateway check {folder}\n"
        f"       gateway apply {folder}\n"
        f"       gateway serve --config {folder}/gateway.toml"
    )
