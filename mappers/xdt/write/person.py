"""Patient and Coverage → the fields of a person (FK 3000 to 3628)."""

from __future__ import annotations

from typing import Any

from mappers.base import Resource
from mappers.codes import table
from mappers.trace import Text, derived, text
from mappers.xdt.charset import PACKAGE
from mappers.xdt.patient import CARD_NUMBER, KVNR
from mappers.xdt.write.pen import Field
from mappers.xdt.write.reader import Writing

_GENDER = {"male": "1", "female": "2", "unknown": "U"}


def person(w: Writing, patient: Resource, insured: list[Field]) -> list[Field]:
    """The fields of the patient, with those of the insurance among them."""
    put = w.pen.field
    fields = put("3000", _number(w, patient))
    name: dict[str, Any] = next(iter(patient.get("name", ())), {})
    fields += _name(w, name)
    fields += put("3103", w.day(patient.get("birthDate")))
    for title in name.get("prefix", ())[:1]:
        w.carried(name.get("_prefix"))
        fields += put("3104", title)
    fields += _insured(w, patient)
    fields += _address(w, patient)
    fields += insured + put("3110", _gender(w, patient))
    if w.objects:
        fields += _telecom(w, patient)
    for spoken in patient.get("communication", ())[:1]:
        language = spoken.get("language", {})
        w.carried(language.get("coding"))
        fields += put("3628", language.get("text"))
    return fields


def _number(w: Writing, patient: Resource) -> Text | None:
    """The number the partner knows the patient by; a foreign number would name another one."""
    own = w.context.dialect.systems.get("3000")
    return w.identifier(patient, own or f"{w.namespace}/patient")


def _name(w: Writing, name: dict[str, Any]) -> list[Field]:
    put = w.pen.field
    w.carried(name.get("use"))
    family = name.get("_family", {})
    parts = []
    for url in ("humanname-namenszusatz", "humanname-own-prefix"):
        found = w.extension(family, url)
        if found is not None:
            parts.append(found["valueString"])
    own = w.extension(family, "humanname-own-name") if parts else None
    fields = put("3100", derived(" ".join(parts), *parts)) if parts else []
    surname = own["valueString"] if own is not None else name.get("family")
    made = put("3101", surname)
    if own is not None and parts:
        w.carried(name.get("family"))
    given = name.get("given", [])
    if given:
        made += put("3102", derived(" ".join(given), *given))
    return fields + made


def _insured(w: Writing, patient: Resource) -> list[Field]:
    """KVNR as 3119 (GDT 3) or 3105, the number of an old card as 3105."""
    kvnr, card = w.identifier(patient, KVNR), w.identifier(patient, CARD_NUMBER)
    if w.objects:
        return w.pen.field("3119", kvnr) + w.pen.field("3105", card)
    return w.pen.field("3105", kvnr or card)


def _address(w: Writing, patient: Resource) -> list[Field]:
    put = w.pen.field
    address: dict[str, Any] = next(iter(patient.get("address", ())), {})
    w.carried(address.get("use"), address.get("type"))
    postcode, city = address.get("postalCode"), address.get("city")
    line = next(iter(address.get("line", ())), None)
    if not w.objects:
        said = [part for part in (postcode, city) if part is not None]
        fields = put("3106", derived(" ".join(said), *said)) if said else []
        return fields + put("3107", line)
    fields = _street(w, address, line)
    fields += put("3112", postcode) + put("3113", city)
    return fields + put("3114", _country(address.get("country")))


def _street(w: Writing, address: dict[str, Any], line: Text | None) -> list[Field]:
    """3107 and, where street and number are told apart, 3109."""
    inside: dict[str, Any] = next((one for one in address.get("_line", ()) if one), {})
    street = w.extension(inside, "ADXP-streetName")
    house = w.extension(inside, "ADXP-houseNumber")
    if street is None or house is None:
        return w.pen.field("3107", line)
    w.carried(line)
    fields = w.pen.field("3107", street["valueString"])
    return fields + w.pen.field("3109", house["valueString"])


def _country(country: Text | None) -> str | None:
    if country is None:
        return None
    known = {coded.code: source for source, coded in table(PACKAGE, "country").items()}
    return text(known.get(country, country), country.source)


def _gender(w: Writing, patient: Resource) -> str | None:
    gender = patient.get("gender")
    if gender is None:
        return None
    official = w.extension(patient.get("_gender", {}), "gender-amtlich-de")
    if official is not None:
        value = official["valueCoding"]
        w.carried(value.get("system"), value.get("display"))
        return derived(value["code"], value["code"], gender)
    return text(_GENDER[gender], gender.source) if gender in _GENDER else None


def _telecom(w: Writing, patient: Resource) -> list[Field]:
    """3626 phone, 3618 mobile, 3619 e-mail: the first of each."""
    found: dict[str, Any] = {}
    for one in patient.get("telecom", ()):
        kind = {"email": "3619", "phone": "3618" if one.get("use") == "mobile" else "3626"}
        fk = kind.get(one.get("system", ""))
        if fk is not None and fk not in found and "value" in one:
            w.carried(one.get("system"), one.get("use"))
            found[fk] = one["value"]
    return [field for fk in ("3618", "3619", "3626") for field in w.pen.field(fk, found.get(fk))]
