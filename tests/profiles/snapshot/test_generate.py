"""Differentials of a region's profiles, and the snapshots they mean."""

CANONICAL = "https://harz.example/fhir/StructureDefinition/"
CORE = "http://hl7.org/fhir/StructureDefinition/"
BY_SYSTEM = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}


def ids(profile, start):
    return [one.id for one in profile.root.walk() if one.id.startswith(start)]


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
