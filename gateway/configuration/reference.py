"""The configuration reference, written from the classes that are read: docs/configuration.md.

`python -m gateway.configuration.reference` prints it; a test compares it with the file.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from gateway.configuration.spelling import SPELLING
from gateway.domain.client import Client, Issuer
from gateway.domain.folder import Folder
from gateway.domain.region import Endpoint, Organization, Practitioner, Route
from gateway.domain.retry import Retry
from gateway.domain.time import DAY, SECOND
from gateway.settings import TABLES, LabelSettings, size, span
from mappers.dialect import AttestedConsent, Dialect, Outgoing, Row
from mappers.message_profile import MessageProfile, StatedRule
from profiles.reading.record import key_of

_FIELD = re.compile(r"    (\w+): ")
_INTRODUCTION = """# Configuration reference

This page is written from the source (`python -m gateway.configuration.reference`); a test keeps it
true. Durations are texts such as `"500ms"`, `"5s"`, `"15m"`, `"4h"`, `"14d"`, `"3y"`; sizes such as
`"16kB"`, `"20MB"`. Relative paths start at the folder of `gateway.toml`. Secrets stand in files
(mode 0400) or in the environment, never here. An unknown key is an error that names the nearest
known one.

`[[organization]]`, `[[endpoint]]`, `[[route]]`, `[[practitioner]]` and `[[client]]` may stand in
`gateway.toml` or in any `.toml` file of the folders `organizations/`, `endpoints/`, `routes/` and
`clients/`.
Practitioners may also come as CSV from `practitioners/*.csv` with the columns `organization`,
`lanr`, `bsnr`, `name`, `assigner`, `value`.
"""
_CONSENT = """
## [consent]

What holds where no consent of the patient says anything, and what the region allows.
The engine's order of rules is described in [decision 0004](decisions/0004-consent-order.md).

