"""Extensions stand where their definitions allow it, and nowhere else."""

from pathlib import Path
from typing import Any

import pytest

from profiles.packages import open_packages
from profiles.validate.validator import Validator
from tests.profiles.validate.regional import (
    CANONICAL,
    CORE,
    Json,
    element,
    packed,
    structure,
    validator,
)

NARRATIVE: Json = {
    "status": "generated",
    "div": '<div xmlns="http://www.w3.org/1999/xhtml">Pflegeanamnese</div>',
}


def extension(name: str, *contexts: tuple[str, str], **members: Any) -> Json:
    """Make the definition of an extension that may stand in some contexts."""
    return structure(
        name,
        "Extension",
        element("Extension.url", fixedUri=f"{CANONICAL}{name}"),
        element("Extension.value[x]", min=1, type=[{"code": "string"}]),
        kind="complex-type",
        context=[{"type": kind, "expression": expression} for kind, expression in contexts],
        **members,
    )


def worth(name: str) -> list[Json]:
    return [{"url": f"{CANONICAL}{name}", "valueString": "ja"}]


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Validator:
    return validator(
        tmp_path_factory.mktemp("region"),
        extension("Frage", ("element", "Questionnaire.item")),
        extension("Ueberall", ("element", "Element")),
        extension("Kanonisch", ("element", "CanonicalResource")),
        extension("Vorname", ("fhirpath", "Patient.name.where(use = 'official')")),
        extension("Scheibe", ("element", f"{CANONICAL}Person#Patient.identifier:PID")),
        extension("ImProfil", ("element", f"{CANONICAL}Person")),
        extension("Wert", ("element", "Observation.value[x]")),
        extension(
            "Paar",
            ("element", "Patient"),
            contextInvariant=["birthDate.exists() and %extension.value.exists()"],
        ),
        structure("Person", "Patient", element("Patient.active", min=1)),
    )


def misplaced(region: Validator, resource: Json) -> list[str]:
    """Return where extensions stand that may not."""
    issues = region.validate(resource)
    return [one.location for one in issues if one.text.endswith("is not allowed here")]


def questionnaire(item: Json) -> Json:
    inner = {"linkId": "1.1", "type": "group", "item": [item]}
    return {
        "resourceType": "Questionnaire",
        "status": "draft",
        "item": [{"linkId": "1", "type": "group", "item": [inner]}],
    }


def test_an_element_that_is_like_another_is_called_like_it(region: Validator) -> None:
    asked = {"linkId": "1.1.1", "type": "string", "extension": worth("Frage")}
    assert misplaced(region, questionnaire(asked)) == []


def test_an_element_is_not_called_like_what_holds_it(region: Validator) -> None:
    asked = questionnaire({"linkId": "1.1.1", "type": "string"}) | {"extension": worth("Frage")}
    assert misplaced(region, asked) == ["Questionnaire.extension[0]"]


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Patient", "extension": worth("Ueberall")},
        {"resourceType": "Patient", "name": [{"family": "Weiß", "extension": worth("Ueberall")}]},
        {"resourceType": "Patient", "_birthDate": {"extension": worth("Ueberall")}},
        {"resourceType": "ValueSet", "status": "draft", "extension": worth("Kanonisch")},
        {"resourceType": "Patient", "extension": worth("ImProfil")},
        {
            "resourceType": "Patient",
            "identifier": [{"value": "1", "extension": worth("Scheibe")}],
        },
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "Gewicht"},
            "valueQuantity": {"value": 81, "extension": worth("Wert")},
        },
    ],
)
def test_an_extension_may_stand_in_its_context(region: Validator, resource: Json) -> None:
    assert misplaced(region, resource) == []


@pytest.mark.parametrize(
    ("resource", "place"),
    [
        (
            {"resourceType": "Patient", "extension": worth("Kanonisch")},
            "Patient.extension[0]",
        ),
        (
            {"resourceType": "Patient", "name": [{"extension": worth("Scheibe")}]},
            "Patient.name[0].extension[0]",
        ),
        (
            {"resourceType": "Group", "type": "person", "actual": True}
            | {"extension": worth("ImProfil")},
            "Group.extension[0]",
        ),
        (
            {"resourceType": "Patient", "_birthDate": {"extension": worth("Wert")}},
            "Patient.birthDate.extension[0]",
        ),
    ],
)
def test_it_may_stand_nowhere_else(region: Validator, resource: Json, place: str) -> None:
    assert misplaced(region, resource) == [place]


def test_a_fhirpath_context_is_what_the_expression_finds(region: Validator) -> None:
    names = [
        {"use": "official", "family": "Weiß", "extension": worth("Vorname")},
        {"use": "maiden", "family": "Groß", "extension": worth("Vorname")},
    ]
    found = misplaced(region, {"resourceType": "Patient", "name": names})
    assert found == ["Patient.name[1].extension[0]"]


def test_the_invariants_of_a_context_see_holder_and_extension(region: Validator) -> None:
    person = {"resourceType": "Patient", "extension": worth("Paar")}
    assert misplaced(region, person) == ["Patient.extension[0]"]
    assert misplaced(region, person | {"birthDate": "1948-03-14"}) == []


def test_what_an_example_holds_belongs_where_the_example_does(region: Validator) -> None:
    line = element("Patient.name.family", example=[{"label": "üblich", "_valueString": {}}])
    line["example"][0]["_valueString"]["extension"] = worth("Frage")
    line["example"][0]["valueString"] = "Weiß"
    assert misplaced(region, structure("Beispiel", "Patient", line)) == []


def test_core_s_own_contexts_stay_where_a_package_narrows_them(tmp_path: Path) -> None:
    """Packages publish later versions of core's extensions under the same URL."""
    later = extension("x", ("element", "Location")) | {"url": f"{CORE}patient-birthTime"}
    born = {"extension": [{"url": f"{CORE}patient-birthTime", "valueDateTime": "1948-03-14"}]}
    region = validator(tmp_path, later)
    assert misplaced(region, {"resourceType": "Patient", "_birthDate": born}) == []


def test_a_package_in_another_version_judges_no_extensions(tmp_path: Path) -> None:
    """A resource of an older version of a profile has the extensions of that version."""
    defined = (
        extension("Neu", ("element", "Observation")),
        structure("Hof", "Patient", version="2.0.0"),
    )
    region = Validator(open_packages([packed(tmp_path, "harz.hof", "2.0.0", *defined)]))
    old: Json = {"resourceType": "Patient", "extension": worth("Neu")}
    assert misplaced(region, old) == ["Patient.extension[0]"]
    for version, places in (("1.0.0", []), ("2.0.0", ["Patient.extension[0]"])):
        claimed = {"meta": {"profile": [f"{CANONICAL}Hof|{version}"]}}
        assert misplaced(region, old | claimed) == places
