"""The gateway's own package: coherent, sound, at hand without being loaded, free when not used."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import profiles.reading
import profiles.validate
from profiles.gateway import CANONICAL, PROFILES
from profiles.packages import gateway_package, open_package, open_packages
from profiles.packages.gateway import archive, gateway_folder
from profiles.snapshot import Snapshots
from profiles.validate.validator import Validator
from tests.profiles.gateway.examples import example, spoiled

ROOT = Path(__file__).parents[3]
PACKAGE = gateway_package()
STRUCTURES = [one for one in PACKAGE.entries if one.resource_type == "StructureDefinition"]
OURS = re.compile(rf"{CANONICAL}/\w+/[\w-]+|urn:region-gateway:[\w-]+")


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator(open_packages([]))


def strings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def canonicals_of_the_code() -> set[str]:
    """Canonicals and systems of ours that code and tables name."""
    found: set[str] = set()
    for folder in ("gateway", "mappers"):
        for path in (ROOT / folder).rglob("*.py"):
            for text in strings(ast.parse(path.read_text(encoding="utf-8"))):
                found.update(OURS.findall(text))
        for path in (ROOT / folder).rglob("*.csv"):
            found.update(OURS.findall(path.read_text(encoding="utf-8")))
    return found


def defined() -> set[str]:
    systems = {
        one["value"]
        for entry in PACKAGE.entries
        if entry.resource_type == "NamingSystem"
        for one in PACKAGE.resource(entry)["uniqueId"]
    }
    return systems | {entry.url for entry in PACKAGE.entries if entry.url}


@pytest.mark.parametrize("entry", PACKAGE.entries, ids=lambda one: one.filename)
def test_every_definition_is_valid_fhir_and_named_after_itself(validator, entry):
    path = gateway_folder() / "package" / entry.filename
    resource = profiles.reading.read_json(path.read_bytes())

    found = [one for one in validator.validate(resource) if one.severity != "information"]
    assert found == []
    assert entry.filename == f"{entry.resource_type}-{entry.id}.json"
    assert not entry.url or entry.url.startswith(("urn:", f"{CANONICAL}/{entry.resource_type}/"))


@pytest.mark.parametrize("entry", STRUCTURES, ids=lambda one: one.id)
def test_every_profile_has_a_snapshot_without_a_doubt(entry):
    snapshots = Snapshots(open_packages([]))

    assert snapshots.issues(snapshots.profile(entry.url)) == ()


def test_the_table_names_the_profile_of_every_type_that_has_one():
    of_resources = {one.type: one.url for one in STRUCTURES if one.kind == "resource"}

    assert of_resources == PROFILES


def test_every_canonical_the_code_uses_is_defined():
    used = canonicals_of_the_code()

    assert len(used) > 8
    assert used - defined() == set()


def test_every_administrative_act_of_the_code_has_its_code():
    system = next(one for one in PACKAGE.entries if one.id == "administrative-act")
    codes = {one["code"] for one in PACKAGE.resource(system)["concept"]}
    acts = set()
    for path in (ROOT / "gateway" / "operations").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"desk.record", "_settle"}:
                acts.update(text for text in strings(node.args[1]))

    assert len(acts) > 8
    assert acts - codes == set()


def test_profiles_are_at_hand_without_loading_anything():
    patient = spoiled(example("Patient"), "gender", "female")
    del patient["meta"]

    assert [i for i in profiles.validate(patient) if i.severity == "error"] == []
    found = profiles.validate(patient, profiles=[PROFILES["Patient"]])
    assert [i.text[-10:] for i in found if i.severity == "error"] == ["(gw-pat-1)"]


def test_claiming_loads_no_package_and_no_validator():
    program = (
        "import sys, mappers\n"
        "message = b'MSH|^~\\\\&|A|B|||20261101080000||ADT^A31|1|P|2.5\\rPID|||1\\r'\n"
        "(mapped,) = mappers.convert(message)\n"
        "assert mapped.changes[0].resource['meta']['profile']\n"
        "heavy = ('profiles.packages', 'profiles.snapshot', 'profiles.fhirpath')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_the_archive_is_the_package_and_always_the_same_bytes(tmp_path):
    file = tmp_path / "region-gateway.tgz"
    file.write_bytes(archive())
    opened = open_package(file)

    assert opened.manifest == PACKAGE.manifest
    assert {one.filename for one in opened.entries} == {one.filename for one in PACKAGE.entries}
    assert archive() == file.read_bytes()
    assert open_packages([file]).package(PACKAGE.manifest.name).place == file.name


def test_the_documents_name_every_profile_extension_and_name():
    page = (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8")
    extensions = [one.id for one in STRUCTURES if one.type == "Extension"]

    assert [kind for kind in PROFILES if f"\n| {kind} | " not in page] == []
    assert [name for name in extensions if f"`{name}`" not in page] == []
