"""Elements with type and place, the strict check, services, invariants on inner elements."""

from __future__ import annotations

from decimal import Decimal

import pytest

import profiles.fhirpath as engine
from profiles.fhirpath import FHIRPathSemanticError, Item
from profiles.fhirpath.model import fhir_type
from profiles.reading import WrittenDecimal


def test_items_know_their_type_and_place(patient):
    items = engine.compile("name.given | birthDate | contact").items(patient)

    assert items == [
        Item("Erika", "FHIR.string", "Patient.name[0].given[0]"),
        Item("Marie", "FHIR.string", "Patient.name[0].given[1]"),
        Item("Rike", "FHIR.string", "Patient.name[2].given[0]"),
        Item("1964-08", "FHIR.date", "Patient.birthDate"),
        Item(patient["contact"][0], "FHIR.BackboneElement", "Patient.contact[0]"),
    ]
    assert engine.compile("1 + 1").items(patient) == [Item(2, "System.Integer", "")]


def test_an_element_without_value_is_an_item_but_no_value():
    patient = {"resourceType": "Patient", "_birthDate": {"id": "d"}}
    born = engine.compile("birthDate")

    assert born.evaluate(patient) == []
    assert born.items(patient) == [Item(None, "FHIR.date", "Patient.birthDate")]
    assert engine.evaluate(patient, "birthDate.exists() and birthDate.hasValue().not()") == [True]
    assert engine.evaluate(patient, "birthDate.id") == ["d"]
    assert engine.evaluate(patient, "birthDate < today()") == []


def test_lists_of_values_and_extensions_run_in_parallel():
    extension = {"url": "http://example.org/x", "valueBoolean": True}
    name = {"given": ["Anna", None, "Eva"], "_given": [None, {"extension": [extension]}]}
    patient = {"resourceType": "Patient", "name": [name]}

    assert engine.evaluate(patient, "name.given.count()") == [3]
    assert engine.evaluate(patient, "name.given[1].extension('http://example.org/x').value") == [
        True
    ]
    assert engine.evaluate(patient, "name.given[2]") == ["Eva"]


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ({"valueQuantity": {"value": 5}}, "Quantity"),
        ({"valueString": "positiv"}, "string"),
        ({"valueDateTime": "2024"}, "dateTime"),
        ({"_valueBoolean": {"id": "b"}}, "boolean"),
    ],
)
def test_a_choice_is_found_under_its_one_name(member, expected):
    observation = {"resourceType": "Observation", **member}

    assert engine.evaluate(observation, "Observation.value.type().name") == [expected]
    assert engine.evaluate(observation, f"value is {expected}") == [True]


@pytest.mark.parametrize("number", [1.1, Decimal("1.1"), WrittenDecimal("1.1e0")])
def test_numbers_are_exact_however_they_were_read(number):
    observation = {"resourceType": "Observation", "valueQuantity": {"value": number}}

    assert engine.evaluate(observation, "value.value + 2.2 = 3.3") == [True]
    assert engine.evaluate(observation, "value.value") == [number]


def test_a_quantity_of_fhir_compares_with_ucum_and_calendar_units():
    ucum = {"system": "http://unitsofmeasure.org", "code": "a", "value": 2}
    observation = {"resourceType": "Observation", "valueQuantity": ucum}

    assert engine.evaluate(observation, "value = 2 years and value = 2 'a'") == [True]
    assert engine.evaluate(observation, "value > 500 'd'") == [True]


@pytest.mark.parametrize(
    "expression",
    [
        "name.given1",
        "Encounter.status",
        "name.where(foo = 'x')",
        "contact.name.given.value.foo",
        "deceased.foo",
        "deceasedBoolean",
        "name.select(given | nothing)",
        "children().first()",
        "name.given.startsWith(foo)",
        "(deceased as dateTime).start",
        "iif('text', 1, 2)",
    ],
)
def test_the_strict_check_refuses_what_cannot_exist(patient, expression):
    with pytest.raises(FHIRPathSemanticError):
        engine.compile(expression, type="Patient", strict=True)
    with pytest.raises(FHIRPathSemanticError):
        engine.evaluate(patient, expression, strict=True)


@pytest.mark.parametrize(
    "expression",
    [
        "Patient.name.given.first()",
        "DomainResource.text",
        "name.given.extension('x').value.as(Coding).code",
        "contained.where(name.exists())",
        "generalPractitioner.resolve().anything",
        "deceased.extension",
        "contact.repeat(name | telecom).use",
        "children().where(foo)",
        "identifier.period.start < identifier.period.end",
        "name.type().name",
    ],
)
def test_the_strict_check_lets_pass_what_may_exist(expression):
    engine.compile(expression, type="Patient", strict=True)


def test_an_invariant_is_evaluated_on_an_inner_element(patient):
    contact = engine.compile("contact").nodes(patient)[0]
    pat_1 = engine.compile(
        "name.exists() or telecom.exists() or address.exists() or organization.exists()",
        type="Patient.contact",
        strict=True,
    )

    assert pat_1.holds(contact)
    assert not pat_1.holds({"gender": "male"}, type="Patient.contact")
    assert engine.compile("%resource.id = 'erika' and %rootResource.id = 'erika'").holds(contact)


