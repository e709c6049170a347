"""How much a foreign document may ask of us.

The defaults bound time and memory before a parser builds anything; a caller with a
reason (a spooled file, a bulk import) passes its own `Limits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from profiles.issue import Issue, NotConformant

TOO_DEEP = "the document is nested too deeply"


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds for one foreign document."""

    #: Whole document, in bytes.
    size: int = 20_000_000
    #: Nesting of JSON objects and arrays.
    depth: int = 64
    #: Nesting of XML elements.
    xml_depth: int = 128
    #: JSON objects and arrays together; bounds memory for documents of tiny parts.
    containers: int = 500_000
    #: Entries of one Bundle.
    entries: int = 5_000
    #: One string, in characters; base64 text may be as long as the document.
    string: int = 1_048_576


def refused(
    text: str, *, code: str = "structure", location: str = "", line: int = 0, column: int = 0
) -> NotConformant:
    """Make the error for a document that the door does not let in."""
    issue = Issue("error", code, text, location, line=line, column=column)
    return NotConformant(text, location=location, issues=(issue,))


def check_size(data: bytes, limits: Limits) -> None:
    """Raise NotConformant (too-costly) for a document above the size limit."""
    if len(data) > limits.size:
        raise refused("the document is larger than this gateway takes", code="too-costly")


def open_foreign(path: Path) -> BinaryIO:
    """Open a file to read it in parts. Raises NotConformant when that is not possible."""
    try:
        return path.open("rb")
    except OSError:
        raise refused(f"{path.name}: the file cannot be read", code="not-found") from None
