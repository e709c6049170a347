"""The committed facts are what the published definitions say."""

import gzip
import os
from pathlib import Path

import pytest

import profiles.r4
from profiles.r4 import facts
from profiles.r4.compile import KINDS, compile_core, write_facts
from profiles.r4.compile.__main__ import main
from profiles.r4.compile.bindings import OpenValueSetError, expand
from profiles.r4.compile.definitions import Definitions

ROOT = Path(__file__).parents[3]
CORE = Path(os.environ.get("GATEWAY_R4_CORE", ROOT / "../shared/packages/r4-core"))
FACTS = Path(profiles.r4.__file__).parent


@pytest.mark.samples
@pytest.mark.skipif(not CORE.is_dir(), reason="GATEWAY_R4_CORE not found")
def test_compiling_the_definitions_gives_the_committed_facts(tmp_path):
    compiled = compile_core(CORE)
    assert set(compiled) == set(KINDS)
    for kind, text in compiled.items():
        assert gzip.decompress((FACTS / f"{kind}.json.gz").read_bytes()) == text, kind
    assert set(write_facts(compiled, tmp_path)) == set(KINDS)
    assert write_facts(compiled, tmp_path) == []


def test_the_command_explains_itself(capsys):
    assert main([]) == 2
    assert main(["no-such-folder"]) == 2
    assert "usage" in capsys.readouterr().err


def element(type_name, path):
    elements = facts("elements")["types"][type_name]["elements"]
    return next(one for one in elements if one["path"] == path)


def test_there_are_146_resource_types():
    types = facts("elements")["types"].values()
    assert len([t for t in types if t["kind"] == "resource" and not t.get("abstract")]) == 146


def test_elements_say_cardinality_type_targets_and_binding():
    assert element("Patient", "id")["types"] == ["id"]
    assert element("Patient", "name")["max"] == "*"
    assert element("Patient", "deceased[x]")["types"] == ["boolean", "dateTime"]
    assert element("Patient", "gender")["binding"].endswith("administrative-gender")
    assert element("Patient", "link.other")["targets"] == ["Patient", "RelatedPerson"]
    assert element("Observation", "status")["min"] == 1
    assert element("Observation", "component.referenceRange")["content"] == (
        "Observation.referenceRange"
    )


def test_later_additions_are_not_taken_for_r4():
    for type_name, path in [("Meta", "accounts"), ("ResearchStudy", "whyStopped")]:
        with pytest.raises(StopIteration):
            element(type_name, path)
        assert f"{type_name}.{path}" in facts("elements")["not_r4"]


def test_value_sets_that_cannot_be_enumerated_are_named():
    assert "http://hl7.org/fhir/ValueSet/mimetypes" in facts("bindings")["open"]
    assert facts("bindings")["finite"]["http://hl7.org/fhir/ValueSet/administrative-gender"] == {
        "http://hl7.org/fhir/administrative-gender": ["female", "male", "other", "unknown"]
    }


def definitions(value_sets, systems):
    return Definitions(
        structures={},
        value_sets={url: {"compose": compose} for url, compose in value_sets.items()},
        code_systems=systems,
        search_parameters=[],
        schema={},
    )


NESTED = {"content": "complete", "concept": [{"code": "a", "concept": [{"code": "b"}]}]}


def test_a_value_set_is_the_sum_of_its_parts_without_its_exclusions():
    found = definitions(
        {
            "all": {"include": [{"system": "s"}]},
            "most": {
                "include": [{"valueSet": ["all"]}, {"system": "t", "concept": [{"code": "c"}]}],
                "exclude": [{"system": "s", "concept": [{"code": "b"}]}],
            },
            "both": {"include": [{"valueSet": ["all", "most|1.0"]}]},
        },
        {"s": NESTED},
    )
    assert expand(found, "all") == {"s": {"a", "b"}}
    assert expand(found, "most") == {"s": {"a"}, "t": {"c"}}
    assert expand(found, "both") == {"s": {"a"}}


@pytest.mark.parametrize(
    "include",
    [
        {"system": "elsewhere"},
        {"system": "fragment"},
        {"system": "s", "filter": [{"property": "concept", "op": "is-a", "value": "a"}]},
        {"valueSet": ["missing"]},
    ],
)
def test_an_infinite_or_foreign_part_leaves_a_value_set_open(include):
    systems = {"s": NESTED, "fragment": NESTED | {"content": "fragment"}}
    with pytest.raises(OpenValueSetError):
        expand(definitions({"x": {"include": [include]}}, systems), "x")
