"""What the shipped German dialect understands, and what a sender's own says above it."""

import mappers
from mappers.base import Context
from mappers.dialect import Dialect
from mappers.hl7v2.write import as_format

KVID = "http://fhir.de/sid/gkv/kvid-10"
MESSAGE = (
    "MSH|^~\\&|KIS|HAUS|GW|NETZ|202701101200||ADT^A01|1|P|2.5\r"
    "EVN|A01|202701101200\r"
    "PID|1||4711^^^HAUS^PI~X110411675^^^KVNR^NI||Dachs^Anna||19700203|F||||||||VH\r"
    "PV1|1|I|ST1^1^1||||||||||||||||F-1^^^HAUS^VN\r"
    "DG1|1||J44.19^COPD^ICDGM||20270110|F\r"
)


def read(dialect: Dialect) -> tuple[dict, dict, list]:
    context = Context(b"key", dialect, "https://haus.example/sid")
    mapped = mappers.translate(MESSAGE.encode(), "hl7v2", context)
    assert mapped.refusal is None
    found = {change.type: change.resource for change in mapped.changes}
    return found["Patient"], found["Condition"], [issue.location for issue in mapped.issues]


def test_names_german_houses_use_without_oid_are_understood_by_default() -> None:
    patient, condition, places = read(Dialect())
    insured = patient["identifier"][1]
    assert insured["system"] == KVID
    assert insured["type"]["coding"][0]["code"] == "KVZ10"
    assert patient["maritalStatus"]["coding"][0]["code"] == "M"
    assert condition["code"]["coding"][0]["system"].endswith("/bfarm/icd-10-gm")
    assert "PID-16" not in places


def test_a_senders_own_dialect_is_laid_over_the_shipped_one() -> None:
    own = {
        "systems": {"HAUS": "https://haus.example/patienten"},
        "codes": {"PID-16": {"VH": "W", "X": "S"}},
    }
    patient, _, _ = read(Dialect.from_mapping("haus", own))
    assert patient["identifier"][0]["system"] == "https://haus.example/patienten"
    assert patient["identifier"][1]["system"] == KVID
    assert patient["maritalStatus"]["coding"][0]["code"] == "W"


def test_the_standard_dialect_knows_no_habits() -> None:
    patient, condition, places = read(Dialect.shipped("standard"))
    assert patient["identifier"][1]["system"] == "https://haus.example/sid/patient/KVNR"
    assert condition["code"]["coding"][0]["system"] == "https://haus.example/sid/code/ICDGM"
    assert "PID-16.1" in places or "PID-16" in places


def test_a_partner_is_written_the_standards_codes_not_the_habits_understood() -> None:
    context = Context(b"key", Dialect(), "https://haus.example/sid")
    bundle = mappers.translate(MESSAGE.encode(), "hl7v2", context).bundle
    written = as_format(bundle, context).data.decode()
    assert "&1.2.276.0.76.4.8&ISO" in written
    assert "|VH" not in written
