"""Recent identifiers: in memory until merged, never lost, never more than the database says."""

from __future__ import annotations

import pytest

from gateway.store import identifiers
from gateway.store.identifiers import RecentIdentifiers
from gateway.store.sqlite import SqliteDatabase


def term(number):
    return number.to_bytes(16, "big")


@pytest.fixture
def db(empty_sqlite, tmp_path):
    import shutil

    shutil.copy(empty_sqlite, tmp_path / "store.db")
    opened = SqliteDatabase(tmp_path / "store.db", writes=True)
    yield opened
    opened.close()


def transact(known, db, work, *, commit=True):
    db.begin()
    known.begin()
    work()
    if commit:
        db.commit()
        known.committed()
    else:
        db.rollback()
        known.rollback()


def test_a_merge_moves_terms_into_the_tree_piece_by_piece(db, monkeypatch):
    monkeypatch.setattr(identifiers, "MERGE_FROM", 100)
    monkeypatch.setattr(identifiers, "MERGE_SLICE", 30)
    known = RecentIdentifiers(db)
    rows = [(term(n * 7919 % 1009), n) for n in range(1, 150)]
    transact(known, db, lambda: known.add(rows))
    while known.wants_merge:
        transact(known, db, known.merge_slice)
        late = len(known.recent)
        assert known.find(row[0] for row in rows) == dict(rows)
    assert late == 0
    assert RecentIdentifiers(db).find(row[0] for row in rows) == dict(rows)
    assert db.query("SELECT count(*) FROM identifier_recent") == [(0,)]


def test_terms_that_come_during_a_merge_stay(db, monkeypatch):
    monkeypatch.setattr(identifiers, "MERGE_FROM", 10)
    monkeypatch.setattr(identifiers, "MERGE_SLICE", 6)
    monkeypatch.setattr(identifiers, "MERGE_PACE", 1)
    known = RecentIdentifiers(db)
    transact(known, db, lambda: known.add([(term(n), n) for n in range(10)]))
    transact(known, db, known.merge_slice)
    transact(known, db, lambda: known.add([(term(50), 50)]))
    transact(known, db, known.merge_slice)
    assert known.recent == {term(50): 50}
    assert RecentIdentifiers(db).find([term(3), term(50)]) == {term(3): 3, term(50): 50}


def test_an_undone_transaction_leaves_nothing_behind(db):
    known = RecentIdentifiers(db)
    transact(known, db, lambda: known.add([(term(1), 1)]))
    transact(known, db, lambda: known.add([(term(2), 2)]), commit=False)
    assert known.find([term(1), term(2)]) == {term(1): 1}
    transact(known, db, lambda: known.add([(term(2), 3)]))
    assert RecentIdentifiers(db).find([term(2)]) == {term(2): 3}


def test_a_merge_that_was_undone_begins_anew(db, monkeypatch):
    monkeypatch.setattr(identifiers, "MERGE_FROM", 10)
    monkeypatch.setattr(identifiers, "MERGE_SLICE", 6)
    known = RecentIdentifiers(db)
    rows = [(term(n), n) for n in range(10)]
    transact(known, db, lambda: known.add(rows))
    transact(known, db, known.merge_slice, commit=False)
    while known.wants_merge:
        transact(known, db, known.merge_slice)
    assert RecentIdentifiers(db).find(row[0] for row in rows) == dict(rows)
