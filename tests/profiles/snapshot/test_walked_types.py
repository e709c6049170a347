"""Extensions, types and bases that a profile leads into."""

import pytest

CANONICAL = "https://harz.example/fhir/StructureDefinition/"


def texts(snapshots, profile):
    return [one.text for one in snapshots.issues(profile)]


WARD = f"{CANONICAL}Station"


@pytest.fixture
def extension(make):
    """A complex extension: ward and bed."""
    structure, element = make
    return structure(
        "Station",
        "Extension",
        element("Extension", max="1"),
        element("Extension.extension:bett", min=1, max="1"),
        element("Extension.extension:bett.url", fixedUri="bett"),
        element("Extension.extension:bett.value[x]", min=1, type=[{"code": "string"}]),
        element("Extension.url", fixedUri=WARD),
        element("Extension.value[x]", max="0"),
        kind="complex-type",
        context=[{"type": "element", "expression": "Encounter"}],
    )


def test_an_extension_is_walked_into_by_its_profile(region, make, extension):
    structure, element = make
    ward = {"code": "Extension", "profile": [WARD]}
    snapshots = region(
        extension,
        structure(
            "Aufenthalt",
            "Encounter",
            element("Encounter.extension:station", type=[ward], mustSupport=True),
            element("Encounter.extension:station.extension:bett.value[x]", maxLength=4),
        ),
    )
    profile = snapshots.profile(f"{CANONICAL}Aufenthalt")
    (station,) = profile.root.child("extension").slices

    assert [(one.type, one.path) for one in profile.root.child("extension").slicing.discriminators]
    assert station.max == 1
    assert station.child("url").fixed.value == WARD
    assert station.child("value[x]").max == 0
    bed = station.child("extension").slice("bett")
    assert (bed.min, bed.child("url").fixed.value) == (1, "bett")
    assert bed.child("value[x]").max_length == 4
    assert snapshots.profile(WARD).contexts == (("element", "Encounter"),)


def test_the_type_stands_in_for_an_extension_nobody_has(region, make):
    structure, element = make
    unknown = "https://andere.example/StructureDefinition/Unbekannt"
    snapshots = region(
        structure(
            "Aufenthalt",
            "Encounter",
            element("Encounter.extension:x", type=[{"code": "Extension", "profile": [unknown]}]),
            element("Encounter.extension:x.value[x]", type=[{"code": "string"}]),
        )
    )
    profile = snapshots.profile(f"{CANONICAL}Aufenthalt")

    (one,) = profile.root.child("extension").slices
    assert one.child("url").fixed.value == unknown
    (text,) = texts(snapshots, profile)
    assert unknown in text


def test_profiles_of_types_are_walked_into(region, make):
    structure, element = make
    address = structure(
        "Strassenanschrift",
        "Address",
        element("Address.city", min=1),
        element("Address.line", max="3"),
        kind="complex-type",
    )
    person = structure(
        "PatientHarz",
        "Patient",
        element(
            "Patient.address",
            type=[{"code": "Address", "profile": [f"{CANONICAL}Strassenanschrift"]}],
        ),
        element("Patient.address.postalCode", min=1),
    )
    bundle = structure(
        "Meldung",
        "Bundle",
        element("Bundle.entry", slicing={"discriminator": [{"type": "type", "path": "resource"}]}),
        element("Bundle.entry:patient", min=1, max="1"),
        element(
            "Bundle.entry:patient.resource",
            min=1,
            type=[{"code": "Patient", "profile": [f"{CANONICAL}PatientHarz|1.0.0"]}],
        ),
        element("Bundle.entry:patient.resource.birthDate", min=1),
    )
    snapshots = region(address, person, bundle)

    address = snapshots.profile(f"{CANONICAL}PatientHarz").root.child("address")
    assert [address.child(one).min for one in ("city", "postalCode", "state")] == [1, 1, 0]
    assert address.child("line").max == 3
    resource = snapshots.profile(f"{CANONICAL}Meldung").element("Bundle.entry:patient.resource")
    assert resource.child("birthDate").min == 1
    assert resource.child("address").child("city").min == 1


def test_primitives_and_references_are_walked_into(region, make):
    structure, element = make
    profile = region(
        structure(
            "Fall",
            "Encounter",
            element("Encounter.subject.reference", min=1),
            element("Encounter.status.extension", max="0"),
        )
    ).profile(f"{CANONICAL}Fall")

    assert profile.element("Encounter.subject.reference").min == 1
    assert profile.element("Encounter.subject.display").min == 0
    assert profile.element("Encounter.status.extension").max == 0


def test_the_base_is_what_the_packages_dependencies_mean(open_region, make, patient):
    structure, element = make
    older = patient | {"version": "0.9.0"}
    older["differential"] = {"element": [element("Patient.birthDate", min=1)]}
    derived = structure(
        "PatientPraxis", f"{CANONICAL}PatientHarz", element("Patient.name", min=1), type="Patient"
    )
    snapshots = open_region(
        {
            "de.harz.basis@0.9.0": ([older], {}),
            "de.harz.basis@1.0.0": ([patient], {}),
            "de.harz.praxis@1.0.0": ([derived], {"de.harz.basis": "0.9.x"}),
        }
    )
    profile = snapshots.profile(f"{CANONICAL}PatientPraxis")

    assert profile.element("Patient.birthDate").min == 1
    assert profile.root.child("identifier").slices == ()
    assert snapshots.package_of(profile).key == "de.harz.praxis@1.0.0"


def test_a_logical_model_is_made_of_its_own_elements_and_may_be_constrained(region, make):
    structure, element = make
    model = structure(
        "Pflegebericht",
        "Element",
        element("Pflegebericht", min=0, max="*"),
        element("Pflegebericht.pflegegrad", min=1, max="1", type=[{"code": "Coding"}]),
        element("Pflegebericht.kontakt", min=0, max="*", type=[{"code": "BackboneElement"}]),
        element("Pflegebericht.kontakt.name", min=1, max="1", type=[{"code": "HumanName"}]),
        element("Pflegebericht.kontakt.vertretung", min=0, max="1",
                contentReference="#Pflegebericht.kontakt"),
        kind="logical",
        type=f"{CANONICAL}Pflegebericht",
        derivation="specialization",
    )  # fmt: skip
    stricter = structure(
        "Kurzbericht",
        f"{CANONICAL}Pflegebericht",
        element("Pflegebericht.kontakt", max="1"),
        element("Pflegebericht.kontakt.vertretung.name", max="0"),
        element("Pflegebericht.pflegegrad.code", min=1),
        kind="logical",
        type=f"{CANONICAL}Pflegebericht",
    )
    snapshots = region(model, stricter)
    whole = snapshots.profile(f"{CANONICAL}Pflegebericht")
    short = snapshots.profile(f"{CANONICAL}Kurzbericht")

    assert [one.name for one in whole.element("Pflegebericht.kontakt").children] == [
        "id",
        "extension",
        "modifierExtension",
        "name",
        "vertretung",
    ]
    assert [one.key for one in whole.element("Pflegebericht.pflegegrad").invariants] == ["ele-1"]
    assert short.element("Pflegebericht.kontakt").max == 1
    assert short.element("Pflegebericht.kontakt.vertretung.name").max == 0
    assert short.element("Pflegebericht.pflegegrad.code").min == 1
