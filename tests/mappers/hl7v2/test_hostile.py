"""Whatever bytes come: refused with issues, or sound, accounted for and the same every time."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

import mappers
from mappers.base import Context
from mappers.dialect import Dialect
from mappers.hl7v2.acknowledgement import acknowledge, read_acknowledgement
from mappers.hl7v2.batch import split
from profiles.issue import GatewayError
from profiles.reading import write_json
from profiles.validate import structure

DIALECT = Dialect(any_event=True)
SEGMENTS = (
    "PID PD1 NK1 PV1 PV2 DG1 PR1 AL1 IAM IN1 IN2 GT1 ORC OBR OBX NTE TXA MRG ROL PRT ZBE SPM EVN "
    "TQ1 RXO RXE RXR RXC RXD RXA RXG FT1 SCH RGS AIS AIL AIP RF1 PRD QPD MFE DRG ACC UB2 ZZZ pid"
)
TYPES = (
    "ADT^A01 ADT^A08 ADT^A40 ADT^A24 MDM^T02 ORU^R01 OUL^R22 ORM^O01 OML^O21 OMG^O19 OMP^O09 "
    "RDE^O11 RDS^O13 RAS^O17 VXU^V04 SIU^S12 SRM^S01 BAR^P01 DFT^P03 REF^I12 PPR^PC1 QBP^Q22 "
    "MFN^M02 ADT^Z99"
)
leaves = st.one_of(
    st.sampled_from(
        [
            *("", '""', "1", "0", "²", "F", "20270229", "20270331023000", "99999999999", "\x00"),
            *("A\\.br\\b", "\\X00\\", "\\X0D0A\\", "\\C2842\\", "\\Zx\\", "\\", "NM", "ED", "CWE"),
        ]
    ),
    st.text(alphabet="AZ09äß \t\\.-:/+<>\x07\ud7ff\uffff", max_size=8),
)
parts = st.lists(leaves, min_size=1, max_size=4).map("&".join)
repetitions = st.lists(parts, min_size=1, max_size=6).map("^".join)
fields = st.one_of(st.just(""), leaves, st.lists(repetitions, min_size=1, max_size=3).map("~".join))
segments = st.builds(
    lambda name, values: "|".join([name, *values]),
    st.sampled_from(SEGMENTS.split()),
    st.lists(fields, max_size=30),
)


def context(*, lenient: bool = False) -> Context:
    return Context(b"key", DIALECT, "https://h.example/sid", lenient=lenient)


def held(data: bytes, *, lenient: bool) -> None:
    """Translate as the gateway does, and look at everything that comes of it."""
    used = context(lenient=lenient)
    outputs = set()
    for chosen in (used, used, context(lenient=lenient)):
        result = mappers.mend(mappers.translate(data, "hl7v2", chosen), data, chosen)
        outputs.add(write_json(result.bundle))
    assert len(outputs) == 1
    loss = result.loss
    assert loss.fields == loss.mapped + loss.ignored + len(loss.unmapped)
    if result.refusal is not None:
        assert isinstance(result.refusal, GatewayError)
        assert result.refusal.issues
    for change in result.changes:
        assert [i for i in structure(change.resource) if i.severity == "error"] == []
    if result.header is not None:
        issues = (*result.issues, *(result.refusal.issues if result.refusal else ()))
        answer = acknowledge(result.header, "AE", control_id="1", time="2027", issues=issues)
        assert read_acknowledgement(answer).code == "AE"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(TYPES.split()), st.lists(segments, max_size=8), st.booleans())
def test_any_message_is_sound_or_refused(kind: str, more: list[str], lenient: bool) -> None:
    head = f"MSH|^~\\&|KIS|HAUS|GW|NETZ|20270110||{kind}|1|P|2.5||||||UNICODE UTF-8"
    held("\r".join([head, "PID|1||4711^^^HAUS||Weiß^Ä", *more]).encode(), lenient=lenient)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=120), st.sampled_from(["8859/1", "UNICODE UTF-8", "UNICODE UTF-16", "x"]))
@example(b"|2.\xb2\r", "8859/1")
def test_any_bytes_after_a_header_are_sound_or_refused(data: bytes, charset: str) -> None:
    head = f"MSH|^~\\&|KIS|HAUS|GW|NETZ|20270110||ADT^A01|1|P|2.5||||||{charset}\rPID|1||1||A\r"
    for piece in split(head.encode() + data):
        held(piece, lenient=True)
    for piece in split(b"MSH|^~\\&|" + data):
        held(piece, lenient=True)
