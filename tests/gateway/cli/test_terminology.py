"""Questions about codes on the command line, and the catalogues behind them."""

from __future__ import annotations

import json

import pytest
import structlog

GENDER = "http://hl7.org/fhir/administrative-gender"
ICD = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
MAP = "https://beispiel.de/fhir/ConceptMap/geschlecht"
CLAML = """<?xml version="1.0" encoding="UTF-8"?>
<ClaML version="2.0.0"><Title name="ICD-10-GM" version="{version}">Erfundene Leiden</Title>
<ModifierClass code="0" modifier="M5"><Rubric kind="preferred"><Label>Leicht</Label></Rubric>
</ModifierClass><ModifierClass code="1" modifier="M5" usage="dagger">
<Rubric kind="preferred"><Label>Schwer</Label></Rubric></ModifierClass>
<Class code="Q10" kind="category"><SubClass code="Q10.1"/>
<Rubric kind="preferred"><Label>Zwickel</Label></Rubric></Class>
<Class code="Q10.1" kind="category"><SuperClass code="Q10"/><ModifiedBy code="M5"/>
<Rubric kind="preferred"><Label>Zwickel rechts</Label></Rubric></Class></ClaML>
"""


@pytest.fixture
def catalogues(gateway, tmp_path):
    """Load two years of invented diagnoses."""
    folder = tmp_path / "terminology"
    for year in ("2025", "2026"):
        path = tmp_path / f"icd10gm{year}syst_claml.xml"
        path.write_text(CLAML.format(version=year), encoding="utf-8")
        loaded = gateway("terminology", "load", "icd-10-gm", path, "--terminology", folder)
        assert (loaded.code, loaded.out) == (0, f"Loaded {ICD}|{year}: 4 concepts.\n")
    return folder


@pytest.fixture
def concept_map(tmp_path):
    """Write a ConceptMap."""
    target = {"code": "M", "equivalence": "wider", "comment": "Mann"}
    group = {
        "source": GENDER,
        "target": "urn:oid:2.16.840.1.113883.5.1",
        "element": [{"code": "male", "target": [target]}],
    }
    path = tmp_path / "map.json"
    resource = {"resourceType": "ConceptMap", "url": MAP, "status": "active", "group": [group]}
    path.write_text(json.dumps(resource))
    return path


@pytest.mark.parametrize(
    ("system", "code", "exit_code", "says"),
    [
        (ICD, "Q10.11", 0, "Zwickel rechts: Schwer"),
        (ICD, "Q10.12", 1, "does not define this code"),
        ("http://loinc.org", "718-7", 2, "not available: http://loinc.org"),
        ("2.16.840.1.113883.6.1", "718-7", 2, "not available: http://loinc.org"),
    ],
)
def test_a_code_is_valid_or_not_or_undecided(gateway, catalogues, system, code, exit_code, says):
    asked = gateway("terminology", "validate-code", system, code, "--terminology", catalogues)

    assert asked.code == exit_code
    assert says in asked.out + asked.err


def test_answers_in_json_are_those_of_the_operations(gateway, catalogues):
    asked = ("validate-code", ICD, "Q10.11", "--version", "2025")
    valid = gateway("terminology", *asked, "--terminology", catalogues, "--json").json
    values = {one["name"]: one for one in valid["parameter"]}
    undecided = gateway(
        "terminology", "validate-code", "http://loinc.org", "718-7", "--json", "--terminology",
        catalogues,
    )  # fmt: skip

    assert (valid["resourceType"], values["result"]["valueBoolean"]) == ("Parameters", True)
    assert undecided.json["resourceType"] == "OperationOutcome"
    assert undecided.json["issue"][0]["code"] == "not-found"


def test_a_code_is_looked_up_in_the_newest_version(gateway, catalogues):
    known = gateway("terminology", "lookup", ICD, "Q10.11", "--terminology", catalogues)
    unknown = gateway("terminology", "lookup", ICD, "Z99", "--terminology", catalogues)
    absent = gateway(
        "terminology", "lookup", "http://loinc.org", "1-8", "--terminology", catalogues
    )

    assert known.code == 0
    for text in (f"{ICD}|2026", "Zwickel rechts: Schwer", "Q10.1", "†"):
        assert text in known.out
    assert (unknown.code, unknown.out) == (1, "")
    assert (absent.code, "not available" in absent.err) == (2, True)


