"""Several packages: dependencies among them, and what a canonical URL means to whom."""

import json

import pytest

from profiles.issue import NotConformant
from profiles.packages import (
    CORE,
    Lock,
    Locked,
    PackageFolder,
    open_packages,
    read_lock,
    write_lock,
)

URL = "https://harz.example/fhir/ValueSet/Pflegegrad"


def value_set(version, **members):
    return {
        "resourceType": "ValueSet",
        "id": "Pflegegrad",
        "url": URL,
        "version": version,
    } | members


@pytest.fixture
def basis(package):
    """Three versions of the package that defines the value set."""
    return {
        version: package("de.harz.basis", version, resources=[value_set(version)])
        for version in ("1.0.0", "1.1.0", "2.0.0")
    }


def found(packages, canonical, requester=""):
    name, _, version = requester.partition("@")
    one = packages.find(canonical, requester=packages.package(name, version) if name else None)
    return one.package.key if one else None


def test_an_exact_version_wins(basis):
    packages = open_packages(basis.values())

    one = packages.find(f"{URL}|1.0.0")

    assert (one.package.key, one.exact) == ("de.harz.basis@1.0.0", True)
    assert one.canonical == f"{URL}|1.0.0"
    assert one.resource()["version"] == "1.0.0"


def test_without_a_version_the_newest_is_meant(basis):
    packages = open_packages(basis.values())

    assert found(packages, URL) == "de.harz.basis@2.0.0"
    assert found(packages, f"{URL}|1.x") == "de.harz.basis@1.1.0"
    assert found(packages, "https://harz.example/fhir/ValueSet/Fehlt") is None


def test_what_a_package_depends_on_is_meant_by_what_it_says(basis, package):
    old = package("de.harz.klinik", dependencies={"de.harz.basis": "1.0.x"})
    far = package("de.harz.praxis", dependencies={"de.harz.klinik": "latest"})
    new = package("de.harz.reha", dependencies={"de.harz.basis": "^2.0.0"})
    packages = open_packages([*basis.values(), old, far, new])

    assert found(packages, URL, "de.harz.klinik") == "de.harz.basis@1.0.0"
    assert found(packages, URL, "de.harz.praxis") == "de.harz.basis@1.0.0"
    assert found(packages, URL, "de.harz.reha") == "de.harz.basis@2.0.0"
    assert found(packages, f"{URL}|1.1.0", "de.harz.klinik") == "de.harz.basis@1.1.0"


def test_another_version_than_asked_for_is_said_to_be_so(basis, package):
    user = package("de.harz.klinik", dependencies={"de.harz.basis": "1.0.0"})
    packages = open_packages([*basis.values(), user])

    one = packages.find(f"{URL}|1.0.7", requester=packages.package("de.harz.klinik"))

    assert (one.package.key, one.exact) == ("de.harz.basis@1.0.0", False)


def test_a_packages_own_definition_comes_before_others(package):
    own = package("de.harz.klinik", "1.0.0", resources=[value_set("0.1.0")])
    other = package("de.harz.basis", "9.0.0", resources=[value_set("9.0.0")])
    packages = open_packages([own, other])

    assert found(packages, URL, "de.harz.klinik") == "de.harz.klinik@1.0.0"
    assert found(packages, URL) == "de.harz.basis@9.0.0"


def test_the_same_url_may_stand_for_resources_of_two_types(package):
    system = {"resourceType": "CodeSystem", "id": "Pflegegrad", "url": URL, "version": "1.0.0"}
    packages = open_packages([package(resources=[value_set("1.0.0"), system])])

    for name in ("CodeSystem", "ValueSet"):
        assert packages.find(URL, resource_type=name).entry.resource_type == name


def test_cyclic_dependencies_end(package):
    first = package("de.a", dependencies={"de.b": "1.0.0"}, resources=[value_set("1.0.0")])
    second = package("de.b", dependencies={"de.a": "1.0.0"})

    assert found(open_packages([first, second]), URL, "de.b") == "de.a@1.0.0"


def test_missing_dependencies_are_named_all_at_once(package):
    file = package(dependencies={"de.basisprofil.r4": "1.5.x", "kbv.basis": "1.7.0"})

    with pytest.raises(NotConformant) as caught:
        open_packages([file])

    assert [one.text for one in caught.value.issues] == [
        f"de.harz.basis@1.0.0 needs {name}, which is not among the packages"
        for name in ("de.basisprofil.r4@1.5.x", "kbv.basis@1.7.0")
    ]


def test_a_tolerated_gap_is_a_warning_and_a_near_version_stands_in(basis, package):
    user = package("de.harz.klinik", dependencies={"de.harz.basis": "1.0.5"})
    packages = open_packages([*basis.values(), user], tolerate_missing=True)

    (issue,) = packages.missing
    assert issue.severity == "warning"
    assert issue.text.endswith("de.harz.basis@1.0.0 stands in for it")
    assert found(packages, URL, "de.harz.klinik") == "de.harz.basis@1.0.0"


