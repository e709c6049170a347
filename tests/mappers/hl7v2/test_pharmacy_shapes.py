"""Whatever the fields of pharmacy and vaccination messages hold, what is made of them is FHIR."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

import mappers
from mappers.base import Context
from mappers.dialect import Dialect
from profiles.validate import structure

SAMPLES = Path(__file__).parents[2] / "samples" / "hl7v2"
CONTEXT = Context(b"key", Dialect(), "https://haus.example/sid")
FAMILIES = (
    "omp_o09_verordnung",
    "rde_o11_kodierte_verordnung",
    "rds_o13_abgabe",
    "ras_o17_gabe",
    "rgv_o15_stellen",
    "vxu_v04_impfungen",
)
_ODD = st.sampled_from(
    [
        "",
        '""',
        "A",
        "A^B^C^D^E^F",
        "^X",
        "&A&B",
        "-1",
        "0,5",
        "999",
        "20269999",
        "1^mg",
        "A~B",
        "1&2^3&4",
        "BID~ACM",
        "Q6H",
        "^^^^^^^ACM^5^h",
        "^^S1^^^^^^12&Str",
        "D",
        "RE",
        "H",
        "M5",
    ]
)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(FAMILIES),
    st.lists(st.tuples(st.integers(2, 20), st.integers(1, 45), _ODD), max_size=12),
)
def test_whatever_fields_hold_the_resources_have_the_shape_of_theirs(
    name: str, changes: list[tuple[int, int, str]]
) -> None:
    text = (SAMPLES / f"{name}.hl7").read_text(encoding="utf-8")
    lines = [line.split("|") for line in text.splitlines()]
    for number, field, value in changes:
        line = lines[number % len(lines)]
        if line[0] not in ("MSH", "PID"):
            line.extend([""] * (field + 1 - len(line)))
            line[field] = value
    data = "\r".join("|".join(line) for line in lines).encode()
    for change in mappers.translate(data, "hl7v2", CONTEXT).changes:
        wrong = [i for i in structure(change.resource) if i.severity in ("error", "fatal")]
        assert wrong == []
