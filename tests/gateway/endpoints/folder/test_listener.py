"""A folder that is listened to: every message handed on in order, every file where it belongs."""

from __future__ import annotations

import asyncio
import json
import os
import time
import tracemalloc
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from gateway.domain.folder import Folder
from gateway.domain.region import Endpoint
from gateway.endpoints.folder import notes
from gateway.endpoints.folder.listener import MOST_BYTES_UNDER_WAY, FolderListener
from profiles.issue import Issue, NotSupported

MILLISECOND = 1_000
BAD = Issue("error", "required", "The patient has no number.", "line 5 FK 3000")


@dataclass
class Said:
    """An answer of the intake."""

    status: int = 200
    data: bytes | None = b""
    issues: tuple[Issue, ...] = ()


class Intake:
    """Takes what it is handed and answers as it is told."""

    def __init__(self, *answers):
        self.taken = []
        self.answers = list(answers)

    async def take(self, data, format_):
        self.taken.append((data, format_))
        return self.answers.pop(0) if self.answers else Said()


def listen(exchange, intake, true, *, format_="fhir_r4", limit=1_000, hand=False, **settings):
    """Listen to the folder until something holds."""
    values = {"poll": 10 * MILLISECOND, "stable": 0, **settings}
    endpoint = Endpoint(
        id="praxis", organization="p", connection_type="folder", direction="in", format=format_,
        max_bytes=limit, folder=Folder(path=str(exchange.path), **values),
    )  # fmt: skip

    async def listening():
        listener = FolderListener(endpoint, intake.hand if hand else intake.take)
        listener.start()
        end = time.monotonic() + 60
        while not true() and time.monotonic() < end:  # noqa: ASYNC110 - files tell nobody
            await asyncio.sleep(0.01)
        await listener.stop()
        assert true()

    asyncio.run(listening())


def test_every_message_of_a_file_is_handed_on_and_the_file_goes_after_the_last_answer(exchange):
    exchange.put("1.json", b'{"n": 1}\n{"n": 2}\n')
    exchange.put("2.json", b'{"n": 3}')
    intake = Intake()
    listen(exchange, intake, lambda: exchange.names() == [])

    assert [data for data, _ in intake.taken] == [b'{"n": 1}', b'{"n": 2}', b'{"n": 3}']
    assert {format_ for _, format_ in intake.taken} == {"fhir_r4"}


def test_a_file_of_which_a_message_is_refused_says_so_in_german_beside_it(exchange):
    exchange.put("1.json", b'{"n": 1}\n{"n": 2}\n')
    intake = Intake(Said(200), Said(422, issues=(BAD,)))
    listen(exchange, intake, lambda: exchange.names() == ["1.json.ack"], answer="errors")

    record, note = exchange.names("fehler")
    assert record.endswith("_1.json")
    text = (exchange.path / "fehler" / note).read_text("utf-8-sig")
    assert "1 von 2 Nachrichten sind gespeichert" in text
    assert "1. Nachricht 2, Zeile 5, Feldkennung 3000: Eine Pflichtangabe fehlt." in text
    assert "Abhilfe: Angabe ergänzen." in text
    answer = json.loads((exchange.path / "1.json.ack").read_bytes())
    assert [one["status"] for one in answer] == [200, 422]


def test_a_file_whose_end_is_missing_is_told_though_its_messages_are_stored(exchange):
    package = b"01380000020\r\n01380008201\r\n0143000471\r\n"
    exchange.put("1.ldt", package)
    intake = Intake()
    listen(exchange, intake, lambda: exchange.names() == [], format_="xdt")

    (note,) = [name for name in exchange.names("fehler") if name.endswith(".txt")]
    assert len(intake.taken) == 1
    assert "die Datei ist unvollständig" in (exchange.path / "fehler" / note).read_text("utf-8-sig")


def test_an_acknowledgement_message_becomes_a_file_where_it_is_asked_for(exchange):
    exchange.put("1.hl7", b"MSH|^~\\&|")
    intake = Intake(Said(200, b"MSH|^~\\&|\rMSA|AA|1\r"))
    done = lambda: exchange.names() == ["1.hl7.ack"]  # noqa: E731
    listen(exchange, intake, done, format_="hl7v2", answer="all")

    assert (exchange.path / "1.hl7.ack").read_bytes().endswith(b"MSA|AA|1\r")


def test_what_could_not_be_stored_stays_claimed_and_is_tried_again(exchange):
    exchange.put("1.json", b'{"n": 1}')
    intake = Intake(Said(503), Said(503), Said(200))
    listen(exchange, intake, lambda: len(intake.taken) == 3 and not exchange.names())

    assert not (exchange.path / "fehler").exists() or exchange.names("fehler") == []