def test_core_is_always_there(package):
    packages = open_packages([package(dependencies={CORE: "4.0.1"})])

    patient = packages.find("http://hl7.org/fhir/StructureDefinition/Patient|4.0.1")
    assert patient.package.manifest.name == CORE
    assert patient.resource()["snapshot"]["element"][0]["id"] == "Patient"
    gender = packages.find("http://hl7.org/fhir/administrative-gender")
    assert [one["code"] for one in gender.resource()["concept"]] == [
        "male",
        "female",
        "other",
        "unknown",
    ]


def test_core_is_nearer_than_a_newer_package_nobody_asked_for(package):
    url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
    newer = {"resourceType": "StructureDefinition", "id": "d", "url": url, "version": "5.3.0"}
    packages = open_packages(
        [package("hl7.extensions", "5.3.0", resources=[newer]), package("de.harz.klinik")]
    )

    assert found(packages, url, "de.harz.klinik") == f"{CORE}@4.0.1"
    assert found(packages, url, "hl7.extensions") == "hl7.extensions@5.3.0"


def test_resources_without_url_are_found_by_type(package):
    naming = {"resourceType": "NamingSystem", "id": "Krankenhausnummer", "name": "Nummern"}
    packages = open_packages([package(resources=[naming, value_set("1.0.0")])])

    first = next(packages.all("NamingSystem"))
    assert first.resource()["name"] == "Nummern"


def test_a_single_resource_reaches_everything_present(basis, tmp_path):
    file = tmp_path / "Profil.json"
    file.write_text(
        json.dumps({"resourceType": "StructureDefinition", "id": "P", "url": "https://p"}),
        encoding="utf-8",
    )
    packages = open_packages([*basis.values(), file])
    single = next(one for one in packages if one.is_single)

    assert packages.find(URL, requester=single).package.key == "de.harz.basis@2.0.0"


def test_the_same_package_twice_is_one_and_two_of_a_name_are_refused(basis, tmp_path, package):
    again = tmp_path / "again.tgz"
    again.write_bytes(basis["1.0.0"].read_bytes())
    assert len(list(open_packages([basis["1.0.0"], again]))) == 3  # and what ships with the gateway
    other = tmp_path / "other.tgz"
    other.write_bytes(package("de.harz.basis", "1.0.0", title="anders").read_bytes())

    with pytest.raises(NotConformant, match=r"de\.harz\.basis@1\.0\.0 is there twice"):
        open_packages([again, other])


def locked(name, version, digit="0"):
    return Locked(name=name, version=version, file=f"{name}-{version}.tgz", sha256=digit * 64)


def test_the_lock_file_is_the_same_text_for_the_same_packages():
    rows = [locked("kbv.basis", "1.10.0"), locked("kbv.basis", "1.9.0"), locked("de.a", "1.0.0")]
    forward, backward = Lock(), Lock()
    for one in rows:
        forward = forward.with_package(one)
    for one in reversed(rows):
        backward = backward.with_package(one)

    assert write_lock(forward) == write_lock(backward)
    assert read_lock(write_lock(forward)) == forward
    names = [line for line in write_lock(forward).splitlines() if "version" in line]
    assert names == ['version = "1.0.0"', 'version = "1.9.0"', 'version = "1.10.0"']


def test_packages_are_held_against_the_lock_file(basis):
    file = basis["1.0.0"]
    with pytest.raises(NotConformant, match="is not in packages"):
        open_packages([file], lock=Lock())
    with pytest.raises(NotConformant, match="its SHA-256 differs"):
        open_packages([file], lock=Lock().with_package(locked("de.harz.basis", "1.0.0")))


@pytest.mark.parametrize(
    "text",
    [
        "[[package]",
        "package = 5",
        "[[package]]\nname = 'a'",
        "[[package]]\nname='a'\nversion='1'\nfile='../a.tgz'\nsha256='" + "0" * 64 + "'",
        "[[package]]\nname='a'\nversion='1'\nfile='a.tgz'\nsha256='short'",
        write_lock(Lock().with_package(locked("a", "1"))) * 2,
    ],
)
def test_a_damaged_lock_file_is_refused(text):
    with pytest.raises(NotConformant):
        read_lock(text)


def test_a_file_that_holds_another_package_of_the_lock_file_is_refused(basis, tmp_path):
    folder = PackageFolder(tmp_path / "region")
    old, new = folder.add(basis["1.0.0"]), folder.add(basis["2.0.0"])
    (folder.path / old.file).write_bytes((folder.path / new.file).read_bytes())

    with pytest.raises(NotConformant, match=r"de\.harz\.basis@1\.0\.0 is in the lock file, but"):
        folder.open()
