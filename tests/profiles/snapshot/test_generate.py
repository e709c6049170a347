"""Differentials of a region's profiles, and the snapshots they mean."""

import pytest

from profiles.issue import NotConformant
from profiles.r4 import facts
from profiles.snapshot import generate

CANONICAL = "https://harz.example/fhir/StructureDefinition/"
CORE = "http://hl7.org/fhir/StructureDefinition/"
BY_SYSTEM = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}


def ids(profile, start):
    return [one.id for one in profile.root.walk() if one.id.startswith(start)]


def texts(snapshots, profile):
    return [one.text for one in snapshots.issues(profile)]


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


def test_members_are_constrained_one_by_one(region, patient):
    profile = region(patient).profile(f"{CANONICAL}PatientHarz")
    gender = profile.element("Patient.gender")
    base = region().type("Patient").element("Patient.gender")

    assert (gender.min, gender.max) == (1, 1)
    assert gender.types == base.types
    assert gender.binding.value_set == "https://harz.example/fhir/ValueSet/g"
    assert [one.key for one in gender.invariants] == ["ele-1", "harz-1"]
    assert gender.is_summary
    assert not gender.must_support
    assert profile.element("Patient.birthDate") is not None


def test_slices_stand_after_the_element_and_grow_where_constrained(region, patient):
    profile = region(patient).profile(f"{CANONICAL}PatientHarz")
    identifier = profile.root.child("identifier")

    assert [one.slice_name for one in identifier.slices] == ["kvnr", "pid"]
    assert identifier.min == 1
    kvnr = identifier.slice("kvnr")
    assert (kvnr.min, kvnr.max, kvnr.must_support, kvnr.slicing) == (1, 1, True, None)
    assert kvnr.child("system").fixed.value == "http://fhir.de/sid/gkv/kvid-10"
    assert kvnr.child("value").max_length == 10
    assert [one.name for one in kvnr.children] == [
        "id", "extension", "use", "type", "system", "value", "period", "assigner",
    ]  # fmt: skip
    assert (identifier.slice("pid").min, identifier.slice("pid").children) == (0, ())
    assert ids(profile, "Patient.identifier")[:3] == [
        "Patient.identifier",
        "Patient.identifier:kvnr",
        "Patient.identifier:kvnr.id",
    ]


def test_the_element_needs_what_its_slices_need(region, make):
    structure, element = make
    profile = region(
        structure(
            "Blutdruck",
            "Observation",
            element("Observation.component", slicing=BY_SYSTEM),
            element("Observation.component:systolisch", min=1, max="1"),
            element("Observation.component:diastolisch", min=1, max="1"),
        )
    ).profile(f"{CANONICAL}Blutdruck")

    component = profile.element("Observation.component")
    assert component.min == 2
    assert component.slice("systolisch").child("value[x]") is not None


def test_slices_are_sliced_again(region, make):
    structure, element = make
    profile = region(
        structure(
            "PatientKlinik",
            "Patient",
            element("Patient.identifier", slicing=BY_SYSTEM),
            element("Patient.identifier:pid", max="3", slicing=BY_SYSTEM, mustSupport=True),
            element("Patient.identifier:kvnr", max="1"),
            element("Patient.identifier:pid/alt", max="1"),
            element("Patient.identifier:pid/neu", min=1, max="1"),
        )
    ).profile(f"{CANONICAL}PatientKlinik")

    identifier = profile.root.child("identifier")
    assert [one.slice_name for one in identifier.slices] == ["pid", "pid/alt", "pid/neu", "kvnr"]
    assert identifier.slice("pid/alt").must_support
    assert identifier.slice("pid/alt").slicing is None
    assert not identifier.slice("kvnr").must_support


