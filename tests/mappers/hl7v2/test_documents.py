"""MDM messages become DocumentReferences whose content is kept exactly."""

import base64
from pathlib import Path
from typing import Any

import mappers
from mappers.base import Action, Context, Mapped
from mappers.dialect import Dialect
from tests.mappers.hl7v2.write.builders import told, write

SAMPLES = Path(__file__).parents[2] / "samples" / "hl7v2"
CONTEXT = Context(b"key", Dialect(), "https://haus.example/sid")


def sample(name: str) -> Mapped:
    result = mappers.translate((SAMPLES / name).read_bytes(), "hl7v2", CONTEXT)
    assert result.refusal is None, result.refusal
    return result


def document(result: Mapped) -> dict[str, Any]:
    return next(
        c.resource for c in result.changes if c.type == "DocumentReference" and not c.partial
    )


def test_a_letter_has_type_status_label_and_author() -> None:
    made = document(sample("mdm_t02_entlassbrief.hl7"))
    assert (made["status"], made["docStatus"]) == ("current", "final")
    codings = {(c["system"], c["code"]) for c in made["type"]["coding"]}
    assert ("http://loinc.org", "18842-5") in codings
    assert ("http://ihe-d.de/CodeSystems/IHEXDStypeCode", "BERI") in codings
    assert made["securityLabel"][0]["coding"][0]["code"] == "R"
    assert made["author"][0]["display"] == "Mehmet Krause"
    assert made["description"] == "Entlassungsbrief Innere"


def test_the_recipient_of_a_letter_is_told() -> None:
    recipients = sample("mdm_t02_entlassbrief.hl7").recipients["DocumentReference.recipient"]
    assert [r["value"] for r in recipients] == ["754236701"]


def test_lines_of_text_become_one_text_and_the_pdf_stays_byte_for_byte() -> None:
    result = sample("mdm_t02_entlassbrief.hl7")
    binaries = {c.id: c.resource for c in result.changes if c.type == "Binary"}
    contents = [c["attachment"] for c in document(result)["content"]]
    text, pdf, pointer = contents
    assert text["contentType"] == "text/plain; charset=utf-8"
    words = base64.b64decode(binaries[text["url"].removeprefix("Binary/")]["data"]).decode()
    assert words == (
        "Sehr geehrter Herr Kollege,\nwir berichten über Ihren Patienten.\nKosten: 5 € & Gruß"
    )
    assert pdf["contentType"] == "application/pdf"
    assert binaries[pdf["url"].removeprefix("Binary/")]["data"] == "JVBERi0xLjQKJeLjz9MK"
    assert pdf["size"] == 15
    assert pointer["url"] == "\\\\server\\ablage\\brief%201.pdf"


def test_a_replacement_supersedes_the_former_document() -> None:
    first, second = sample("mdm_t02_entlassbrief.hl7"), sample("mdm_t08_neufassung.hl7")
    old, new = document(first), document(second)
    relation = new["relatesTo"][0]
    assert relation["code"] == "replaces"
    assert relation["target"]["reference"] == f"DocumentReference/{old['id']}"
    (superseding,) = [c for c in second.changes if c.partial]
    assert (superseding.id, superseding.action) == (old["id"], Action.CANCEL)
    (stated,) = [c for c in first.changes if c.type == "DocumentReference"]
    for order in ((stated, superseding), (superseding, stated)):
        current: dict[str, Any] | None = None
        for change in order:
            current = mappers.apply(current, change)
        assert current is not None
        assert current["status"] == "superseded"
        assert current["content"] == old["content"]


def test_the_bundle_holds_no_half_document() -> None:
    bundle = sample("mdm_t08_neufassung.hl7").bundle
    documents = [e for e in bundle["entry"] if e["resource"]["resourceType"] == "DocumentReference"]
    assert len(documents) == 1
    target = documents[0]["resource"]["relatesTo"][0]["target"]
    assert target["identifier"]["value"] == "BRIEF-1"
    assert "reference" not in target


def test_a_cancelled_document_is_entered_in_error_and_keeps_its_content() -> None:
    first, cancel = sample("mdm_t02_entlassbrief.hl7"), sample("mdm_t11_storno.hl7")
    (stated,) = [c for c in first.changes if c.type == "DocumentReference"]
    (taken_back,) = [c for c in cancel.changes if c.type == "DocumentReference"]
    after = mappers.apply(mappers.apply(None, stated), taken_back)
    assert after is not None
    assert after["status"] == "entered-in-error"
    assert after["content"] == stated.resource["content"]


