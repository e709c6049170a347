"""What the Satzarten are: member of the family, and the part a record plays in its file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal, NamedTuple

from mappers.codes import rows
from mappers.xdt.charset import PACKAGE

#: header: context of the records that follow; item: a message of its own; patient: joined with
#: its neighbours about the same patient (FK 3000); catalogue: joined with its neighbours, about
#: nobody; trailer: ends what the headers began.
Role = Literal["header", "item", "patient", "catalogue", "trailer"]


class Kind(NamedTuple):
    """One Satzart."""

    satzart: str
    #: "GDT", "LDT", "BDT" or "KVDT".
    member: str
    role: Role
    name: str


@cache
def kinds() -> Mapping[str, Kind]:
    """Satzart → what it is."""
    return {
        row["satzart"]: Kind(row["satzart"], row["member"], row["role"], row["name"])  # type: ignore[arg-type]
        for row in rows(PACKAGE, "codes", "records")
    }


def role_of(satzart: str) -> Role:
    """The part a record plays; one nobody knows is a message of its own."""
    kind = kinds().get(satzart)
    return kind.role if kind is not None else "item"