def test_the_resource_around_a_contained_one_is_the_root(patient):
    name = engine.compile("contained.name").nodes(patient)[0]

    assert engine.compile("%resource.id").evaluate(name) == ["kasse"]
    assert engine.compile("%rootResource.id").evaluate(name) == ["erika"]
    assert engine.compile("%resource.id").evaluate("x", resource=patient) == ["erika"]


def test_references_are_followed_inside_a_bundle_and_by_the_caller():
    patient = {"resourceType": "Patient", "id": "p1", "active": True}
    entries = [
        {"fullUrl": "urn:uuid:1", "resource": patient},
        {"resource": {"resourceType": "Encounter", "subject": {"reference": "urn:uuid:1"}}},
        {"resource": {"resourceType": "Encounter", "subject": {"reference": "Patient/p1"}}},
        {"resource": {"resourceType": "Encounter", "subject": {"reference": "Patient/p2"}}},
    ]
    bundle = {"resourceType": "Bundle", "entry": entries}
    subjects = "Bundle.entry.resource.ofType(Encounter).subject.resolve().id"

    def resolve(reference):
        return {"resourceType": "Patient", "id": "outside"} if reference == "Patient/p2" else None

    assert engine.evaluate(bundle, subjects) == ["p1", "p1"]
    services = engine.Services(resolve=resolve)
    assert engine.evaluate(bundle, subjects, services=services) == ["p1", "p1", "outside"]


class Terminology:
    """Knows one code."""

    def member_of(self, coded, value_set):
        return coded == "female" if value_set == "http://example.org/vs" else None

    def subsumes(self, general, special):
        return special["code"].startswith(general["code"])


def test_codes_are_asked_of_the_terminology_service(patient):
    services = engine.Services(terminology=Terminology())

    def ask(expression):
        return engine.evaluate(patient, expression, services=services)

    assert ask("gender.memberOf('http://example.org/vs')") == [True]
    assert ask("gender.memberOf('http://example.org/other')") == []
    pair = "%factory.Coding('s', 'E1', {}, {}).{}(%factory.Coding('s', 'E11.9', {}, {}))"
    assert ask(pair.replace("{}(", "subsumes(")) == [True]
    assert ask(pair.replace("{}(", "subsumedBy(")) == [False]


def test_trace_goes_to_the_caller_only(patient, capsys):
    seen = []
    services = engine.Services(trace=lambda name, values: seen.append((name, values)))

    engine.evaluate(patient, "name.trace('names', use).given.trace('g')", services=services)

    assert seen == [
        ("names", ["official", "maiden", "nickname"]),
        ("g", ["Erika", "Marie", "Rike"]),
    ]
    assert capsys.readouterr().out == ""


def test_variables_are_given_by_keyword_or_mapping(patient):
    assert engine.evaluate(patient, "%limit + 1", limit=2) == [3]
    assert engine.evaluate(patient, "%`my-limit`", variables={"my-limit": [1, 2]}) == [1, 2]
    assert engine.evaluate("name.count() > %n", patient, n=2) == [True]


def test_narratives_are_checked_for_scripts():
    def holds(div):
        text = {"status": "generated", "div": div}
        return engine.evaluate({"resourceType": "Patient", "text": text}, "text.`div`.htmlChecks()")

    begin = '<div xmlns="http://www.w3.org/1999/xhtml">'
    assert holds(f"{begin}<p>Erika</p></div>") == [True]
    assert holds(f"{begin}<script>x</script></div>") == [False]
    assert holds(f'{begin}<p onclick="x">Erika</p></div>') == [False]
    assert holds(f"{begin} </div>") == [False]
    assert holds("<div>") == [False]


def test_malformed_data_is_no_traceback():
    broken = {"resourceType": "Patient", "name": "Erika", "birthDate": 5, "contact": [None, "x"]}

    assert engine.evaluate(broken, "name.given | contact.name") == []
    assert engine.evaluate(broken, "birthDate") == [5]


@pytest.mark.parametrize(
    "name", ["Patient.contact", "Patient.nothing", "HumanName", "string", "", 5]
)
def test_data_that_names_no_resource_type_is_untyped(name):
    assert engine.evaluate({"resourceType": name, "name": "x"}, "name") == ["x"]
    assert engine.evaluate({"resourceType": name}, "$this is Resource") == [False]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Patient.contact", "BackboneElement"),
        ("Questionnaire.item.item.item", "BackboneElement"),
        ("Patient.name.period", "Period"),
        ("Timing.repeat", "Element"),
    ],
)
def test_a_type_is_found_by_its_path(path, name):
    assert fhir_type(path).name == name


@pytest.mark.parametrize("path", ["Patient.nothing", "Nothing", "Patient.deceased", "Patient."])
def test_a_path_without_one_type_is_none(path):
    assert fhir_type(path) is None
