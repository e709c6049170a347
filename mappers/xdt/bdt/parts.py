"""The flat fields of a record of BDT, cut into what belongs together.

A record is a run of lines; a leading field (6001, 6210, 8401) begins something, the fields that
may follow it belong to it. What is written over several lines repeats its field.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from mappers.xdt.attachments import FILE_FIELDS
from mappers.xdt.diagnoses import DIAGNOSIS, PERMANENT
from mappers.xdt.group import Entry, Group
from mappers.xdt.results import RESULT_FIELDS

_DRUG = frozenset({"0800", "0802", "0803", "0811", "0813", "0950", "0957"})
_LETTER = [str(fk) for fk in range(6310, 6323)]


class Kind(NamedTuple):
    """Something a record may hold."""

    name: str
    #: Fields that begin it, in the order they have in it: one begins anew where it or a later
    #: one is there already.
    leading: tuple[str, ...]
    #: Fields that belong to it besides.
    within: frozenset[str] = frozenset()
    #: A repeated leading field goes on with the text instead of beginning anew.
    is_text: bool = False
    #: Fields within that begin it as well where it is not begun yet.
    opening: frozenset[str] = frozenset()


def _text(fk: str, *within: str) -> Kind:
    return Kind(fk, (fk,), frozenset(within), is_text=True, opening=frozenset(within))


#: The words of a treatment; 6285 with 6286 and 6290 with 6291 may carry a coded diagnosis.
_TEXTS = (
    *map(_text, ("6220", "6221", "6222", "6225", "6240", "6260", "6265")),
    _text("6280", "6281"),
    _text("6285", "6286", "6287", "6288", "6289"),
    _text("6290", "6291", "6292", "6293", "6294"),
    _text("6300", "6301"),
    _text("6306", "6307"),
)
KINDS = (
    *_TEXTS,
    *(Kind(fk, (fk,)) for fk in ("6205", "6230", "3622", "3623")),
    *(Kind(str(fk), (str(fk),)) for fk in range(6411, 6418)),
    *(Kind(fk, (fk,), _DRUG) for fk in ("6210", "6211", "6215")),
    Kind("diagnosis", ("6000", "6001"), frozenset(DIAGNOSIS)),
    Kind("permanent", ("3649", "3650"), frozenset({*DIAGNOSIS, *PERMANENT, "0830"})),
    Kind("drug", ("3651", "3652"), _DRUG),
    Kind("allergy", ("3655", "3656")),
    Kind(
        "laboratory",
        ("8401", "8402"),
        frozenset({*RESULT_FIELDS, "8310", "8404", "8490"}),
        opening=frozenset({"8310", "8410"}),
    ),
    Kind("letter", ("6310",), frozenset(_LETTER), opening=frozenset(_LETTER)),
    Kind("image", ("6325", "6326", "6327")),
    Kind("file", ("6302",), frozenset(FILE_FIELDS[:4]), opening=frozenset(FILE_FIELDS[1:4])),
    Kind(
        "free",
        tuple(str(fk) for fk in range(6330, 6400, 2)),
        frozenset(str(fk) for fk in range(6331, 6400, 2)),
        opening=frozenset(str(fk) for fk in range(6331, 6400, 2)),
    ),
    Kind("service", ("5000", "5001"), frozenset(f"5{n:03d}" for n in range(2, 100))),
)


class Part(NamedTuple):
    """One thing a record holds."""

    kind: str
    fields: Group


def parts_of(entries: Iterable[Entry]) -> tuple[list[Part], Group]:
    """Cut fields into parts; also return the fields that stand alone."""
    begins = _begins()
    found: list[Part] = []
    loose = Group("", 0)
    alone = current = loose.entries
    rule: _Rule | None = None
    held: set[str] = set()
    for entry in entries:
        fk, content = entry
        if not content:
            continue
        # A field that neither belongs to the part nor leads it meets what is held: it ends it.
        if rule is None or not (fk in rule.always or held.isdisjoint(rule.unless.get(fk, held))):
            rule = begins.get(fk)
            if rule is None:
                alone.append(entry)
                continue
            part = Group(rule.name, 0)
            current, held = part.entries, {fk}
            found.append(Part(rule.name, part))
        else:
            held.add(fk)
        current.append(entry)
    return found, loose


class _Rule(NamedTuple):
    """How a kind goes on."""

    name: str
    #: Fields that go on with it wherever they come.
    always: frozenset[str]
    #: Leading field → those that may not be there yet: itself and what comes behind it.
    unless: dict[str, tuple[str, ...]]


def _rule(kind: Kind) -> _Rule:
    leading = kind.leading
    if kind.is_text:
        return _Rule(kind.name, frozenset({*kind.within, *leading}), {})
    unless = {fk: leading[place:] for place, fk in enumerate(leading)}
    return _Rule(kind.name, kind.within - unless.keys(), unless)


@cache
def _begins() -> dict[str, _Rule]:
    compiled = [(kind, _rule(kind)) for kind in KINDS]
    return {fk: rule for kind, rule in compiled for fk in (*kind.leading, *kind.opening)}
