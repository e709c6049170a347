"""Profiles of an invented region, written as single resources, and a validator for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from profiles.packages import open_packages
from profiles.terminology import Terminology
from profiles.validate.policy import DEFAULT, Policy
from profiles.validate.validator import Validator
from tests.profiles.packages.conftest import archive

CANONICAL = "https://harz.example/fhir/StructureDefinition/"
CORE = "http://hl7.org/fhir/StructureDefinition/"
KVNR = "http://fhir.de/sid/gkv/kvid-10"
PID = "https://harz.example/sid/pid"
AREAS = "https://harz.example/fhir/CodeSystem/gebiet"

Json = dict[str, Any]


def structure(name: str, base: str, *elements: Json, **members: Any) -> Json:
    """Make a StructureDefinition with a differential; a bare base name is core's."""
    return {
        "resourceType": "StructureDefinition",
        "id": name,
        "url": f"{CANONICAL}{name}",
        "version": "1.0.0",
        "name": name,
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": members.pop("type", base),
        "baseDefinition": base if "/" in base else f"{CORE}{base}",
        "derivation": "constraint",
        "differential": {"element": list(elements)},
        **members,
    }


def element(element_id: str, **members: Any) -> Json:
    """Make an ElementDefinition whose path follows from its id."""
    steps = [part.partition(":") for part in element_id.split(".")]
    made: Json = {"id": element_id, "path": ".".join(name for name, _, _ in steps)}
    if steps[-1][2]:
        made["sliceName"] = steps[-1][2]
    return made | members


def by(kind: str, path: str, rules: str = "open", **members: Any) -> Json:
    """Make the slicing of an element."""
    return {"discriminator": [{"type": kind, "path": path}], "rules": rules} | members


REMARK = structure(
    "Pflegehinweis",
    "Extension",
    element("Extension", max="1"),
    element("Extension.url", fixedUri=f"{CANONICAL}Pflegehinweis"),
    element("Extension.value[x]", min=1, type=[{"code": "string"}]),
    element("Extension.value[x]", maxLength=20),
    kind="complex-type",
    context=[{"type": "element", "expression": "Patient"}],
)

PATIENT = structure(
    "Versicherte",
    "Patient",
    element(
        "Patient",
        constraint=[
            {
                "key": "harz-1",
                "severity": "error",
                "human": "Wer verstorben ist, braucht keine Telefonnummer",
                "expression": "deceased.exists() implies telecom.empty()",
            }
        ],
    ),
    element("Patient.extension", slicing=by("value", "url")),
    element(
        "Patient.extension:hinweis",
        max="1",
        type=[{"code": "Extension", "profile": [f"{CANONICAL}Pflegehinweis"]}],
    ),
    element("Patient.identifier", min=1, slicing=by("pattern", "$this", rules="closed")),
    element("Patient.identifier:KVNR", min=1, max="1", patternIdentifier={"system": KVNR}),
    element("Patient.identifier:KVNR.value", min=1),
    element("Patient.identifier:PID", patternIdentifier={"system": PID}),
    element("Patient.identifier:PID.assigner", min=1),
    element("Patient.name", min=1),
    element("Patient.name.family", min=1),
    element("Patient.birthDate", min=1),
    element("Patient.deceased[x]", type=[{"code": "dateTime"}]),
    element("Patient.maritalStatus", max="0"),
    element(
        "Patient.generalPractitioner",
        type=[{"code": "Reference", "targetProfile": [f"{CORE}Practitioner"]}],
    ),
    element(
        "Patient.communication.language",
        binding={"strength": "required", "valueSet": f"{CANONICAL}Sprachen"},
    ),
)

LANGUAGES: Json = {
    "resourceType": "ValueSet",
    "id": "Sprachen",
    "url": f"{CANONICAL}Sprachen",
    "version": "1.0.0",
    "status": "active",
    "compose": {
        "include": [{"system": "urn:ietf:bcp:47", "concept": [{"code": "de"}, {"code": "tr"}]}]
    },
}


def validator(folder: Path, *resources: Json, policy: Policy = DEFAULT) -> Validator:
    """Open resources as packages of their own."""
    paths = []
    for one in resources:
        path = folder / f"{one['resourceType']}-{one['id']}.json"
        path.write_text(json.dumps(one))
        paths.append(path)
    packages = open_packages(paths, tolerate_missing=True)
    return Validator(packages, Terminology(packages), policy=policy)


def packed(folder: Path, name: str, version: str, *resources: Json, **members: Any) -> Path:
    """Write resources as one package; `members` of its manifest, such as its dependencies."""
    manifest = {"name": name, "version": version, "fhirVersions": ["4.0.1"], **members}
    files = {f"package/{one['resourceType']}-{one['id']}.json": one for one in resources}
    path = folder / f"{name}-{version}.tgz"
    path.write_bytes(archive({"package/package.json": manifest} | files))
    return path
