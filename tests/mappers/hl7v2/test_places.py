"""Places of leaves: one int each, from which all of it can be told again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mappers.hl7v2 import places

parts = st.tuples(
    st.integers(0, 300_000),
    st.integers(1, places.MOST_FIELDS - 1),
    st.integers(0, places.MOST_REPETITIONS - 1),
    st.integers(0, places.MOST_COMPONENTS - 1),
    st.integers(0, places.MOST_SUBS - 1),
)


def place(index: int, field: int, repetition: int, component: int, sub: int) -> int:
    inside = repetition << places.REPETITION | component << places.COMPONENT | sub << places.SUB
    return places.segment_place(index) + places.field_place(field) + inside


@given(parts)
def test_a_place_tells_its_segment_and_field(part: tuple[int, int, int, int, int]) -> None:
    source = place(*part)
    assert places.segment_index(source) == part[0]
    assert places.field_number(source) == part[1]
    assert bool(places.inside_field(source)) is any(part[2:])


@given(parts, parts)
def test_no_two_places_are_the_same(
    one: tuple[int, int, int, int, int], other: tuple[int, int, int, int, int]
) -> None:
    assert (place(*one) == place(*other)) is (one == other)


@given(parts)
def test_a_place_is_written_as_the_standard_does(part: tuple[int, int, int, int, int]) -> None:
    _, field, repetition, component, sub = part
    written = f"PID-{field}" + (f"[{repetition + 1}]" if repetition else "")
    written += (f".{component}" if component else "") + (f".{sub}" if sub else "")
    assert places.render("PID", 1, places.inside_segment(place(*part))) == written