def test_what_is_too_large_or_cannot_be_handed_on_is_refused_and_the_others_go_on(exchange):
    class Broken(Intake):
        async def take(self, data, format_):
            await super().take(data, format_)
            if b"break" in data:
                raise RuntimeError("secret")
            return Said()

    exchange.put("1.json", b'{"n": "' + b"x" * 2_000 + b'"}')
    exchange.put("2.json", b'{"break": 1}')
    exchange.put("3.json", b'{"n": 3}')
    intake = Broken()
    listen(exchange, intake, lambda: exchange.names() == [] and len(exchange.names("fehler")) == 4)

    texts = [
        (exchange.path / "fehler" / name).read_text("utf-8-sig")
        for name in exchange.names("fehler")
        if name.endswith(".txt")
    ]
    assert any("größer als die erlaubten 1000 Bytes" in text for text in texts)
    assert any("Bitte sagen Sie der Region Bescheid" in text for text in texts)
    assert not any("secret" in text for text in texts)
    assert [data for data, _ in intake.taken] == [b'{"break": 1}', b'{"n": 3}']


def test_logs_tell_counts_and_never_names(exchange):
    os.mkfifo(exchange.path / "Mustermann.json")
    exchange.put("Öhlschläger.json", b'{"n": 1}')
    intake = Intake(Said(422, issues=(BAD,)))
    with capture_logs() as logs:
        listen(exchange, intake, lambda: exchange.names() == [])

    assert {"event": "files_refused", "count": 1}.items() <= logs[0].items()
    assert "record_refused" in {one["event"] for one in logs}
    assert "Mustermann" not in str(logs)
    assert "schl" not in str(logs)


def test_a_format_nobody_knows_is_refused_at_once(exchange):
    endpoint = Endpoint(
        id="e", organization="o", connection_type="folder", direction="in", format="edifact",
        folder=Folder(path=str(exchange.path)),
    )  # fmt: skip
    with pytest.raises(NotSupported):
        FolderListener(endpoint, Intake().take)


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("line 7 FK 3101", "Zeile 7, Feldkennung 3101: "),
        ("FK 8402", "Feldkennung 8402: "),
        ("PID-3", ""),
        ("record 2 line 14", "Nachricht 2, Zeile 14: "),
    ],
)
def test_places_are_said_as_people_count_them(location, said):
    assert notes.where(location) == said


def test_warnings_are_left_out_of_the_text_when_there_are_errors_and_long_lists_are_counted():
    findings = [Issue("warning", "value", "Odd.", "line 1")] + [BAD] * 60
    text = notes.explain("A.GDT", "11.03.2025 14:30:00", findings)

    assert "Odd." not in text
    assert "… und 10 weitere." in text


def test_a_large_file_is_handed_on_message_by_message_with_little_of_it_under_way(exchange):
    text = b"".join(b"0856220%s\r\n" % (b"x" * 76) for _ in range(12_000))
    with (exchange.path / "gross.bdt").open("wb") as file:
        for number in range(48):
            patient = b"%03d3000%d\r\n" % (9 + len(str(number)), number)
            file.write(b"01380006200\r\n" + patient + text)
    size = (exchange.path / "gross.bdt").stat().st_size
    assert size > 45_000_000

    class Slow(Intake):
        under_way = most = taken_bytes = 0

        async def take(self, data, format_):
            await asyncio.sleep(0)
            Slow.taken_bytes += len(data)
            Slow.under_way -= len(data)
            return Said()

        def hand(self, data, format_):
            Slow.under_way += len(data)
            Slow.most = max(Slow.most, Slow.under_way)
            return asyncio.ensure_future(self.take(data, format_))

    tracemalloc.start()
    listen(
        exchange,
        Slow(),
        lambda: exchange.names() == [],
        format_="xdt",
        limit=size,
        hand=True,
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert Slow.taken_bytes == size
    assert Slow.most <= MOST_BYTES_UNDER_WAY + 2_500_000
    assert peak < size / 2


def test_what_is_added_to_a_record_while_it_is_taken_is_not_lost(exchange):
    exchange.put("1.json", b'{"n": 1}')

    class Writer(Intake):
        async def take(self, data, format_):
            if not self.taken:
                (claimed,) = (exchange.path / ".gateway" / "in").glob("*/1.json")
                with claimed.open("ab") as late:
                    late.write(b'\n{"n": 2}\n')
            return await super().take(data, format_)

    intake = Writer()
    listen(exchange, intake, lambda: len(intake.taken) == 3 and not exchange.names())

    assert [data for data, _ in intake.taken] == [b'{"n": 1}', b'{"n": 1}', b'{"n": 2}']


def test_text_and_record_of_an_error_have_one_name_whatever_the_time(exchange):
    seconds = iter(range(60))
    inbox = exchange.inbox(stable=0)
    inbox.today = lambda: datetime(2025, 3, 11, 14, 30, next(seconds), tzinfo=UTC)
    exchange.put("A.GDT")
    (claim,) = inbox.look()

    inbox.refuse(claim, "Grund")

    record, note = exchange.names("fehler")
    assert note == f"{record}.txt"


def test_a_finding_with_a_line_of_its_own_says_it():
    found = Issue("error", "value", "The date is none.", "Bundle.entry[1].resource", line=48)

    assert "1. Zeile 48: Ein Wert ist hier nicht erlaubt." in notes.explain("a", "b", [found])