| key | type | default | meaning |
|---|---|---|---|
| `implicit` | text or list | `"deny"` | `deny`, `break-glass-only`, `permit-treatment`, or rules |
| `clinical_roles` | list | `["physician", "nurse"]` | Roles `permit-treatment` holds for. |
| `clinical_kinds` | list | `["hospital", "practice"]` | Kinds of organizations it holds for. |
| `break_glass` | table | nobody | `roles`, `actions`, `on_absent`, `on_explicit_deny` … |
| `legal_mandates` | list | none | Statutory duties: `id`, `recipient`, `purpose`, `actions` … |
| `lineage` | text | `"newest"` | `newest`: a newer consent replaces older ones; or `all`. |
| `unlabelled_documents` | text | `"hold"` | What unlabelled free text is: `hold` or `normal`. |
"""
_REGION: dict[str, type] = {
    "[[label]]": LabelSettings,
    "[[organization]]": Organization,
    "[[endpoint]]": Endpoint,
    "endpoint.retry": Retry,
    "endpoint.folder": Folder,
    "[[route]]": Route,
    "[[practitioner]]": Practitioner,
    "[[client]]": Client,
    "[[issuer]]": Issuer,
    "dialects/NAME.toml": Dialect,
    "dialects/NAME.toml [consent]": AttestedConsent,
    "dialects/NAME.toml [[rows]]": Row,
    "dialects/NAME.toml [outgoing]": Outgoing,
    "dialects/NAME.toml [profile]": MessageProfile,
    "dialects/NAME.toml [[profile.rules]]": StatedRule,
}
#: Sentences for fields whose name says it all in the source.
_SELF_EVIDENT = {
    "id": "Its name in this configuration.",
    "name": "Its name for people.",
    "identifier": "Official identifiers (IK, BSNR, Telematik-ID) as `{ system, value }`.",
    "organization": "Id of the organization it belongs to.",
    "dialect": "Name of a file in `dialects/`, `de` (as if empty) or `standard`.",
    "retry": "How often and how long it is tried, see `endpoint.retry`.",
    "lanr": "Lifelong physician number, nine digits.",
    "bsnr": "Number of the place of work, nine digits.",
    "purpose": "v3-PurposeOfUse code the route serves.",
    "legal_basis": "The law or consent it rests on, for the record of processing.",
    "controller": "Id of the organization that answers for it.",
    "data_categories": "What kind of data travels, for the record of processing.",
    "attempts": "Attempts before a delivery is dead.",
    "first": "Wait before the second attempt; doubles from there.",
    "most": "Longest wait between attempts.",
}


def reference() -> str:
    """Write the whole page."""
    parts = [_INTRODUCTION]
    for table, kind in TABLES.items():
        parts.append(_section(f"[{table}]", kind))
        if table == "store":
            parts.append(_CONSENT)
    parts.extend(_section(title, kind) for title, kind in _REGION.items())
    return "\n".join(parts)


def sentences(kind: type) -> dict[str, str]:
    """Return the `#:` comment of every field of a dataclass."""
    found: dict[str, str] = {}
    comment: list[str] = []
    for line in inspect.getsource(kind).splitlines():
        if line.startswith("    #: "):
            comment.append(line.removeprefix("    #: "))
        elif match := _FIELD.match(line):
            found[match[1]] = " ".join(comment) or found.get(match[1], "")
            comment = []
    return found


def _section(title: str, kind: type) -> str:
    first = (kind.__doc__ or "").splitlines()[0]
    rows = "\n".join(_rows(kind))
    head = "| key | type | default | meaning |\n|---|---|---|---|"
    return f"\n## {title}\n\n{first}\n\n{head}\n{rows}\n"


def _rows(kind: type) -> Iterator[str]:
    hints = get_type_hints(kind, include_extras=True)
    meanings = sentences(kind)
    before = ""
    for item in fields(kind):
        if kind is Dialect and item.name == "name":
            continue
        meaning = meanings.get(item.name) or _SELF_EVIDENT.get(item.name) or before
        before = meaning
        read = SPELLING.reads.get((kind, item.name))
        name = key_of(kind, item.name, SPELLING)
        form = _form(hints[item.name], read)
        yield f"| `{name}` | {form} | {_default(item, form)} | {meaning.replace('|', '&#124;')} |"


def _form(hint: Any, read: Any) -> str:
    if read is span or (get_origin(hint) is Annotated and span in get_args(hint)):
        return "duration"
    if read is size or (get_origin(hint) is Annotated and size in get_args(hint)):
        return "size"
    if get_origin(hint) is tuple:
        return "list"
    if is_dataclass(hint) or get_origin(hint) is not None or not isinstance(hint, type):
        return (
            "text"
            if "Literal" in str(hint)
            else "true or false"
            if "bool" in str(hint)
            else "table"
        )
    return {str: "text", int: "number", float: "number", bool: "true or false"}.get(hint, "text")


def _default(item: Field[Any], form: str) -> str:
    if item.default is MISSING:
        return "" if item.default_factory is not MISSING else "required"
    value = item.default
    if value is None or value in ((), ""):
        return ""
    if form == "duration":
        return f'`"{_duration(value)}"`'
    if form == "size":
        return f'`"{_size(value)}"`'
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(_quoted(one) for one in value)}]`"
    return f"`{_quoted(value)}`"


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _duration(value: int) -> str:
    for unit, length in (("y", 365 * DAY), ("d", DAY), ("h", 3_600 * SECOND), ("m", 60 * SECOND)):
        if value and value % length == 0:
            return f"{value // length}{unit}"
    return f"{value // SECOND}s" if value % SECOND == 0 else f"{value // 1_000}ms"


def _size(value: int) -> str:
    for unit, length in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)):
        if value % length == 0:
            return f"{value // length}{unit}"
    return f"{value}B"


if __name__ == "__main__":
    sys.stdout.write(reference())
