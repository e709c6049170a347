"""ER7 text is split as the standard says, whatever the sender's habits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.hl7v2.batch import split
from mappers.hl7v2.escape import escape
from mappers.hl7v2.header import Delimiters, read_header
from mappers.hl7v2.tokenizer import leaf, sub, tokenize
from profiles.issue import NotConformant, NotUnderstood

MSH = "MSH|^~\\&|KIS|HAUS|GW|NETZ|20260101||ADT^A01^ADT_A01|1|P|2.5||||||{charset}\r"


def message(segment: str, charset: str = "UNICODE UTF-8", codec: str = "utf-8"):
    return tokenize((MSH.format(charset=charset) + segment).encode(codec))


def test_leaves_know_where_they_stood() -> None:
    found = message("PID|1||A^^^HAUS&1.2&ISO~B||Weiß&von&Weiß^Änne\rDG1|1\rDG1|2||J44\r")
    paths = {found.path(item.source): str(item) for item in found.split_all()}
    assert paths["PID-3.1"] == "A"
    assert paths["PID-3.4.2"] == "1.2"
    assert paths["PID-3[2]"] == "B"
    assert paths["PID-5.1.2"] == "von"
    assert paths["DG1[2]-3"] == "J44"


def test_delimiters_come_from_msh() -> None:
    found = tokenize(b"MSH$%*?#$KIS$H$G$N$2026$$ADT%A01$1$P$2.5\rPID$1$$4711%%%H#1.2#ISO*2\r")
    pid = found.get("PID")
    assert pid is not None
    assert sub(pid.repetitions(3)[0], 4, 2) == "1.2"
    assert leaf(pid.repetitions(3)[1], 1) == "2"


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r\n"])
def test_any_line_end_separates_segments(end: str) -> None:
    text = end.join(["MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5", "EVN|A01", "PID|1", ""])
    assert [segment.name for segment in tokenize(text.encode()).segments] == ["MSH", "EVN", "PID"]


def test_a_byte_order_mark_and_an_mllp_frame_are_no_content() -> None:
    data = b"\x0b\xef\xbb\xbfMSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5\rPID|1\r\x1c\r"
    with pytest.raises(NotUnderstood):
        read_header(b"\xef\xbb\xbfXSH|^~\\&|")
    assert tokenize(data.removeprefix(b"\x0b")).get("PID") is not None


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("8859/1", "iso8859-1"),
        ("8859/15", "iso8859-15"),
        ("ISO8859-15", "iso8859-15"),
        ("UNICODE UTF-8", "utf-8"),
        ("utf-8", "utf-8"),
        ("", "cp1252"),
    ],
)
def test_umlauts_survive_every_german_spelling_of_the_charset(charset: str, codec: str) -> None:
    found = message("PID|1||1||Müßig^Jörg", charset, codec)
    assert found.get("PID").first(5) == "Müßig"


def test_bytes_that_contradict_the_declared_charset_become_an_issue() -> None:
    found = message("PID|1||1||Müßig^Jörg", "UNICODE UTF-8", "iso8859-1")
    assert found.get("PID").first(5) == "Müßig"
    assert [issue.location for issue in found.issues] == ["MSH-18"]


def test_escapes_are_resolved_after_the_split() -> None:
    found = message("OBX|1|TX|x||a\\S\\b\\.br\\c\\E\\d\\T\\e\\X20E282AC\\\\H\\f\\N\\ C:\\temp")
    assert found.get("OBX").texts(5) == ["a^b\nc\\d&e €f C:\\temp"]


CONTROLS = "".join(map(chr, range(0x20)))


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters=CONTROLS)))
def test_escaping_and_unescaping_give_the_text_again(text: str) -> None:
    wanted = text.strip()
    found = message(f"NTE|1||x{escape(wanted, Delimiters())}x")
    assert found.get("NTE").texts(3)[0] == f"x{wanted}x"


@pytest.mark.parametrize(
    "data", [b"", b"MSH", b"MSH|||||", b"MSHAAAAAA|x", b"MSH|abcd|x", b"GET / "]
)
def test_what_has_no_usable_header_is_not_understood(data: bytes) -> None:
    with pytest.raises(NotUnderstood):
        read_header(data)


def test_absurdly_many_parts_are_refused() -> None:
    with pytest.raises(NotConformant):
        message("PID" + "|x" * 2000)


def test_a_batch_gives_its_messages_in_order() -> None:
    one = "MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5\rPID|1\r"
    two = one.replace("|1|P", "|2|P")
    batch = f"FHS|^~\\&|A\rBHS|^~\\&|A\r{one}{two}BTS|2\rFTS|1\r".encode()
    assert list(split(batch)) == [one.encode(), two.encode()]
    assert list(split((one + two).encode())) == [one.encode(), two.encode()]
    assert list(split(b"garbage")) == [b"garbage"]
    assert list(split(b"\r\n")) == []


@given(st.binary(max_size=200))
def test_any_bytes_are_either_understood_or_refused(data: bytes) -> None:
    for piece in split(b"MSH|^~\\&|" + data):
        try:
            tokenize(piece).split_all()
        except (NotUnderstood, NotConformant):
            continue