def test_a_derived_profile_goes_on_where_its_base_ended(region, patient, make):
    structure, element = make
    stricter = structure(
        "PatientReha",
        f"{CANONICAL}PatientHarz",
        element("Patient.identifier:kvnr.value", maxLength=9, mustSupport=True),
        element("Patient.identifier:reha", min=1, max="1"),
        type="Patient",
    )
    profile = region(stricter, patient).profile(f"{CANONICAL}PatientReha")
    identifier = profile.root.child("identifier")

    assert [one.slice_name for one in identifier.slices] == ["kvnr", "pid", "reha"]
    assert identifier.min == 2
    value = identifier.slice("kvnr").child("value")
    assert (value.min, value.max_length, value.must_support) == (1, 9, True)


def test_the_short_form_of_a_choice_is_a_type_slice(region, make):
    structure, _element = make
    profile = region(
        structure(
            "Gewicht",
            "Observation",
            {"id": "Observation.valueQuantity", "path": "Observation.valueQuantity", "min": 1},
            {"path": "Observation.valueQuantity.code", "min": 1, "fixedCode": "kg"},
        )
    ).profile(f"{CANONICAL}Gewicht")
    value = profile.root.child("value[x]")

    assert [one.code for one in value.types] == ["Quantity"]
    assert (value.slicing.rules, value.min) == ("closed", 1)
    assert [(one.type, one.path) for one in value.slicing.discriminators] == [("type", "$this")]
    (quantity,) = value.slices
    assert (quantity.id, quantity.min) == ("Observation.value[x]:valueQuantity", 1)
    assert quantity.child("code").fixed.value == "kg"
    assert value.children == ()


def test_type_slices_leave_other_types_alone(region, make):
    structure, element = make
    by_type = {"discriminator": [{"type": "type", "path": "$this"}], "rules": "open"}
    profile = region(
        structure(
            "Laborwert",
            "Observation",
            element("Observation.value[x]", slicing=by_type),
            element("Observation.value[x]:valueQuantity", type=[{"code": "Quantity"}]),
            element("Observation.value[x]:valueQuantity.unit", min=1),
        )
    ).profile(f"{CANONICAL}Laborwert")
    value = profile.root.child("value[x]")

    assert len(value.types) == 11
    assert value.slicing.rules == "open"
    assert value.slice("valueQuantity").child("unit").min == 1


def test_below_a_choice_with_one_type_the_short_form_means_the_choice(region, make):
    structure, element = make
    profile = region(
        structure(
            "Genauigkeit",
            "Extension",
            element("Extension.value[x]", type=[{"code": "Quantity"}]),
            {"path": "Extension.valueQuantity.value", "min": 1},
            kind="complex-type",
        )
    ).profile(f"{CANONICAL}Genauigkeit")
    value = profile.root.child("value[x]")

    assert value.slices == ()
    assert value.child("value").min == 1


def test_a_binding_goes_with_the_types_it_was_for(region, make):
    structure, element = make
    profile = region(
        structure(
            "Verordnung",
            "MedicationRequest",
            element(
                "MedicationRequest.medication[x]",
                type=[{"code": "Reference", "targetProfile": [f"{CORE}Medication"]}],
            ),
        )
    ).profile(f"{CANONICAL}Verordnung")
    medication = profile.root.child("medication[x]")

    assert medication.binding is None
    assert medication.types[0].targets == (f"{CORE}Medication",)


def test_below_a_content_reference_stands_what_the_type_says(region, make):
    structure, element = make
    profile = region(
        structure(
            "Anamnese",
            "Questionnaire",
            element("Questionnaire.item", mustSupport=True),
            element("Questionnaire.item.linkId", maxLength=20),
            element("Questionnaire.item.item.item.text", min=1),
        )
    ).profile(f"{CANONICAL}Anamnese")
    inner = profile.element("Questionnaire.item.item.item")

    assert inner.content_reference == ""
    assert [one.code for one in inner.types] == ["BackboneElement"]
    assert inner.child("text").min == 1
    assert inner.child("linkId").max_length is None
    assert inner.child("item").content_reference == "Questionnaire.item"


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
