"""Expansion, look-up, subsumption, translation, naming systems."""

import pytest

from profiles.issue import NotConformant, NotSupported
from profiles.terminology import Wanted

BASE = "http://beispiel.test"
COLOURS = f"{BASE}/CodeSystem/farben"
FRAGMENT = f"{BASE}/CodeSystem/teil"


def vs(name):
    return f"{BASE}/ValueSet/{name}"


def codes(expansion):
    return [one.code for one in expansion.contains]


def test_an_expansion_has_the_codes_in_their_order_with_displays(colours):
    found = colours.expand(vs("liste"))
    assert [(one.code, one.display) for one in found.contains] == [
        ("rot", "Signalrot"),
        ("grün", ""),
    ]
    assert codes(colours.expand(vs("alles")))[:4] == [
        "rot",
        "karmin",
        "scharlach",
        "dunkelscharlach",
    ]


def test_filter_looks_at_codes_displays_and_designations(colours):
    assert codes(colours.expand(vs("alles"), filter="MARINE")) == ["marine"]
    assert codes(colours.expand(vs("alles"), filter="rouge")) == ["rot"]
    assert codes(colours.expand(vs("alles"), filter="rot schar")) == ["scharlach"]
    assert codes(colours.expand(vs("alles"), filter="gibt es nicht")) == []


def test_inactive_codes_are_marked_or_left_out(colours):
    marked = {one.code: one for one in colours.expand(vs("alles")).contains}
    assert marked["alt"].inactive
    assert marked["rot"].abstract
    assert "alt" not in codes(colours.expand(vs("alles"), active_only=True))
    assert "alt" not in codes(colours.expand(vs("aktiv")))


def test_displays_come_in_the_language_that_is_asked_for(colours):
    first = colours.expand(vs("alles"), display_language="fr", count=1).contains[0]
    assert first.display == "rouge"
    assert not first.designations
    told = colours.expand(vs("alles"), include_designations=True, count=1).contains[0]
    assert [(one.language, one.value) for one in told.designations] == [
        ("en", "red"),
        ("fr-FR", "rouge"),
    ]


def test_an_expansion_is_rendered_as_a_value_set(colours):
    made = colours.expand(vs("alles"), Wanted(filter="rot", count=1, include_designations=True))
    assert made.value_set("2026-01-01T00:00:00Z") == {
        "resourceType": "ValueSet",
        "url": vs("alles"),
        "version": "1.0.0",
        "status": "active",
        "expansion": {
            "timestamp": "2026-01-01T00:00:00Z",
            "total": 3,
            "offset": 0,
            "parameter": [
                {"name": "filter", "valueString": "rot"},
                {"name": "count", "valueInteger": 1},
            ],
            "contains": [
                {
                    "system": COLOURS,
                    "abstract": True,
                    "version": "1.0.0",
                    "code": "rot",
                    "display": "Rot",
                    "designation": [
                        {"language": "en", "value": "red"},
                        {"language": "fr-FR", "value": "rouge"},
                    ],
                }
            ],
        },
    }


@pytest.mark.parametrize(
    ("value_set", "options", "error", "code"),
    [
        (vs("alles"), {"limit": 3}, NotConformant, "too-costly"),
        ("http://hl7.org/fhir/ValueSet/ucum-units", {}, NotConformant, "too-costly"),
        (vs("fehlt"), {}, NotSupported, "not-found"),
        (vs("teil"), {}, NotSupported, "not-found"),
        (vs("gibt-es-nicht"), {}, NotSupported, "not-found"),
        (vs("alles"), {"offset": -1}, NotConformant, "value"),
    ],
)
def test_what_cannot_be_listed_is_refused(colours, value_set, options, error, code):
    with pytest.raises(error) as caught:
        colours.expand(value_set, **options)
    assert caught.value.issues[0].code == code


