"""What is remembered between messages changes nothing of what they become, in any order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import mappers
from mappers.base import Context, Mapped
from mappers.dialect import Dialect
from profiles.reading import write_json

SAMPLES = Path(__file__).parents[2] / "samples" / "hl7v2"
MESSAGES = [path.read_bytes() for path in sorted(SAMPLES.rglob("*.hl7"))]
#: What other messages of the same sender say otherwise: doctors, wards, names, numbers, times.
_OTHER = {b"8": b"7", b"20": b"19", b"Dr. med.": b"Prof.", b"|F|": b"|M|", b"LANR": b"lanr"}


def context(*, lineage: bool) -> Context:
    return Context(b"key" * 11, Dialect(), "urn:sender", lineage=lineage, lenient=True)


def told(mapped: Mapped) -> tuple[Any, ...]:
    """Everything of a translation, as bytes where it is a resource."""
    changes = [(replace(one, stated={}), write_json(one.resource)) for one in mapped.changes]
    facts = (mapped.issues, mapped.loss, mapped.lineage, mapped.patients, mapped.recipients)
    return (
        *changes,
        *facts,
        mapped.timestamp,
        write_json(mapped.provenance),
        mapped.refusal is None,
    )


def varied(data: bytes, old: bytes | None) -> bytes:
    head, separator, rest = data.partition(b"PID")
    return head + separator + (rest.replace(old, _OTHER[old]) if old is not None else rest)


messages = st.builds(varied, st.sampled_from(MESSAGES), st.sampled_from([None, *_OTHER]))


@settings(max_examples=15, deadline=None)
@given(st.lists(messages, min_size=1, max_size=3), st.booleans(), st.data())
def test_a_warm_memory_gives_what_a_cold_one_gives(said: list[bytes], lineage: bool, data) -> None:
    warm = context(lineage=lineage)
    # The third time a thing comes, it is recalled.
    order = data.draw(st.permutations(said * 3))
    for message in order:
        alone = mappers.translate(message, "hl7v2", context(lineage=lineage))
        assert told(mappers.translate(message, "hl7v2", warm)) == told(alone)


def test_what_is_written_already_is_the_resource() -> None:
    warm = context(lineage=False)
    for message in MESSAGES * 3:
        for change in mappers.translate(message, "hl7v2", warm).changes:
            assert change.body == write_json(change.resource)