def test_a_value_set_is_listed_in_pages(gateway, catalogues):
    everything = ("terminology", "expand", f"{ICD}?fhir_vs", "--terminology", catalogues)
    first = gateway(*everything, "--count", 2, "--json").json["expansion"]
    second = gateway(*everything, "--count", 2, "--offset", 2, "--json").json["expansion"]
    filtered = gateway(*everything, "--filter", "schwer rechts")
    page = gateway(*everything, "--count", 2)
    refused = gateway(
        "terminology", "expand", "http://loinc.org/vs", "--terminology", catalogues, "--json"
    )

    codes = [one["code"] for page in (first, second) for one in page["contains"]]
    assert (codes, first["total"]) == (["Q10", "Q10.1", "Q10.10", "Q10.11"], 4)
    assert filtered.out.splitlines()[1].split()[0] == "Q10.11"
    assert "--offset 2 goes on" in page.err
    assert (refused.code, refused.json["issue"][0]["code"]) == (2, "not-found")


@pytest.mark.parametrize(
    ("codes", "exit_code", "says"),
    [
        (("Q10", "Q10.11"), 0, "subsumes"),
        (("Q10", "Q10"), 0, "equivalent"),
        (("Q10.11", "Q10"), 1, "subsumed-by"),
        (("Q10.10", "Q10.11"), 1, "not-subsumed"),
        (("Q10", "Z99"), 2, "does not define"),
    ],
)
def test_codes_subsume_each_other(gateway, catalogues, codes, exit_code, says):
    asked = gateway("terminology", "subsumes", ICD, *codes, "--terminology", catalogues)

    assert asked.code == exit_code
    assert says in asked.out + asked.err


def test_codes_are_translated_in_both_directions(gateway, concept_map):
    ask = ("terminology", "translate", "--map", MAP)
    there = gateway(*ask, GENDER, "male", "--package", concept_map)
    by_systems = gateway(
        *("terminology", "translate", GENDER, "male", "--package", concept_map),
        *("--target", "urn:oid:2.16.840.1.113883.5.1"),
    )
    no_systems = gateway("terminology", "translate", "urn:x", "a", "--package", concept_map)
    back = gateway(
        *ask, "urn:oid:2.16.840.1.113883.5.1", "M", "--reverse", "--package", concept_map, "--json"
    )
    nowhere = gateway(*ask, GENDER, "other", "--package", concept_map)
    no_map = gateway(*ask, GENDER, "male")

    assert there.code == 0
    assert there.out.splitlines()[1].split()[:3] == ["wider", "urn:oid:2.16.840.1.113883.5.1", "M"]
    parts = {one["name"]: one for one in back.json["parameter"][1]["part"]}
    assert parts["equivalence"]["valueCode"] == "narrower"
    assert parts["concept"]["valueCoding"] == {"system": GENDER, "code": "male"}
    assert (nowhere.code, no_map.code) == (1, 2)
    assert there.out.splitlines()[1] in by_systems.out
    assert (by_systems.code, no_systems.code) == (0, 2)


def test_catalogues_are_listed_and_removed(gateway, catalogues):
    listed = gateway("terminology", "list", "--terminology", catalogues, "--json").json
    removed = gateway("terminology", "remove", f"{ICD}|2025", "--terminology", catalogues)
    again = gateway("terminology", "remove", f"{ICD}|2025", "--terminology", catalogues)

    assert [(one["version"], one["concepts"]) for one in listed] == [("2025", 4), ("2026", 4)]
    assert removed.out == f"Removed {ICD}|2025.\n"
    assert (again.code, "no catalogue" in again.err) == (2, True)
    assert len(list(catalogues.iterdir())) == 1