def letter(txa: str, *obx: str, event: str = "T02") -> dict[str, Any]:
    head = f"MSH|^~\\&|KIS|HAUS|GW|NETZ|20270116||MDM^{event}|1|P|2.5||||||UNICODE UTF-8"
    lines = [head, "PID|1||1^^^HAUS||Weiß^Ä", txa, *obx]
    return document(mappers.translate("\r".join(lines).encode(), "hl7v2", CONTEXT))


def test_a_dictated_letter_is_preliminary() -> None:
    assert letter("TXA|1|DS|TX|||||||||B1^KIS|||||DI")["docStatus"] == "preliminary"


def test_a_corrected_letter_is_amended() -> None:
    made = letter("TXA|1|DS|TX|||||||||B1^KIS|||||AU", "OBX|1|TX|x||neu||||||C")
    assert made["docStatus"] == "amended"


def test_a_kdl_code_is_known_by_its_shape() -> None:
    made = letter("TXA|1|AD010103|TX|||||||||B1^KIS")
    assert made["type"]["coding"][0]["system"] == "http://dvmd.de/fhir/CodeSystem/kdl"


def test_a_notification_says_that_it_has_no_content() -> None:
    made = letter("TXA|1|DS|AP|||||||||B1^KIS||||Brief.pdf|AU", event="T01")
    attachment = made["content"][0]["attachment"]
    assert attachment["extension"][0]["valueCode"] == "unknown"
    assert attachment["title"] == "Brief.pdf"


def test_content_that_is_no_base64_is_kept_as_text() -> None:
    txa, obx = "TXA|1|DS|AP|||||||||B1^KIS", "OBX|1|ED|x||KIS^AP^PDF^Base64^%%kein base64"
    head = "MSH|^~\\&|KIS|HAUS|GW|NETZ|20270116||MDM^T02|1|P|2.5||||||UNICODE UTF-8"
    data = "\r".join([head, "PID|1||1^^^HAUS||Weiß^Ä", txa, obx]).encode()
    result = mappers.translate(data, "hl7v2", CONTEXT)
    (binary,) = [c.resource for c in result.changes if c.type == "Binary"]
    assert base64.b64decode(binary["data"]) == b"%%kein base64"
    assert [i.hl7_code for i in result.issues] == ["102"]


MDM = (
    "MSH|^~\\&|DOK|HAUS|GW|NETZ|20261108||MDM^T02|1|P|2.5.1||||||UNICODE UTF-8\r"
    "PID|1||4711^^^HAUS||Weiß^Ä\rTXA|1|DS|TX||||||||D-2||||||AU||AV\r"
)


def written(*lines: str) -> Mapped:
    result = mappers.translate((MDM + "\r".join([*lines, ""])).encode(), "hl7v2", CONTEXT)
    assert result.refusal is None
    return result


LETTER = "OBX|1|ED|18842-5^Brief^LN||KIS^AP^PDF^Base64^JVBERi0xLjQK||||||F"
WEIGHT = "OBX|2|NM|GEW^Gewicht^L||70|kg|||||F"


def test_values_beside_the_text_are_findings_the_document_is_related_to() -> None:
    result = written(LETTER, "NTE|1||Zum Brief", WEIGHT, "NTE|1||Nüchtern")
    (weight,) = [c.resource for c in result.changes if c.type == "Observation"]
    assert weight["valueQuantity"]["unit"] == "kg"
    assert weight["note"][0]["text"] == "Nüchtern"
    made = document(result)
    assert made["context"]["related"] == [{"reference": f"Observation/{weight['id']}"}]
    assert made["description"] == "Zum Brief"
    assert len(made["content"]) == 1
    assert "GEW" not in {coding.get("code") for coding in made["type"]["coding"]}


def test_values_alone_are_the_content() -> None:
    result = written(WEIGHT)
    assert not [c for c in result.changes if c.type == "Observation"]
    (binary,) = [c.resource for c in result.changes if c.type == "Binary"]
    assert base64.b64decode(binary["data"]) == b"70"


def test_a_document_is_written_with_the_findings_it_is_related_to() -> None:
    first = written(LETTER, WEIGHT)
    message = write(told(first))
    assert message.message_type == "MDM^T02"
    assert not [path for path in message.left_out if path.startswith("Observation")]
    again = mappers.translate(message.data, "hl7v2", CONTEXT)
    values = [
        [c.resource["valueQuantity"] for c in one.changes if c.type == "Observation"]
        for one in (first, again)
    ]
    assert values[0] == values[1]
