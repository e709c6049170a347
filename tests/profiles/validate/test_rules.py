"""The table of rules: every rule stands under a type, and covers the invariants it says."""

import os
from pathlib import Path

import pytest

from profiles.r4 import definition, facts
from profiles.reading import read_json
from profiles.validate.rules import COVERED, RULES
from profiles.validate.systems import system_issues

SAMPLES = Path(os.environ.get("GATEWAY_SAMPLES", Path(__file__).parents[3] / "../shared/samples"))
EXAMPLES = SAMPLES / "fhir-r4-official-examples"
#: Published examples that break a rule, and the rule they break.
WRONG = {
    "bundle-response.json": "3 digit HTTP code",  # the status DELETE
    "message-request-link.json": "disagree with the type and id",  # Patient/pat12 is Patient pat2
    "message-response-link.json": "disagree with the type and id",  # the same
}


def test_every_rule_is_about_a_type_of_r4():
    assert set(RULES) <= set(facts("elements")["types"])


def test_every_covered_invariant_is_published():
    published = {
        constraint["key"]
        for name in (*RULES, "QuestionnaireResponse")
        for element in definition(f"http://hl7.org/fhir/StructureDefinition/{name}")["snapshot"][
            "element"
        ]
        for constraint in element.get("constraint", [])
    }
    assert published >= COVERED


@pytest.mark.parametrize(
    "system", ["http://loinc.org", "urn:oid:1.2", "https://a.example", "#local", "mailto:a@b"]
)
def test_an_absolute_system_is_accepted(system):
    assert list(system_issues({"system": system}, "Observation.code.coding[0]")) == []


@pytest.mark.parametrize("system", ["LOINC", "loinc.org", "oid:1.2", "uuid:x", "/a", "1.2.3"])
def test_a_local_system_is_refused_where_it_is(system):
    (issue,) = system_issues({"system": system}, "Observation.code.coding[0]")
    assert (issue.severity, issue.location) == ("error", "Observation.code.coding[0].system")
    assert system not in issue.text


def _values(value, type_name, place, found):
    """Every value in a resource with its type, led by the compiled definitions."""
    found.append((type_name, value, place))
    owner, _, path = type_name.partition(".")
    for element in facts("elements")["types"][owner]["elements"]:
        parent, _, leaf = element["path"].rpartition(".")
        if parent != path:
            continue
        nested = any(
            one["path"].startswith(f"{element['path']}.")
            for one in facts("elements")["types"][owner]["elements"]
        )
        for code in element.get("types", [""]):
            name = leaf.replace("[x]", code[:1].upper() + code[1:])
            inner = value.get(name)
            inner_type = element.get("content") or (
                f"{owner}.{element['path']}" if nested else code
            )
            listed = inner if isinstance(inner, list) else [inner]
            for index, one in enumerate(listed):
                if isinstance(one, dict):
                    known = one["resourceType"] if code == "Resource" else inner_type
                    _values(one, known, f"{place}.{name}[{index}]", found)
    return found


def _errors(resource):
    for type_name, value, place in _values(
        resource, resource["resourceType"], resource["resourceType"], []
    ):
        is_resource = "resourceType" in value and ".contained[" not in place
        names = [type_name, "DomainResource"] if is_resource else [type_name]
        for rule in (rule for name in names for rule in RULES.get(name, ())):
            yield from (one for one in rule(value, place) if one.severity == "error")


@pytest.mark.samples
@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="GATEWAY_SAMPLES not found")
def test_the_official_examples_are_right_but_for_three():
    found = {}
    for file in sorted(EXAMPLES.rglob("*.json")):
        texts = [one.text for one in _errors(read_json(file.read_bytes()))]
        if texts:
            found[file.name] = texts
    assert set(found) == set(WRONG)
    for name, word in WRONG.items():
        assert all(word in text for text in found[name])
