"""TQ1 and TQ become a Timing that satisfies the invariants of Timing.repeat."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.base import Context
from mappers.dialect import Dialect
from mappers.hl7v2.segments import timing
from mappers.hl7v2.session import Session
from mappers.hl7v2.tokenizer import tokenize
from mappers.trace import finished
from profiles.reading.foreign_json import read_own
from profiles.validate import validate

CONTEXT = Context(b"key", Dialect(), "https://haus.example/sid")
HEAD = "MSH|^~\\&|KIS|HAUS|GW|NETZ|20270111||OMP^O09|1|P|2.5.1||||||UNICODE UTF-8"


def schedule(line: str) -> timing.Schedule:
    message = tokenize("\r".join([HEAD, line]).encode())
    session = Session(message, CONTEXT, "O09")
    segment = message.segments[1]
    if segment.name == "TQ1":
        return timing.of_segment(session, segment)
    return timing.of_field(session, segment.repetitions(7)[0])


def plain(made: dict[str, Any]) -> dict[str, Any]:
    """As it leaves the mapper."""
    (written,) = finished([made], set())
    return read_own(written.body, decimals=written.has_decimals)


def first(line: str) -> dict[str, Any]:
    made = plain(schedule(line).timings[0])
    assert isinstance(made, dict)
    return made


@pytest.mark.parametrize(
    ("pattern", "repeat"),
    [
        ("BID", {"frequency": 2, "period": 1, "periodUnit": "d"}),
        ("5ID", {"frequency": 5, "period": 1, "periodUnit": "d"}),
        ("Q6H", {"frequency": 1, "period": 6, "periodUnit": "h"}),
        ("QOD", {"frequency": 1, "period": 2, "periodUnit": "d"}),
        ("Q2J24", {"dayOfWeek": ["tue", "thu"], "period": 2, "periodUnit": "wk"}),
        ("PRNQ4H", {"frequency": 1, "period": 4, "periodUnit": "h"}),
        ("ACM", {"when": ["ACM"]}),
        ("QHS", {"frequency": 1, "period": 1, "periodUnit": "d", "when": ["HS"]}),
        ("1-0-1-0", {"when": ["MORN", "EVE"]}),
        ("1-0-2", None),
        ("Once", {"count": 1}),
        ("nach Plan", None),
    ],
)
def test_a_pattern_says_how_often_and_when(pattern: str, repeat: dict[str, Any] | None) -> None:
    made = first(f"TQ1|1||{pattern}")
    assert made.get("repeat") == repeat
    assert made["code"].get("text", pattern) == pattern


def test_a_pattern_of_the_table_has_the_code_of_the_official_map() -> None:
    system = "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation"
    assert first("TQ1|1||TID")["code"]["coding"][0]["system"] == system
    own = first("TQ1|1||Q5H")["code"]["coding"][0]
    assert own == {"system": "http://terminology.hl7.org/CodeSystem/v2-0335", "code": "Q5H"}


def test_start_and_duration_give_the_end_in_the_precision_of_the_start() -> None:
    made = first("TQ1|1||BID|||7^Tage|20270111")
    assert made["repeat"]["boundsPeriod"] == {"start": "2027-01-11", "end": "2027-01-18"}
    made = first("TQ1|1||BID|||90^min|202701111000+0100")
    assert made["repeat"]["boundsPeriod"]["end"] == "2027-01-11T11:30:00+01:00"
    made = first("TQ1|1||BID|||7^d||20270118")
    assert made["repeat"]["boundsPeriod"]["start"] == "2027-01-11"


def test_a_duration_alone_stays_one() -> None:
    assert first("TQ1|1||BID|||7^Tage")["repeat"]["boundsDuration"] == {
        "value": Decimal(7),
        "unit": "Tage",
        "system": "http://unitsofmeasure.org",
        "code": "d",
    }


def test_every_pattern_is_a_timing_of_its_own() -> None:
    assert [t["repeat"]["when"] for t in schedule("TQ1|1||ACM~PCV").timings] == [["ACM"], ["PCV"]]


def test_an_event_has_an_offset_in_minutes_and_times_of_its_first_day() -> None:
    made = first("TQ1|1||^^^^^^^PCM^360^s|113005|||20270111080000+0100")
    assert made["repeat"]["offset"] == 6
    assert made["event"] == ["2027-01-11T11:30:05+01:00"]


def test_a_weekly_phase_is_the_days_between() -> None:
    assert first("TQ1|1||X^DW^5^1")["repeat"]["dayOfWeek"] == ["fri", "sat", "sun", "mon"]


def test_an_old_timing_field_says_the_same() -> None:
    told = schedule(
        "ORC|NW|1|||||1&Tbl^TID&0800,1400,2000^D10^20270111^^S^bei Fieber^mit Wasser^^^^4"
    )
    made = plain(told.timings[0])
    assert made["repeat"]["timeOfDay"] == ["08:00:00", "14:00:00", "20:00:00"]
    assert made["repeat"]["boundsPeriod"]["end"] == "2027-01-21"
    assert made["repeat"]["count"] == 4
    assert told.priority == [None, "S"]
    assert (told.conditions, told.texts) == (["bei Fieber"], ["mit Wasser"])


_PARTS = (
    '|""|BID|ACM^^^^180^min^^PCM^360^s|PRN|C^DW^6^2|3^Hr|-2^d|9^mo|0830|7^Tage&d|S^Stat^HL70485|'
    "20270111|202701111000+0100|2027|5|0|1,5|X4"
)
_PART = st.sampled_from(_PARTS.split("|"))


@settings(deadline=None, max_examples=150)
@given(st.lists(_PART, min_size=14, max_size=14))
def test_no_field_breaks_an_invariant_of_timing(parts: list[str]) -> None:
    for made in schedule("TQ1|" + "|".join(parts)).timings:
        resource = {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"text": "x"},
            "subject": {"display": "x"},
            "dosageInstruction": [{"timing": made}],
        }
        assert [i for i in validate(plain(resource)) if i.severity == "error"] == []
