"""Objects of LDT 3 as lines: what announces them, where they begin and end, time stamps, texts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from mappers.codes import table
from mappers.trace import Text, text
from mappers.xdt.charset import PACKAGE
from mappers.xdt.write.pen import Field
from mappers.xdt.write.reader import Writing

_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


def obj(fk: str, *fields: Iterable[Field]) -> list[Field]:
    """The object a Feldkennung announces; nothing where it would be empty."""
    inner = [field for part in fields for field in part]
    if not inner:
        return []
    known = table(PACKAGE, "ldt-attribute")[fk]
    return [(fk, known.display), ("8002", known.code), *inner, ("8003", known.code)]


def day(value: Text | None) -> str | None:
    """A FHIR date or the day of a dateTime as JJJJMMTT."""
    match = _DAY.match(value) if value is not None else None
    return text("".join(match.groups()), value.source) if match and value is not None else None


def stamp(w: Writing, fk: str, value: Text | None) -> list[Field]:
    """A FHIR date, dateTime or instant → 0054 in the partner's zone."""
    if value is None:
        return []
    if _MOMENT.fullmatch(value) is None:
        return obj(fk, w.pen.field("7278", day(value)))
    try:
        local = datetime.fromisoformat(value).astimezone(w.zone)
    except (ValueError, OverflowError):
        return []
    shift = local.utcoffset()
    hours = int(shift.total_seconds() // 3600) if shift is not None else 0
    w.carried(value)
    fields = [("7278", f"{local:%Y%m%d}"), ("7279", f"{local:%H%M%S}"), ("7273", f"UTC{hours:+d}")]
    return obj(fk, fields)


def words(w: Writing, fk: str, value: Text | None) -> list[Field]:
    """A text → 0068, line by line."""
    return obj(fk, w.pen.lines("3564", value))