def test_the_region_has_its_catalogues_beside_its_configuration(gateway, folder, tmp_path):
    path = tmp_path / "tabelle.csv"
    path.write_text("Kode;Name;Oben;en\nA;Oberes;;upper\nB;Unteres;A;lower\n", encoding="utf-8")
    loaded = gateway(
        "terminology", "load", "table", path, "--url", "https://beispiel.de/t", "--version", "1",
        *("--column", "code=Kode", "--column", "display=Name", "--column", "parent=Oben"),
        *("--column", "text.en=en", "--json"),
    )  # fmt: skip

    assert loaded.json["concepts"] == 2
    assert (folder / "terminology" / loaded.json["file"]).is_file()
    english = gateway("terminology", "lookup", "https://beispiel.de/t", "B", "--language", "en")
    assert "lower" in english.out
    assert gateway("terminology", "subsumes", "https://beispiel.de/t", "A", "B").code == 0


@pytest.fixture
def log():
    """Log lines go where they went before; the streams of one test are closed after it."""
    yield
    structlog.reset_defaults()


def test_a_server_that_is_silent_or_no_server_leaves_codes_undecided(gateway, folder, log):
    def asked(address):
        text = (folder / "gateway.toml").read_text(encoding="utf-8").partition("\n[terminology]")[0]
        text += f'\n[terminology]\nserver = "{address}"\n'
        (folder / "gateway.toml").write_text(text, encoding="utf-8")
        return gateway("terminology", "validate-code", "http://loinc.org", "718-7", "--json")

    silent = asked("https://127.0.0.1:9/fhir")
    assert (silent.code, silent.json["resourceType"]) == (2, "OperationOutcome")
    assert "terminology_unavailable" in silent.err
    refused = asked("http://tx.example.org/fhir")
    assert (refused.code, refused.out) == (2, "")
    assert "[terminology] server: " in refused.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("icd-10", "x.csv"), "KIND is one of icd-10-gm, ops"),
        (("ops", "weg.xml"), "there is no such file"),
        (("loinc", "x.csv"), "--version is needed"),
        (("loinc", "x.csv", "--version", "2.80"), "x.csv: no file of this name"),
        (("table", "x.csv"), "--url is needed"),
        (("table", "x.csv", "--url", "urn:x", "--column", "code"), "MEANING=COLUMN"),
        (("table", "x.csv", "--url", "urn:x", "--encoding", "latein"), "no such character set"),
        (("table", "x.csv", "--url", "urn:x", "--delimiter", ";;"), "one character"),
        (("table", "x.csv", "--url", "urn:x"), "x.csv, line 3: the catalogue has a code"),
        (("alpha-id", "x.csv", "--version", "2025"), "x.csv, line 1: this is no row"),
        (("snomed", "x.csv"), "this is no folder"),
        (("icd-10-gm", "x.csv"), "well-formed"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_one_sentence(
    gateway, tmp_path, monkeypatch, arguments, says
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text(f"code;name\n1;eins\n{'2' * 300};zwei\n")

    refused = gateway("terminology", "load", *arguments, "--terminology", tmp_path / "t")

    assert refused.code == 2
    assert says in refused.err
    assert refused.err.count("\n") == 1
    assert list((tmp_path / "t").glob("*")) == []


def test_resources_are_validated_against_the_catalogues(gateway, catalogues, tmp_path):
    coded = {"coding": [{"system": ICD, "code": "Q10.19"}]}
    resource = {"resourceType": "Condition", "subject": {"display": "x"}, "code": coded}
    path = tmp_path / "condition.json"
    path.write_text(json.dumps(resource))

    bare = gateway("validate", path).json
    known = gateway("validate", path, "--terminology", catalogues).json
    absent = gateway("validate", path, "--terminology", tmp_path / "weg")

    said = f"the code system {ICD} does not define this code"
    assert said in {one["diagnostics"] for one in known["issue"]}
    assert said not in {one["diagnostics"] for one in bare["issue"]}
    assert (absent.code, "no such folder" in absent.err) == (2, True)


def test_expressions_ask_the_catalogues(gateway, catalogues, tmp_path):
    path = tmp_path / "condition.json"
    coded = {"coding": [{"system": ICD, "code": "Q10.11"}]}
    path.write_text(json.dumps({"resourceType": "Condition", "code": coded}))
    expression = f"Condition.code.memberOf('{ICD}?fhir_vs=isa/Q10.1')"

    assert gateway("fhirpath", expression, path, "--terminology", catalogues).lines == [True]
    assert gateway("fhirpath", expression, path).lines == []
