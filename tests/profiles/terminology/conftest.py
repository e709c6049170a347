"""Terminologies made of invented code systems and value sets."""

from __future__ import annotations

import json

import pytest

from profiles.packages import open_packages
from profiles.terminology import Terminology

BASE = "http://beispiel.test"
COLOURS = f"{BASE}/CodeSystem/farben"


def code_system(concepts, *, name="farben", **more):
    return {
        "resourceType": "CodeSystem",
        "id": name,
        "url": f"{BASE}/CodeSystem/{name}",
        "version": "1.0.0",
        "status": "active",
        "caseSensitive": True,
        "content": "complete",
        "concept": concepts,
        **more,
    }


def value_set(name, include, exclude=(), **compose):
    made = {"include": include, **compose}
    if exclude:
        made["exclude"] = list(exclude)
    return {
        "resourceType": "ValueSet",
        "id": name,
        "url": f"{BASE}/ValueSet/{name}",
        "version": "1.0.0",
        "status": "active",
        "compose": made,
    }


def concept(code, display="", children=(), designations=(), **properties):
    made = {"code": code, "display": display or code}
    if properties:
        made["property"] = [
            {"code": name, "valueBoolean" if isinstance(value, bool) else "valueCode": value}
            for name, value in properties.items()
        ]
    if designations:
        made["designation"] = [{"language": lang, "value": text} for lang, text in designations]
    if children:
        made["concept"] = list(children)
    return made


#: red (crimson, scarlet (dark scarlet)), blue (navy: both blue and dark), dark, old (inactive).
CONCEPTS = [
    concept(
        "rot",
        "Rot",
        [
            concept("karmin", "Karminrot", tone="warm"),
            concept("scharlach", "Scharlachrot", [concept("dunkelscharlach")], tone="warm"),
        ],
        [("en", "red"), ("fr-FR", "rouge")],
        notSelectable=True,
    ),
    concept("blau", "Blau", [concept("marine", "Marineblau", parent="dunkel", tone="kalt")]),
    concept("dunkel", "Dunkel"),
    concept("alt", "Alter Farbton", inactive=True),
]


@pytest.fixture(scope="session")
def build(tmp_path_factory):
    """Make a terminology of resources, each in a file of its own."""

    def made(*resources, **options):
        folder = tmp_path_factory.mktemp("resources")
        paths = []
        for at, one in enumerate(resources):
            path = folder / f"{at}.json"
            path.write_text(json.dumps(one), encoding="utf-8")
            paths.append(path)
        return Terminology(open_packages(paths), **options)

    return made


@pytest.fixture(scope="session")
def colours(build):
    """The colours with some value sets."""
    other = code_system([concept("a"), concept("A")], name="gross", caseSensitive=False)
    free = code_system([concept("Ja"), concept("Nein")], name="frei", caseSensitive=False)
    unsaid = code_system([concept("x1")], name="ungesagt")
    del unsaid["caseSensitive"]
    part = code_system([concept("eins")], name="teil", content="fragment")
    return build(
        code_system(CONCEPTS, valueSet=f"{BASE}/ValueSet/alle-farben"),
        other,
        free,
        unsaid,
        part,
        value_set("alles", [{"system": COLOURS}]),
        value_set("aktiv", [{"system": COLOURS}], inactive=False),
        value_set("liste", [{"system": COLOURS, "concept": [
            {"code": "rot", "display": "Signalrot"},
            {"code": "grün", "designation": [{"language": "it", "value": "verde"}]}]}]),
        value_set("frei", [{"system": f"{BASE}/CodeSystem/frei"}]),
        value_set("gross", [{"system": f"{BASE}/CodeSystem/gross"}]),
        value_set("ungesagt", [{"system": f"{BASE}/CodeSystem/ungesagt"}]),
        value_set("teil", [{"system": f"{BASE}/CodeSystem/teil"}]),
        value_set("fehlt", [{"system": f"{BASE}/CodeSystem/fehlt"}, {"system": COLOURS}]),
        value_set("version", [{"system": COLOURS, "version": "9.9"}]),
        value_set("unbekannt", [{"valueSet": [f"{BASE}/ValueSet/gibt-es-nicht"]},
                                {"system": COLOURS, "concept": [{"code": "rot"}]}]),
    )  # fmt: skip


@pytest.fixture(scope="session")
def filtered(build):
    """A terminology with one value set per filter; returns which codes the filter takes."""

    def codes(*filters, concepts=CONCEPTS, **more):
        listed = [dict(zip(("property", "op", "value"), one, strict=True)) for one in filters]
        made = build(
            code_system(concepts, **more),
            value_set("gefiltert", [{"system": COLOURS, "filter": listed}]),
        )
        return {one.code for one in made.expand(f"{BASE}/ValueSet/gefiltert").contains}

    return codes
