"""Bytes of an xDT message to text: what the fields declare, and the truth where it is wrong.

Declared by 9206 (GDT), 9106 (BDT, LDT 2, KVDT) or 0003; LDT 3 and GDT 3.5 are ISO 8859-15 by
definition. What is declared is kept unless the text then holds characters nobody writes inside
a word (box drawings, Greek, quotes between letters): then the set that explains the bytes best
is taken, and an issue says so. Every table is total, so that nothing is lost.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from functools import cache
from typing import NamedTuple

from mappers.codes import table
from profiles.issue import Issue
from profiles.reading.charset import codec_of

PACKAGE = "mappers.xdt"
_BOM = b"\xef\xbb\xbf"
_DECLARED = re.compile(rb"(?:\A|\n)\d{3}(9206|9106|0003)([^\r\n]*)")
#: Without one of these nothing declares a set: looking for them costs less than the pattern.
_DECLARING = (b"9206", b"9106", b"0003")
_STRUCTURED = re.compile(rb"\n\d{3}8002")
#: A German letter of DIN 66003 inside a word.
_SEVEN_BIT_WORD = re.compile(rb"[A-Za-z][{|}][a-z]|[a-z]~(?:[a-z]|\r?\n)")
_ASCII_BYTES = bytes(range(0x80))
#: ISO 646-DE in the places ASCII gives to other signs.
DIN_66003 = dict(zip("@[\\]{|}~", "§ÄÖÜäöüß", strict=True))
_GERMAN = frozenset("äöüÄÖÜß")
#: Signs German texts hold beside letters.
_SIGNS = frozenset("§°²³µ€±½¼¾·×«»„“”‚‘’–—…•†‡‰ˆ˜‹›™®©¹ªº\xa0\xad¿¡¢£¥|¬¨´¸¯")
#: 8-bit sets a German practice system may have written.
_CANDIDATES = ("cp1252", "cp437")
_EIGHT_BIT = frozenset({*_CANDIDATES, "cp850", "iso8859-1", "iso8859-15"})


class Reading(NamedTuple):
    """The text of a message, and how it was read."""

    text: str
    #: Name of the character set: "cp437", "cp1252", "iso8859-15", "din66003", "utf-8".
    codec: str
    issues: list[Issue]


class _Judgement(NamedTuple):
    """How well a character set explains bytes; smaller is better."""

    #: Characters nobody writes there.
    odd: int
    #: Less the letters of German, and half as much every other letter or sign.
    unlikely: int


def read_text(data: bytes, default: str = "") -> Reading:
    """Decode a message; `default` is the sender's set where the message declares none."""
    data = data.removeprefix(_BOM)
    declared, place, unknown = _declared(data, default)
    issues = [_warning("not-supported", "the declared character set is unknown", place)]
    issues = issues if unknown else []
    if data.isascii():
        return _seven_bit(data, declared, place, issues)
    if _is_utf8(data) and not _is_likelier(data, declared):
        if declared != "utf-8":
            issues.append(_contradiction(declared, "UTF-8", place))
        return Reading(data.decode(), "utf-8", issues)
    codec = _best(data, declared)
    if codec != declared or not declared:
        issues.append(_contradiction(declared, codec.upper(), place))
    return Reading(_decode(data, codec), codec, issues)


def _declared(data: bytes, default: str) -> tuple[str, str, bool]:
    """The declared set, where it is declared, and whether its value is unknown."""
    declares = any(fk in data for fk in _DECLARING)
    found = _DECLARED.search(data) if declares else None
    if found is not None:
        field, value = found[1].decode(), found[2].decode("latin-1").strip()
        known = table(PACKAGE, "charsets").get(f"{field}|{value}")
        codec = known.code if known is not None else codec_of(value)
        return codec or "", f"FK {field}", codec is None
    if _STRUCTURED.search(data) is not None:
        return "iso8859-15", "FK 0001", False
    return codec_of(default) or "" if default else "", "FK 9206", False


def _seven_bit(data: bytes, declared: str, place: str, issues: list[Issue]) -> Reading:
    if not declared and _SEVEN_BIT_WORD.search(data) is not None:
        issues.append(_contradiction("", "DIN 66003", place))
        declared = "din66003"
    if declared == "din66003":
        return Reading(_decode(data, declared), declared, issues)
    return Reading(data.decode("ascii"), declared or "ascii", issues)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_likelier(data: bytes, declared: str) -> bool:
    """Two letters of the declared set may look like one of UTF-8: the more German reading wins."""
    if declared not in _EIGHT_BIT:
        return False
    one_by_one = -_judge(data, declared).unlikely
    together = sum(_weight(character) for character in data.decode() if character > "\x7f")
    return one_by_one > together


