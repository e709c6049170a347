"""Orders, encoded orders, dispenses, gives and administrations of drugs are read whole."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import mappers
from gateway.cli.app import run
from mappers.base import Action, Context, Mapped
from mappers.dialect import Dialect
from profiles.validate import validate

SAMPLES = Path(__file__).parents[2] / "samples" / "hl7v2"
CONTEXT = Context(b"key", Dialect(), "https://haus.example/sid")
HEAD = "MSH|^~\\&|KIS|HAUS|GW|NETZ|20270111||{0}|1|P|2.5.1||||||UNICODE UTF-8"
PID = "PID|1||4711^^^HAUS||Weiß^Änne"
TERMS = "http://terminology.hl7.org/CodeSystem/"
FAMILIES = {
    "omp_o09_verordnung": {"MedicationRequest": 2, "Medication": 4, "Observation": 1},
    "rde_o11_kodierte_verordnung": {"MedicationRequest": 2, "Medication": 3},
    "rds_o13_abgabe": {"MedicationDispense": 2, "Medication": 2, "Observation": 1},
    "ras_o17_gabe": {"MedicationAdministration": 2, "Medication": 2, "Observation": 1},
    "rgv_o15_stellen": {"MedicationRequest": 1, "Medication": 1},
}


def sample(name: str) -> Mapped:
    return mappers.translate((SAMPLES / f"{name}.hl7").read_bytes(), "hl7v2", CONTEXT)


def read(kind: str, *lines: str) -> Mapped:
    data = "\r".join([HEAD.format(kind), PID, *lines]).encode()
    return mappers.translate(data, "hl7v2", CONTEXT)


def of(mapped: Mapped, kind: str) -> list[dict[str, Any]]:
    return [change.resource for change in mapped.changes if change.type == kind]


def one(mapped: Mapped, kind: str) -> dict[str, Any]:
    (found,) = of(mapped, kind)
    return found


def code(concept: dict[str, Any]) -> tuple[str, str]:
    first = concept["coding"][0]
    return first["system"].removeprefix(TERMS), first["code"]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_detail_is_a_resource_that_is_valid(name: str) -> None:
    mapped = sample(name)
    assert mapped.refusal is None
    counts = {kind: len(of(mapped, kind)) for kind in FAMILIES[name]}
    assert counts == FAMILIES[name]
    for change in mapped.changes:
        if change.type in FAMILIES[name]:
            assert [i for i in validate(change.resource) if i.severity == "error"] == []


@pytest.mark.parametrize("name", FAMILIES)
def test_the_command_line_converts_every_family(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["convert", str(SAMPLES / f"{name}.hl7")]) == 0
    bundle = json.loads(capsys.readouterr().out)
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert {kind: kinds.count(kind) for kind in FAMILIES[name]} == FAMILIES[name]


@pytest.mark.parametrize("name", FAMILIES)
def test_everything_of_the_pharmacy_segments_is_kept(name: str) -> None:
    lost = [path for path, _ in sample(name).loss.unmapped if path.startswith(("RX", "TQ", "OBX"))]
    assert lost == []


def test_an_order_says_what_how_much_and_when() -> None:
    request = of(sample("omp_o09_verordnung"), "MedicationRequest")[0]
    assert (request["status"], request["intent"]) == ("active", "original-order")
    assert request["priority"] == "routine"
    assert request["groupIdentifier"]["value"] == "G-5501"
    assert code(request["substitution"]["allowedCodeableConcept"]) == ("v2-0161", "G")
    assert request["dispenseRequest"]["quantity"]["value"] == 50
    assert request["dispenseRequest"]["numberOfRepeatsAllowed"] == 2
    (dosage,) = request["dosageInstruction"]
    assert dosage["timing"]["repeat"] == {
        "when": ["MORN", "EVE"],
        "boundsPeriod": {"start": "2026-11-20", "end": "2026-11-30"},
    }
    assert dosage["text"] == "nach den Mahlzeiten"
    assert len(dosage["doseAndRate"]) == 1
    assert code(dosage["route"]) == ("v3-RouteOfAdministration", "PO")
    assert dosage["maxDosePerPeriod"]["denominator"]["code"] == "d"


def test_the_drug_has_pzn_and_atc_its_form_and_strength() -> None:
    drug = of(sample("omp_o09_verordnung"), "Medication")[0]
    assert [coding["system"] for coding in drug["code"]["coding"]] == [
        "http://fhir.de/CodeSystem/ifa/pzn",
        "http://fhir.de/CodeSystem/bfarm/atc",
    ]
    numerator = drug["ingredient"][0]["strength"]["numerator"]
    assert (numerator["value"], numerator["code"]) == (Decimal("47.5"), "mg")
    assert drug["form"]["coding"][0]["display"] == "Retardtablette"


def test_components_are_ingredients_with_their_strength() -> None:
    mapped = sample("omp_o09_verordnung")
    infusion = of(mapped, "Medication")[1]
    base, additive = infusion["ingredient"]
    assert (base["isActive"], additive["isActive"]) == (False, True)
    assert additive["strength"]["numerator"]["code"] == "[iU]"
    parts = {f"Medication/{part['id']}": part for part in of(mapped, "Medication")}
    assert parts[base["itemReference"]["reference"]]["amount"]["numerator"]["value"] == 50


def test_what_the_pharmacy_makes_of_an_order_is_based_on_it() -> None:
    original, encoded = of(sample("rde_o11_kodierte_verordnung"), "MedicationRequest")
    assert encoded["intent"] == "filler-order"
    assert encoded["basedOn"][0]["reference"] == f"MedicationRequest/{original['id']}"
    assert encoded["authoredOn"] == "2026-11-20"
    assert {i["value"] for i in encoded["identifier"]} == {"V-88001", "A-771", "RZ-2026-991"}
    whens = [d["timing"]["repeat"]["when"] for d in encoded["dosageInstruction"]]
    assert whens == [["MORN"], ["EVE"]]
    dose = encoded["dosageInstruction"][0]["doseAndRate"][0]["doseRange"]
    assert (dose["low"]["value"], dose["high"]["value"]) == (1, 2)
    assert encoded["dispenseRequest"]["initialFill"]["quantity"]["value"] == 10


def test_the_same_order_is_the_same_resource_in_a_later_message() -> None:
    ordered = of(sample("omp_o09_verordnung"), "MedicationRequest")[0]
    changed = of(sample("rde_o11_kodierte_verordnung"), "MedicationRequest")[0]
    assert ordered["id"] == changed["id"]


def test_a_dispense_says_what_was_handed_over_and_by_whom() -> None:
    first, second = of(sample("rds_o13_abgabe"), "MedicationDispense")
    assert (first["status"], second["status"]) == ("completed", "in-progress")
    assert first["whenHandedOver"] == "2026-11-20T11:50:00+01:00"
    assert first["substitution"]["wasSubstituted"] is True
    assert first["authorizingPrescription"][0]["identifier"]["value"] == "V-88001"
    assert first["authorizingPrescription"][1]["identifier"]["value"] == "RZ-2026-991"
    assert [note["text"] for note in first["note"]][-1] == "Packung angebrochen"
    drug = of(sample("rds_o13_abgabe"), "Medication")[0]
    assert drug["batch"] == {"lotNumber": "CH-55821", "expirationDate": "2028-05-31"}


def test_administrations_of_one_order_stay_apart_and_a_refusal_is_not_done() -> None:
    mapped = sample("ras_o17_gabe")
    given, refused = of(mapped, "MedicationAdministration")
    assert given["id"] != refused["id"]
    assert (given["status"], refused["status"]) == ("completed", "not-done")
    assert refused["statusReason"][0]["coding"][0]["display"] == "Patient lehnt ab"
    assert given["request"]["identifier"]["value"] == "V-88001"
    assert code(given["performer"][0]["function"]) == ("v2-0443", "AP")
    pulse = one(mapped, "Observation")
    assert pulse["partOf"][0]["reference"] == f"MedicationAdministration/{given['id']}"


def test_a_rate_is_an_amount_per_stated_time() -> None:
    request = one(sample("rgv_o15_stellen"), "MedicationRequest")
    assert request["intent"] == "instance-order"
    rate = request["dosageInstruction"][0]["doseAndRate"][0]["rateRatio"]
    assert (rate["numerator"]["value"], rate["denominator"]["code"]) == (2, "h")


@pytest.mark.parametrize(
    ("control", "status", "expected"),
    [
        ("NW", "", "active"),
        ("XO", "", "active"),
        ("RL", "", "active"),
        ("HD", "", "on-hold"),
        ("DC", "", "stopped"),
        ("CA", "", "cancelled"),
        ("RP", "", "stopped"),
        ("SC", "CM", "completed"),
        ("NW", "HD", "on-hold"),
        ("SS", "", "unknown"),
    ],
)
def test_status_of_an_order(control: str, status: str, expected: str) -> None:
    mapped = read("OMP^O09", f"ORC|{control}|7^KIS|||{status}", "RXO|^Ramipril 5 mg|1||Tbl")
    assert one(mapped, "MedicationRequest")["status"] == expected


def test_an_order_control_alone_reaches_the_order_by_its_number() -> None:
    ordered = read("OMP^O09", "ORC|NW|7^KIS", "RXO|^Ramipril|1")
    (first,) = [c for c in ordered.changes if c.type == "MedicationRequest"]
    placed = mappers.apply(None, first)
    assert placed is not None
    stopped = read("OMP^O09", "ORC|DC|7^KIS||||||||||||||^Unverträglichkeit")
    (change,) = [c for c in stopped.changes if c.type == "MedicationRequest"]
    assert (change.id, change.resource["status"]) == (placed["id"], "stopped")
    assert "medicationReference" in change.weak
    kept = mappers.apply(placed, change)
    assert kept is not None
    assert kept["medicationReference"] == placed["medicationReference"]
    assert kept["status"] == "stopped"


def test_orders_that_share_a_number_are_told_apart_by_their_drug() -> None:
    lines = ["ORC|NW|7^KIS", "RXO|A^Ramipril^L|1", "ORC|NW|7^KIS", "RXO|B^Torasemid^L|2"]
    first, second = of(read("OMP^O09", *lines), "MedicationRequest")
    assert first["id"] != second["id"]


def test_an_administration_taken_back_is_an_error() -> None:
    lines = ["ORC|RE|7^KIS", "RXA|0|1|202701110800||A^Ramipril^L|1|Tbl|||||||||||||CP|D"]
    (change,) = [c for c in read("RAS^O17", *lines).changes if c.type == "MedicationAdministration"]
    assert change.action is Action.CANCEL
    assert change.resource["status"] == "entered-in-error"


def test_answers_are_read_as_the_orders_they_answer() -> None:
    mapped = read("RRE^O12", "MSA|AA|1", "ORC|OK|7^KIS|8^APO||IP", "RXE||A^Ramipril^L|1||Tbl")
    request = one(mapped, "MedicationRequest")
    assert (request["intent"], request["status"]) == ("filler-order", "active")


def test_as_needed_and_an_old_timing_field() -> None:
    line = "RXE|1&Tbl^PRN&^D3^20270111^^S^bei Schmerz^mit Wasser|A^Metamizol^L|500||mg"
    request = one(read("RDE^O01", "ORC|NW|7^KIS", line), "MedicationRequest")
    (dosage,) = request["dosageInstruction"]
    assert dosage["asNeededBoolean"] is True
    assert dosage["timing"]["repeat"]["boundsPeriod"]["end"] == "2027-01-14"
    assert (dosage["text"], request["priority"]) == ("mit Wasser", "stat")
    assert {"text": "bei Schmerz"} in dosage["additionalInstruction"]


def test_a_limit_counts_in_a_time_or_in_a_lifetime() -> None:
    lines = ["RXO|A^Doxorubicin^L|50||mg", "CDO|1|A|550^mg", "CDO|2|A|60^mg|3^wk"]
    dosages = one(read("OMP^O09", "ORC|NW|7^KIS", *lines), "MedicationRequest")["dosageInstruction"]
    assert dosages[1]["maxDosePerLifetime"]["value"] == 550
    assert dosages[2]["maxDosePerPeriod"]["denominator"]["value"] == 3


def test_orders_of_services_and_of_drugs_stand_in_one_message() -> None:
    drug = ["ORC|NW|7^KIS", "TQ1|1||BID", "RXO|A^Ramipril^L|5||mg", "NTE|1||nüchtern"]
    service = ["ORC|NW|8^KIS", "TQ1|1||Once", "OBR|1|8^KIS||BB^Blutbild^L", "NTE|1||zu Hause"]
    mapped = read("ORM^O01", *drug, *service)
    request, blood = one(mapped, "MedicationRequest"), one(mapped, "ServiceRequest")
    assert request["note"][0]["text"] == "nüchtern"
    assert request["dosageInstruction"][0]["timing"]["repeat"]["frequency"] == 2
    assert blood["note"][0]["text"] == "zu Hause"
    assert blood["occurrenceTiming"]["repeat"]["count"] == 1


def test_a_participant_before_any_order_is_one_of_the_patient() -> None:
    prt = "PRT||AD||PP^Hausarzt^HL70443|88^Lorenz^Ute"
    mapped = read("OMP^O09", prt, "ORC|NW|7^KIS", "RXO|A^Ramipril^L|5||mg")
    assert one(mapped, "Patient")["generalPractitioner"][0]["display"] == "Ute Lorenz"
    assert "supportingInformation" not in one(mapped, "MedicationRequest")


def test_a_participant_of_the_order_is_named_by_it() -> None:
    prt = "PRT||AD||OP^Ordering Provider^HL70443|88^Lorenz^Ute"
    mapped = read("OMP^O09", "ORC|NW|7^KIS", prt, "RXO|A^Ramipril^L|5||mg")
    assert one(mapped, "MedicationRequest")["requester"]["display"] == "Ute Lorenz"


def test_an_infusion_has_bolus_and_maximum() -> None:
    rxv = "RXV|1|S^Start^L|5|mg|||P^PCA^L|1|mg|||20|mg|||4^h|10^min"
    mapped = read("OMP^O09", "ORC|NW|7^KIS", "RXO|A^Morphin^L|50||mg", rxv)
    dosages = one(mapped, "MedicationRequest")["dosageInstruction"]
    doses = [d["doseAndRate"][0]["doseQuantity"]["value"] for d in dosages if "doseAndRate" in d]
    assert doses == [50, 5, 1]
    assert dosages[-1]["maxDosePerPeriod"]["numerator"]["value"] == 20
    assert dosages[-1]["timing"]["repeat"]["period"] == 10


def test_a_second_route_is_an_instruction_of_its_own() -> None:
    lines = ["ORC|NW|7^KIS", "RXO|A^Diazepam^L|5||mg", "RXR|PO", "RXR|PR^rektal"]
    dosages = one(read("OMP^O09", *lines), "MedicationRequest")["dosageInstruction"]
    assert [code(d["route"])[1] for d in dosages] == ["PO", "PR"]


def test_an_order_without_a_drug_says_that_it_is_unknown() -> None:
    request = one(read("OMP^O09", "ORC|NW|7^KIS", "RXO|"), "MedicationRequest")
    assert [i for i in validate(request) if i.severity == "error"] == []


def test_an_indication_of_a_dispense_is_a_fact_about_it() -> None:
    line = "RXD|1|A^Ramipril^L|20270111|50" + "|" * 17 + "I10.00^Hypertonie^I10G2026"
    mapped = read("RDS^O13", "ORC|RE|7^KIS", line)
    dispense, fact = one(mapped, "MedicationDispense"), one(mapped, "Observation")
    assert fact["partOf"][0]["reference"] == f"MedicationDispense/{dispense['id']}"
    assert fact["component"][0]["valueCodeableConcept"]["coding"][0]["code"] == "I10.00"
