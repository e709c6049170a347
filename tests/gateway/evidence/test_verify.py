"""Mutations of a log at random places: each is reported at its place, and nothing else is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.evidence import audit_event as events
from gateway.evidence.event_class import EventClass, class_of
from gateway.evidence.leaf import commit, leaf, read_leaf
from gateway.evidence.merkle import Frontier, leaf_hash, root
from gateway.evidence.sequence import Head, sequence
from gateway.evidence.verify import PATIENCE, Opening, verify

GATEWAY = events.Party("Device/gateway", address="https://gateway.example/fhir")


def instant(second):
    return f"2026-11-03T09:{second // 60:02d}:{second % 60:02d}.000000Z"


def event(number):
    stamp = events.Stamp(f"e-{number}", instant(0), GATEWAY)
    if number % 3:
        return events.read(stamp, caller=events.Caller(GATEWAY), target=f"Patient/{number}")
    return events.administrative(stamp, act="apply", actor=GATEWAY)


@dataclass
class Log:
    """A log in memory whose rows can be tampered with."""

    rows: list[bytes] = field(default_factory=list)
    stored_heads: list[Head] = field(default_factory=list)
    opened: dict[int, Opening] = field(default_factory=dict)
    pending: list[int] = field(default_factory=list)

    def leaves(self):
        return iter(self.rows)

    def heads(self):
        return iter(self.stored_heads)

    def openings(self):
        return iter(sorted(self.opened.values(), key=lambda one: one.seq))

    def waiting(self):
        return iter(self.pending)

    def run(self, batch, second):
        """Number a batch of events, as the sequencer does."""
        start = len(self.rows)
        salts = [sha256(b"%d" % (start + offset)).digest() for offset in range(len(batch))]
        pairs = [(class_of(one), commit(one, salt)) for one, salt in zip(batch, salts, strict=True)]
        made = sequence(
            self.stored_heads[-1] if self.stored_heads else None, pairs, instant(second)
        )
        if made is None:
            return self
        self.rows += made.leaves
        self.stored_heads.append(made.head)
        for offset, (one, salt) in enumerate(zip(batch, salts, strict=True)):
            self.opened[start + offset] = Opening(start + offset, one, salt)
        return self


def log_of(sizes):
    log, start = Log(), 0
    for second, size in enumerate(sizes):
        log.run([event(number) for number in range(start, start + size)], second)
        start += size
    return log


def places(report):
    """Leaf numbers that findings point at, apart from runs whose root is wrong."""
    return {
        number
        for one in report.findings
        if one.rule != "root"
        for number in range(one.index, one.last + 1)
    }


def narrowest(report):
    return min(report.findings, key=lambda one: one.last - one.index)


def run_of(log, index):
    """First and last leaf number of the run that holds `index`."""
    start = 0
    for head in log.stored_heads:
        if index < head.size:
            return start, head.size - 1
        start = head.size
    raise AssertionError("no such leaf")


# At least two leaves per run: a run of one leaf carries its own time, class and root.
logs = st.builds(log_of, st.lists(st.integers(2, 7), min_size=1, max_size=5))


@given(st.lists(st.integers(0, 9), max_size=6))
def test_an_untouched_log_raises_no_alarm(sizes):
    log = log_of(sizes)
    report = verify(log, now=10**18)
    assert report.findings == ()
    assert report.ok
    assert (report.size, report.opened, report.erased) == (sum(sizes), sum(sizes), 0)
    assert report.root == root(map(leaf_hash, log.rows))


def test_a_report_without_heads_from_outside_says_how_little_it_proves():
    report = verify(log_of([3]))
    assert report.scope.startswith("internal consistency only")
    assert report.as_json()["scope"] == report.scope


@given(logs, st.data())
def test_a_flipped_bit_in_a_leaf_is_found_at_its_place(log, data):
    index = data.draw(st.integers(0, len(log.rows) - 1))
    row = bytearray(log.rows[index])
    bit = data.draw(st.integers(0, 8 * len(row) - 1))
    row[bit // 8] ^= 1 << bit % 8
    log.rows[index] = bytes(row)
    report = verify(log)
    assert places(report) == {index}
    assert {(one.index, one.last) for one in report.findings} <= {
        (index, index),
        run_of(log, index),
    }


@given(logs, st.data())
def test_a_deleted_leaf_is_found_at_its_place(log, data):
    index = data.draw(st.integers(0, len(log.rows) - 1))
    first, last = run_of(log, index)
    del log.rows[index]
    report = verify(log)
    assert index in places(report)
    assert all(first <= one.index <= one.last <= last for one in report.findings)


@given(logs, st.data())
def test_an_inserted_leaf_is_found_at_its_place(log, data):
    index = data.draw(st.integers(0, len(log.rows)))
    seq = data.draw(st.sampled_from([index, 10**6]))
    log.rows.insert(index, leaf(seq, instant(0), EventClass.READ, bytes(32)))
    report = verify(log)
    assert not report.ok
    assert index in places(report)


@given(logs, st.data())
def test_two_swapped_leaves_are_found_at_both_places(log, data):
    indices = st.integers(0, len(log.rows) - 1)
    pair = data.draw(st.lists(indices, min_size=2, max_size=2, unique=True))
    one, other = sorted(pair)
    log.rows[one], log.rows[other] = log.rows[other], log.rows[one]
    assert places(verify(log)) == {one, other}


@given(logs, st.data())
def test_two_leaves_swapped_and_renumbered_are_found_at_both_places(log, data):
    indices = st.integers(0, len(log.rows) - 1)
    one, other = data.draw(st.lists(indices, min_size=2, max_size=2, unique=True))
    first, second = read_leaf(log.rows[one]), read_leaf(log.rows[other])
    log.rows[one] = leaf(one, first.time, second.event_class, second.commitment)
    log.rows[other] = leaf(other, second.time, first.event_class, first.commitment)
    assert places(verify(log)) == {one, other}


@given(logs, st.data())
def test_a_log_cut_off_is_found_at_its_new_end(log, data):
    keep = data.draw(st.integers(0, len(log.rows) - 1))
    del log.rows[keep:]
    report = verify(log)
    cut = [one for one in report.findings if one.text == "The log is cut off."]
    assert [(one.index, one.last) for one in cut] == [(keep, max(log.opened))]


@given(logs, st.data())
def test_a_log_cut_off_with_its_heads_still_has_events_beyond_its_end(log, data):
    runs = data.draw(st.integers(0, len(log.stored_heads) - 1))
    keep = log.stored_heads[runs - 1].size if runs else 0
    del log.stored_heads[runs:]
    del log.rows[keep:]
    report = verify(log)
    assert [(one.rule, one.index, one.last) for one in report.findings] == [
        ("beyond", keep, max(log.opened))
    ]


@given(logs, st.data(), st.integers(-3600, 3600))
def test_a_redated_leaf_is_found_at_its_place(log, data, shift):
    index = data.draw(st.integers(0, len(log.rows) - 1))
    found = read_leaf(log.rows[index])
    time = f"2026-11-0{2 if shift < 0 else 3}T08:00:00.{abs(shift):06d}Z"
    log.rows[index] = leaf(index, time, found.event_class, found.commitment)
    report = verify(log)
    assert places(report) == {index}
    assert narrowest(report).rule == "time"


@given(logs, st.data())
def test_a_leaf_of_another_class_is_found_at_its_place(log, data):
    index = data.draw(st.integers(0, len(log.rows) - 1))
    found = read_leaf(log.rows[index])
    log.rows[index] = leaf(index, found.time, EventClass.TRANSLATED, found.commitment)
    report = verify(log)
    assert places(report) == {index}
    assert narrowest(report).rule == "class"


@given(logs, st.data())
def test_swapped_salts_are_found_at_both_places(log, data):
    indices = st.integers(0, len(log.rows) - 1)
    one, other = data.draw(st.lists(indices, min_size=2, max_size=2, unique=True))
    first, second = log.opened[one], log.opened[other]
    log.opened[one] = replace(first, salt=second.salt)
    log.opened[other] = replace(second, salt=first.salt)
    report = verify(log)
    assert places(report) == {one, other}
    assert {finding.rule for finding in report.findings} == {"opening"}


@given(logs, st.data())
def test_a_changed_event_is_found_at_its_place(log, data):
    index = data.draw(st.integers(0, len(log.rows) - 1))
    opening = log.opened[index]
    log.opened[index] = replace(opening, event={**opening.event, "recorded": instant(59)})
    report = verify(log)
    assert [(one.rule, one.index, one.last) for one in report.findings] == [
        ("opening", index, index)
    ]


@given(logs, st.data())
def test_an_event_forged_together_with_its_leaf_is_found_in_its_run(log, data):
    index = data.draw(st.integers(0, len(log.rows) - 1))
    forged = replace(log.opened[index], event=event(index + 3000))
    found = read_leaf(log.rows[index])
    commitment = commit(forged.event, forged.salt)
    log.rows[index] = leaf(index, found.time, found.event_class, commitment)
    log.opened[index] = forged
    report = verify(log)
    first, last = run_of(log, index)
    assert [(one.rule, one.index, one.last) for one in report.findings] == [("root", first, last)]


@given(logs, st.data())
def test_a_forged_head_is_found_at_its_run(log, data):
    number = data.draw(st.integers(0, len(log.stored_heads) - 1))
    head = log.stored_heads[number]
    other = Frontier().extend([leaf_hash(b"fork")] * head.size)
    forged = data.draw(
        st.sampled_from(
            [
                replace(head, root=other.root()),
                replace(head, frontier=other.to_bytes()),
                replace(head, frontier=b"broken"),
                replace(head, root=other.root(), frontier=other.to_bytes()),
            ]
        )
    )
    log.stored_heads[number] = forged
    first, last = run_of(log, head.size - 1)
    report = verify(log)
    assert not report.ok
    assert min(one.index for one in report.findings) >= first
    assert any(first <= one.index <= last for one in report.findings)


def test_leaves_added_without_a_head_are_found():
    log = log_of([3, 3])
    log.stored_heads.pop()
    assert [(one.rule, one.index, one.last) for one in verify(log).findings] == [
        ("uncovered", 3, 5)
    ]


def test_a_missing_event_is_found_unless_a_tombstone_covers_it():
    log = log_of([6])
    for index in (1, 2, 4):
        del log.opened[index]
    assert [(one.rule, one.index, one.last) for one in verify(log).findings] == [
        ("missing", 1, 2),
        ("missing", 4, 4),
    ]
    stamp = events.Stamp("t", instant(9), GATEWAY)
    buried = events.tombstone(
        stamp, ranges=((1, 2), (4, 4)), legal_basis="§ 309 SGB V", authorizer=GATEWAY
    )
    report = verify(log.run([buried], 9))
    assert report.ok
    assert (report.opened, report.erased) == (4, 3)


def test_a_tombstone_for_what_is_still_there_or_for_itself_is_found():
    stamp = events.Stamp("t", instant(9), GATEWAY)

    def buried(*ranges):
        made = events.tombstone(stamp, ranges=ranges, legal_basis="x", authorizer=GATEWAY)
        return verify(log_of([3]).run([made], 9)).findings

    assert [(one.rule, one.index, one.last) for one in buried((1, 2))] == [("erasure", 1, 2)]
    assert [(one.rule, one.index, one.last) for one in buried((2, 3))] == [("erasure", 3, 3)]


def test_a_tombstone_that_does_not_open_covers_nothing():
    log = log_of([3])
    del log.opened[1]
    stamp = events.Stamp("t", instant(9), GATEWAY)
    log.run([events.tombstone(stamp, ranges=((1, 1),), legal_basis="x", authorizer=GATEWAY)], 9)
    log.opened[3] = replace(log.opened[3], salt=bytes(32))
    rules = {(one.rule, one.index) for one in verify(log).findings}
    assert rules == {("opening", 3), ("missing", 1)}


def test_events_that_wait_too_long_for_their_number_are_counted():
    log = log_of([2])
    now = 10**15
    log.pending = [now, now - PATIENCE, now - PATIENCE - 1, now - 10 * PATIENCE]
    report = verify(log, now=now)
    assert [(one.rule, one.index) for one in report.findings] == [("unnumbered", -1)]
    assert report.findings[0].text.startswith("2 events")
    assert verify(log).ok


@given(logs, st.data())
def test_a_head_kept_outside_anchors_the_log(log, data):
    size = data.draw(st.integers(1, len(log.rows)))
    expected = root(map(leaf_hash, log.rows[:size]))
    report = verify(log, anchors=[(size, expected)])
    assert report.ok
    assert report.anchored == size
    assert "internal" not in report.scope


@given(logs, st.data())
def test_a_log_rewritten_as_a_whole_differs_from_the_head_kept_outside(log, data):
    index = data.draw(st.integers(0, len(log.rows) - 1))
    anchor = (len(log.rows), root(map(leaf_hash, log.rows)))
    rewritten = Log().run([event(n if n != index else 999) for n in range(len(log.rows))], 0)
    assert verify(rewritten).ok
    report = verify(rewritten, anchors=[anchor])
    assert [one.rule for one in report.findings] == ["anchor"]
    assert report.anchored == 0


def test_a_log_shorter_than_the_head_kept_outside_is_found():
    report = verify(log_of([3]), anchors=[(9, bytes(32))])
    assert [(one.rule, one.last) for one in report.findings] == [("anchor", 8)]


@pytest.mark.parametrize("event", [{}, {"a": 1.5}, {"a": 2**60}, {"type": "x", "subtype": {}}])
def test_events_that_are_no_events_are_findings_not_crashes(event):
    log = log_of([2])
    log.opened[1] = Opening(1, event, b"short")
    assert [(one.rule, one.index) for one in verify(log).findings] == [("opening", 1)]
