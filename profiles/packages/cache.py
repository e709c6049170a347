"""Compiled packages on disk, so that the next start neither unpacks nor checks them again.

One file per package, named by the SHA-256 of what it was made from. Its first line says the
format and the SHA-256 of the rest; a file that does not match is made anew. The resources in it
went through the one door when they were compiled and are compact (`compact.py`).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import zstandard

from profiles.issue import NotConformant
from profiles.packages.compact import compact
from profiles.packages.index import Entry, candidates, entry_of
from profiles.packages.manifest import Manifest, manifest_of
from profiles.packages.resource import Json, read_content
from profiles.reading import read_json, write_json

#: Rises when the content of compiled packages changes.
_FORMAT = b"compiled FHIR package 2"
#: No compiled resource is larger.
_LARGEST = 200_000_000


@dataclass(frozen=True, slots=True)
class Compiled:
    """A package, ready to read resources from."""

    manifest: Manifest
    entries: tuple[Entry, ...]
    #: File name → (offset, length, whether it has decimals to be kept as written).
    places: Mapping[str, tuple[int, int, bool]]
    #: Compressed resources, one after the other.
    body: bytes

    def resource(self, filename: str) -> Json:
        """Return a resource. Raises KeyError when there is no such file."""
        offset, length, exact = self.places[filename]
        packed = self.body[offset : offset + length]
        text = zstandard.ZstdDecompressor().decompress(packed, max_output_size=_LARGEST)
        found: Json = read_json(text) if exact else orjson.loads(text)
        return found


def compile_package(manifest: Manifest, files: Mapping[str, bytes], place: str) -> Compiled:
    """Check and compact every resource of a package. Raises NotConformant."""
    compressor = zstandard.ZstdCompressor(level=6)
    entries: list[Entry] = []
    places: dict[str, tuple[int, int, bool]] = {}
    parts: list[bytes] = []
    offset = 0
    for name in sorted(candidates(files)):
        resource = read_content(name, files[name], place)
        if resource is None:
            continue
        entries.append(entry_of(name, resource))
        text = write_json(compact(resource))
        packed = compressor.compress(text)
        places[name] = (offset, len(packed), orjson.dumps(orjson.loads(text)) != text)
        parts.append(packed)
        offset += len(packed)
    return Compiled(manifest, tuple(entries), places, b"".join(parts))


def load(folder: Path, sha256: str) -> Compiled | None:
    """Return the compiled package, None when there is none that is sound."""
    try:
        data = _path(folder, sha256).read_bytes()
    except OSError:
        return None
    first, _, rest = data.partition(b"\n")
    if first != _seal(rest):
        return None
    head, _, body = rest.partition(b"\n")
    try:
        return _from_head(orjson.loads(head), body)
    except (ValueError, KeyError, TypeError, NotConformant):
        return None


def save(folder: Path, sha256: str, compiled: Compiled) -> None:
    """Write a compiled package in one step; where that fails, the next time is slow again."""
    rest = orjson.dumps(_head(compiled)) + b"\n" + compiled.body
    path = _path(folder, sha256)
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(_seal(rest) + b"\n" + rest)
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()


def _path(folder: Path, sha256: str) -> Path:
    return folder / f"{sha256}.package"


def _seal(rest: bytes) -> bytes:
    return _FORMAT + b" " + hashlib.sha256(rest).hexdigest().encode()


def _head(compiled: Compiled) -> Json:
    manifest = compiled.manifest
    return {
        "manifest": {
            "name": manifest.name,
            "version": manifest.version,
            "fhirVersions": list(manifest.fhir_versions),
            "dependencies": dict(manifest.dependencies),
            "canonical": manifest.canonical,
            "title": manifest.title,
        },
        "entries": [one.record() for one in compiled.entries],
        "places": compiled.places,
    }


def _from_head(head: Any, body: bytes) -> Compiled:
    places = {name: (at, length, exact) for name, (at, length, exact) in head["places"].items()}
    return Compiled(
        manifest=manifest_of(head["manifest"], "compiled package"),
        entries=tuple(Entry(**one) for one in head["entries"]),
        places=places,
        body=body,
    )