def test_a_value_set_that_is_only_an_expansion_counts_as_it_is(build):
    contains = [
        {"display": "Gruppe", "abstract": True, "contains": [{"system": "urn:x", "code": "1"}]},
        {"system": "urn:x", "code": "2", "display": "zwei"},
    ]
    made = build(
        {
            "resourceType": "ValueSet",
            "url": "urn:vs",
            "status": "active",
            "expansion": {"contains": contains},
        }
    )
    assert codes(made.expand("urn:vs")) == ["1", "2"]
    assert made.member("urn:vs", "urn:x", "2") is True
    assert made.member("urn:vs", "urn:x", "3") is False


def test_look_up_tells_what_is_known(colours):
    found = colours.lookup(COLOURS, "marine")
    assert (found.display, found.parents, found.children) == (
        "Marineblau",
        ("blau", "dunkel"),
        (),
    )
    rendered = colours.lookup(COLOURS, "rot", language="en").parameters()["parameter"]
    assert {"name": "display", "valueString": "red"} in rendered
    assert {"name": "version", "valueString": "1.0.0"} in rendered
    assert {
        "name": "property",
        "part": [
            {"name": "code", "valueCode": "child"},
            {"name": "value", "valueCode": "karmin"},
        ],
    } in rendered
    for system, code in ((COLOURS, "gelb"), ("urn:fehlt", "x")):
        with pytest.raises(NotSupported) as caught:
            colours.lookup(system, code)
        assert caught.value.issues[0].code == "not-found"


def test_supplements_add_designations(build, colours):
    base = {
        "resourceType": "CodeSystem",
        "url": "urn:cs",
        "version": "1",
        "content": "complete",
        "concept": [{"code": "a", "display": "eins"}],
    }
    more = {
        "resourceType": "CodeSystem",
        "url": "urn:cs-fr",
        "content": "supplement",
        "supplements": "urn:cs|1",
        "concept": [{"code": "a", "designation": [{"language": "fr", "value": "un"}]}],
    }
    made = build(base, more)
    assert made.lookup("urn:cs", "a", language="fr").display == "un"
    assert made.validate_code(system="urn:cs", code="a", display="Un").outcome == "yes"
    assert made.validate_code(system="urn:cs-fr", code="a").outcome == "undecided"


@pytest.mark.parametrize(
    ("a", "b", "outcome"),
    [
        ("rot", "dunkelscharlach", "subsumes"),
        ("dunkelscharlach", "rot", "subsumed-by"),
        ("rot", "rot", "equivalent"),
        ("rot", "blau", "not-subsumed"),
        ("dunkel", "marine", "subsumes"),
        ("rot", "gelb", None),
    ],
)
def test_codes_subsume_each_other(colours, a, b, outcome):
    assert colours.subsumption(COLOURS, a, b).outcome == outcome


@pytest.mark.parametrize(
    ("meaning", "outcome"),
    [
        ("is-a", "subsumes"),
        ("classified-with", "subsumes"),
        ("part-of", None),
        ("grouped-by", None),
    ],
)
def test_a_class_subsumes_what_is_classified_with_it(build, meaning, outcome):
    concepts = [{"code": "a", "concept": [{"code": "b"}]}]
    system = {"resourceType": "CodeSystem", "url": "urn:cs", "content": "complete"}
    made = build(system | {"hierarchyMeaning": meaning, "concept": concepts})
    assert made.subsumption("urn:cs", "a", "b").outcome == outcome


def test_subsumption_needs_a_hierarchy_that_means_is_a(build):
    concepts = [{"code": "a", "concept": [{"code": "b"}]}]
    made = build(
        {
            "resourceType": "CodeSystem",
            "url": "urn:cs",
            "content": "complete",
            "hierarchyMeaning": "part-of",
            "concept": concepts,
        }
    )
    assert made.subsumption("urn:cs", "a", "b").reason == "no-subsumption"
    assert made.subsumption("urn:cs", "a", "a").outcome == "equivalent"
    assert made.subsumption("urn:fehlt", "a", "b").missing == ("urn:fehlt",)


