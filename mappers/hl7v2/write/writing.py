"""One message being written: the traced Bundle, the partner's dialect, codes and times."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from mappers.base import Context
from mappers.codes import Coded, rows, table
from mappers.hl7v2.session import PACKAGE
from mappers.hl7v2.write.er7 import Pen, Segment
from mappers.hl7v2.write.form import Form
from mappers.hl7v2.write.versions import CODES, later
from mappers.source import Source
from mappers.trace import Text, derived, text

#: Codes a table lacks → the v2 code that comes nearest: an urgent order must not look like any.
_NEAREST: Mapping[str, Mapping[str, str]] = {"order-priority": {"urgent": "A"}}
#: Table → FHIR code → the v2 code written where a table has several.
_PREFERRED: Mapping[str, Mapping[str, str]] = {
    "name-use": {"maiden": "B", "temp": "TEMP", "anonymous": "S"},
    "document-status": {"preliminary": "IP", "final": "AU"},
    "report-status": {"registered": "O", "partial": "A"},
    "order-status": {"active": "IP"},
    "observation-status": {"registered": "I", "final": "F"},
}
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")


class Writing:
    """What the segments' functions share."""

    __slots__ = ("context", "dialect", "namespace", "pen", "segment", "source", "zone")

    def __init__(self, source: Source, context: Context, pen: Pen) -> None:
        """Begin to write `source` with `pen` for the partner `context` describes."""
        self.source = source
        self.pen = pen
        #: Begins a segment: name and first plain fields.
        self.segment: Callable[..., Segment] = pen.segment
        self.context = context
        self.dialect = context.dialect
        self.namespace = context.namespace
        self.zone = ZoneInfo(context.dialect.timezone)

    @property
    def form(self) -> Form:
        """How the partner wants its messages."""
        return self.pen.form

    def since(self, version: str) -> bool:
        """Tell whether the partner's version is this one or a later one."""
        return later(self.pen.form.version, version)

    def is_code(self, segment: str, field: int) -> bool:
        """Tell whether a field takes one code without components in the partner's version."""
        shape = self.pen.knows(segment, field)
        return shape is not None and shape.datatype in CODES

    def carried(self, *nodes: Any) -> None:
        """Note that the message expresses these values by its structure or codes."""
        self.source.carried(*nodes)

    def code(self, name: str, value: Text | None, field: str = "") -> Text | None:
        """Return the v2 code of a plain FHIR code, None when the table has none."""
        if value is None:
            return None
        found = _PREFERRED.get(name, {}).get(value) or _by_code(name).get(value)
        if found is None and (near := _NEAREST.get(name, {}).get(value)) is not None:
            # Said nearly, and named as left out.
            return text(self.local(near, field), ())
        return text(self.local(found, field), value.source) if found else None

    def coded(self, name: str, coding: Mapping[str, Any], field: str = "") -> str | None:
        """Return the v2 code of a Coding, carrying its system, code and table display."""
        code, system = coding.get("code"), coding.get("system")
        found = _by_coding(name).get((str(system or ""), str(code or "")))
        if found is None:
            return None
        shown = coding.get("display")
        implied = shown if shown == table(PACKAGE, name)[found].display else None
        return derived(self.local(found, field), code, system, implied)

    def knows(self, name: str, coding: Mapping[str, Any]) -> bool:
        """Tell whether a table has a v2 code for a Coding."""
        return (str(coding.get("system", "")), str(coding.get("code", ""))) in _by_coding(name)

    def local(self, code: str, field: str) -> str:
        """Return the partner's local code for a standard one."""
        for ours, standard in self.dialect.codes.get(field, {}).items():
            if standard == code:
                return ours
        return code

    def time(self, value: Text | None) -> str | None:
        """Write a FHIR date, dateTime or instant in its precision, in the partner's zone.

        HL7 has four decimals of a second: a finer time is written but counts as left out.
        """
        if value is None:
            return None
        if _DATE.fullmatch(value):
            return text(value.replace("-", ""), value.source)
        match = _TIME.fullmatch(value)
        if match is None:
            return None
        moment, fraction, offset = match.groups()
        try:
            local = datetime.fromisoformat(moment + offset).astimezone(self.zone)
        except (ValueError, OverflowError):
            return None
        written = f"{local.year:04d}{local:%m%d%H%M%S}{(fraction or '')[:5]}{f'{local:%z}'[:5]}"
        exact = not (fraction or "")[5:].strip("0")
        return text(written, value.source) if exact else written


@cache
def _by_code(name: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for source, target in table(PACKAGE, name).items():
        found.setdefault(target.code, source)
    return found


@cache
def _by_coding(name: str) -> Mapping[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for source, target in table(PACKAGE, name).items():
        found.setdefault((target.system, target.code), source)
    return found


def meaning(name: str, code: str) -> Coded | None:
    """Return what a v2 code means in FHIR."""
    return table(PACKAGE, name).get(code)


@cache
def system_names() -> Mapping[str, str]:
    """Code system URI → the name CWE.3 gives it."""
    found: dict[str, str] = {}
    for row in rows(PACKAGE, "codes", "coding-systems"):
        if not row["version"]:
            found.setdefault(row["system"], row["name"])
    return found
