"""Documents in files and on standard input: each resource of NDJSON is one.

http://ndjson.org, https://hl7.org/fhir/R4/nd-json.html. Never more of a file is in memory than one
document, and never more of that than the gateway takes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from profiles.reading import Limits

STDIN = "-"
_BOM = b"\xef\xbb\xbf"
_CHUNK = 1_048_576


@dataclass(frozen=True, slots=True)
class Document:
    """What one resource is read from."""

    #: The file as it was named.
    file: str
    #: None for a document that is larger than the gateway takes.
    data: bytes | None
    #: Line of the file it begins in.
    line: int = 1
    #: How much of the file it takes up, in bytes.
    size: int = 0


def documents(name: str, limits: Limits) -> Iterator[Document]:
    """Go through the documents of a file; raises OSError for one that cannot be read."""
    if name == STDIN:
        yield _whole(name, sys.stdin.buffer, limits)
        return
    path = Path(name)
    with path.open("rb") as file:
        if path.suffix.lower() == ".ndjson":
            yield from _lines(name, file, limits)
        elif (size := path.stat().st_size) > limits.size:
            yield Document(name, None, size=size)
        else:
            yield _whole(name, file, limits)


def _whole(name: str, file: BinaryIO, limits: Limits) -> Document:
    """Read all of a file whose size nobody knows before."""
    data = file.read(limits.size + 1)
    return Document(name, data if len(data) <= limits.size else None, size=len(data))


def _lines(name: str, file: BinaryIO, limits: Limits) -> Iterator[Document]:
    number = 0
    while line := file.readline(limits.size + 2):
        number += 1
        size = len(line)
        is_whole = line.endswith(b"\n") or size <= limits.size
        data = (line.removeprefix(_BOM) if number == 1 else line).rstrip(b"\r\n")
        while not line.endswith(b"\n") and (line := file.readline(_CHUNK)):
            size += len(line)
        if data.strip():
            yield Document(name, data if is_whole else None, number, size)
