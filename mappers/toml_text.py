"""Plain values → TOML (https://toml.io/en/v1.0.0), for configuration the gateway proposes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(values: Mapping[str, Any], notes: Mapping[str, str] | None = None) -> str:
    """Write nested tables; `notes` are comments by dotted key, written before it.

    Values are texts, numbers, truth values, lists of them, tables, and lists of tables.
    """
    lines = list(_table(values, (), notes or {}))
    return "\n".join(lines).strip() + "\n"


def _table(
    values: Mapping[str, Any], path: tuple[str, ...], notes: Mapping[str, str]
) -> Iterator[str]:
    inner = {k: v for k, v in values.items() if _is_table(v) or _is_list_of_tables(v)}
    for key, value in values.items():
        if key not in inner:
            yield from _noted(notes, (*path, key))
            yield f"{_key(key)} = {_value(value)}"
    for key, value in inner.items():
        place = (*path, key)
        name = ".".join(map(_key, place))
        for item in value if isinstance(value, list) else [value]:
            yield ""
            yield from _noted(notes, place)
            yield f"[[{name}]]" if isinstance(value, list) else f"[{name}]"
            yield from _table(item, place, notes)


def _noted(notes: Mapping[str, str], place: tuple[str, ...]) -> Iterator[str]:
    note = notes.get(".".join(place), "")
    yield from (f"# {line}" for line in note.splitlines())


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_list_of_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_table, value))


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    # A JSON string without DEL is a TOML basic string.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
