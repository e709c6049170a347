"""Profiles of an invented region, opened as packages over the built-in core."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import pytest

from profiles.packages import open_packages
from profiles.snapshot import Snapshots

CANONICAL = "https://harz.example/fhir/StructureDefinition/"
CORE = "http://hl7.org/fhir/StructureDefinition/"
BY_SYSTEM = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}


def structure(name, base, *elements, **members):
    """Make a StructureDefinition with a differential; a bare base name is core's."""
    url = base if "/" in base else f"{CORE}{base}"
    type_name = members.pop("type", base)
    return {
        "resourceType": "StructureDefinition",
        "id": name,
        "url": f"{CANONICAL}{name}",
        "version": "1.0.0",
        "name": name,
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": type_name,
        "baseDefinition": url,
        "derivation": "constraint",
        "differential": {"element": list(elements)},
        **members,
    }


def element(element_id, **members):
    """Make an ElementDefinition whose path follows from its id."""
    steps = [part.partition(":") for part in element_id.split(".")]
    made = {"id": element_id, "path": ".".join(name for name, _, _ in steps)}
    if steps[-1][2]:
        made["sliceName"] = steps[-1][2]
    return made | members


@pytest.fixture
def open_region(tmp_path):
    """Write packages and open them: {"name@version": (structures, dependencies)}."""

    def write(packages, **options):
        paths = []
        for key, (structures, dependencies) in packages.items():
            name, _, version = key.partition("@")
            manifest = {"name": name, "version": version, "dependencies": dependencies}
            files = {"package.json": manifest}
            files |= {f"StructureDefinition-{one['id']}.json": one for one in structures}
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w") as tar:
                for file, content in files.items():
                    data = json.dumps(content).encode()
                    member = tarfile.TarInfo(f"package/{file}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
            paths.append(tmp_path / f"{key}.tgz")
            paths[-1].write_bytes(gzip.compress(buffer.getvalue()))
        return Snapshots(open_packages(paths), **options)

    return write


@pytest.fixture
def region(open_region):
    """Open structures as one package; return its snapshots."""

    def write(*structures, **options):
        return open_region({"de.harz.basis@1.0.0": (structures, {})}, **options)

    return write


@pytest.fixture
def make():
    """The builders, for tests: structure and element."""
    return structure, element


@pytest.fixture
def patient(make):
    """A patient with Versichertennummer, as in the German base profiles."""
    structure, element = make
    return structure(
        "PatientHarz",
        "Patient",
        element("Patient.identifier", slicing=BY_SYSTEM, min=1),
        element("Patient.identifier:kvnr", min=1, max="1", mustSupport=True),
        element("Patient.identifier:kvnr.system", min=1, fixedUri="http://fhir.de/sid/gkv/kvid-10"),
        element("Patient.identifier:kvnr.value", min=1, maxLength=10),
        element("Patient.identifier:pid", max="1"),
        element(
            "Patient.gender",
            min=1,
            binding={"strength": "required", "valueSet": "https://harz.example/fhir/ValueSet/g"},
            constraint=[
                {
                    "key": "harz-1",
                    "severity": "error",
                    "human": "Geschlecht nur mit Geburtsdatum",
                    "expression": "%resource.birthDate.exists()",
                }
            ],
        ),
    )
