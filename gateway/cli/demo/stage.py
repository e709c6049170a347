"""The folder of the demo region: fresh keys, free ports, a fresh token, the sample records."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import string
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from gateway.cli.output import fail

#: What `gateway init` makes for its own example and the demo region has otherwise.
_EXAMPLE = ("dialects", "practitioners", "samples")
#: The practice's exchange folder, in the region's folder.
EXCHANGE = "austausch"
#: The practice's bearer token, in the region's folder.
TOKEN = "practice.token"  # noqa: S105 - a file name


@contextmanager
def folder(keep: Path | None) -> Iterator[Path]:
    """Lend a folder that nobody else can read; it is gone afterwards unless it is to be kept."""
    if keep is not None:
        if keep.exists() and any(keep.iterdir()):
            fail(f"{keep} is not empty; --keep wants a new folder", code=2)
        keep.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield keep.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="gateway-demo-") as made:
        yield Path(made).resolve()


def records() -> Path:
    """Return where the sample records lie."""
    return _material() / "records"


def furnish(place: Path, ports: Mapping[str, int]) -> None:
    """Put the demo region into a folder made by `gateway init`.

    `ports` fill the places `$…_port` of the region's configuration.
    """
    for name in _EXAMPLE:
        shutil.rmtree(place / name, ignore_errors=True)
    region = _material() / "region"
    shutil.copytree(region, place, dirs_exist_ok=True)
    token = secrets.token_urlsafe(32)
    (place / "keys" / TOKEN).touch(mode=0o600)
    (place / "keys" / TOKEN).write_text(f"{token}\n", encoding="ascii")
    template = string.Template((region / "gateway.toml").read_text(encoding="utf-8"))
    digest = hashlib.sha256(token.encode()).hexdigest()
    text = template.substitute(
        {name: str(port) for name, port in ports.items()}, practice_token_sha256=digest
    )
    (place / "gateway.toml").write_text(text, encoding="utf-8")


def _material() -> Path:
    """Where the wheel (or the checkout) keeps the demo's files."""
    return Path(str(resources.files("conformance"))) / "demo"
