"""Files and frames with several messages: FHS, BHS, messages, BTS, FTS (HL7 v2.5 chapter 2.10.3).

Batch envelopes are optional, messages may simply follow one another, and MLLP frames may be
concatenated; bytes are kept exactly, whatever their character set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ENVELOPE = (b"FHS", b"BHS", b"BTS", b"FTS")
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
#: A segment begins at the start or after a line end or an MLLP frame byte.
_START = re.compile(rb"(?:^|(?<=[\r\n\x0b\x1c]))[ \t]*(?:MSH|FHS|BHS|BTS|FTS)(?=[^A-Za-z0-9\r\n])")


def split(data: bytes) -> Iterator[bytes]:
    """Yield the messages of a file or frame, in order.

    Bytes without any MSH are yielded as one piece, so that the caller can report them.
    """
    if data.startswith(_UTF16):
        data = data.decode("utf-16", "replace").encode()
    data = data.removeprefix(_BOM)
    starts = [match.start() for match in _START.finditer(data)]
    if not starts:
        if data.strip(b"\x0b\x1c\r\n\t "):
            yield data
        return
    if head := data[: starts[0]].strip(b"\x0b\x1c\r\n\t "):
        yield head
    for begin, end in zip(starts, [*starts[1:], len(data)], strict=True):
        piece = data[begin:end].strip(b"\x0b\x1c\r\n\t ")
        if not piece.startswith(_ENVELOPE):
            yield piece + b"\r"
