"""Names, addresses and sexes as LDT 3 takes them apart (0047, 0007)."""

from __future__ import annotations

from typing import Any

from mappers.base import Resource
from mappers.codes import table
from mappers.trace import Text, derived, text
from mappers.xdt.charset import PACKAGE
from mappers.xdt.write.pen import Field
from mappers.xdt.write.reader import Writing

_SEXES = {"male": "M", "female": "W", "other": "D", "unknown": "U"}


def name_parts(w: Writing, name: dict[str, Any]) -> list[Field]:
    """3100 affix, 3120 prefix word, 3101 family, 3102 each given name, 3104 title."""
    put = w.pen.field
    family = name.get("_family", {})
    affix = w.extension(family, "humanname-namenszusatz")
    prefix = w.extension(family, "humanname-own-prefix")
    own = w.extension(family, "humanname-own-name") if affix or prefix else None
    surname = own["valueString"] if own is not None else name.get("family")
    if surname is None and "text" in name:
        surname = name["text"]
    if surname is None:
        return []
    w.carried(name.get("use"), name.get("family") if own is not None else None)
    fields = put("3100", affix["valueString"]) if affix is not None else []
    fields += put("3120", prefix["valueString"]) if prefix is not None else []
    fields += put("3101", surname)
    for given in name.get("given", ()):
        fields += put("3102", given)
    for title in name.get("prefix", ())[:1]:
        w.carried(name.get("_prefix"))
        fields += put("3104", title)
    return fields


def gender_letter(w: Writing, resource: Resource) -> str | None:
    """M, W, D, X or U."""
    gender = resource.get("gender")
    if gender is None:
        return None
    official = w.extension(resource.get("_gender", {}), "gender-amtlich-de")
    if official is not None:
        value = official["valueCoding"]
        w.carried(value.get("system"), value.get("display"))
        return derived(value["code"], value["code"], gender)
    return text(_SEXES[gender], gender.source) if gender in _SEXES else None


def address_parts(w: Writing, address: dict[str, Any]) -> list[Field]:
    """3112 postcode, 3113 city, 3107 street, 3109 house number, 3115 addition, 3114 country."""
    put = w.pen.field
    lines = address.get("line", [])
    inside = [*(one or {} for one in address.get("_line", ())), *[{}] * len(lines)]
    street: list[Field] = []
    addition: list[Field] = []
    for line, parts in zip(lines, inside, strict=False):
        named, house = w.extension(parts, "streetName"), w.extension(parts, "houseNumber")
        more = w.extension(parts, "additionalLocator")
        if named is not None and house is not None and not street:
            w.carried(line)
            street = [*put("3107", named["valueString"]), *put("3109", house["valueString"])]
        elif more is not None or street:
            addition = addition or put("3115", line)
            w.carried(more)
        else:
            street = put("3107", line)
    if not (street or address.get("city") or address.get("postalCode")):
        return []
    w.carried(address.get("use"), address.get("type"))
    fields = [*put("3112", address.get("postalCode")), *put("3113", address.get("city"))]
    return [*fields, *street, *addition, *put("3114", _country(address.get("country")))]


def _country(country: Text | None) -> str | None:
    if country is None:
        return None
    known = {coded.code: source for source, coded in table(PACKAGE, "country").items()}
    return text(known.get(country, country), country.source)
