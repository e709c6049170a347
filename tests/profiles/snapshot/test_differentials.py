"""Differentials that are odd or wrong, and what is made of them."""

import pytest

from profiles.issue import NotConformant
from profiles.r4 import facts
from profiles.snapshot import generate

CANONICAL = "https://harz.example/fhir/StructureDefinition/"
CORE = "http://hl7.org/fhir/StructureDefinition/"


def ids(profile, start):
    return [one.id for one in profile.root.walk() if one.id.startswith(start)]


def texts(snapshots, profile):
    return [one.text for one in snapshots.issues(profile)]


def test_a_missing_base_is_named(region, make):
    structure, _element = make
    snapshots = region(structure("A", "https://fehlt.example/B|2.0", type="Patient"))

    with pytest.raises(NotConformant, match=r"no StructureDefinition https://fehlt\.example/B\|2"):
        snapshots.profile(f"{CANONICAL}A")
    with pytest.raises(NotConformant, match=f"no StructureDefinition {CANONICAL}Z among"):
        snapshots.profile(f"{CANONICAL}Z")


def test_profiles_that_derive_from_each_other_are_refused(region, make):
    structure, _element = make
    first = structure("A", f"{CANONICAL}B", type="Patient")
    second = structure("B", f"{CANONICAL}A", type="Patient")

    with pytest.raises(NotConformant, match=r"depends on its own snapshot: .*A.* → .*B.* → .*A"):
        region(first, second).profile(f"{CANONICAL}A")


def test_a_profile_may_name_itself_as_the_profile_of_a_type(region, make):
    structure, element = make
    own = [{"code": "Observation", "profile": [f"{CANONICAL}A"]}]
    profile = region(
        structure("A", "Observation", element("Observation.contained", type=own))
    ).profile(f"{CANONICAL}A")

    assert profile.element("Observation.contained").types[0].profiles == (f"{CANONICAL}A",)


def test_a_chain_of_profiles_without_end_is_refused(region, make):
    structure, _ = make
    chain = [structure(f"A{n}", f"{CANONICAL}A{n + 1}", type="Patient") for n in range(60)]

    with pytest.raises(NotConformant, match="too many profiles stand on each other"):
        region(*chain).profile(f"{CANONICAL}A0")


def test_without_ids_the_order_says_what_belongs_to_what(region, make):
    structure, _element = make
    name = {
        "path": "Patient.name",
        "slicing": {"discriminator": [{"type": "value", "path": "use"}]},
    }
    profile = region(
        structure(
            "PatientHarz",
            "Patient",
            {"path": "Patient"},
            name,
            {"path": "Patient.name", "sliceName": "amtlich", "min": 1},
            {"path": "Patient.name.use", "fixedCode": "official"},
            {"path": "Patient.name", "sliceName": "geburtsname"},
            {"path": "Patient.name.use", "fixedCode": "maiden"},
        )
    ).profile(f"{CANONICAL}PatientHarz")
    fixed = [one.child("use").fixed.value for one in profile.root.child("name").slices]

    assert fixed == ["official", "maiden"]
    assert profile.root.child("name").children == ()


def test_an_id_without_slice_after_a_slice_belongs_to_the_slice(region, make):
    """What the German Terminplanung package does, and what other tools read into it."""
    structure, element = make
    snapshots = region(
        structure(
            "Kalender",
            "Schedule",
            element("Schedule.extension:name"),
            element("Schedule.extension.value[x]", min=1),
        )
    )
    profile = snapshots.profile(f"{CANONICAL}Kalender")

    extension = profile.root.child("extension")
    assert extension.children == ()
    assert extension.slice("name").child("value[x]").min == 1
    assert texts(snapshots, profile) == [
        "the id names no slice where the order of elements means one"
    ]


def test_elements_in_the_wrong_order_find_their_place(region, make, patient):
    shuffled = patient | {
        "differential": {"element": patient["differential"]["element"][::-1]},
        "id": "Umgekehrt",
        "url": f"{CANONICAL}Umgekehrt",
    }
    snapshots = region(patient, shuffled)
    ordered = snapshots.profile(f"{CANONICAL}PatientHarz")
    other = snapshots.profile(f"{CANONICAL}Umgekehrt")

    kvnr = "Patient.identifier:kvnr"
    assert ids(other, kvnr) == ids(ordered, kvnr)
    assert other.element(f"{kvnr}.system").fixed == ordered.element(f"{kvnr}.system").fixed
    assert other.root.child("name") == ordered.root.child("name")


