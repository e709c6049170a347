"""Key tables of the KBV: `keytab` elements with `key` elements.

https://update.kbv.de/ita-update/Allgemein/ (ehd, section keytabs). A table has its OID in `S`, its
name (`S_KBV_…`) in `SN`, its version in `SV`; a key its code in `V` and its meaning in `DN`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from profiles.reading.limits import refused
from profiles.reading.where import Where
from profiles.reading.xml_stream import line_of, local_name, stream_xml
from profiles.terminology.concept import Header
from profiles.terminology.store.records import Catalogue, ConceptRow, PropertyRow, Record

if TYPE_CHECKING:
    from profiles.reading.xml_stream import Element

_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
#: Tables named in an error.
_MOST_NAMED = 50
#: Attributes of a key that say nothing about it: its code and meaning, its table and version.
_OWN = frozenset({"V", "DN", "S", "SN", "SV"})


def key_tables(path: Path) -> list[tuple[str, str]]:
    """Return (name, version) of the tables in a file; the name is `SN`, else the OID."""
    return [(name, version) for name, version, _ in _tables(path)]


def key_table(path: Path, *, url: str = "", table: str = "", version: str = "") -> Catalogue:
    """Describe one key table; `table` (name or OID) may be left out where there is only one.

    `url` is the code system's, e.g. `https://fhir.kbv.de/CodeSystem/KBV_CS_SFHIR_KBV_PERSONENGRUPPE`;
    without it the table's OID. Other attributes of a key become properties. Raises NotConformant
    when the table is not there.
    """
    found = [one for one in _tables(path) if not table or table in (one[0], one[2])]
    if len(found) != 1:
        known = ", ".join(sorted(name for name, _, _ in _tables(path))[:_MOST_NAMED])
        raise refused(
            f"{path.name}: there is not exactly one such key table; there are: {known or 'none'}",
            code="not-found",
        )
    name, said, oid = found[0]
    header = Header(
        url=url or (f"urn:oid:{oid}" if _OID.fullmatch(oid) else ""),
        version=version or said,
        name=name,
        case_sensitive=True,
        language="de",
    )
    if not header.url:
        raise refused(f"{path.name}: the key table has no OID; name its URL", code="required")
    return Catalogue(header, partial(_records, path, name))


def _tables(path: Path) -> list[tuple[str, str, str]]:
    """Return (name, version, OID) of the tables that have keys."""
    found = (_table_of(key) for key in stream_xml(path, {"key"}))
    said = ((_name(one), one.get("SV", ""), one.get("S", "")) for one in found if one is not None)
    return list(dict.fromkeys(said))


def _table_of(key: Element) -> Element | None:
    """Return the table a key stands in."""
    return next((one for one in key.iterancestors() if local_name(one) == "keytab"), None)


def _name(table: Element) -> str:
    return table.get("SN", "") or table.get("S", "")


def _records(path: Path, table: str, where: Where) -> Iterator[Record]:
    for outer in stream_xml(path, {"key"}):
        above = _table_of(outer)
        if above is not None and _name(above) == table:
            for key in outer.iter():
                if local_name(key) == "key":
                    where.at(path.name, line_of(key))
                    yield from _of_key(key)


def _of_key(key: Element) -> Iterator[Record]:
    code = key.get("V", "").strip()
    if not code:
        raise refused("a key has no value (V)", code="required")
    yield ConceptRow(code, key.get("DN", "").strip())
    for name, value in key.attrib.items():
        if name not in _OWN and value:
            yield PropertyRow(code, str(name).rpartition("}")[2], str(value))
