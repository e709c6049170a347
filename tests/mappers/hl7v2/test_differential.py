"""Our tokenizer beside python-hl7, and every message back to the bytes it came from."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import hl7
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.hl7v2.batch import split
from mappers.hl7v2.tokenizer import Message, tokenize
from profiles.issue import GatewayError

OWN = Path(__file__).parents[2] / "samples" / "hl7v2"
SAMPLES = Path(os.environ.get("GATEWAY_SAMPLES", Path(__file__).parents[4] / "shared" / "samples"))
FOLDERS = [OWN, *sorted(SAMPLES.glob("hl7v2-*")), SAMPLES / "german" / "hl7v2"]
_NO_MESSAGES = {".json", ".csv", ".tsv", ".md", ".xml", ".py"}
#: Of a stream of thousands the first are enough.
_MOST = 150
_LINE_ENDS = re.compile(r"[\r\n]+")


def messages(folder: Path) -> Iterator[Message]:
    found = 0
    for path in sorted(folder.rglob("*")):
        if path.suffix in _NO_MESSAGES or not path.is_file() or found >= _MOST:
            continue
        for data in split(path.read_bytes()[:400_000]):
            try:
                made = tokenize(data)
            except GatewayError:
                continue
            if "\x00" not in data.decode("latin-1") and found < _MOST:
                found += 1
                yield made


def written(message: Message) -> str:
    """The segments as they stand, joined again."""
    lines = []
    for segment in message.segments:
        raw = list(segment.raw)
        if segment.first_field == 3:
            del raw[1]
        lines.append(message.delimiters.field.join(raw))
    return "\r".join(lines)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_python_hl7_splits_every_message_alike(folder: Path) -> None:
    if not folder.exists():
        pytest.skip("GATEWAY_SAMPLES is not there")
    compared = 0
    for ours in messages(folder):
        text = written(ours)
        theirs = hl7.parse(text)
        assert len(theirs) == len(ours.segments)
        for segment, other in zip(ours.segments, theirs, strict=True):
            # It drops what follows the last separator of a header of two fields.
            raw = "|".join(str(field).strip() for field in other).rstrip("|")
            assert raw == "|".join(one.strip() for one in segment.raw).rstrip("|")
            _compare_fields(segment, other)
            compared += 1
    assert compared


def _compare_fields(segment, other) -> None:
    """Repetitions, components and subcomponents of fields that are no free text."""
    for number in range(segment.first_field, len(segment.raw)):
        if not segment.raw[number] or segment._is_text(number):
            continue
        theirs = [
            str(part).strip()
            for repetition in (other[number] if isinstance(other[number], hl7.Field) else [])
            for part in _leaves(repetition)
        ]
        ours = [
            str(leaf)
            for repetition in _split_raw(segment, number)
            for component in repetition
            for leaf in (component if isinstance(component, list) else [component])
            if leaf is not None
        ]
        assert ours == [one for one in theirs if one]


def _split_raw(segment, number):
    """Escapes are left as they are: python-hl7 resolves none when it splits."""
    from mappers.hl7v2.splitting import split_field

    return split_field(segment.raw[number], 0, segment._separators, None)[0]


def _leaves(part) -> list:
    if isinstance(part, hl7.Container):
        return [leaf for inner in part for leaf in _leaves(inner)]
    return [part]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_every_message_is_written_again_as_it_came(folder: Path) -> None:
    if not folder.exists():
        pytest.skip("GATEWAY_SAMPLES is not there")
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.suffix in _NO_MESSAGES:
            continue
        for data in [*split(path.read_bytes()[:200_000])][:_MOST]:
            if data.isascii() and b"MSH" in data[:4] and b"\x00" not in data:
                _same(data.decode())


def _same(text: str) -> None:
    try:
        message = tokenize(text.encode())
    except GatewayError:
        return
    lines = [line for line in _LINE_ENDS.split(text.strip()) if line.strip()]
    assert written(message).split("\r") == lines


fields = st.text(alphabet="A1ä ^~\\&#", max_size=8)
lines = st.builds(
    lambda name, values: "|".join([name, *values]),
    st.sampled_from(["PID", "ZZZ", "OBX", "NTE", ""]),
    st.lists(fields, max_size=6),
)


@given(st.lists(lines, max_size=6), st.sampled_from(["\r", "\n", "\r\n"]))
def test_trailing_separators_and_empty_segments_stay(more: list[str], end: str) -> None:
    _same(end.join(["MSH|^~\\&|A|B|||2027||ADT^A01|1|P|2.5||||||UNICODE UTF-8", *more]))
