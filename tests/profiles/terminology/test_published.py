"""Core's value sets, and those of the German packages where they are at hand."""

import os
from pathlib import Path

import pytest

from profiles.packages import CORE, open_packages
from profiles.r4 import facts
from profiles.terminology import Terminology

PACKAGES = Path(
    os.environ.get("GATEWAY_PACKAGES", Path(__file__).parents[3] / "../shared/packages")
)
GERMAN = PACKAGES / "de"


@pytest.fixture(scope="module")
def core():
    return Terminology(open_packages([]))


@pytest.fixture(scope="module")
def german():
    if not GERMAN.is_dir():
        pytest.skip("GATEWAY_PACKAGES not found")
    names = ("de.basisprofil.r4-1.5.4", "de.gematik.isik-basismodul-3.1.1", "kbv.basis-1.7.0")
    paths = [GERMAN / f"{one}.tgz" for one in names]
    return Terminology(open_packages(paths, tolerate_missing=True))


def compiled(terminology):
    for found in terminology.sources.packages.all("ValueSet"):
        yield found, terminology.within(found.package).compiled(found.canonical)


def test_every_value_set_of_core_compiles_and_nine_of_ten_need_nothing_else(core):
    found = [one for where, one in compiled(core) if where.package.manifest.name == CORE]
    assert len(found) > 1300
    assert all(one is not None for one in found)
    assert sum(not one.missing for one in found) / len(found) > 0.9


def test_core_expands_as_its_required_bindings_were_compiled(core):
    """Two programs that share nothing read the same definitions."""
    finite = facts("bindings")["finite"]
    assert len(finite) > 200
    for canonical, systems in finite.items():
        found = core.compiled(canonical).members.systems
        expanded = {url: set(extent.each()) for url, extent in found.items()}
        listed = {url: set(codes) for url, codes in systems.items()}
        assert {url: codes for url, codes in expanded.items() if codes} == listed


def test_every_code_that_core_lists_is_a_member(core):
    for where, one in compiled(core):
        compose = where.resource()["compose"]
        if "exclude" in compose:
            continue
        for entry in compose["include"]:
            listed = [] if "valueSet" in entry else entry.get("concept", [])
            assert all(one.member(entry["system"], concept["code"]) for concept in listed)


@pytest.mark.parametrize(
    ("value_set", "system", "code", "answer"),
    [
        ("administrative-gender", "http://hl7.org/fhir/administrative-gender", "divers", False),
        ("administrative-gender", "http://hl7.org/fhir/administrative-gender", "other", True),
        ("iso3166-1-2", "urn:iso:std:iso:3166", "DE", True),
        ("iso3166-1-2", "urn:iso:std:iso:3166", "XQ", False),
        ("iso3166-1-2", "urn:iso:std:iso:3166", "DEU", False),
        ("iso3166-1-3", "urn:iso:std:iso:3166", "DEU", None),
        ("timezones", "https://www.iana.org/time-zones", "Europe/Berlin", True),
        ("timezones", "https://www.iana.org/time-zones", "Europa/Berlin", False),
        ("body-site", "http://snomed.info/sct", "999000011", None),
        ("body-site", "http://loinc.org", "1", False),
    ],
)
def test_core_decides_what_it_can(core, value_set, system, code, answer):
    assert core.member(f"http://hl7.org/fhir/ValueSet/{value_set}", system, code) is answer


def test_abstract_codes_of_v3_group_their_specialisations(core):
    found = core.expand("http://terminology.hl7.org/ValueSet/v3-ActEncounterCode")
    assert {"IMP", "AMB", "EMER"} <= {one.code for one in found.contains}
    act = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
    assert core.subsumption(act, "IMP", "ACUTE").outcome == "subsumes"


def test_every_value_set_of_the_german_packages_compiles(german):
    found = [one for where, one in compiled(german) if where.package.manifest.name != CORE]
    assert len(found) > 100
    assert all(one is not None for one in found)


@pytest.mark.parametrize(
    ("value_set", "system", "code", "outcome"),
    [
        ("http://fhir.de/ValueSet/gender-other-de", "http://fhir.de/CodeSystem/gender-amtlich-de",
         "D", "yes"),
        ("http://fhir.de/ValueSet/gender-other-de", "http://fhir.de/CodeSystem/gender-amtlich-de",
         "M", "no"),
        ("http://fhir.de/ValueSet/bfarm/icd-10-gm", "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
         "A00", "undecided"),
        ("http://fhir.de/ValueSet/versicherungsart-de-basis",
         "http://fhir.de/CodeSystem/versicherungsart-de-basis", "GKV", "yes"),
    ],
)  # fmt: skip
def test_german_value_sets_decide_what_they_can(german, value_set, system, code, outcome):
    found = german.validate_code(value_set, coded={"system": system, "code": code})
    assert found.outcome == outcome


def test_versions_of_a_package_are_seen_from_within(german):
    packages = [GERMAN / f"de.basisprofil.r4-{one}.tgz" for one in ("1.4.0", "1.5.4")]
    both = Terminology(open_packages(packages, tolerate_missing=True))
    url = "http://fhir.de/ValueSet/gender-other-de"
    for version in ("1.4.0", "1.5.4"):
        package = both.sources.packages.package("de.basisprofil.r4", version)
        assert both.within(package).compiled(url).canonical == f"{url}|{version}"
