"""AuditEvents by time, in both orders, page by page; ids that tell when they were made."""

from __future__ import annotations

import time
from base64 import b64encode
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.time import DAY, SECOND
from gateway.evidence.event_class import EventClass
from gateway.evidence.leaf import commit
from gateway.evidence.parts import Party
from gateway.pipeline.audit import Auditor
from gateway.pipeline.ports import AuditRow
from gateway.store.audit_reading import Stretch

#: An hour between two events.
HOUR = 3_600 * SECOND


def row(number, at):
    event = {"resourceType": "AuditEvent", "id": str(number)}
    salt = number.to_bytes(32, "big")
    content = orjson.dumps({"salt": b64encode(salt).decode(), "event": event})
    return AuditRow(EventClass.READ.value, at, commit(event, salt), content, 30_000 * DAY)


@pytest.fixture
def log(store):
    """Forty events, one an hour."""
    for first in range(0, 40, 7):
        rows = [row(number, number * HOUR) for number in range(first, min(first + 7, 40))]
        store.writer.submit(lambda tx, rows=rows: tx.add_audit(rows)).result(60)
    for _ in range(3_000):
        if store.reader.counts().unnumbered == 0:
            return store.reader
        time.sleep(0.02)
    raise AssertionError("events wait for their numbers")


def found(reader, stretch, limit=100):
    return [int(event["id"]) for _, event in reader.audit_events(stretch, limit)]


def test_the_newest_stand_first_unless_asked_otherwise(log):
    assert found(log, Stretch()) == list(range(39, -1, -1))
    assert found(log, Stretch(newest_first=False)) == list(range(40))
    assert found(log, Stretch(), limit=3) == [39, 38, 37]


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (5, 9), (0, 40), (39, 40), (40, 50), (7, 7), (13, 14)]
)
def test_a_stretch_of_time_has_exactly_its_events(log, low, high):
    stretch = Stretch(low * HOUR, high * HOUR, newest_first=False)

    assert found(log, stretch) == [number for number in range(40) if low <= number < high]


@pytest.mark.parametrize("newest_first", [True, False])
def test_page_by_page_every_event_comes_once(log, newest_first):
    pages, after = [], None
    while True:
        stretch = Stretch(4 * HOUR, 31 * HOUR, newest_first=newest_first, after=after)
        page = log.audit_events(stretch, 4)
        pages += [int(event["id"]) for _, event in page]
        if len(page) < 4:
            break
        after = page[-1][0]

    assert pages == sorted(range(4, 31), reverse=newest_first)


@given(st.integers(0, 2**47 - 1), st.binary(min_size=10, max_size=10))
def test_the_id_of_an_event_tells_when_it_was_made(milliseconds, random):
    auditor = Auditor(Party(value="gateway"), random=lambda _size: random)

    made = UUID(auditor.stamp(milliseconds % 253_402_300_799_999 * 1_000).id)

    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.int >> 80 == milliseconds % 253_402_300_799_999
