"""Records taken out of an exchange folder: when, whose, and where they end."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.endpoints.folder import files


def one(inbox, exchange):
    """Claim the only record there is."""
    inbox.look()
    exchange.now += 3
    (claim,) = inbox.look()
    return claim


def test_a_record_is_taken_once_it_stays_as_it_is(exchange):
    inbox = exchange.inbox()
    exchange.put("EDV1EKG1.GDT", b"half")
    assert exchange.taken(inbox) == ["EDV1EKG1.GDT"]

    exchange.put("EDV1EKG1.GDT", b"half")
    assert inbox.look() == []
    exchange.now += 1.5
    exchange.put("EDV1EKG1.GDT", b"half and half")
    assert inbox.look() == []
    exchange.now += 1.5
    assert inbox.look() == []
    exchange.now += 1
    (claim,) = inbox.look()
    assert inbox.read(claim) == (b"half and half", {})
    assert exchange.names() == []


def test_what_is_still_written_after_it_was_taken_is_read_when_it_is_whole(exchange):
    inbox = exchange.inbox()
    exchange.put("A.GDT", b"half")
    with (exchange.path / "A.GDT").open("ab") as writer:
        claim = one(inbox, exchange)
        writer.write(b" and half")
    with pytest.raises(files.Busy):
        inbox.read(claim)
    inbox.postpone(claim)

    assert inbox.read(inbox.look()[0]) == (b"half and half", {})


@pytest.mark.parametrize("lock", ["A.LCK", "A.GDT.lock"])
def test_a_locked_or_unfinished_record_waits(exchange, lock):
    exchange.put("A.GDT")
    exchange.put(lock, b"")
    exchange.put("B.GDT.tmp")
    exchange.put("~$C.GDT")
    inbox = exchange.inbox(pattern=("*",))

    assert exchange.taken(inbox) == []
    (exchange.path / lock).unlink()
    assert exchange.taken(inbox) == ["A.GDT"]


def test_an_empty_file_is_given_time(exchange):
    inbox = exchange.inbox()
    exchange.put("A.GDT", b"")
    assert exchange.taken(inbox) == []
    exchange.now += 10
    assert exchange.taken(inbox) == ["A.GDT"]


def test_records_are_taken_in_the_order_of_their_counter(exchange):
    for number in (2, 1, 999, 998):
        exchange.put(f"EDV1EKG1.{number:03d}")

    assert exchange.taken(exchange.inbox()) == [
        "EDV1EKG1.998",
        "EDV1EKG1.999",
        "EDV1EKG1.001",
        "EDV1EKG1.002",
    ]


def test_nothing_but_ordinary_files_with_plain_names_is_touched(exchange, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"root:x")
    (exchange.path / "LINK.GDT").symlink_to(secret)
    os.mkfifo(exchange.path / "FIFO.GDT")
    for name in ("CON.GDT", "a:b.GDT", "zeile\n.GDT", ".versteckt.GDT", "fern\\ab.GDT"):
        exchange.put(name)
    (exchange.path / "ORDNER.GDT").mkdir()
    inbox = exchange.inbox()

    assert exchange.taken(inbox) == []
    assert inbox.refused == 6
    assert secret.read_bytes() == b"root:x"
    assert "CON.GDT" in exchange.names()


def test_a_file_with_a_second_name_and_one_that_became_a_link_are_not_read(exchange, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"root:x")
    os.link(secret, exchange.path / "A.GDT")
    inbox = exchange.inbox()
    claim = one(inbox, exchange)
    with pytest.raises(files.Unusual):
        inbox.read(claim)

    claim.path.unlink()
    claim.path.symlink_to(secret)
    with pytest.raises(files.Unusual):
        inbox.read(claim)
    inbox.refuse(claim, "Das ist keine gewöhnliche Datei.\n")
    assert secret.read_bytes() == b"root:x"


def test_a_link_in_the_place_of_our_own_folder_is_an_error(exchange, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (exchange.path / "fehler").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(files.Unusual):
        exchange.inbox().look()


def test_a_folder_that_is_not_there_is_told_and_never_made(exchange):
    exchange.path.rmdir()
    with pytest.raises(FileNotFoundError):
        exchange.inbox().look()
    assert not exchange.path.exists()


def test_a_record_that_is_too_large_is_not_read(exchange):
    exchange.put("A.GDT", b"x" * 1001)
    inbox = exchange.inbox(limit=1000)
    with pytest.raises(files.Unusual, match="größer"):
        inbox.read(one(inbox, exchange))


def test_no_more_is_handed_over_at_a_time_than_memory_should_hold(exchange, monkeypatch):
    monkeypatch.setattr("gateway.endpoints.folder.inbox.MOST_BYTES", 1_500)
    for number in range(1, 5):
        exchange.put(f"A.00{number}", b"x" * 1_000)
    inbox = exchange.inbox(stable=0)

    first = inbox.look()
    assert [claim.record.name for claim in first] == ["A.001", "A.002"]
    assert inbox.look() == []
    inbox.stored(first[0])
    assert [claim.record.name for claim in inbox.look()] == ["A.003"]


# files beside a record -----------------------------------------------------------------------
def test_files_a_record_names_are_taken_with_it_from_its_own_folder_only(exchange, tmp_path):
    outside = tmp_path / "passwd"
    outside.write_bytes(b"root:x")
    exchange.put("BRIEF.PDF", b"%PDF")
    exchange.put("A.GDT", b"+C:\\PVS\\Brief.pdf\n+../passwd\n+/etc/passwd\n+CON")
    inbox = exchange.inbox()
    inbox.look()
    exchange.now += 3
    assert inbox.look() == []
    exchange.now += 3
    inbox.look()
    exchange.now += 10
    (claim,) = inbox.look()

    assert inbox.read(claim)[1] == {"Brief.pdf": b"%PDF"}
    assert claim.missing == 2
    assert exchange.names() == []
    assert outside.exists()


def test_a_file_named_by_a_record_is_waited_for(exchange):
    exchange.put("A.GDT", b"+BILD.JPG")
    inbox = exchange.inbox()
    assert exchange.taken(inbox) == []
    exchange.put("BILD.JPG", b"ppp")
    inbox.look()
    exchange.now += 3
    (claim,) = inbox.look()

    assert inbox.read(claim) == (b"+BILD.JPG", {"BILD.JPG": b"ppp"})
    assert claim.missing == 0


# where records end -----------------------------------------------------------------------------
def test_a_stored_record_is_deleted_or_archived_with_what_lies_beside_it(exchange):
    exchange.put("A.GDT", b"+BILD.JPG")
    exchange.put("BILD.JPG", b"ppp")
    inbox = exchange.inbox(stable=0, archive="archiv")
    inbox.stored(inbox.look()[0])
    assert [name.split("_")[1] for name in exchange.names("archiv")] == ["A.GDT", "BILD.JPG"]
    assert all(name.startswith("20250311-143000-") for name in exchange.names("archiv"))

    inbox.leave()
    exchange.put("B.GDT")
    inbox = exchange.inbox(stable=0)
    inbox.stored(inbox.look()[0])
    assert exchange.names() == []
    assert list((exchange.path / ".gateway" / "in").iterdir()) == []


def test_an_archive_may_lie_on_another_file_system(exchange):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as archive:
        exchange.put("A.GDT", b"data")
        inbox = exchange.inbox(stable=0, archive=archive)
        inbox.stored(inbox.look()[0])
        (kept,) = Path(archive).iterdir()
        assert kept.read_bytes() == b"data"


def test_a_refused_record_lies_beside_a_text_that_says_why(exchange):
    exchange.put("A.GDT", b"data")
    inbox = exchange.inbox(stable=0)
    inbox.refuse(inbox.look()[0], "Zeile 5: Geburtsdatum fehlt.\n")
    record, text = exchange.names("fehler")

    assert text == f"{record}.txt"
    assert (exchange.path / "fehler" / record).read_bytes() == b"data"
    assert (exchange.path / "fehler" / text).read_text("utf-8-sig").startswith("Zeile 5: Gebu")


def test_an_acknowledgement_appears_whole_and_is_no_record(exchange):
    exchange.put("A.GDT", b"data")
    inbox = exchange.inbox(stable=0, pattern=("*",))
    claim = inbox.look()[0]
    inbox.answer(claim, b"AA")
    inbox.stored(claim)

    assert exchange.names() == ["A.GDT.ack"]
    assert inbox.look() == []


# several gateways ------------------------------------------------------------------------------
def abandon(exchange):
    """Let the last sign of life of whoever has the turn be long ago."""
    os.utime(exchange.path / ".gateway" / "turn", (0, 0))


def test_of_several_gateways_on_one_folder_one_takes_each_record_and_in_order(exchange):
    for number in range(1, 121):
        exchange.put(f"EDV1EKG1.{number:03d}", str(number).encode())
    done = []

    def drain(inbox):
        while exchange.names():
            for claim in inbox.look():
                done.append(int(inbox.read(claim)[0]))
                inbox.stored(claim)
            inbox.leave()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(drain, [exchange.inbox(stable=0) for _ in range(3)]))

    assert done == list(range(1, 121))


def test_what_a_dead_gateway_claimed_is_taken_over_when_its_lease_is_over(exchange):
    exchange.put("A.001", b"+B.PDF")
    exchange.put("B.PDF", b"%PDF")
    dead, alive = exchange.inbox(stable=0), exchange.inbox(stable=0)
    (claim,) = dead.look()
    exchange.put("A.002")
    assert alive.look() == []

    abandon(exchange)
    first, second = alive.look()
    assert alive.read(first) == (b"+B.PDF", {"B.PDF": b"%PDF"})
    assert second.record.name == "A.002"
    # The dead one was only asleep: it sees that it has lost its claim, and leaves it alone.
    with pytest.raises(FileNotFoundError):
        dead.read(claim)
    assert dead.look() == []
    alive.stored(first)
    alive.stored(second)
    assert exchange.names() == []


def test_a_gateway_that_leaves_in_order_lets_others_have_its_claims_at_once(exchange):
    exchange.put("A.GDT")
    leaving, staying = exchange.inbox(stable=0), exchange.inbox(stable=0)
    assert leaving.look()
    leaving.leave()

    assert [claim.record.name for claim in staying.look()] == ["A.GDT"]


def test_a_claim_without_a_record_is_tidied_up(exchange):
    exchange.inbox().look()
    (exchange.path / ".gateway" / "in" / "0123456789abcdef").mkdir()
    abandon(exchange)
    exchange.inbox().look()

    assert list((exchange.path / ".gateway" / "in").iterdir()) == []


@pytest.mark.parametrize("name", ["ä" * 125 + ".GDT", "x" * 251 + ".GDT"])
def test_a_name_as_long_as_names_can_be_is_refused_answered_and_archived(exchange, name):
    exchange.put(name)
    inbox = exchange.inbox(stable=0, archive="archiv")
    claim = inbox.look()[0]
    inbox.answer(claim, b"AE")
    inbox.refuse(claim, "Zeile 1\n")
    assert len(exchange.names("fehler")) == 2

    exchange.put(name)
    inbox.stored(inbox.look()[0])
    assert len(exchange.names("archiv")) == 1