def test_subsumption_of_codings_and_concepts_is_for_fhirpath(colours):
    red, scarlet = ({"system": COLOURS, "code": one} for one in ("rot", "scharlach"))
    assert colours.subsumes(red, {"coding": [{"system": "urn:x", "code": "1"}, scarlet]}) is True
    assert colours.subsumes(scarlet, red) is False
    assert colours.subsumes(red, {"system": COLOURS, "code": "gelb"}) is None
    assert colours.subsumes(red, {"code": "rot"}) is None


def concept_map(name, groups):
    return {
        "resourceType": "ConceptMap",
        "url": f"{BASE}/ConceptMap/{name}",
        "version": "1",
        "status": "active",
        "group": groups,
    }


PRODUCT = {"property": "urn:p", "system": "urn:x", "value": "matt"}


@pytest.fixture(scope="module")
def maps(build):
    elements = [
        {
            "code": "rot",
            "display": "Rot",
            "target": [
                {"code": "R", "equivalence": "equivalent", "product": [PRODUCT]},
                {"code": "W", "equivalence": "wider", "comment": "warm"},
            ],
        },
        {"code": "blau", "target": [{"equivalence": "unmatched", "comment": "nichts"}]},
    ]
    group = {"source": "urn:a", "target": "urn:b", "targetVersion": "2", "element": elements}
    other = f"{BASE}/ConceptMap/andere"
    return build(
        concept_map("ohne", [group]),
        concept_map("gleich", [{**group, "unmapped": {"mode": "provided"}}]),
        concept_map("fest", [{**group, "unmapped": {"mode": "fixed", "code": "?"}}]),
        concept_map("weiter", [{**group, "unmapped": {"mode": "other-map", "url": other}}]),
        concept_map("andere", [
            {"source": "urn:a", "target": "urn:b",
             "element": [{"code": "gelb", "target": [{"code": "G", "equivalence": "equal"}]}]}]),
        concept_map("kreis", [
            {"source": "urn:a", "target": "urn:b",
             "unmapped": {"mode": "other-map", "url": f"{BASE}/ConceptMap/kreis"}}]),
    )  # fmt: skip


def translated(maps, name, code, system="urn:a", **asked):
    found = maps.translate(f"{BASE}/ConceptMap/{name}", system, code, **asked)
    return [(one.equivalence, one.code) for one in found.matches]


def test_codes_are_translated(maps):
    assert translated(maps, "ohne", "rot") == [("equivalent", "R"), ("wider", "W")]
    assert translated(maps, "ohne", "rot", target="urn:c") == []
    assert translated(maps, "ohne", "rot", system="urn:c") == []
    found = maps.translate(f"{BASE}/ConceptMap/ohne", "urn:a", "rot")
    assert found.matches[0].product == (PRODUCT,)
    assert found.matches[1].comment == "warm"
    assert found.matches[0].version == "2"
    rendered = found.parameters()["parameter"]
    assert rendered[0] == {"name": "result", "valueBoolean": True}
    assert rendered[1]["part"][0] == {"name": "equivalence", "valueCode": "equivalent"}
    assert rendered[1]["part"][2]["name"] == "product"


def test_unmatched_is_no_result(maps):
    found = maps.translate(f"{BASE}/ConceptMap/ohne", "urn:a", "blau")
    assert [one.equivalence for one in found.matches] == ["unmatched"]
    assert found.result is False


def test_what_is_unmapped_goes_where_the_map_says(maps):
    assert translated(maps, "ohne", "gelb") == []
    assert translated(maps, "gleich", "gelb") == [("equal", "gelb")]
    assert translated(maps, "fest", "gelb") == [("inexact", "?")]
    assert translated(maps, "weiter", "gelb") == [("equal", "G")]
    with pytest.raises(NotConformant, match="circle"):
        translated(maps, "kreis", "gelb")


