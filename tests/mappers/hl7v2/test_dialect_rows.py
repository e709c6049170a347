"""What a dialect has carried beside the standard's mapping."""

import mappers
from mappers.base import Context
from mappers.dialect import Dialect
from profiles.validate import structure

HEAD = (
    "MSH|^~\\&|KIS|HAUS|GW|NETZ|202701101200||ADT^A08|1|P|2.5\rEVN|A08|202701101200\r"
    "PID|1||4711^^^HAUS^PI||Dachs^Anna||19700203|F\r"
    "PV1|1|I|ST1^1^1||||||||||||||||F-1^^^HAUS^VN\r"
)
EXTRA = "ZDI|1|vegan~glutenfrei^ärztlich|J\rZDI|2|laktosefrei\r"


def translated(text: str, **options: object) -> mappers.Mapped:
    dialect = Dialect.from_mapping("haus", options)
    context = Context(b"key", dialect, "https://haus.example/sid", lineage=True)
    mapped = mappers.translate(text.encode(), "hl7v2", context)
    assert mapped.refusal is None
    for change in mapped.changes:
        assert [one for one in structure(change.resource) if one.severity == "error"] == []
    return mapped


def basics(mapped: mappers.Mapped) -> list[mappers.Change]:
    return [change for change in mapped.changes if change.type == "Basic"]


def said(change: mappers.Change) -> dict[str, str]:
    parts = [one["extension"] for one in change.resource["extension"]]
    return {field["valueString"]: value["valueString"] for field, value in parts}


def test_without_a_word_of_the_dialect_what_nobody_maps_stands_in_the_report_alone() -> None:
    mapped = translated(HEAD + EXTRA)
    assert basics(mapped) == []
    assert ("ZDI-2", "vegan") in mapped.loss.unmapped


def test_what_nobody_maps_reaches_the_receiver_in_a_basic_of_its_segment() -> None:
    mapped = translated(HEAD + EXTRA, unmapped="basic")
    first, second = (
        one for one in basics(mapped) if one.resource["code"]["coding"][0]["code"] == "ZDI"
    )
    assert said(first) == {
        "ZDI-1": "1",
        "ZDI-2": "vegan",
        "ZDI-2[2].1": "glutenfrei",
        "ZDI-2[2].2": "ärztlich",
        "ZDI-3": "J",
    }
    assert said(second) == {"ZDI[2]-1": "2", "ZDI[2]-2": "laktosefrei"}
    assert mapped.loss.unmapped == ()
    assert mapped.loss.fields == mapped.loss.mapped + mapped.loss.ignored
    patient = next(one for one in mapped.changes if one.type == "Patient")
    assert {one.subject for one in basics(mapped)} == {patient.id}
    assert mapped.lineage is not None
    assert ("ZDI-3",) in mapped.lineage.values()


def test_the_same_segment_of_a_later_message_is_the_same_resource() -> None:
    before, after = (
        translated(HEAD + z, unmapped="basic") for z in (EXTRA, EXTRA.replace("J", "N"))
    )
    assert [one.id for one in basics(before)] == [one.id for one in basics(after)]


def test_a_row_makes_a_basic_of_a_segment_of_ones_own() -> None:
    row = {
        "source": "ZDI-2",
        "resource": "Basic",
        "element": "extension",
        "url": "https://haus.example/kost",
    }
    (first, second) = basics(translated(HEAD + EXTRA, rows=[row]))
    assert first.resource["extension"] == [
        {"url": "https://haus.example/kost", "valueString": "vegan"},
        {"url": "https://haus.example/kost", "valueString": "glutenfrei"},
    ]
    assert second.resource["extension"][0]["valueString"] == "laktosefrei"


def test_rows_and_leftovers_go_to_the_patient_whose_group_the_segment_stands_in() -> None:
    second = "PID|2||4712^^^HAUS^PI||Igel^Ernst||19600203|M\rZPI|blau\r"
    row = {
        "source": "ZPI-1",
        "resource": "Patient",
        "element": "extension",
        "url": "https://haus.example/farbe",
    }
    text = HEAD.replace("A08", "A24").split("PV1")[0] + "ZPI|rot\r" + second
    mapped = translated(text, rows=[row])
    patients = [one.resource for one in mapped.changes if one.type == "Patient"]
    assert [one["extension"][0]["valueString"] for one in patients] == ["rot", "blau"]
    carried = basics(translated(text, unmapped="basic"))
    owners = [one.subject for one in carried if "ZPI" in str(one.resource["code"])]
    assert owners == [one["id"] for one in patients]


def test_what_is_of_no_patient_is_not_carried_where_nobody_could_protect_it() -> None:
    text = (
        "MSH|^~\\&|KIS|HAUS|GW|NETZ|202701101200||ADT^A20|1|P|2.5\rEVN|A20|2027\rNPU|1|C\rZBX|1\r"
    )
    mapped = translated(text, unmapped="basic")
    assert basics(mapped) == []
    assert ("ZBX-1", "1") in mapped.loss.unmapped
