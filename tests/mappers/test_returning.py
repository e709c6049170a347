"""What came before is kept from the second time on."""

from __future__ import annotations

from mappers.returning import Returning


def test_nothing_is_kept_of_what_comes_once() -> None:
    known = Returning()
    assert not known.again("ward 1")
    assert known.kept == {}


def test_what_comes_twice_may_be_kept() -> None:
    known = Returning()
    known.again("ward 1")
    assert known.again("ward 1")
    known.keep("ward 1", "made")
    assert known.kept == {"ward 1": "made"}


def test_it_forgets_before_it_grows_without_end() -> None:
    known = Returning()
    for number in range(20_000):
        known.keep(number, number)
        assert known.kept[number] == number
    assert len(known.kept) < 10_000
