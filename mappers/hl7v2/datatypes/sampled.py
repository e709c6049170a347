"""NA and MA → SampledData (HL7 v2.5 chapter 2.A.46, 2.A.40; datatypes.html#SampledData of FHIR).

NA holds one series per repetition, MA one sample per repetition with all its channels. FHIR
wants the channels of one moment beside each other. Neither says how far samples lie apart.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from mappers.hl7v2.datatypes.values import unit_of
from mappers.hl7v2.session import Session
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import Text, Value, derived, merged

_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
#: What FHIR writes for a sample that could not be taken.
_MISSING = "E"


def sampled_data(session: Session, segment: Segment, kind: str) -> dict[str, Any] | None:
    """OBX-5 of type NA or MA → SampledData; None where it holds something else than numbers."""
    rows = [_row(repetition) for repetition in segment.repetitions(5)]
    numbers = [one for row in rows for one in row if one is not None]
    if not numbers or any(_NUMBER.fullmatch(one) is None for one in numbers):
        return None
    if len({len(row) for row in rows}) != 1:
        session.issue("value", "the series differ in length; kept as text", segment.name, "102")
        return None
    if kind == "NA":
        rows = [list(moment) for moment in zip(*rows, strict=True)]
    data = " ".join(one or _MISSING for row in rows for one in row)
    unknown = {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}
    return {
        "origin": {"value": Value(Decimal(0), ()), **unit_of(session, segment)},
        "_period": unknown,
        "dimensions": Value(len(rows[0]), merged(*numbers)),
        "data": derived(data, *numbers),
    }


def _row(repetition: Repetition) -> list[Text | None]:
    return [leaf(repetition, number) for number in range(1, len(repetition))]
