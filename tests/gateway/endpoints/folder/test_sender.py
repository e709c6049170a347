"""Messages sent as files: what each way to fail means for the delivery."""

from __future__ import annotations

import asyncio
import os
import resource
import signal

import pytest

from gateway.domain.folder import Folder
from gateway.domain.region import Endpoint
from gateway.domain.transport import Outgoing, PartnerRefused, PartnerUnavailable, PartnerUncertain
from gateway.endpoints.folder.outbox import Outbox
from gateway.endpoints.folder.sender import PLACED, PLACED_BEFORE, FolderSender
from mappers.base import Attachment, Encoded
from mappers.parcel import pack
from profiles.issue import NotConformant


def endpoint(exchange, name="EDV1GTWY.###"):
    return Endpoint(
        id="praxis", organization="p", connection_type="folder", direction="out", format="xdt",
        idempotent=True, folder=Folder(path=str(exchange.path), name=name),
    )  # fmt: skip


def send(to, *deliveries, deadline=10.0):
    """Send some, one after the other; return what became of each."""

    async def sending():
        sender = FolderSender(to)
        outcomes = []
        for control_id, payload in deliveries:
            outgoing = Outgoing(to.id, payload, control_id, "application/x-xdt", deadline)
            try:
                outcomes.append((await sender.send(outgoing)).status)
            except (PartnerRefused, PartnerUnavailable, PartnerUncertain) as error:
                outcomes.append(error)
        await sender.close()
        return outcomes

    return asyncio.run(sending())


def test_a_message_is_placed_with_the_files_beside_it_and_never_twice(exchange):
    parcel = pack(Encoded(b"8000", (), (Attachment("BRIEF.PDF", b"%PDF"),)))
    done = send(endpoint(exchange), ("D1", parcel), ("D1", parcel), ("D2", b"plain"))

    assert done == [PLACED, PLACED_BEFORE, PLACED]
    assert exchange.names() == ["BRIEF.PDF", "EDV1GTWY.001", "EDV1GTWY.002"]
    assert (exchange.path / "EDV1GTWY.001").read_bytes() == b"8000"


def test_a_file_not_collected_and_a_folder_that_is_away_are_tried_again(exchange):
    to = endpoint(exchange, "EDV1GTWY.GDT")
    _, waiting = send(to, ("D1", b"x"), ("D2", b"y"))
    assert isinstance(waiting, PartnerUnavailable)
    assert waiting.retry_after

    exchange.path.rename(exchange.path.with_name("weg"))
    (away,) = send(to, ("D2", b"y"))
    assert isinstance(away, PartnerUnavailable)
    assert away.text == "The folder cannot be written: missing."


def test_a_name_that_leads_elsewhere_is_refused(exchange):
    parcel = pack(Encoded(b"8000", (), (Attachment("../x.pdf", b"%PDF"),)))
    (refused,) = send(endpoint(exchange), ("D1", parcel))

    assert isinstance(refused, PartnerRefused)
    assert exchange.names() == []


def test_a_share_that_does_not_answer_in_time_leaves_it_uncertain(exchange):
    to = endpoint(exchange)
    (uncertain,) = send(to, ("D1", b"x"), deadline=0.0)

    assert isinstance(uncertain, PartnerUncertain)


def test_a_full_disk_places_nothing_and_the_resend_everything(exchange):
    """RLIMIT_FSIZE stands in for the end of the disk: writing fails in the middle of the file."""
    child = os.fork()
    if not child:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        try:
            Outbox(Folder(path=str(exchange.path), name="A.###")).place("D1", b"x" * 1_000)
        except OSError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert exchange.names() == []

    Outbox(Folder(path=str(exchange.path), name="A.###")).place("D1", b"x" * 1_000)
    assert exchange.names() == ["A.001"]
    assert (exchange.path / "A.001").stat().st_size == 1_000


def test_a_rule_that_makes_no_names_is_told_at_once(exchange):
    with pytest.raises(NotConformant, match="Windows"):
        FolderSender(endpoint(exchange, "NUL"))
