"""Packages on the command line: added, listed, removed, and what is refused."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import pytest


@pytest.fixture
def package(tmp_path):
    """Write a small package; return its file."""

    def write(name="de.beispiel.basis", version="1.0.0", **manifest):
        content = {"name": name, "version": version, "fhirVersions": ["4.0.1"], **manifest}
        naming = {
            "resourceType": "ValueSet",
            "url": f"https://beispiel.de/fhir/ValueSet/{name}",
            "version": version,
        }
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for file, resource in (("package.json", content), ("ValueSet-a.json", naming)):
                data = json.dumps(resource).encode()
                member = tarfile.TarInfo(f"package/{file}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        path = tmp_path / f"{name}-{version}-download.tgz"
        path.write_bytes(gzip.compress(buffer.getvalue(), mtime=0))
        return path

    return write


def test_packages_are_added_listed_and_removed(gateway, package, tmp_path):
    folder = tmp_path / "packages"

    added = gateway("package", "add", package(), package(version="1.1.0"), "--packages", folder)
    listed = gateway("package", "list", "--packages", folder, "--json").json

    assert (added.code, added.out) == (
        0,
        "Added de.beispiel.basis@1.0.0.\nAdded de.beispiel.basis@1.1.0.\n",
    )
    assert [one["package"] for one in listed] == [
        "de.beispiel.basis@1.0.0",
        "de.beispiel.basis@1.1.0",
    ]
    assert {one["resources"] for one in listed} == {1}
    assert "de.beispiel.basis@1.1.0" in gateway("package", "list", "--packages", folder).out

    removed = gateway("package", "remove", "de.beispiel.basis@1.0.0", "--packages", folder)

    assert removed.out == "Removed de.beispiel.basis@1.0.0.\n"
    (left,) = gateway("package", "list", "--packages", folder, "--json").json
    assert left["package"] == "de.beispiel.basis@1.1.0"
    assert not (folder / "de.beispiel.basis-1.0.0.tgz").exists()


def test_packages_belong_to_the_region_of_the_configuration(gateway, package, tmp_path):
    assert gateway("init", tmp_path / "region").code == 0

    assert gateway("package", "add", package(), "--config", tmp_path / "region").code == 0

    lock = tmp_path / "region" / "packages" / "packages.lock.toml"
    assert 'name = "de.beispiel.basis"' in lock.read_text(encoding="utf-8")


def test_a_missing_dependency_is_named_and_hinders_nothing(gateway, package, tmp_path):
    file = package(dependencies={"de.basisprofil.r4": "1.5.x"})

    done = gateway("package", "add", file, "--packages", tmp_path / "packages")

    assert done.code == 0
    assert done.err == (
        "gateway: de.beispiel.basis@1.0.0 needs de.basisprofil.r4@1.5.x, "
        "which is not among the packages\n"
    )


def test_faults_are_one_sentence(gateway, package, tmp_path):
    folder = tmp_path / "packages"
    broken = tmp_path / "broken.tgz"
    broken.write_bytes(b"\x1f\x8b and then nothing")
    gateway("package", "add", package(), "--packages", folder)
    other = package(title="changed")

    for arguments, code, text in (
        (("add", broken), 2, "broken.tgz: this is no sound .tgz archive"),
        (("add", tmp_path / "absent.tgz"), 2, "absent.tgz: there is no such package file"),
        (("add", other), 2, "de.beispiel.basis@1.0.0 is there with other content"),
        (("add", package("de.r5", fhirVersions=["5.0.0"])), 1, "is for FHIR 5.0.0"),
        (("remove", "kbv.basis"), 2, "there is no package kbv.basis here"),
    ):
        done = gateway("package", *arguments, "--packages", folder)
        assert done.code == code, arguments
        assert text in done.err
        assert len(done.err.splitlines()) == 1


def test_a_package_that_was_changed_after_it_was_added_is_refused(gateway, package, tmp_path):
    folder = tmp_path / "packages"
    gateway("package", "add", package(), "--packages", folder)
    (folder / "de.beispiel.basis-1.0.0.tgz").write_bytes(package(title="other").read_bytes())

    done = gateway("package", "list", "--packages", folder)

    assert done.code == 2
    assert "its SHA-256 differs" in done.err


def test_the_gateways_own_package_is_written_for_others_and_needs_no_file_here(gateway, tmp_path):
    file = tmp_path / "region-gateway.tgz"
    done = gateway("package", "export", str(file))
    assert done.code == 0
    assert "region-gateway.r4@" in done.err

    with tarfile.open(file) as tar:
        assert json.load(tar.extractfile("package/package.json"))["name"] == "region-gateway.r4"
    resource = tmp_path / "p.json"
    resource.write_text('{"resourceType": "Patient", "name": [{"given": ["Anna"]}]}')
    profile = "https://region-gateway.example/fhir/StructureDefinition/gateway-patient"
    checked = gateway("validate", str(resource), "--profile", profile)
    assert checked.code == 1
    assert "gw-named" in checked.out


def test_a_place_where_nothing_can_be_written_is_named(gateway, tmp_path):
    done = gateway("package", "export", str(tmp_path / "missing" / "x.tgz"))

    assert done.code == 2
    assert "missing" in done.err
