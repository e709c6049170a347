"""No value makes segments, fields or parts of fields, whatever the separators."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.dialect import Outgoing
from mappers.hl7v2.tokenizer import leaf, tokenize
from profiles.issue import NotConformant
from tests.mappers.hl7v2.write.builders import (
    bundle,
    context,
    document,
    encounter,
    observation,
    patient,
    write,
)

USUAL = "|^~\\&"
SEPARATORS = st.sampled_from([USUAL, "#@!$%", "&^~\\|", "^|~\\&", "|^~*&", ":;,!?"])
HOSTILE = st.text(
    st.sampled_from(list("|^~\\&#@!$%*:;,?\r\n\t\v\x1c\x00\x7f\x85\u2028ABFERSTXH0123. \"'")),
    max_size=24,
)


def resources(words: str) -> list[dict[str, Any]]:
    """The same hostile words in every kind of place."""
    coded = {"coding": [{"system": words, "code": words, "display": words}], "text": words}
    data = base64.b64encode(words.encode()).decode()
    place = {"display": words, "identifier": {"system": words, "value": words}}
    return [
        patient(
            name=[{"family": words, "given": [words, words], "prefix": [words]}],
            identifier=[{"system": "urn:oid:1.2.3", "value": "4711"}, {"value": words}],
            address=[{"line": [words, words], "city": words, "country": words}],
            telecom=[{"system": "phone", "value": words}, {"system": "email", "value": words}],
            maritalStatus=coded,
        ),
        encounter(
            serviceType=coded,
            reasonCode=[coded],
            location=[{"location": place}],
            serviceProvider={"type": "Organization", **place},
        ),
        observation(code=coded, valueString=words, note=[{"text": words}], method=coded),
        observation(id="o2", valueQuantity={"value": 1, "unit": words, "code": words}),
        document(
            description=words,
            content=[{"attachment": {"contentType": "text/plain", "data": data, "title": words}}],
        ),
    ]


def shape(words: str, kinds: tuple[str, ...], separators: str) -> dict[str, int]:
    """Name of each segment of the message and the fields its longest one has."""
    content = bundle(*[r for r in resources(words) if r["resourceType"] in kinds])
    partner = context(outgoing=Outgoing(delimiters=separators))
    try:
        data = write(content, with_context=partner).data
    except NotConformant:
        return {}
    found = tokenize(data)
    assert data.count(b"\r") == len(found.segments)
    assert not {0x0B, 0x1C, 0x0A, 0x00} & set(data)
    return {s.name: max(len(o.raw) for o in found.all(s.name)) for s in found.segments}


@settings(max_examples=60, deadline=None)
@given(
    HOSTILE,
    SEPARATORS,
    st.sampled_from([("Patient", "Encounter", "Observation"), ("Patient", "DocumentReference")]),
)
def test_hostile_words_fill_the_same_segments_as_harmless_ones(
    words: str, separators: str, kinds: tuple[str, ...]
) -> None:
    harmless = shape("Wort", kinds, separators)
    for name, size in shape(words, kinds, separators).items():
        assert name in harmless
        assert size <= harmless[name]


@settings(max_examples=80, deadline=None)
@given(HOSTILE, SEPARATORS)
def test_a_value_comes_back_from_its_place_or_is_reported(words: str, separators: str) -> None:
    partner = context(outgoing=Outgoing(delimiters=separators))
    found = write(
        bundle(patient(name=[{"family": words, "given": ["Änne"]}])), with_context=partner
    )
    message = tokenize(found.data)
    assert [s.name for s in message.segments] == ["MSH", "EVN", "PID", "PV1"]
    pid = message.segments[2]
    assert leaf(pid.repetitions(5)[0], 2) == "Änne"
    read = leaf(pid.repetitions(5)[0], 1)
    lost = "Patient/p1.name[0].family" in found.left_out
    newlines = words.replace("\r\n", "\n").replace("\r", "\n")
    assert lost == (read is None) or words == ""
    # Readers trim what stands around a value.
    assert read is None or read.strip() == newlines.strip()


@pytest.mark.parametrize(
    "separators", ["", "|^~\\", "|^~\\\\", "|^~\\A", '|^~\\"', "|^~\\.", "|^~+&"]
)
def test_separators_that_cannot_separate_are_refused(separators: str) -> None:
    partner = context(outgoing=Outgoing(delimiters=separators))
    with pytest.raises(NotConformant):
        write(bundle(patient()), with_context=partner)


@settings(max_examples=40, deadline=None)
@given(st.text(st.sampled_from("ab|^~\\&ä\n"), min_size=200, max_size=900), st.integers(80, 160))
def test_long_segments_go_on_in_add_segments_without_cutting_an_escape(
    words: str, longest: int
) -> None:
    partner = context(outgoing=Outgoing(longest_segment=longest))
    content = bundle(patient(), observation(valueString=f"x{words}x"))
    whole = write(content).data.decode()
    cut = write(content, with_context=partner).data
    lines = cut.decode().split("\r")
    assert max(len(line) for line in lines[1:]) <= longest
    assert all(line.count("\\") % 2 == 0 for line in lines[1:])
    assert "\r".join(lines).replace("\rADD|", "") == whole
    assert [s.raw for s in tokenize(cut).segments] == [
        s.raw for s in tokenize(whole.encode()).segments
    ]


def test_a_version_without_continuation_refuses_what_is_too_long() -> None:
    partner = context(outgoing=Outgoing(version="2.3", longest_segment=80))
    with pytest.raises(NotConformant):
        write(bundle(patient(), observation(valueString="x" * 200)), with_context=partner)
