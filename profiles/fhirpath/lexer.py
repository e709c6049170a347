"""FHIRPath tokens.

https://hl7.org/fhirpath/N1/#grammar (lexical part); `5L` is the Long literal of the current
build.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from profiles.fhirpath.errors import FHIRPathSyntaxError

Kind = Literal[
    "identifier", "delimited", "string", "number", "long", "temporal", "special", "symbol", "end"
]

#: Characters of one expression; the longest invariant of FHIR R4 has fewer than 2,000.
LONGEST = 50_000

_TIME = r"\d{2}(?::\d{2}(?::\d{2}(?:\.\d+)?)?)?"
_TOKEN = re.compile(
    rf"""
    (?P<space>(?:[ \t\r\n]+|//[^\r\n]*|/\*(?:[^*]|\*(?!/))*\*/)+)
    | (?P<temporal>@(?:T{_TIME}|\d{{4}}(?:-\d{{2}}(?:-\d{{2}})?)?
        (?:T(?:{_TIME}(?:Z|[+-]\d{{2}}:\d{{2}})?)?)?))
    | (?P<long>\d+L\b)
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<delimited>`(?:[^`\\]|\\.)*`)
    | (?P<special>\$(?:this|index|total)\b)
    | (?P<identifier>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<symbol><=|>=|!=|!~|[-+*/&|=~<>.,()\[\]{{}}%])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Token:
    """One token; text is unescaped for strings and delimited identifiers."""

    kind: Kind
    text: str
    #: Offset in the expression, in characters.
    position: int


def tokens_of(expression: str) -> list[Token]:
    """Split an expression into tokens, the last one of kind `end`.

    Raises FHIRPathSyntaxError where no token starts or the expression is too long.
    """
    if len(expression) > LONGEST:
        raise FHIRPathSyntaxError("the expression is too long", LONGEST, expression)
    tokens = []
    position = 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None:
            raise FHIRPathSyntaxError(_complaint(expression[position]), position, expression)
        kind: Kind = match.lastgroup  # type: ignore[assignment]
        if match.lastgroup != "space":
            tokens.append(Token(kind, _text(kind, match.group()), position))
        position = match.end()
    tokens.append(Token("end", "", len(expression)))
    return tokens


def _complaint(character: str) -> str:
    unfinished = {"'": "a string", "`": "a delimited identifier", "@": "a date or time"}
    if character in unfinished:
        return f"{unfinished[character]} is not finished or not well-formed"
    return f"{character!r} does not belong into an expression"


def _text(kind: Kind, raw: str) -> str:
    if kind in ("string", "delimited"):
        return unescape(raw[1:-1])
    return raw


def unescape(raw: str) -> str:
    r"""Resolve the escapes of strings; `\uD83E\uDDB6` is one character."""
    if "\\" not in raw:
        return raw
    text = _ESCAPE.sub(_escaped, raw)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _escaped(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return _ESCAPES.get(match[2], match[2])
