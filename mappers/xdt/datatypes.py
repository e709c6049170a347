"""The datatype maps rows may name: contents of a field → values of FHIR types.

A map takes all contents of its field in a group, because text is written over several lines, and
the group, because dates and times of day, values and units are fields beside one another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from mappers.codes import SHARED, Coded, table
from mappers.trace import Text, Value, derived, text
from mappers.xdt.charset import PACKAGE
from mappers.xdt.group import Group
from mappers.xdt.session import Session
from profiles.reading import read_json
from profiles.reading.decimals import decimal_from_literal

Convert = Callable[[Session, Group, list[Text]], list[Any]]
UCUM = "http://unitsofmeasure.org"
_COVERAGE_CLASS = "http://terminology.hl7.org/CodeSystem/coverage-class"
_NUMBER = re.compile(r"([+-]?)0*(\d{1,64})?(?:[.,](\d{1,64})?)?")
#: Characters of the longest content that is tried as a number.
_LONGEST_NUMBER = 256


def converter(datatype: str, argument: str) -> Convert:
    """Return the map of a datatype; raises KeyError for an unknown name."""
    return _MAKERS[datatype](argument)


def clean(leaf: Text) -> Text:
    """A content without the blanks around it."""
    bare = leaf.strip()
    return leaf if len(bare) == len(leaf) else text(bare, leaf.source)


def number(session: Session, leaf: Text) -> Value | None:
    """A decimal with point or comma, its digits kept; an invalid one is an issue and None."""
    stated = leaf.strip()
    found = _decimal(stated) if len(stated) <= _LONGEST_NUMBER else None
    if found is None:
        session.issue("value", "not a number", leaf, "102")
        return None
    return Value(found, leaf.source)


@lru_cache(maxsize=4096)
def _decimal(stated: str) -> Decimal | None:
    match = _NUMBER.fullmatch(stated)
    if match is None or not stated.strip("+-.,"):
        return None
    sign, whole, fraction = match.groups()
    literal = f"{'-' if sign == '-' else ''}{whole or '0'}" + (f".{fraction}" if fraction else "")
    return decimal_from_literal(literal)


@cache
def _units() -> Mapping[str, Coded]:
    """Spellings of units → UCUM: the laboratories' and the devices'."""
    return {**table(SHARED, "laboratory-unit"), **table(PACKAGE, "unit")}


def unit(session: Session, leaf: Text) -> dict[str, Any]:
    """A unit in the words of the sender, with its UCUM code where it is known."""
    words = leaf.strip()
    local = session.dialect.codes.get("8421")
    known = _units().get(local.get(words, words) if local else words)
    made: dict[str, Any] = {"unit": clean(leaf)}
    if known is not None:
        made["system"], made["code"] = UCUM, text(known.code, leaf.source)
    return made


def quantity(session: Session, value: Text, units: Text | None) -> dict[str, Any] | None:
    """A value and the unit beside it → Quantity."""
    found = number(session, value)
    if found is None:
        return None
    return {"value": found, **(unit(session, units) if units is not None else {})}


def _text(_argument: str) -> Convert:
    """One content; a text over several lines is joined."""

    def convert(_session: Session, _group: Group, contents: list[Text]) -> list[Any]:
        if len(contents) == 1:
            return [clean(contents[0])]
        return [derived("\n".join(map(str.strip, contents)), *contents)]

    return convert


def _each(_argument: str) -> Convert:
    return lambda _session, _group, contents: list(map(clean, contents))


def _date(_argument: str) -> Convert:
    return lambda session, _group, contents: _found(session.day(one) for one in contents)


def _date_time(argument: str) -> Convert:
    """A day; the argument names the field with the time of day."""

    def convert(session: Session, group: Group, contents: list[Text]) -> list[Any]:
        return _found([session.when(contents[0], group.first(argument) if argument else None)])

    return convert


def _code(argument: str) -> Convert:
    """A code by a table; an unknown one is an issue."""
    return lambda session, _group, contents: _found(session.code(argument, c) for c in contents)


def _coding(argument: str) -> Convert:
    """A Coding; the argument is a table, or a system and its own codes are kept."""

    def convert(session: Session, _group: Group, contents: list[Text]) -> list[Any]:
        return _found(_one_coding(session, argument, clean(one)) for one in contents)

    return convert


def _one_coding(session: Session, argument: str, leaf: Text) -> dict[str, Any] | None:
    if ":" in argument:
        return {"system": argument, "code": leaf}
    known = session.lookup(argument, leaf)
    if known is None:
        session.unknown(leaf)
        return None
    made = {"system": known.system, "code": text(known.code, leaf.source)}
    return {**made, "display": known.display} if known.display else made


def _concept(argument: str) -> Convert:
    """A CodeableConcept: coded by the table where it holds the word, its text always."""

    def convert(session: Session, _group: Group, contents: list[Text]) -> list[Any]:
        found = []
        for one in contents:
            known = session.lookup(argument, one) if argument else None
            made: dict[str, Any] = {}
            if known is not None:
                coded = {"system": known.system, "code": text(known.code, one.source)}
                made["coding"] = [{**coded, "display": known.display} if known.display else coded]
            found.append({**made, "text": clean(one)})
        return found

    return convert


def _language(_argument: str) -> Convert:
    """A language by its word; one nobody knows is undetermined (the binding wants a code)."""

    def convert(session: Session, _group: Group, contents: list[Text]) -> list[Any]:
        found = []
        for one in contents:
            known = session.lookup("language", one)
            code = text(known.code, one.source) if known is not None else "und"
            coding = {"system": "urn:ietf:bcp:47", "code": code}
            found.append({"coding": [coding], "text": clean(one)})
        return found

    return convert


def _quantity(argument: str) -> Convert:
    """A Quantity in a fixed unit of UCUM, or in the one of the field `FK…` names."""

    def convert(session: Session, group: Group, contents: list[Text]) -> list[Any]:
        if argument.startswith("FK"):
            return _found([quantity(session, contents[0], group.first(argument[2:]))])
        value = number(session, contents[0])
        if value is None:
            return []
        return [{"value": value, "unit": argument, "system": UCUM, "code": argument}]

    return convert


def _test(_argument: str) -> Convert:
    """A test by the sender's own ident; its words stand in 8411."""

    def convert(session: Session, group: Group, contents: list[Text]) -> list[Any]:
        words = group.all("8411")
        found: list[Any] = []
        for place, one in enumerate(contents):
            made: dict[str, Any] = {
                "coding": [{"system": f"{session.namespace}/test", "code": clean(one)}]
            }
            if place < len(words):
                made["text"] = clean(words[place])
            found.append(made)
        return found

    return convert