def test_translation_goes_backwards_too(maps):
    assert translated(maps, "ohne", "R", system="urn:b", reverse=True) == [("equivalent", "rot")]
    assert translated(maps, "ohne", "W", system="urn:b", reverse=True) == [("narrower", "rot")]
    with pytest.raises(NotSupported):
        maps.translate("urn:fehlt", "urn:a", "rot")


def test_without_a_map_all_between_the_systems_are_asked(build):
    group = {"source": "urn:a", "target": "urn:b"}
    rot = {"code": "rot", "target": [{"code": "R", "equivalence": "equivalent"}]}
    red = {"code": "rot", "target": [{"code": "red", "equivalence": "equal"}]}
    made = build(
        concept_map("eins", [{**group, "element": [rot]}]),
        concept_map("zwei", [{**group, "target": "urn:c", "element": [red]}]),
    )

    def codes(system, code, **asked):
        return {one.code for one in made.translate("", system, code, **asked).matches}

    assert codes("urn:a", "rot") == {"R", "red"}
    assert codes("urn:a", "rot", target="urn:c") == {"red"}
    assert codes("urn:c", "red", reverse=True) == {"rot"}
    assert codes("urn:a", "blau") == set()
    with pytest.raises(NotSupported):
        made.translate("", "urn:b", "R")


def test_naming_systems_are_found_by_each_of_their_names(build):
    made = build(
        {
            "resourceType": "NamingSystem",
            "name": "Erfunden",
            "status": "active",
            "kind": "identifier",
            "uniqueId": [
                {"type": "oid", "value": "1.2.276.0.76.4.999"},
                {"type": "uri", "value": "http://alt.test"},
                {"type": "uri", "value": "http://neu.test", "preferred": True},
            ],
        }
    )
    assert made.naming["1.2.276.0.76.4.999"].uri == "http://neu.test"
    assert made.naming["http://alt.test"].kind == "identifier"
    assert "1.2.3" not in made.naming


def test_an_oid_is_taken_for_the_uri_and_back(build):
    made = build(
        {
            "resourceType": "CodeSystem",
            "url": "http://beispiel.test/cs",
            "content": "not-present",
            "identifier": [
                {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.276.0.76.5.999"},
                {"value": 7},
                None,
            ],
        }
    )
    for written in ("1.2.276.0.76.5.999", "urn:oid:1.2.276.0.76.5.999", "http://beispiel.test/cs"):
        assert made.uri(written) == "http://beispiel.test/cs"
    assert made.oids("http://beispiel.test/cs") == ("1.2.276.0.76.5.999",)
    assert made.uri("urn:oid:2.16.840.1.113883.6.1") == "http://loinc.org"
    assert made.oids("http://snomed.info/sct") == ("2.16.840.1.113883.6.96",)
    assert (made.uri("1.2.3"), made.oids("urn:x")) == ("1.2.3", ())


def test_a_value_set_in_a_resource_is_asked_like_any_other(colours):
    inline = {
        "resourceType": "ValueSet",
        "id": "farben",
        "compose": {"include": [{"valueSet": [vs("liste")]}]},
    }
    found = colours.compiled_resource(inline)
    assert found.member(COLOURS, "rot") is True
    assert found.member(COLOURS, "blau") is False


def test_designations_of_the_value_set_itself_count(colours):
    coded = {"system": COLOURS, "code": "grün", "display": "Verde"}
    assert colours.validate_code(vs("liste"), coded=coded).outcome == "yes"
    wrong = colours.validate_code(vs("liste"), coded=coded | {"display": "Blau"})
    assert wrong.reason == "wrong-display"
    assert codes(colours.expand(vs("liste"), filter="verd")) == ["grün"]
    shown = colours.expand(vs("liste"), display_language="it", include_designations=True)
    assert shown.contains[1].display == "verde"
    assert shown.contains[1].designations[0].language == "it"