def _best(data: bytes, declared: str) -> str:
    """The set that explains the bytes best; the declared one where it explains them well."""
    eight_bit = declared if declared in _EIGHT_BIT else ""
    first = eight_bit or "cp437"
    high = data.translate(None, _ASCII_BYTES)
    if eight_bit and not _odd(data, high, eight_bit):
        return eight_bit
    return min((first, *_CANDIDATES), key=lambda codec: _judge(data, codec))


def _judge(data: bytes, codec: str) -> _Judgement:
    high = data.translate(None, _ASCII_BYTES)
    weights = _weights(codec)
    return _Judgement(_odd(data, high, codec), -sum(map(weights.__getitem__, high)))


def _odd(data: bytes, high: bytes, codec: str) -> int:
    """Characters nobody writes, and signs where a letter belongs."""
    odd = len(high) - len(high.translate(None, _odd_ones(codec)))
    if len(high.translate(None, _signs(codec))) != len(high):
        odd += _between_letters(codec, data)
    return odd


@cache
def _characters(codec: str) -> str:
    """The 256 characters of a set; bytes it lacks are read as Windows-1252, then as themselves."""
    if codec == "din66003":
        plain = map(chr, range(0x80))
        return "".join(DIN_66003.get(c, c) for c in plain) + _characters("cp1252")[0x80:]
    return "".join(_character(bytes([byte]), codec) for byte in range(0x100))


def _character(byte: bytes, codec: str) -> str:
    for name in (codec, "cp1252"):
        found = byte.decode(name, "ignore")
        if found and not ("\x80" <= found <= "\x9f"):
            return found
    return byte.decode("latin-1")


def _decode(data: bytes, codec: str) -> str:
    return codecs.charmap_decode(data, "strict", _characters(codec))[0]


@cache
def _weights(codec: str) -> tuple[int, ...]:
    return tuple(_weight(character) for character in _characters(codec))


def _weight(character: str) -> int:
    if character in _GERMAN:
        return 2
    is_latin = unicodedata.name(character, "").startswith("LATIN")
    return 1 if is_latin or character in _SIGNS else -2


@cache
def _odd_ones(codec: str) -> bytes:
    """Bytes of characters nobody writes."""
    weights = _weights(codec)
    return bytes(byte for byte in range(0x80, 0x100) if weights[byte] < 0)


@cache
def _signs(codec: str) -> bytes:
    """Bytes of signs that are no letters."""
    return bytes(b for b, c in enumerate(_characters(codec)) if b > 0x7F and c in _SIGNS)


def _between_letters(codec: str, data: bytes) -> int:
    """Signs that are no letters where a letter belongs."""
    kinds = data.translate(_kinds(codec))
    starts = (match.start() for match in _SIGN_IN_WORD.finditer(kinds))
    return sum(at > 0 and kinds[at - 1] in _LETTERS for at in starts)


_CAPITAL, _SMALL, _SIGN, _OTHER = b"As~ "
_LETTERS = bytes([_CAPITAL, _SMALL])
#: A pattern that begins with a plain byte is looked for fast.
_SIGN_IN_WORD = re.compile(b"~(?=s)")


@cache
def _kinds(codec: str) -> bytes:
    """What each byte is: a letter of ASCII, a sign of the set, or anything else."""
    kinds = bytearray([_OTHER]) * 0x100
    kinds[ord("A") : ord("Z") + 1] = bytes([_CAPITAL]) * 26
    kinds[ord("a") : ord("z") + 1] = bytes([_SMALL]) * 26
    for byte in _signs(codec):
        kinds[byte] = _SIGN
    return bytes(kinds)


def _contradiction(declared: str, found: str, place: str) -> Issue:
    if not declared:
        return _warning("value", f"no character set is declared; read as {found}", place)
    return _warning("value", f"declared as {declared.upper()}, but the bytes are {found}", place)


def _warning(code: str, sentence: str, place: str) -> Issue:
    return Issue("warning", code, sentence, place)
