"""Regular expressions that end.

https://hl7.org/fhirpath/N1/#matchesregex-string-boolean: PCRE in single-line mode, partial
matches. Python's matcher backtracks, so an expression whose worst case is too much for the
text at hand runs as an automaton instead (`profiles.fhirpath.automaton`), in time proportional
to text × expression; what an automaton cannot do (look-around, back references, groups of a
replacement) is refused then.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from profiles.fhirpath import automaton
from profiles.fhirpath.errors import FHIRPathError, FHIRPathLimitError

_LONGEST = 5_000
#: Worst-case steps that Python's matcher may take: about a second.
_MOST_STEPS = 20_000_000
#: Parts that match one character.
_SINGLE = (codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN, codes.CATEGORY)
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE}
_PROPERTY = re.compile(r"\\([pP])(?:\{(\^?)(\w+)\}|(\w))|\\.|\[\^?\]?|\]", re.DOTALL)
_NAMED_GROUP = re.compile(r"(?<!\\)\(\?<(?=[A-Za-z_])")
_GROUP_REFERENCE = re.compile(r"\\(.)|\$(?:(\d)|\{(\w+)\})|\$")


def search(pattern: str, text: str, flags: str = "") -> bool:
    """Say whether the pattern matches somewhere in the text.

    Raises FHIRPathError for a malformed pattern, FHIRPathLimitError for one that may not end.
    """
    return _matches(pattern, text, flags, anchored=False)


def full(pattern: str, text: str, flags: str = "") -> bool:
    """Say whether the pattern matches the whole text (or, with flag m, a whole line)."""
    if "m" in flags:
        return _matches(f"^(?:{pattern})$", text, flags, anchored=False)
    return _matches(f"(?:{pattern})\\Z", text, flags, anchored=True)


def replace(pattern: str, text: str, substitution: str, flags: str = "") -> str:
    """Replace every match; `$1` and `${name}` stand for groups."""
    compiled, cost = _compiled(pattern, _read_flags(flags))
    if cost.steps(len(text)) > _MOST_STEPS:
        raise FHIRPathLimitError("the regular expression may take too long to replace")
    template = _GROUP_REFERENCE.sub(_reference, substitution)
    try:
        return compiled.sub(template, text)
    except (re.error, IndexError):
        raise FHIRPathError("the replacement names a group that does not exist") from None


def _reference(match: re.Match[str]) -> str:
    if match[1]:
        return match[1] if match[1] != "\\" else "\\\\"
    if match[2] or match[3]:
        return rf"\g<{match[2] or match[3]}>"
    return "$"


def _matches(pattern: str, text: str, flags: str, *, anchored: bool) -> bool:
    options = _read_flags(flags)
    compiled, cost = _compiled(pattern, options)
    if cost.steps(len(text)) <= _MOST_STEPS:
        match = compiled.match(text) if anchored else compiled.search(text)
        return match is not None
    return automaton.matches(compiled.pattern, options, text, anchored=anchored)


def _read_flags(flags: str) -> int:
    if set(flags) - _FLAGS.keys():
        raise FHIRPathError("a regular expression takes the flags i and m")
    options = re.DOTALL
    for flag in flags:
        options |= _FLAGS[flag]
    return int(options)


#: Levels of repeats inside repeats → longest text for Python's matcher; none for more levels.
_SHORT = {1: 16, 2: 6}


@dataclass(frozen=True, slots=True)
class Cost:
    """How the worst case grows with the text: length to a power, or exponentially."""

    #: Repeats that may follow each other, and one for where a search begins.
    power: int
    #: How deep repeats stand inside repeats.
    nested: int

    def steps(self, length: int) -> float:
        """Bound the steps for a text of this length."""
        if self.nested and length > _SHORT.get(self.nested, 2):
            return float("inf")
        return float(max(length, 1)) ** min(self.power, 30)


@lru_cache(maxsize=512)
def _compiled(pattern: str, options: int) -> tuple[re.Pattern[str], Cost]:
    if len(pattern) > _LONGEST:
        raise FHIRPathLimitError("the regular expression is too long")
    translated = _NAMED_GROUP.sub("(?P<", _with_properties(pattern))
    try:
        tree = parser.parse(translated, options)
        compiled = re.compile(translated, options)
    except (re.error, OverflowError, RecursionError):
        raise FHIRPathError("the regular expression is not well-formed") from None
    repeats, nested = _repeats(tree, 0)
    return compiled, Cost(repeats + 1, nested)


def _repeats(tree: Any, inside: int) -> tuple[int, int]:
    """Count repeats that may follow each other, and how deep any is inside others."""
    count, nested = 0, 0
    for operator, argument in tree:
        inner, deeper = _part(operator, argument, inside)
        count += inner
        nested = max(nested, deeper)
    return count, nested


def _part(operator: Any, argument: Any, inside: int) -> tuple[int, int]:
    if operator in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        return _repeat(argument, inside)
    if operator is codes.SUBPATTERN:
        return _repeats(argument[3], inside)
    if operator is codes.BRANCH:
        branches = [_repeats(branch, inside) for branch in argument[1]]
        # Alternatives inside a repeat may match the same text in several ways.
        nested = max(inside, *(one for _, one in branches))
        return max(one for one, _ in branches), nested
    if operator in (codes.ASSERT, codes.ASSERT_NOT):
        return _repeats(argument[1], inside)
    if operator is codes.ATOMIC_GROUP:
        return _repeats(argument, inside)
    return 0, 0


def _repeat(argument: Any, inside: int) -> tuple[int, int]:
    least, most, body = argument
    varies = inside if most != least else 0
    if len(body) == 1 and body[0][0] in _SINGLE:
        return int(most is codes.MAXREPEAT or most > 20), varies
    inner, nested = _repeats(body, inside + 1)
    return max(1, inner), max(nested, varies)


def _with_properties(pattern: str) -> str:
    r"""Write `\p{Lu}` as the ranges of its characters, which Python's matcher knows."""
    if "\\p" not in pattern and "\\P" not in pattern:
        return pattern
    in_class = False

    def written(match: re.Match[str]) -> str:
        nonlocal in_class
        found = match.group()
        if found[0] == "[" and not in_class:
            in_class = True
        elif found == "]":
            in_class = False
        if match[1] is None:
            return found
        ranges = _ranges(match[3] or match[4])
        negative = (match[1] == "P") != bool(match[2])
        if in_class and negative:
            raise FHIRPathError("a negated character property inside [ ] is not supported")
        return ranges if in_class else f"[{'^' if negative else ''}{ranges}]"

    return _PROPERTY.sub(written, pattern)


def _ranges(name: str) -> str:
    ranges = "".join(text for category, text in _categories().items() if category.startswith(name))
    if not ranges:
        raise FHIRPathError("the regular expression names an unknown character property")
    return ranges


@cache
def _categories() -> dict[str, str]:
    """Unicode category → its characters as ranges of a character class."""
    found: dict[str, list[list[int]]] = {}
    for code in range(sys.maxunicode + 1):
        spans = found.setdefault(unicodedata.category(chr(code)), [])
        if spans and spans[-1][1] == code - 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    return {
        category: "".join(rf"\U{first:08x}-\U{last:08x}" for first, last in spans)
        for category, spans in found.items()
    }