def _identifier(argument: str) -> Convert:
    """An Identifier in the namespace of the sender, or of the system the argument is."""

    def convert(session: Session, _group: Group, contents: list[Text]) -> list[Any]:
        system = argument if ":" in argument else f"{session.namespace}/{argument}"
        return [{"system": system, "value": clean(one)} for one in contents]

    return convert


def _contact_point(argument: str) -> Convert:
    """A ContactPoint; the argument is its system and, after a blank, its use."""
    system, _, use = argument.partition(" ")

    def convert(_session: Session, _group: Group, contents: list[Text]) -> list[Any]:
        made: dict[str, Any] = {"system": system, **({"use": use} if use else {})}
        return [{**made, "value": clean(one)} for one in contents]

    return convert


def _annotation(_argument: str) -> Convert:
    def convert(_session: Session, _group: Group, contents: list[Text]) -> list[Any]:
        return [{"text": derived("\n".join(contents), *contents)}]

    return convert


def _labelled(argument: str) -> Convert:
    """An Annotation that says what its field is: the argument and the content."""

    def convert(_session: Session, _group: Group, contents: list[Text]) -> list[Any]:
        words = "\n".join(map(str.strip, contents))
        return [{"text": derived(f"{argument}: {words}", *contents)}]

    return convert


def _class(argument: str) -> Convert:
    """A class of a Coverage, named by the argument."""
    kind = {"coding": [{"system": _COVERAGE_CLASS, "code": "class"}], "text": argument}
    return lambda _session, _group, contents: [
        {"type": kind, "value": clean(one)} for one in contents
    ]


def _fixed(argument: str) -> Convert:
    """A constant the row states where the field has content: a word, or JSON."""
    constant = read_json(argument.encode()) if argument[:1] in ("{", "[") else argument
    return lambda _session, _group, _contents: [constant]


def _found(values: Any) -> list[Any]:
    return [value for value in values if value is not None]


_MAKERS: dict[str, Callable[[str], Convert]] = {
    "text": _text,
    "each": _each,
    "date": _date,
    "dateTime": _date_time,
    "code": _code,
    "Coding": _coding,
    "CodeableConcept": _concept,
    "Language": _language,
    "Quantity": _quantity,
    "Test": _test,
    "Identifier": _identifier,
    "ContactPoint": _contact_point,
    "Annotation": _annotation,
    "Labelled": _labelled,
    "Class": _class,
    "Fixed": _fixed,
}
