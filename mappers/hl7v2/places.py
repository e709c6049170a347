"""Where a leaf stands in a message, as one int (HL7 v2.5 chapter 2.5).

Written as "PID-5.1", "PID-3[2].4.2" or "DG1[2]-3.1". The lowest bits hold the field and the
segment: places are kept in sets, which would be slow if most of them ended in the same zeros.
From the lowest: field (6 bits) | segment (14) | component (16) | sub (10) | repetition (18) |
the rest of the field (4) | the rest of the segment.
"""

from __future__ import annotations

from functools import lru_cache

_FIELD_BITS = 6
_SEGMENT_BITS = 14
_LOW_FIELD = (1 << _FIELD_BITS) - 1
_LOW_SEGMENT = (1 << _SEGMENT_BITS) - 1
COMPONENT = _FIELD_BITS + _SEGMENT_BITS
SUB = COMPONENT + 16
REPETITION = SUB + 10
_HIGH_FIELD = REPETITION + 18
_HIGH_SEGMENT = _HIGH_FIELD + 4
MOST_SUBS = 1 << 10
MOST_COMPONENTS = 1 << 16
MOST_REPETITIONS = 1 << 18
MOST_FIELDS = 1 << 10
_INSIDE_FIELD = ((1 << _HIGH_FIELD) - 1) ^ ((1 << COMPONENT) - 1)
_SEGMENT = (_LOW_SEGMENT << _FIELD_BITS) | (-1 << _HIGH_SEGMENT)


def segment_place(index: int) -> int:
    """Return the place of a segment by its number."""
    return (index & _LOW_SEGMENT) << _FIELD_BITS | index >> _SEGMENT_BITS << _HIGH_SEGMENT


def field_place(number: int) -> int:
    """Return the place of a field in its segment, to be added to that of the segment."""
    return number & _LOW_FIELD | number >> _FIELD_BITS << _HIGH_FIELD


def segment_index(source: int) -> int:
    """Return the number of the segment a leaf stands in."""
    return source >> _FIELD_BITS & _LOW_SEGMENT | source >> _HIGH_SEGMENT << _SEGMENT_BITS


def field_number(source: int) -> int:
    """Return the number of the field a leaf stands in."""
    return source & _LOW_FIELD | (source >> _HIGH_FIELD << _FIELD_BITS) & (MOST_FIELDS - 1)


def inside_segment(source: int) -> int:
    """Return the place of a leaf inside its segment."""
    return source & ~_SEGMENT


def inside_field(source: int) -> int:
    """Return the place of a leaf inside its field; 0 for a field that is one leaf."""
    return source & _INSIDE_FIELD


def _inside(source: int) -> tuple[int, int, int]:
    """Repetition (from 0), component and subcomponent; 0 for what is not split."""
    repetition = source >> REPETITION & (MOST_REPETITIONS - 1)
    component = source >> COMPONENT & (MOST_COMPONENTS - 1)
    return repetition, component, source >> SUB & (MOST_SUBS - 1)


@lru_cache(maxsize=8192)
def render(name: str, occurrence: int, place: int) -> str:
    """Write a place inside a segment, e.g. "PID-3[2].4.2"."""
    repetition, component, subcomponent = _inside(place)
    segment = name if occurrence == 1 else f"{name}[{occurrence}]"
    rendered = f"{segment}-{field_number(place)}"
    if repetition:
        rendered += f"[{repetition + 1}]"
    if component:
        rendered += f".{component}"
    return f"{rendered}.{subcomponent}" if subcomponent else rendered
