"""Modifiers, prefixes and parameters beyond plain comparison."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.issue import GatewayError, NotConformant, NotSupported
from profiles.search import (
    AnyOf,
    Has,
    Link,
    Listed,
    Surroundings,
    index_terms,
    parse_criteria,
)

#: 2024-01-01T00:00Z.
NOW = 1_704_067_200_000_000
LOINC = "http://loinc.org"


class Tree:
    """Codes a, a.b, a.b.c: everything subsumes what begins with it."""

    CODES = ("a", "a.b", "a.b.c", "z")

    def members(self, value_set):
        return [("s", "a"), ("s", "z")] if value_set == "http://a.example/set" else None

    def below(self, system, code):
        return [(system, one) for one in self.CODES if one.startswith(code)]

    def above(self, system, code):
        return [(system, one) for one in self.CODES if code.startswith(one)]


AROUND = Surroundings(now=NOW, base="https://gw.example/fhir", codes=Tree(), linked=True)

OBSERVATION = {
    "resourceType": "Observation",
    "text": {"status": "generated", "div": "<div><p>Blutdruck <b>erhöht</b></p></div>"},
    "code": {"coding": [{"system": "s", "code": "a.b", "display": "Systolischer Druck"}]},
    "subject": {"reference": "Patient/p1/_history/3"},
    "performer": [{"reference": "https://gw.example/fhir/Practitioner/d1"}],
    "identifier": [
        {
            "type": {"coding": [{"system": "t", "code": "MR"}], "text": "Aktenzeichen"},
            "system": "http://a.example",
            "value": "12",
        }
    ],
    "effectiveDateTime": "2023-12-01",
    "valueQuantity": {
        "value": 5.4,
        "unit": "g/dL",
        "system": "http://unitsofmeasure.org",
        "code": "g/dL",
    },
    "note": [{"text": "nüchtern"}],
}
VALUE_SET = {"resourceType": "ValueSet", "url": "http://a.example/fhir/ValueSet/colours"}


def matches(query, resource):
    return parse_criteria(query, around=AROUND).matches(resource)


@pytest.mark.parametrize(
    ("query", "resource"),
    [
        ("Observation?code:text=systolisch", OBSERVATION),
        ("Observation?identifier:text=akten", OBSERVATION),
        ("Observation?code:in=http://a.example/set,http://a.example/set", None),
        ("Observation?code:not-in=http://a.example/set", OBSERVATION),
        ("Observation?code:below=s|a", OBSERVATION),
        ("Observation?code:above=s|a.b.c", OBSERVATION),
        ("Observation?code:above=s|a", None),
        ("Observation?code:below=s|a.b.c", None),
        ("Observation?identifier:of-type=t|MR|12", OBSERVATION),
        ("Observation?identifier:of-type=|MR|12", OBSERVATION),
        ("Observation?identifier:of-type=t|MR|13", None),
        ("Observation?identifier:of-type=u|MR|12", None),
        ("Observation?subject=Patient/p1", OBSERVATION),
        ("Observation?subject=Patient/p1/_history/3", OBSERVATION),
        ("Observation?subject=Patient/p1/_history/4", None),
        ("Observation?subject=https://gw.example/fhir/Patient/p1", OBSERVATION),
        ("Observation?performer=Practitioner/d1", OBSERVATION),
        ("Observation?performer=d1", OBSERVATION),
        ("Observation?performer:Practitioner=d1", OBSERVATION),
        ("Observation?performer=https://other.example/Practitioner/d1", None),
        ("Observation?date=ap2023-12-03", OBSERVATION),
        ("Observation?date=ap2023-11-01", None),
        ("Observation?value-quantity=54|http://unitsofmeasure.org|g/L", OBSERVATION),
        ("Observation?value-quantity=gt53|http://unitsofmeasure.org|g/L", OBSERVATION),
        ("Observation?value-quantity=ge54|http://unitsofmeasure.org|g/L", OBSERVATION),
        ("Observation?value-quantity=lt54|http://unitsofmeasure.org|g/L", None),
        ("Observation?value-quantity=54|http://unitsofmeasure.org|mmol/L", None),
        ("Observation?value-quantity=54|http://a.example|g/L", None),
        ("Observation?_text=erhöhter", None),
        ("Observation?_text=erhoht blut", OBSERVATION),
        ("Observation?_text=nüchtern", None),
        ("Observation?_content=nuchtern systolischer", OBSERVATION),
        ("ValueSet?url:below=http://a.example/fhir", VALUE_SET),
        ("ValueSet?url:below=http://a.example/fh", None),
        ("ValueSet?url:above=http://a.example/fhir/ValueSet/colours/red", VALUE_SET),
        ("ValueSet?url:above=http://a.example/fhir/ValueSet", None),
    ],
)
def test_modifiers_mean_what_the_standard_says(query, resource):
    subject = resource or (VALUE_SET if query.startswith("ValueSet") else OBSERVATION)
    assert matches(query, subject) is (resource is not None)


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("code eq s|a.b", True),
        ("code ne s|a.b", False),
        ("not(code eq s|a.b)", False),
        ("date ge 2023-12-01 and date lt 2024", True),
        ("(date lt 2020 or code eq s|a.b) and status pr false", True),
        ("date lt 2020 or code eq s|a.b and date lt 2021", False),
        ("value-quantity gt 5", True),
        ('subject eq "Patient/p1"', True),
        ("code ss s|a", True),
        ("code in http://a.example/set", False),
        ("identifier pr true", True),
    ],
)
def test_a_filter_combines_what_parameters_ask(expression, holds):
    criteria = parse_criteria("Observation", parameters=[("_filter", expression)], around=AROUND)
    assert criteria.matches(OBSERVATION) is holds


def test_a_filter_compares_strings_whole_in_part_and_from_the_start():
    patient = {"resourceType": "Patient", "name": [{"family": "O, Hara|x"}]}
    for expression in ('family eq "O, Hara|x"', 'family co "hara"', 'family sw "o,"'):
        criteria = parse_criteria("Patient", parameters=[("_filter", expression)])
        assert criteria.matches(patient)


@pytest.mark.parametrize(
    "expression",
    [
        "code",
        "code eq",
        "(code eq a",
        "code eq a)",
        'code eq "a',
        "and",
        "not(",
        "(" * 30,
        "a " * 999,
    ],
)
def test_a_filter_that_is_none_is_refused(expression):
    with pytest.raises(GatewayError):
        parse_criteria("Observation", parameters=[("_filter", expression)], around=AROUND)


def test_chains_are_read_where_somebody_follows_them():
    chain = parse_criteria("Observation?subject:Patient.name=x", around=AROUND).conditions[0]
    assert isinstance(chain, Link)
    assert (chain.name, chain.target) == ("subject", parse_criteria("Patient?name=x"))
    untyped = parse_criteria("Observation?subject.name=x", around=AROUND).conditions[0]
    assert isinstance(untyped, AnyOf)
    assert {one.target.resource_type for one in untyped.nodes} == {"Patient", "Location"}
    has = parse_criteria("Patient?_has:Observation:patient:code=x", around=AROUND).conditions[0]
    assert has == Has("patient", parse_criteria("Observation?code=x"))
    nested = parse_criteria(
        "Patient?_has:Observation:patient:_has:AuditEvent:entity:agent=x", around=AROUND
    ).conditions[0]
    assert isinstance(nested.source.conditions[0], Has)
    deep = parse_criteria(
        "Observation?encounter:Encounter.patient.organization.name=x", around=AROUND
    ).conditions[0]
    assert deep.target.conditions[0].target.conditions[0].target.resource_type == "Organization"
    assert parse_criteria("Patient?_list=l1,l2", around=AROUND).conditions[0] == Listed(
        ("l1", "l2")
    )


@pytest.mark.parametrize(
    "query",
    [
        "Observation?code.name=x",
        "Observation?subject:Practitioner.name=x",
        "Observation?subject.nonsense=x",
        "Provenance?target.name=x",
        "Patient?_has:Observation:patient=x",
        "Patient?_has:Observation:code:code=x",
        "Patient?_has:Nonsense:patient:code=x",
        "Patient?_has=x",
        "Patient?_list=$current-problems",
        "Patient?identifier:of-type:x=t|MR|12",
        "Observation?code:of-type=t|MR|12",
        "Observation?code-value-quantity:of-type=t|MR|12",
        "Observation?code:in=http://b.example/set",
    ],
)
def test_what_leads_nowhere_is_said(query):
    with pytest.raises(NotSupported):
        parse_criteria(query, around=AROUND)


@pytest.mark.parametrize(
    "query",
    [
        "Organization?" + "partof." * 8 + "name=x",
        "Patient?_list=a/b",
        "Observation?identifier:of-type=MR|12",
        "Observation?code:below=a",
    ],
)
def test_values_that_cannot_be_read_are_refused(query):
    with pytest.raises(NotConformant):
        parse_criteria(query, around=AROUND)


def test_an_escaped_backslash_before_a_comma_does_not_escape_it():
    patient = {"resourceType": "Patient", "name": [{"family": "b"}]}
    assert matches("Patient?family=a\\\\,b", patient)
    assert not matches("Patient?family=a\\,b", patient)


@given(st.sampled_from(["code", "subject", "date", "value-quantity"]))
def test_terms_of_some_parameters_are_those_of_all(name):
    some = index_terms(OBSERVATION, frozenset({name}))
    every = index_terms(OBSERVATION)
    for kind in ("tokens", "references", "strings", "uris", "dates", "quantities"):
        own = tuple(term for term in getattr(every, kind) if term[0] == name)
        assert getattr(some, kind) == own


@given(st.text(max_size=40))
def test_any_filter_is_either_read_or_refused(text):
    try:
        criteria = parse_criteria("Observation", parameters=[("_filter", text)], around=AROUND)
    except GatewayError:
        return
    assert criteria.conditions
