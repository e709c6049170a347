"""Bytes to text by the declared character set, and the truth where it is wrong.

HL7 table 0211 (MSH-18). Nothing is dropped and nothing becomes mojibake: where the
bytes contradict the declaration, they are read as what they are and an issue says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from profiles.issue import Issue

#: Declared name (upper case, letters, digits and "/" only) → Python codec.
CHARSETS: dict[str, str] = {
    "ASCII": "ascii",
    "USASCII": "ascii",
    "ISOIR6": "ascii",
    "8859/1": "iso8859-1",
    "ISO88591": "iso8859-1",
    "LATIN1": "iso8859-1",
    "ISOIR100": "iso8859-1",
    "8859/2": "iso8859-2",
    "ISO88592": "iso8859-2",
    "8859/3": "iso8859-3",
    "8859/4": "iso8859-4",
    "8859/5": "iso8859-5",
    "8859/6": "iso8859-6",
    "8859/7": "iso8859-7",
    "8859/8": "iso8859-8",
    "8859/9": "iso8859-9",
    "ISO88599": "iso8859-9",
    "8859/15": "iso8859-15",
    "ISO885915": "iso8859-15",
    "LATIN9": "iso8859-15",
    "UNICODE": "utf-8",
    "UNICODEUTF8": "utf-8",
    "UTF8": "utf-8",
    "ISOIR192": "utf-8",
    "UNICODEUTF16": "utf-16",
    "UTF16": "utf-16",
    "WINDOWS1252": "cp1252",
    "CP1252": "cp1252",
    "ANSI": "cp1252",
    "CP437": "cp437",
    "IBM437": "cp437",
    "CP850": "cp850",
    "IBM850": "cp850",
}
_NAME = re.compile(r"[^A-Z0-9/]")
_HIGH = re.compile(rb"[\x80-\xff]+")
_C1 = bytes(range(0x80, 0xA0))
_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")

Decoded = tuple[str, list[Issue]]


def decode_text(data: bytes, charset: str, *, location: str = "MSH-18") -> Decoded:
    """Decode `data`, declared as `charset` ("" when nothing is declared).

    A repeating MSH-18 counts with its first repetition. A byte order mark is removed.
    Issues are warnings at `location`; the text is always complete.
    """
    if data.startswith(_UTF16_BOMS):
        return _decode_utf16(data, location)
    data = data.removeprefix(_BOM)
    codec = codec_of(charset)
    if codec is None:
        return _undeclared(data, known=not charset.strip(), location=location)
    return _DECODERS.get(codec, _decode_eight_bit)(data, codec, location)


def codec_of(charset: str) -> str | None:
    """Return the Python codec for a declared name (MSH-18), None when it is unknown."""
    return CHARSETS.get(_NAME.sub("", charset.partition("~")[0].upper()))


def _undeclared(data: bytes, *, known: bool, location: str) -> Decoded:
    if known and data.isascii():
        return data.decode("ascii"), []
    text, found = _by_its_bytes(data)
    if not known:
        return text, [_warning("not-supported", "the declared character set is unknown", location)]
    return text, [_warning("value", f"no character set is declared; read as {found}", location)]


def _decode_ascii(data: bytes, _codec: str, location: str) -> Decoded:
    if data.isascii():
        return data.decode("ascii"), []
    text, found = _by_its_bytes(data)
    return text, [_contradiction("ASCII", found, location)]


def _decode_utf8(data: bytes, _codec: str, location: str) -> Decoded:
    try:
        return data.decode(), []
    except UnicodeDecodeError:
        text, found = _by_its_bytes(data)
        return text, [_contradiction("UTF-8", found, location)]


def _decode_utf16(data: bytes, location: str) -> Decoded:
    try:
        return data.decode("utf-16"), []
    except UnicodeDecodeError:
        text = data.decode("utf-16", errors="replace")
        return text, [_warning("value", "the text is damaged UTF-16", location)]


def _decode_declared_utf16(data: bytes, _codec: str, location: str) -> Decoded:
    """UTF-16 without a byte order mark: HL7 delimiters show which half is empty."""
    if b"\x00" not in data:
        text, found = _by_its_bytes(data)
        return text, [_contradiction("UTF-16", found, location)]
    mark = _UTF16_BOMS[1] if data[:1] == b"\x00" else _UTF16_BOMS[0]
    return _decode_utf16(mark + data, location)


def _decode_eight_bit(data: bytes, codec: str, location: str) -> Decoded:
    if data.isascii():
        return data.decode("ascii"), []
    if _is_utf8(data):
        return data.decode(), [_contradiction("an 8-bit character set", "UTF-8", location)]
    if codec.startswith("iso8859") and len(data.translate(None, _C1)) < len(data):
        # No sender means C1 controls; Windows writes €, dashes and quotes there.
        found = _warning("value", "bytes outside the declared character set", location)
        return _eight_bit_with_windows(data, codec), [found]
    text = data.decode(codec, errors="replace")
    if "\ufffd" in text:
        return text, [_warning("value", "bytes outside the declared character set", location)]
    return text, []


def _eight_bit_with_windows(data: bytes, codec: str) -> str:
    return "".join(
        _windows(bytes([byte])) if 0x80 <= byte <= 0x9F else bytes([byte]).decode(codec, "replace")
        for byte in data
    )


def _by_its_bytes(data: bytes) -> tuple[str, str]:
    """Read bytes nobody declared rightly: UTF-8 where it is, Windows-1252 elsewhere.

    Runs of high bytes are judged one by one, because systems that concatenate fields
    of different origin do send both in one message.
    """
    if _is_utf8(data):
        return data.decode(), "UTF-8"
    return _HIGH.sub(_run_as_utf8, data).decode(), "Windows-1252"


def _run_as_utf8(run: re.Match[bytes]) -> bytes:
    high = run.group()
    return high if _is_utf8(high) else _windows(high).encode()


def _windows(data: bytes) -> str:
    """Windows-1252; its five undefined bytes stay the C1 controls they are."""
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in data)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _contradiction(declared: str, found: str, location: str) -> Issue:
    return _warning("value", f"declared as {declared}, but the bytes are {found}", location)


def _warning(code: str, text: str, location: str) -> Issue:
    return Issue("warning", code, text, location)


_DECODERS: dict[str, Callable[[bytes, str, str], Decoded]] = {
    "ascii": _decode_ascii,
    "utf-8": _decode_utf8,
    "utf-16": _decode_declared_utf16,
}
