"""Names of the files a record expects beside it (FK 6305, 6322), as the record writes them."""

from __future__ import annotations

import re

from mappers.xdt.charset import read_text

_PATH = re.compile(r"\n\d{3}(?:6305|6322)([^\r\n]+)")
#: Somewhere else, not beside the record; never opened.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def beside(record: bytes) -> tuple[str, ...]:
    """Return what these fields say, each name once; addresses of the network are left out."""
    if b"6305" not in record and b"6322" not in record:
        return ()
    found = (match[1].strip() for match in _PATH.finditer(read_text(record).text))
    return tuple(dict.fromkeys(one for one in found if one and not _URL.match(one)))
