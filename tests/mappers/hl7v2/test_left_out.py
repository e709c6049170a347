"""What a dialect has left out is not read; what the shipped one leaves out can be asked for."""

import mappers
from mappers.base import Context, Mapped
from mappers.dialect import Dialect

MESSAGE = (
    "MSH|^~\\&|KIS|HAUS|GW|NETZ|202701101200||ADT^A08|1|P|2.5\rEVN|A08|202701101200\r"
    "PID|1||4711^^^HAUS^PI||Dachs^Anna||19700203|F|||Weg 1^^Ulm~Ring 2^^Ulm||||||CAT\r"
    "PV1|1|I|ST1^1^1||||||||||||||||F-1^^^HAUS^VN\rAL1|1||^Pollen\rZDI|1|vegan\r"
)
RELIGION = "http://hl7.org/fhir/StructureDefinition/patient-religion"


def translated(**options: object) -> Mapped:
    dialect = Dialect.from_mapping("haus", options)
    mapped = mappers.translate(
        MESSAGE.encode(), "hl7v2", Context(b"key", dialect, "https://haus.example/sid")
    )
    assert mapped.refusal is None
    loss = mapped.loss
    assert loss.fields == loss.mapped + loss.ignored + len(loss.unmapped)
    return mapped


def kinds(mapped: Mapped) -> set[str]:
    return {change.type for change in mapped.changes}


def patient(mapped: Mapped) -> dict[str, object]:
    return next(change.resource for change in mapped.changes if change.type == "Patient")


def test_a_field_left_out_reaches_nobody_though_a_mapping_takes_it() -> None:
    assert "address" in patient(translated())
    mapped = translated(ignore={"PID-11": "kept by the registry"})
    assert "address" not in patient(mapped)
    reasons = [(path, why) for path, why in mapped.loss.ignored_paths if path.startswith("PID-11")]
    assert reasons == [
        (path, "kept by the registry")
        for path in ("PID-11.1", "PID-11.3", "PID-11[2].1", "PID-11[2].3")
    ]


def test_a_segment_left_out_is_not_read() -> None:
    assert "AllergyIntolerance" in kinds(translated())
    mapped = translated(ignore={"AL1": "not wanted"})
    assert "AllergyIntolerance" not in kinds(mapped)
    assert ("AL1-3.2", "not wanted") in mapped.loss.ignored_paths


def test_the_next_message_of_another_sender_is_read_whole() -> None:
    translated(ignore={"PID-5": "not wanted"})
    assert "name" in patient(translated())


def test_religion_is_left_out_unless_the_dialect_asks_for_it() -> None:
    assert "CAT" not in repr(translated().changes)
    for asking in ({"base": "standard"}, {"ignore": {"PID-17": ""}}):
        (religion,) = (
            one["valueCodeableConcept"]
            for one in patient(translated(**asking))["extension"]  # type: ignore[attr-defined]
            if one["url"] == RELIGION
        )
        assert religion["coding"][0]["code"] == "1041"


def test_what_the_dialect_carries_itself_is_not_left_out() -> None:
    row = {
        "source": "ZDI-2",
        "resource": "Patient",
        "element": "extension",
        "url": "https://haus.example/kost",
        "datatype": "ST",
    }
    made = patient(translated(ignore={"ZDI": "only the diet"}, rows=[row]))
    assert {"url": "https://haus.example/kost", "valueString": "vegan"} in made["extension"]  # type: ignore[operator]
