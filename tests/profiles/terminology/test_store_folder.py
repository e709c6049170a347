"""A region's catalogues: versions beside each other, whole or not at all."""

import os

import pytest

from profiles.issue import NotConformant, Unavailable
from profiles.packages import open_packages
from profiles.terminology import Terminology
from profiles.terminology.concept import Header
from profiles.terminology.store import Catalogue, ConceptRow, StoreFolder

URL = "http://beispiel.test/CodeSystem/katalog"


def catalogue(version, *codes, fails=False):
    def records(where):
        for at, code in enumerate(codes, 1):
            where.at("katalog.csv", at)
            yield ConceptRow(code)
        if fails:
            raise NotConformant("kaputt")

    return Catalogue(Header(url=URL, version=version, case_sensitive=True), records)


@pytest.fixture
def folder(tmp_path):
    return StoreFolder(tmp_path / "terminology")


def test_a_new_version_stands_beside_the_old_one(folder):
    folder.load(catalogue("2025", "a"))
    path, built = folder.load(catalogue("2026", "a", "b"))
    assert (path.name.startswith("katalog-2026-"), built.concepts) == (True, 2)
    found = Terminology(open_packages([]), stores=folder.open())
    assert found.sources.versions(URL) == ("2026", "2025")
    assert found.validate_code(system=URL, code="b", version="2025").outcome == "no"
    assert [one.version for one in folder.remove(URL, "2025")] == ["2025"]
    assert [one.header.version for one in folder.open()] == ["2026"]
    with pytest.raises(NotConformant, match="there is no catalogue"):
        folder.remove(URL, "2025")


def test_the_same_version_again_replaces_it_in_one_step(folder):
    old, _ = folder.load(catalogue("2025", "a"))
    (still_open,) = folder.open()
    new, _ = folder.load(catalogue("2025", "b"))
    assert old == new
    assert still_open.concept("a") is not None
    (reopened,) = folder.open()
    assert reopened.concept("a") is None


def test_what_is_half_loaded_is_never_seen(folder):
    folder.load(catalogue("2025", "a"))
    with pytest.raises(NotConformant, match=r"katalog\.csv, line 2: kaputt"):
        folder.load(catalogue("2026", "b", "c", fails=True))
    with pytest.raises(NotConformant, match=r"katalog\.csv, line 2: the catalogue has a code"):
        folder.load(catalogue("2026", "b", " c"))
    assert len(list(folder.path.iterdir())) == 1


def test_what_a_killed_process_left_is_passed_over_and_cleared_away(folder):
    path, _ = folder.load(catalogue("2025", "a"))
    left = path.with_name(f"{path.name}.4194399.new")
    left.write_bytes(b"half")
    running = path.with_name(f"{path.name}.{os.getppid()}.new")
    running.write_bytes(b"half")
    assert len(folder.open()) == 1
    folder.load(catalogue("2025", "a"))
    assert (left.exists(), running.exists()) == (False, True)


def test_a_file_that_is_no_store_is_named(folder):
    folder.load(catalogue("2025", "a"))
    (folder.path / "fremd.db").write_bytes(b"SQLite format 3\0 but not ours")
    with pytest.raises(NotConformant, match=r"fremd\.db"):
        folder.open()


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path):
    (tmp_path / "datei").write_text("")
    with pytest.raises(Unavailable):
        StoreFolder(tmp_path / "datei" / "terminology").load(catalogue("1", "a"))
