"""`_filter`: one expression with and, or, not and parentheses.

https://hl7.org/fhir/R4/search_filter.html. A comparison becomes the search parameter and value
that ask the same: `given sw "mar"` is `given=mar`, `date ge 2024` is `date=ge2024`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from profiles.issue import Issue, NotConformant, NotSupported

#: Bounds for foreign expressions.
_MOST_TOKENS = 400
_DEEPEST = 20
_TOKEN = re.compile(r'\s*(?:(?P<mark>[()])|(?P<text>"(?:\\.|[^"\\])*")|(?P<word>[^\s()"]+))')
_PREFIXES = frozenset({"ne", "gt", "lt", "ge", "le", "ap", "sa", "eb"})
#: (kind of parameter, operator) → modifier; "" with an eq that is none.
_OPERATORS: dict[tuple[str, str], str] = {
    ("string", "eq"): "exact",
    ("string", "co"): "contains",
    ("string", "sw"): "",
    ("token", "eq"): "",
    ("token", "ne"): "not",
    ("token", "in"): "in",
    ("token", "ni"): "not-in",
    ("token", "ss"): "below",
    ("token", "sb"): "above",
    ("reference", "eq"): "",
    ("reference", "re"): "",
    ("uri", "eq"): "",
    ("date", "eq"): "",
    ("number", "eq"): "",
    ("quantity", "eq"): "",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """`path operator value`."""

    path: str
    operator: str
    value: str
    quoted: bool

    def pair(self, name: str, kind: str) -> tuple[str, str]:
        """Return the parameter, with its modifier, and the value that ask the same."""
        if self.operator == "pr":
            return f"{name}:missing", {"true": "false", "false": "true"}.get(self.value, "")
        text = self._escaped(kind)
        if kind in {"date", "number", "quantity"} and self.operator in _PREFIXES:
            return name, self.operator + text
        modifier = _OPERATORS.get((kind, self.operator))
        if modifier is None:
            raise NotSupported("this operator of _filter is not supported for its parameter")
        return (f"{name}:{modifier}" if modifier else name), text

    def _escaped(self, kind: str) -> str:
        """Escape what separates values in a search; bars of a code stay what they are."""
        if not self.quoted:
            return self.value.replace(",", "\\,")
        marks = r"([\\,$|])" if kind == "string" else r"([\\,])"
        return re.sub(marks, r"\\\1", self.value)


@dataclass(frozen=True, slots=True)
class Combination:
    """and, or (of two or more), not (of one)."""

    operator: str
    parts: tuple[Expression, ...]


Expression = Comparison | Combination


def read_filter(text: str) -> Expression:
    """Read an expression. Raises NotConformant for what is none."""
    return _Reader(_tokens(text)).whole()


def _wrong() -> NotConformant:
    text = "the value of search parameter _filter is not valid"
    return NotConformant(text, issues=(Issue("error", "value", text),))


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = _TOKEN.match(stripped, at)
        if match is None or len(found) == _MOST_TOKENS:
            raise _wrong()
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return found


class _Reader:
    """Reads tokens from left to right; `and` binds closer than `or`."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def whole(self) -> Expression:
        found = self._either()
        if self._at != len(self._tokens):
            raise _wrong()
        return found

    def _either(self) -> Expression:
        return self._joined("or", lambda: self._joined("and", self._one))

    def _joined(self, word: str, read: Callable[[], Expression]) -> Expression:
        parts = [read()]
        while self._at < len(self._tokens) and self._tokens[self._at] == ("word", word):
            self._at += 1
            parts.append(read())
        return parts[0] if len(parts) == 1 else Combination(word, tuple(parts))

    def _one(self) -> Expression:
        kind, text = self._take()
        if (kind, text) == ("mark", "("):
            return self._inside()
        if kind != "word":
            raise _wrong()
        if text == "not" and self._peek() == ("mark", "("):
            self._at += 1
            return Combination("not", (self._inside(),))
        return self._comparison(text)

    def _inside(self) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _wrong()
        found = self._either()
        self._depth -= 1
        if self._take() != ("mark", ")"):
            raise _wrong()
        return found

    def _comparison(self, path: str) -> Comparison:
        (kind, operator), (value_kind, value) = self._take(), self._take()
        if kind != "word" or value_kind == "mark":
            raise _wrong()
        if value_kind == "text":
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        if not value:
            raise _wrong()
        return Comparison(path, operator, value, value_kind == "text")

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("", "")

    def _take(self) -> tuple[str, str]:
        found = self._peek()
        if not found[0]:
            raise _wrong()
        self._at += 1
        return found
