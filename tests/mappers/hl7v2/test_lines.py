"""Lines that are no plain segments, and escapes that switch the character set."""

import pytest

import mappers
from mappers.base import Context
from mappers.dialect import Dialect
from mappers.hl7v2.tokenizer import tokenize

HEAD = (
    "MSH|^~\\&|LAB|HAUS|GW|NETZ|202701101200||ORU^R01|1|P|2.5||||||{charset}\r"
    "PID|1||4711^^^HAUS^PI||Dachs^Anna||19700203|F\rOBR|1|A1|B1|X^Y^L\r"
)


def read(text: str, charset: str = "UNICODE UTF-8") -> mappers.Mapped:
    context = Context(b"key", Dialect(), "https://haus.example/sid")
    codec = "latin-1" if charset == "8859/1" else "utf-8"
    mapped = mappers.translate(
        (HEAD.format(charset=charset) + text).encode(codec), "hl7v2", context
    )
    assert mapped.refusal is None
    return mapped


def said(mapped: mappers.Mapped) -> list[str]:
    return [one.resource["valueString"] for one in mapped.changes if one.type == "Observation"]


def test_a_segment_goes_on_in_add_segments_where_it_was_cut() -> None:
    cut = "OBX|1|TX|K^Kommentar^L||erster Te\rADD|il und zw\rADD|eiter||||||F\r"
    whole = "OBX|1|TX|K^Kommentar^L||erster Teil und zweiter||||||F\r"
    mapped = read(cut)
    assert said(mapped) == ["erster Teil und zweiter"]
    assert mapped.changes == read(whole).changes
    assert mapped.loss.unmapped == ()


def test_an_add_nothing_was_cut_before_is_told() -> None:
    message = tokenize(HEAD.format(charset="").replace("\rPID", "\rADD|Rest\rPID").encode())
    assert [segment.name for segment in message.segments[:3]] == ["MSH", "ADD", "PID"]


def test_a_message_that_goes_on_in_another_one_says_so() -> None:
    mapped = read("OBX|1|ST|K^Kommentar^L||a||||||F\rDSC|4711|F\r")
    (issue,) = mapped.issues
    assert (issue.code, issue.location) == ("incomplete", "DSC")
    assert read("OBX|1|ST|K^Kommentar^L||a||||||F\rDSC||\r").issues == ()


def test_segment_names_in_lower_case_are_read_and_told() -> None:
    mapped = read("obx|1|ST|K^Kommentar^L||klein||||||F\robx|2|ST|M^Mehr^L||auch||||||F\r")
    assert said(mapped) == ["klein", "auch"]
    assert [(issue.location, issue.hl7_code) for issue in mapped.issues] == [("OBX", "100")]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (r"a\C2842\b", "ab"),
        (r"\M2442\0!Fs\C2842\ Labor", "亜二 Labor"),
        (r"a\.sp+2\b", "a\n\nb"),
        (r"a\C9999\b\Z41\c", r"a\C9999\b\Z41\c"),
        (r"\C2842\A\T\B", "A&B"),
        (r"\M2442\ä\C2842\x", r"\M2442\äx"),
    ],
)
def test_escapes_mean_what_the_standard_says_or_stay_as_written(
    written: str, expected: str
) -> None:
    assert said(read(f"OBX|1|FT|K^Kommentar^L||{written}||||||F\r")) == [expected]


def test_bytes_behind_a_switch_are_read_in_its_character_set() -> None:
    cyrillic = "вла".encode("iso8859-5").decode("latin-1")
    text = f"OBX|1|ST|K^Kommentar^L||Herr \\C2D4C\\{cyrillic}\\C2D41\\ grüßt||||||F\r"
    assert said(read(text, "8859/1")) == ["Herr вла grüßt"]


def test_of_two_orders_of_one_report_the_period_holds() -> None:
    later = "OBX|1|ST|K^Kommentar^L||a||||||F\rOBR|2|A1|B1|X^Y^L|||20270101|20270102\r"
    first = HEAD.replace("X^Y^L", "X^Y^L|||20270101")
    context = Context(b"key", Dialect(), "https://haus.example/sid")
    for text in (
        first + later,
        first.replace("|20270101", "|20270101|20270102") + later[:-10] + "\r",
    ):
        mapped = mappers.translate(text.format(charset="").encode(), "hl7v2", context)
        report = next(one.resource for one in mapped.changes if one.type == "DiagnosticReport")
        assert "effectiveDateTime" not in report
        assert report["effectivePeriod"] == {"start": "2027-01-01", "end": "2027-01-02"}


def test_what_cannot_be_dated_is_still_sound() -> None:
    text = (
        "MSH|^~\\&|PVS|HAUS|GW|NETZ|gestern||REF^I12|1|P|2.5\rRF1|P\r"
        "AUT|AOK-N^AOK Nord^L|108018007|AOK Nord\rPRD|RP^^HL70286|Krause^Mehmet\r"
        "PID|1||4711^^^HAUS^PI||Dachs^Anna||19700203|F\r"
    )
    context = Context(b"key", Dialect(), "https://haus.example/sid")
    mapped = mappers.mend(
        mappers.translate(text.encode(), "hl7v2", context), text.encode(), context
    )
    answer = next(one.resource for one in mapped.changes if one.type == "ClaimResponse")
    assert answer["_created"]["extension"][0]["valueCode"] == "unknown"
