"""Key tables of the KBV: `keytab` elements with `key` elements.

https://update.kbv.de/ita-update/Allgemein/. A table has its OID or name in `S`, its version in
`SV`; a key its code in `V` and its meaning in `DN`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from profiles.reading.limits import refused
from profiles.reading.xml_stream import StreamLimits, local_name, stream_xml
from profiles.terminology.concept import Header
from profiles.terminology.store.records import Catalogue, ConceptRow, PropertyRow, Record

if TYPE_CHECKING:
    from profiles.reading.xml_stream import Element

#: The doctors' and payers' tables have some ten thousand keys.
_LIMITS = StreamLimits(inner=500_000)
_OWN = frozenset({"V", "DN"})


def key_tables(path: Path) -> list[tuple[str, str]]:
    """Return (table, version) of the tables in a file."""
    return [
        (one.get("S", ""), one.get("SV", ""))
        for one in stream_xml(path, {"keytab"}, limits=_LIMITS)
    ]


def key_table(path: Path, *, url: str, table: str = "", version: str = "") -> Catalogue:
    """Describe one key table; `table` (its `S`) may be left out where there is only one.

    `url` is the code system's, e.g. `https://fhir.kbv.de/CodeSystem/KBV_CS_SFHIR_KBV_PERSONENGRUPPE`.
    Other attributes of a key become properties. Raises NotConformant when the table is not there.
    """
    found = [one for one in key_tables(path) if not table or one[0] == table]
    if len(found) != 1:
        raise refused(f"{path.name}: there is not exactly one such key table", code="not-found")
    name, said = found[0]
    header = Header(url=url, version=version or said, name=name, case_sensitive=True, language="de")
    return Catalogue(header, partial(_records, path, name))


def _records(path: Path, table: str) -> Iterator[Record]:
    for element in stream_xml(path, {"keytab"}, limits=_LIMITS):
        if element.get("S", "") == table:
            for key in element.iter():
                if local_name(key) == "key":
                    yield from _of_key(path, key)


def _of_key(path: Path, key: Element) -> Iterator[Record]:
    code = key.get("V", "").strip()
    if not code:
        raise refused(f"{path.name}: a key has no value (V)", code="required")
    yield ConceptRow(code, key.get("DN", "").strip())
    for name, value in key.attrib.items():
        if name not in _OWN and value:
            yield PropertyRow(code, str(name).rpartition("}")[2], str(value))
