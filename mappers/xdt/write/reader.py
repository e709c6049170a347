"""What the writers ask resources for: codes, extensions, references, dates as GDT writes them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from mappers.base import Context, Resource
from mappers.source import Source
from mappers.trace import Text, derived, text
from mappers.xdt.results import FIELD, LOINC
from mappers.xdt.write.pen import Pen

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_DAY = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?")


class Writing:
    """One delivery being written: the traced Bundle, the pen, the partner's dialect."""

    __slots__ = ("context", "namespace", "objects", "pen", "source", "zone")

    def __init__(self, source: Source, pen: Pen, context: Context, *, objects: bool) -> None:
        """Begin to write; `objects`: GDT 3."""
        self.source = source
        self.pen = pen
        self.context = context
        self.namespace = context.namespace
        self.objects = objects
        self.zone = ZoneInfo(context.dialect.timezone)

    def carried(self, *nodes: Any) -> None:
        """Note that the record expresses these values by its structure."""
        self.source.carried(*nodes)

    def extension(self, node: dict[str, Any], url: str) -> dict[str, Any] | None:
        """Return an extension by its end of the URL; its URL counts as said."""
        for one in node.get("extension", ()):
            if str(one.get("url", "")).endswith(url):
                self.carried(one.get("url"))
                return one  # type: ignore[no-any-return]  # traced JSON
        return None

    def identifier(self, resource: Resource, system: str) -> Text | None:
        """Return the value of an identifier; its system and type count as said."""
        for one in resource.get("identifier", ()):
            if one.get("system") == system and "value" in one:
                self.carried(one.get("system"), one.get("type"), one.get("use"))
                return one["value"]  # type: ignore[no-any-return]  # traced JSON
        return None

    def coding(self, concept: dict[str, Any], system: str) -> Text | None:
        """Return the code of a system; system and display count as said."""
        for one in concept.get("coding", ()):
            if one.get("system") == system and "code" in one:
                self.carried(one.get("system"), one.get("display"))
                return one["code"]  # type: ignore[no-any-return]  # traced JSON
        return None

    def field_of(self, resource: Resource) -> str:
        """Return the Feldkennung that names an Observation; "" for others."""
        for one in resource.get("code", {}).get("coding", ()):
            if one.get("system") == FIELD:
                return str(one.get("code", ""))
        return ""

    def loinc_of(self, resource: Resource) -> str:
        """Return the LOINC code of an Observation or component; "" without one."""
        for one in resource.get("code", {}).get("coding", ()):
            if one.get("system") == LOINC:
                return str(one.get("code", ""))
        return ""

    def local(self, code: str, fk: str) -> str:
        """Return the partner's own code for a standard one."""
        for own, standard in self.context.dialect.codes.get(fk, {}).items():
            if standard == code:
                return own
        return code

    # -- dates -----------------------------------------------------------------------------

    def day(self, value: Text | None) -> str | None:
        """TTMMJJJJ in the partner's zone; parts that are not known are zeros."""
        if value is None:
            return None
        local = self._local(value)
        if local is not None:
            return text(f"{local:%d%m%Y}", value.source)
        match = _DAY.fullmatch(value)
        if match is None:
            return None
        year, month, day = match.groups()
        return text(f"{day or '00'}{month or '00'}{year}", value.source)

    def clock(self, value: Text | None) -> str | None:
        """HHMMSS in the partner's zone; None for a day."""
        local = self._local(value) if value is not None else None
        return text(f"{local:%H%M%S}", value.source) if local and value is not None else None

    def _local(self, value: Text) -> datetime | None:
        if _MOMENT.fullmatch(value) is None:
            return None
        try:
            return datetime.fromisoformat(value).astimezone(self.zone)
        except (ValueError, OverflowError):
            return None


def number(value: Any) -> str | None:
    """A decimal as text with its source."""
    return derived(str(value.value), value) if value is not None else None
