"""Names of files: what is taken, refused and written, the same on every system."""

from __future__ import annotations

import ast
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.endpoints.folder import counter
from gateway.endpoints.folder.counter import Seen, in_order
from gateway.endpoints.folder.names import (
    LONGEST,
    Naming,
    basename,
    beside,
    dated,
    is_locked,
    is_plain,
    is_unfinished,
    matches,
)

PATTERNS = ("*.gdt", "*.[0-9][0-9][0-9]")


@pytest.mark.parametrize("name", ["EDV1EKG1.GDT", "EDV1EKG1.001", "Bériault Müller.pdf", "a", "-x"])
def test_ordinary_names_are_taken(name):
    assert is_plain(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x.gdt",
        "a/b.gdt",
        "a\\b.gdt",
        "C:brief.gdt",
        "brief.gdt:geheim",
        ".versteckt.gdt",
        "CON",
        "nul.gdt",
        "Com1.GDT",
        "LPT².gdt",
        "conin$.gdt",
        "CON .gdt",
        "zeile\n.gdt",
        "eins\0.gdt",
        "frage?.gdt",
        "stern*.gdt",
        "punkt.",
        "leer ",
        "x" * 256,
        "ä" * 128,
    ],
)
def test_names_that_mean_something_else_anywhere_are_refused(name):
    assert not is_plain(name)


@given(st.text())
def test_a_plain_name_is_one_part_of_a_path_on_windows_too(name):
    if is_plain(name):
        path = PureWindowsPath("C:/austausch") / name
        assert path.parts == ("C:\\", "austausch", name)
        assert not path.is_reserved()


@pytest.mark.parametrize(
    ("stated", "meant"),
    [
        ("C:\\PVS\\EXPORT\\BRIEF.PDF", "BRIEF.PDF"),
        ("\\\\server\\freigabe\\bild.jpg", "bild.jpg"),
        ("/etc/passwd", "passwd"),
        ("../../x.pdf", "x.pdf"),
        (" BRIEF.PDF ", "BRIEF.PDF"),
        ("..", ""),
        ("C:\\", ""),
        ("brief.pdf:strom", ""),
        ("ordner\\NUL", ""),
        ("", ""),
    ],
)
def test_a_path_inside_a_record_means_a_file_of_its_own_folder_or_none(stated, meant):
    assert basename(stated) == meant


@given(st.text())
def test_no_path_inside_a_record_leads_elsewhere(stated):
    found = basename(stated)
    assert not found or is_plain(found)


def test_patterns_do_not_look_at_the_case():
    assert matches("Edv1Ekg1.GDT", PATTERNS)
    assert matches("EDV1EKG1.042", PATTERNS)
    assert not matches("BRIEF.PDF", PATTERNS)


@pytest.mark.parametrize("name", ["A.tmp", "A.GDT.part", "~$A.GDT", "A.LCK", "A.gdt.crdownload"])
def test_what_programs_call_unfinished_is_left_alone(name):
    assert is_unfinished(name)


def test_a_lock_beside_a_file_holds_it():
    assert is_locked("EDV1EKG1.GDT", frozenset({"edv1ekg1.lck"}))
    assert is_locked("EDV1EKG1.GDT", frozenset({"edv1ekg1.gdt.lck"}))
    assert not is_locked("EDV1EKG1.GDT", frozenset({"edv1ekg2.lck"}))


def test_an_archived_name_begins_with_the_time_and_keeps_its_ending():
    assert dated("A.GDT", "20250101") == "20250101_A.GDT"
    long = dated("ä" * 127 + "x.GDT", "20250101-120000-abcdef")
    assert len(long.encode()) <= LONGEST
    assert long.endswith("x.GDT")
    assert beside("A.GDT", ".ack") == "A.GDT.ack"
    assert len(beside(long, ".txt").encode()) <= LONGEST


@pytest.mark.parametrize(
    "rule", ["EDV1GTWY.###.##", "{delivery}.###", "CON", "../###", ".x", "A.tmp", "", "a:###"]
)
def test_a_rule_that_makes_no_plain_names_is_refused(rule):
    with pytest.raises(ValueError, match=r"name|counter"):
        Naming.of(rule)


@given(st.integers(1, 999))
def test_a_counted_name_reads_back_as_its_number(number):
    naming = Naming.of("EDV1GTWY.###")
    assert naming.number(naming.name(number, "ID").lower()) == number
    assert naming.fits(naming.name(number, "ID"))
    assert not naming.fits("EDV1GTWY.PDF")


def test_rules_without_a_counter():
    assert Naming.of("EDV1GTWY.GDT").fixed
    assert Naming.of("brief-{delivery}.json").name(0, "MFRGG") == "brief-MFRGG.json"
    assert Naming.of("brief-{delivery}.json").number("brief-MFRGG.json") == 0


@given(st.integers(1, 999), st.integers(1, 400), st.data())
def test_the_newest_number_is_found_round_the_end_of_the_counter(first, length, data):
    numbers = [(first + step - 1) % 999 + 1 for step in range(length)]
    kept = sorted({0, length - 1} | data.draw(st.sets(st.integers(0, length - 1))))
    there = [numbers[place] for place in kept]

    # What lies together in less than half the circle has one order; so have two numbers in a row.
    assert counter.newest(there, 999) == numbers[-1]
    ranks = counter.ranks(there, 999)
    assert sorted(there, key=ranks.__getitem__) == there


def test_records_go_in_the_order_of_their_counters_then_of_time():
    files = [Seen("B.GDT", 1, 50), Seen("A.001", 1, 10), Seen("A.999", 1, 40), Seen("A.998", 1, 30)]

    assert [one.name for one in in_order(files, lambda seen: seen)] == [
        "A.998",
        "B.GDT",
        "A.999",
        "A.001",
    ]


def test_only_one_module_of_exchange_folders_touches_the_file_system():
    """The others run on Windows as they are, and in an agent of a practice."""
    package = Path(counter.__file__).parent
    found = {
        path.name
        for path in package.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import)
        and {one.name for one in node.names} & {"os", "shutil", "stat", "fcntl", "tempfile"}
    }

    assert found == {"files.py"}
