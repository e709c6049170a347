"""What the writer remembers of bodies is never more than what the database says."""

from __future__ import annotations

import pytest

from gateway.store import opened
from gateway.store.bodies import Parts
from gateway.store.opened import Opened
from gateway.store.seal import BodyUnreadable, Kind

FAR = 1 << 60


def _write(*contents):
    def job(tx):
        bodies = tx.unit.bodies
        return bodies.write([Parts(Kind.RESOURCES, 0, [one], FAR) for one in contents])

    return job


def _read(*numbers):
    return lambda tx: dict(tx.unit.bodies.read((number, Kind.RESOURCES) for number in numbers))


def test_what_was_written_is_read_back_whether_remembered_or_not(store):
    first, second = store.writer.submit(_write(b"one", b"two")).result(60)
    remembered = store.writer.submit(_read(first, second)).result(60)
    store.writer.submit(lambda tx: tx.unit.bodies.forget()).result(60)
    opened_again = store.writer.submit(_read(first, second)).result(60)
    assert {k: list(v) for k, v in remembered.items()} == {first: [b"one"], second: [b"two"]}
    assert {k: list(v) for k, v in opened_again.items()} == {first: [b"one"], second: [b"two"]}


def test_what_was_undone_is_not_remembered(store):
    numbers = []

    def fail(tx):
        numbers.extend(_write(b"one")(tx))
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        store.writer.submit(fail).result(60)
    assert store.writer.submit(_read(*numbers)).result(60) == {}


def test_another_kind_is_another_body(store):
    (number,) = store.writer.submit(_write(b"one")).result(60)
    opened_as = store.writer.submit(lambda tx: tx.unit.bodies.read([(number, Kind.MESSAGE)]))
    with pytest.raises(BodyUnreadable):
        opened_as.result(60)


def test_the_oldest_go_first_and_large_ones_are_not_kept(monkeypatch):
    monkeypatch.setattr(opened, "MOST_BYTES", 100)
    monkeypatch.setattr(opened, "LARGE", 50)
    kept = Opened()
    for number in range(1, 5):
        kept.keep(number, Kind.MESSAGE, [bytes(25)])
    kept.keep(5, Kind.MESSAGE, [bytes(25)])
    kept.keep(6, Kind.MESSAGE, [bytes(51)])
    assert kept.get(1, Kind.MESSAGE) is None
    assert kept.get(6, Kind.MESSAGE) is None
    assert kept.get(5, Kind.MESSAGE) == [bytes(25)]
    kept.clear()
    assert kept.get(5, Kind.MESSAGE) is None
