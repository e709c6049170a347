"""Whatever stands in a file: an answer, every content accounted for, nothing echoed, no crash."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.base import Context
from mappers.codes import rows
from mappers.dialect import Dialect
from mappers.mend import broken
from mappers.xdt import FORMAT
from mappers.xdt.batch import pieces
from tests.mappers.xdt.lines import line, record

SAMPLES = sorted((Path(__file__).parents[2] / "samples" / "xdt").glob("gdt*"))
CONTEXT = Context(b"key", Dialect(), "https://praxis.example/sid", lenient=True)
CANARY = "ZZKANARIENVOGEL"


def answered(data):
    """Translate what a file holds; every message is refused or balanced."""
    for piece in pieces([data]):
        if piece.issues:
            continue
        mapped = FORMAT.translate(piece.data, CONTEXT)
        loss = mapped.loss
        assert loss.fields == loss.mapped + loss.ignored + len(loss.unmapped)
        told = [*mapped.issues, *(mapped.refusal.issues if mapped.refusal else ())]
        assert not any(CANARY in issue.text or CANARY in issue.location for issue in told)
        yield mapped


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_files_are_answered(data):
    whole = bytearray(data.draw(st.sampled_from(SAMPLES)).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole)))
        size = data.draw(st.integers(0, 30))
        whole[at : at + size] = data.draw(st.binary(max_size=20))
    list(answered(bytes(whole)))


FRAMES = ["8001", "8002", "8003", "8200", "8201", "8202", "6330", "6331"]
FK = st.sampled_from([*(row["fk"] for row in rows("mappers.xdt", "fields", "gdt")), *FRAMES])
CONTENT = st.one_of(
    st.text("0123456789.,-+ ", max_size=12),
    st.text(st.characters(codec="cp1252", exclude_characters="\r\n"), max_size=20),
    st.just(CANARY),
)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(["6300", "6301", "6302", "6303", "6310", "6311"]),
    st.lists(st.tuples(FK, CONTENT), max_size=25),
)
def test_any_field_may_stand_anywhere(satzart, fields):
    data = line("8000", satzart) + b"".join(line(fk, content) for fk, content in fields)
    for mapped in answered(data):
        if mapped.refusal is None and not mapped.issues:
            assert all(not place.startswith("Patient") for place in broken(mapped))


def test_thousands_of_results_take_no_more_than_their_share():
    tests = [("8410", "SYS" if n % 2 else f"T{n % 50}") for n in range(3_000)]
    (mapped,) = answered(record("6310", [("3000", "1"), *tests]))

    assert mapped.loss.mapped > 3_000
