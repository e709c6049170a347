"""Mappings (parsed TOML, JSON or CSV rows) into frozen dataclasses, with errors people can act on.

A field's annotation says what is accepted; `Annotated[int, read]` names a function that reads the
written form (`"5s"`, `"20MB"`) and raises ValueError. An unknown key is an error that names the
file, the table, and the nearest known key.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from profiles.issue import Issue, NotConformant

T = TypeVar("T")
#: Reads the written form of a value; ValueError says what is expected.
Read = Callable[[Any], Any]

_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mapping stands: file and table, for the error sentence."""

    file: str
    table: str = ""

    def __str__(self) -> str:
        """Write it as people find it: `gateway.toml [http]`."""
        return f"{self.file} [{self.table}]" if self.table else self.file

    def within(self, name: str) -> Place:
        """Name a table inside this one."""
        return Place(self.file, f"{self.table}.{name}" if self.table else name)


@dataclass(frozen=True, slots=True)
class Spelling:
    """How files write a dataclass that does not say it in its annotations."""

    #: (class, field) → the key files use, where it differs: `from` for `sources`.
    keys: Mapping[tuple[type, str], str] = field(default_factory=dict)
    #: (class, field) → reads the written form, e.g. a duration.
    reads: Mapping[tuple[type, str], Read] = field(default_factory=dict)


_PLAIN = Spelling()


class _WrongKindError(Exception):
    """A value is not of its field's kind; the text says what is expected."""


def read_record(
    kind: type[T], mapping: Mapping[str, Any], place: Place, spelling: Spelling = _PLAIN
) -> T:
    """Build `kind` from a mapping.

    Raises NotConformant carrying one Issue for every fault found, not only the first.
    """
    reader = _Reader(spelling)
    values = reader.values(kind, mapping, place)
    if reader.issues:
        raise NotConformant(reader.issues[0].text, issues=tuple(reader.issues))
    return kind(**values)


def key_of(kind: type, name: str, spelling: Spelling = _PLAIN) -> str:
    """Return the key that files use for a field."""
    return spelling.keys.get((kind, name), name)


def nearest(word: str, known: list[str]) -> str:
    """Return the known word that looks most like this one, or "" when nothing is known."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.0)
    return near[0] if near else ""


def one_of(*words: str) -> Read:
    """Make a reader that takes one of these words."""

    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(_choices(value, list(words)))
        return str(value)

    return read


def some_of(*words: str) -> Read:
    """Make a reader that takes a list of some of these words."""
    each = one_of(*words)

    def read(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list | tuple):
            raise ValueError(f"a list of {', '.join(words)} is expected")  # noqa: TRY004 - a Read says so
        return tuple(each(one) for one in value)

    return read


def unknown_key(key: str, known: list[str], place: Place) -> Issue:
    """Make the finding for a key nobody reads."""
    hint = nearest(key, known)
    meant = f"; did you mean {hint!r}?" if hint else ""
    return Issue("error", "structure", f"{place}: unknown key {key!r}{meant}", str(place))


class _Reader:
    """Collects findings while it reads one mapping with everything inside it."""

    def __init__(self, spelling: Spelling) -> None:
        self.spelling = spelling
        self.issues: list[Issue] = []

    def values(self, kind: type, mapping: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """Read the fields of `kind`; what is wrong goes to `issues`."""
        members = {key_of(kind, item.name, self.spelling): item for item in _own_fields(kind)}
        hints = get_type_hints(kind, include_extras=True)
        for key in mapping:
            if key not in members:
                self.issues.append(unknown_key(key, sorted(members), place))
        values: dict[str, Any] = {}
        for key, item in members.items():
            if key in mapping:
                self._read(kind, item, hints[item.name], mapping[key], (place, key, values))
            elif item.default is MISSING and item.default_factory is MISSING:
                self._report(place, f"the key {key!r} is missing", "required")
        return values

    def _read(
        self,
        kind: type,
        item: Field[Any],
        hint: Any,
        value: Any,
        target: tuple[Place, str, dict[str, Any]],
    ) -> None:
        place, key, values = target
        read = self.spelling.reads.get((kind, item.name))
        try:
            values[item.name] = (
                _written(read, value) if read else self._convert(hint, value, place.within(key))
            )
        except _WrongKindError as wrong:
            self._report(place, f"{key} must be {wrong}", "value")

    def _report(self, place: Place, text: str, code: str) -> None:
        self.issues.append(Issue("error", code, f"{place}: {text}", str(place)))

    def _convert(self, hint: Any, value: Any, place: Place) -> Any:
        origin = get_origin(hint)
        if origin is Annotated:
            return _written(get_args(hint)[1], value)
        if origin in (Union, types.UnionType):
            return self._convert_first(get_args(hint), value, place)
        if origin is Literal:
            return _choice(value, [str(word) for word in get_args(hint)])
        if origin is tuple:
            return self._convert_items(get_args(hint), value, place)
        if is_dataclass(hint):
            return self._convert_record(cast("type", hint), value, place)
        return _plain(origin or hint, value)

    def _convert_first(self, kinds: tuple[Any, ...], value: Any, place: Place) -> Any:
        """`X | None`: TOML has no null, so a stated value is an X."""
        stated = [kind for kind in kinds if kind is not type(None)]
        return self._convert(stated[0], value, place)

    def _convert_items(self, kinds: tuple[Any, ...], value: Any, place: Place) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise _WrongKindError("a list")
        if len(kinds) == 2 and kinds[1] is Ellipsis:
            return tuple(self._convert(kinds[0], item, place) for item in value)
        if len(value) != len(kinds):
            raise _WrongKindError(f"a list of {len(kinds)}")
        return tuple(
            self._convert(kind, item, place) for kind, item in zip(kinds, value, strict=True)
        )

    def _convert_record(self, kind: type, value: Any, place: Place) -> Any:
        if not isinstance(value, Mapping):
            raise _WrongKindError("a table")
        before = len(self.issues)
        values = self.values(kind, value, place)
        return kind(**values) if len(self.issues) == before else None


def _own_fields(kind: type) -> tuple[Field[Any], ...]:
    return tuple(item for item in fields(kind) if item.init)


def _written(read: Read, value: Any) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise _WrongKindError(str(error)) from error


def _choice(value: Any, words: list[str]) -> str:
    if value in words:
        return str(value)
    raise _WrongKindError(_choices(value, words))


def _choices(value: Any, words: list[str]) -> str:
    hint = f" (nearest: {nearest(value, words)!r})" if isinstance(value, str) else ""
    return f"one of {', '.join(words)}{hint}"


def _plain(kind: Any, value: Any) -> Any:
    if kind is Any:
        return value
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(_choice(value, [str(member) for member in kind]))
    if kind is Path:
        return Path(_plain(str, value))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind in _WORDS:
        if type(value) is not kind:
            raise _WrongKindError(_WORDS[kind])
        return value
    if isinstance(value, Mapping):
        return dict(value)
    raise _WrongKindError("a table")
