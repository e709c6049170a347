"""The mapping as documentation: every row of the tables and what the functions make of a field.

`elements/<member>.csv` says for the functions which element a Feldkennung becomes; a test holds
it against the lineage of the samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from mappers.codes import rows
from mappers.xdt.charset import PACKAGE

#: Members of the family whose tables there are, and the tables they share.
_MEMBERS = ("GDT", "LDT", "BDT", "KVDT")
_SHARED = "family"


class Mapping(NamedTuple):
    """What becomes of one field."""

    #: "GDT"; "xDT" for what all members have in common.
    member: str
    fk: str
    #: What the field is called.
    name: str
    #: Element with its resource type, e.g. "Patient.birthDate"; empty when it is left out.
    target: str
    #: Datatype map and its argument; empty where a function decides.
    datatype: str
    #: Where it holds: the block of a record; or why the field is left out.
    condition: str

    @property
    def place(self) -> str:
        """The field by member and Feldkennung."""
        return f"{self.member} {self.fk} {self.name}".strip()


def mapping_table() -> list[Mapping]:
    """Return every mapping by member and Feldkennung."""
    found = {*_ignored()}
    for member in (*_MEMBERS, _SHARED):
        found |= {*_from_rows(member), *_from_functions(member)}
    return sorted(found)


@cache
def _names(member: str) -> dict[str, str]:
    """Feldkennung → its name; the shared tables take it from any member."""
    members = _MEMBERS if member == _SHARED else (member,)
    found: dict[str, str] = {}
    for one in reversed(members):
        if _has("fields", one):
            found |= {row["fk"]: row["name"] for row in rows(PACKAGE, "fields", one.lower())}
    return found


def _has(folder: str, member: str) -> bool:
    return files(PACKAGE).joinpath(folder, f"{member.lower()}.csv").is_file()


def _shown(member: str) -> str:
    return "xDT" if member == _SHARED else member


def _from_rows(member: str) -> Iterator[Mapping]:
    if not _has("rows", member):
        return
    for row in rows(PACKAGE, "rows", member.lower()):
        datatype = f"{row['datatype']} {row['argument']}".strip()
        target = f"{row['resource']}.{row['target']}"
        name = _names(member).get(row["fk"], "")
        yield Mapping(_shown(member), row["fk"], name, target, datatype, row["block"])


def _from_functions(member: str) -> Iterator[Mapping]:
    if not _has("elements", member):
        return
    for row in rows(PACKAGE, "elements", member.lower()):
        name = _names(member).get(row["fk"], "")
        yield Mapping(_shown(member), row["fk"], name, row["target"], "", "")


def _ignored() -> Iterator[Mapping]:
    for row in rows(PACKAGE, "codes", "ignored"):
        member, _, fk = row["fk"].rpartition(" ")
        name = _names(member or _SHARED).get(fk, "")
        yield Mapping(member or "xDT", fk, name, "", "", f"left out: {row['reason']}")