def test_what_fits_nowhere_is_an_issue_and_the_rest_counts(region, make):
    structure, element = make
    snapshots = region(
        structure(
            "PatientHarz",
            "Patient",
            element("Patient.geburtsort", min=1),
            {"path": "Patientin.birthDate", "min": 1},
            element("Patient.birthDate:tag", max="1", mustSupport=True),
            element("Patient.gender", max="4", binding={"strength": "preferred"}),
            element("Patient.active", type=[{"code": "string"}]),
            element("Patient.name", min=1),
            element("Patient.name", max="1"),
        )
    )
    profile = snapshots.profile(f"{CANONICAL}PatientHarz")

    assert profile.element("Patient.birthDate").min == 1
    assert profile.element("Patient.birthDate").must_support
    assert (profile.root.child("name").min, profile.root.child("name").max) == (1, 1)
    assert sorted(texts(snapshots, profile)) == [
        "a slice name on an element that stands once and is not sliced",
        "a type is not one of those of the base",
        "an element stands twice in the differential",
        "max is above that of the base",
        "the base has no such element",
        "the binding is weaker than that of the base",
        "the path does not start with the type",
    ]


@pytest.mark.parametrize(
    "bad",
    [
        {"path": ""},
        {"path": 5},
        {},
        {"path": "Patient.name", "min": "1"},
        {"path": "Patient.name", "min": True},
        {"path": "Patient.name", "max": 1},
        {"path": "Patient.name", "id": 7},
        {"path": "Patient.name", "sliceName": ["a"]},
        {"path": "Patient.name", "type": [{"code": 1}]},
        {"path": "Patient.name", "type": [{"code": "HumanName", "profile": "x"}]},
        {"path": "Patient.name", "constraint": [{"key": {}}]},
        {"path": "Patient.name", "binding": {"valueSet": []}},
        {"path": "Patient.name", "slicing": {"discriminator": {"type": "value"}}},
        {"path": "Patient" + ".name" * 80},
    ],
)
def test_a_malformed_element_is_one_clear_error(region, make, bad):
    structure, _ = make
    for view in ("differential", "snapshot"):
        one = structure("A", "Patient") | {view: {"element": [bad]}}
        with pytest.raises(NotConformant) as caught:
            region(one).profile(f"{CANONICAL}A")
        assert caught.value.text.startswith(f"{CANONICAL}A|1.0.0: ")
        assert len(caught.value.issues) == 1


def test_a_snapshot_that_grows_without_measure_is_refused(region, make):
    structure, element = make
    slices = [element(f"Questionnaire.item:s{number}.item.text", min=1) for number in range(2_000)]

    with pytest.raises(NotConformant, match="too many elements"):
        region(structure("A", "Questionnaire", *slices)).profile(f"{CANONICAL}A")


@pytest.mark.parametrize("name", ["Patient", "Observation", "Bundle", "Questionnaire", "Address"])
def test_nothing_said_means_the_base(region, make, name):
    snapshots = region()
    base = snapshots.structure(f"{CORE}{name}")
    structure, _ = make

    made = generate(structure("Leer", name), snapshots.structure)

    assert made.issues == ()
    assert made.elements == base["snapshot"]["element"]


def test_published_snapshots_are_taken_or_not_as_wanted(region, make):
    structure, element = make
    one = structure("A", "Patient", element("Patient.name", min=1)) | {
        "snapshot": {"element": [{"id": "Patient", "path": "Patient", "min": 0, "max": "1"}]}
    }

    assert region(one).profile(f"{CANONICAL}A").root.children == ()
    generated = region(one, published=False).profile(f"{CANONICAL}A")
    assert generated.root.child("name").min == 1


def test_a_profile_is_compiled_once(region, patient):
    snapshots = region(patient)
    profile = snapshots.profile(f"{CANONICAL}PatientHarz")

    assert snapshots.profile(f"{CANONICAL}PatientHarz|1.0.0") is profile
    assert profile.canonical == f"{CANONICAL}PatientHarz|1.0.0"
    assert (profile.type, profile.kind, profile.derivation) == ("Patient", "resource", "constraint")


def test_every_core_type_compiles(region):
    snapshots = region()
    for url, one in facts("canonicals").items():
        if one["library"] == "datatypes":
            profile = snapshots.profile(url)
            assert profile.root.path == one["type"]
    ratio = snapshots.type("Ratio")
    assert [one.key for one in ratio.root.invariants] == ["ele-1", "rat-1"]
    assert snapshots.type("id").element("id.value").types[0].code == "string"
    assert snapshots.type("Patient").element("Patient.id").types[0].code == "id"
