"""The MLLP sender against partners on real sockets, good and bad ones."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from contextlib import asynccontextmanager, suppress

import hl7
import pytest
from hl7.mllp import start_hl7_server

from gateway.domain.region import Endpoint
from gateway.domain.transport import (
    Outgoing,
    PartnerRefused,
    PartnerUnavailable,
    PartnerUncertain,
)
from gateway.endpoints.mllp_client import MllpSender
from gateway.endpoints.mllp_frame import FrameReader, frame
from gateway.endpoints.tls import server_context
from profiles.issue import NotConformant


def message(control_id="4711"):
    return f"MSH|^~\\&|GW|REGION|||20260101||ADT^A01|{control_id}|P|2.5\rPID|1\r".encode()


def answer(code="AA", control_id="4711", extra="", accept=""):
    msh = f"MSH|^~\\&|PVS|PRAXIS|GW|REGION|20260101||ACK^A01|9|P|2.5|||{accept}"
    return f"{msh}\rMSA|{code}|{control_id}\r{extra}".encode()


def control_id(data):
    return data.split(b"|")[9].decode()


def outgoing(control="4711", *, deadline=5.0, payload=None):
    return Outgoing("praxis", payload or message(control), control, "", deadline)


def endpoint(port, **settings):
    return Endpoint(
        id="praxis",
        organization="praxis",
        connection_type="hl7v2-mllp",
        direction="out",
        **{"address": f"mllp://127.0.0.1:{port}", **settings},
    )


class Partner:
    """Reads frames; `answer(line, message)` does with each what it likes."""

    def __init__(self, react):
        self.received = []
        self.connections = 0
        self._react = react
        self._serving = set()

    async def serve(self, reader, writer):
        self.connections += 1
        self._serving.add(asyncio.current_task())
        frames = FrameReader()
        try:
            while data := await reader.read(65536):
                for event in frames.feed(data):
                    received = event.read()
                    self.received.append(received)
                    await self._react(writer, received)
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def end(self):
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)


@asynccontextmanager
async def serving(react, *, tls=None, **settings):
    partner = Partner(react)
    server = await asyncio.start_server(
        partner.serve, "127.0.0.1", 0, ssl=server_context(tls) if tls else None
    )
    port = server.sockets[0].getsockname()[1]
    options = {key: settings.pop(key) for key in list(settings) if key in OPTIONS}
    sender = MllpSender(endpoint(port, **settings), **options)
    try:
        yield sender, partner
    finally:
        await sender.close()
        server.close()
        await partner.end()


OPTIONS = ("application_answer", "again", "keep")


def answering(*answers):
    async def react(writer, _):
        for each in answers:
            writer.write(each)

    return react


async def matching(writer, received):
    writer.write(frame(answer(control_id=control_id(received))))


def run(main):
    async def bounded():
        async with asyncio.timeout(60):
            return await main()

    return asyncio.run(bounded())


def failing(react, delivery=None, *, deadline=5.0, **settings):
    """Send one message and return the error."""

    async def main():
        async with serving(react, **settings) as (sender, _):
            with pytest.raises((PartnerRefused, PartnerUnavailable, PartnerUncertain)) as raised:
                await sender.send(delivery or outgoing(deadline=deadline))
            return raised.value

    return run(main)


@pytest.mark.parametrize("code", ["AA", "CA"])
def test_a_matching_positive_answer_is_a_delivery(code):
    async def main():
        async with serving(answering(frame(answer(code)))) as (sender, partner):
            sent = await sender.send(outgoing())
        assert (sent.status, sent.answer) == (code, answer(code))
        assert partner.received == [message()]

    run(main)


def test_messages_one_after_another_share_a_connection():
    async def main():
        async with serving(matching) as (sender, partner):
            for number in range(5):
                await sender.send(outgoing(str(number)))
        assert partner.connections == 1
        assert [control_id(each) for each in partner.received] == list("01234")

    run(main)


def test_no_more_connections_are_opened_than_the_endpoint_allows():
    async def main():
        async def slowly(writer, received):
            await asyncio.sleep(0.02)
            await matching(writer, received)

        async with serving(slowly, parallel=3) as (sender, partner):
            await asyncio.gather(*(sender.send(outgoing(str(n))) for n in range(12)))
        assert partner.connections == 3
        assert len(partner.received) == 12

    run(main)


def test_a_connection_kept_too_long_is_not_used_again():
    async def main():
        async with serving(matching, keep=0.01) as (sender, partner):
            await sender.send(outgoing("1"))
            await asyncio.sleep(0.05)
            await sender.send(outgoing("2"))
        assert partner.connections == 2

    run(main)


def test_a_connection_the_partner_closed_meanwhile_is_replaced():
    async def main():
        async def once(writer, received):
            await matching(writer, received)
            writer.close()

        async with serving(once) as (sender, partner):
            await sender.send(outgoing("1"))
            await asyncio.sleep(0.05)
            await sender.send(outgoing("2"))
        assert partner.connections == 2

    run(main)


@pytest.mark.parametrize("code", ["AE", "AR", "CE", "CR"])
def test_a_refusal_carries_the_partners_codes_and_no_values(code):
    error = "ERR||PID^1^7|102^Data type error^HL70357|E||||Geburtsdatum 19800231\r"
    refused = failing(answering(frame(answer(code, extra=error))))
    assert isinstance(refused, PartnerRefused)
    assert refused.codes == (code, "102")
    assert "19800231" not in f"{refused}{refused.codes}"
    assert refused.answer == answer(code, extra=error)


def test_a_connection_survives_a_refusal():
    async def main():
        async with serving(answering(frame(answer("AE", "1")))) as (sender, partner):
            for _ in range(2):
                with pytest.raises(PartnerRefused):
                    await sender.send(outgoing("1"))
        assert partner.connections == 1

    run(main)


def test_codes_that_mean_not_now_are_tried_again():
    busy = frame(answer("AR", extra="ERR|||207^^HL70357|E\r"))
    assert isinstance(failing(answering(busy), again=["207"]), PartnerUnavailable)
    assert isinstance(failing(answering(busy)), PartnerRefused)


async def silent(writer, _):
    """Answer nothing."""


async def closing(writer, _):
    writer.close()


async def half(writer, _):
    writer.write(frame(answer())[:-8])
    writer.close()


@pytest.mark.parametrize(
    "react",
    [
        answering(frame(answer(control_id="4712"))),
        answering(frame(answer(control_id=""))),
        answering(frame(answer("XX"))),
        answering(frame(b"MSH|^~\\&|||||||ACK|1|P|2.5\r")),
        answering(frame(b"<html>")),
        answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        answering(b"\x0b" + b"x" * 2_000_000 + b"\x1c\r"),
        silent,
        closing,
        half,
    ],
)
def test_anything_after_the_first_byte_but_a_matching_answer_is_uncertain(react):
    waits = react in {silent, half}
    assert isinstance(failing(react, deadline=0.5 if waits else 5.0), PartnerUncertain)


def test_a_late_answer_is_never_taken_for_the_next_message():
    async def main():
        async def late(writer, received):
            if control_id(received) == "1":
                await asyncio.sleep(0.7)
            await matching(writer, received)

        async with serving(late, parallel=1) as (sender, partner):
            with pytest.raises(PartnerUncertain):
                await sender.send(outgoing("1", deadline=0.5))
            sent = await sender.send(outgoing("2"))
        assert b"MSA|AA|2" in sent.answer
        assert partner.connections == 2

    run(main)


def test_an_unasked_second_answer_ends_the_connection():
    async def main():
        async def twice(writer, received):
            await matching(writer, received)
            await asyncio.sleep(0.02)
            await matching(writer, received)

        async with serving(twice) as (sender, partner):
            await sender.send(outgoing("1"))
            await asyncio.sleep(0.1)
            sent = await sender.send(outgoing("2"))
        assert b"MSA|AA|2" in sent.answer
        assert partner.connections == 2

    run(main)


def test_a_cancelled_attempt_closes_its_connection():
    async def main():
        async with serving(silent) as (sender, partner):
            attempt = asyncio.create_task(sender.send(outgoing()))
            while not partner.received:  # noqa: ASYNC110 - another task
                await asyncio.sleep(0.005)
            attempt.cancel()
            with pytest.raises(asyncio.CancelledError):
                await attempt
            assert sender._idle == []

    run(main)


def test_a_partner_that_refuses_connections_is_unavailable():
    async def main():
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        sender = MllpSender(endpoint(port))
        with pytest.raises(PartnerUnavailable, match="refuses"):
            await sender.send(outgoing())

    run(main)


def test_waiting_for_a_free_connection_is_not_uncertain():
    async def main():
        async with serving(silent, parallel=1) as (sender, partner):
            first = asyncio.create_task(sender.send(outgoing("1", deadline=1.0)))
            await asyncio.sleep(0.05)
            with pytest.raises(PartnerUnavailable):
                await sender.send(outgoing("2", deadline=0.1))
            with pytest.raises(PartnerUncertain):
                await first
        assert [control_id(each) for each in partner.received] == ["1"]

    run(main)


def test_a_message_that_cannot_be_framed_is_refused_before_anything_is_sent():
    refused = failing(silent, outgoing(payload=message() + b"NTE|\x1c\r"))
    assert isinstance(refused, PartnerRefused)
    assert refused.codes == ("unframeable",)


def test_in_enhanced_mode_the_application_answer_counts():
    async def main():
        accepted, applied = frame(answer("CA")), frame(answer("AA"))
        async with serving(answering(accepted, applied), application_answer=True) as (sender, _):
            assert (await sender.send(outgoing())).status == "AA"
        async with serving(answering(applied), application_answer=True) as (sender, _):
            assert (await sender.send(outgoing())).status == "AA"

    run(main)
    accepted = frame(answer("CA"))
    for second, kind in (
        (frame(answer("AE")), PartnerRefused),
        (frame(answer("CA")), PartnerUncertain),
        (frame(answer("AA", "other")), PartnerUncertain),
        (b"", PartnerUncertain),
    ):
        deadline = 5.0 if second else 0.5
        error = failing(answering(accepted, second), deadline=deadline, application_answer=True)
        assert isinstance(error, kind)


def test_an_application_answer_that_asks_for_it_is_accepted():
    async def main():
        async def react(writer, received):
            if b"MSA|" not in received:
                writer.write(frame(answer("CA")) + frame(answer("AA", accept="AL")))

        async with serving(react, application_answer=True) as (sender, partner):
            await sender.send(outgoing())
            while len(partner.received) < 2:  # noqa: ASYNC110 - another task
                await asyncio.sleep(0.005)
        assert b"\rMSA|CA|9\r" in partner.received[1]

    run(main)


def test_tls_with_both_certificates(authority):
    async def main():
        client = authority.issue("gateway.example")
        server = authority.issue("127.0.0.1")
        async with serving(matching, tls=server) as (sender, _):
            port = sender._port
            good = MllpSender(endpoint(port, tls=client))
            assert (await good.send(outgoing())).status == "AA"
            await good.close()

    run(main)


def test_a_partner_whose_tls_turns_us_away_has_nothing(authority):
    """OpenSSL says so with an alert after our first bytes (TLS 1.3)."""
    context = server_context(authority.issue("127.0.0.1"))

    def accept(listening):
        connection, _ = listening.accept()
        secured = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with secured:
            with suppress(ssl.SSLError):
                secured.do_handshake()
                pytest.fail("the handshake succeeded without a certificate")
            # Closed with bytes unread, TCP would reset and may swallow the alert.
            while os.read(secured.fileno(), 65_536):
                pass

    async def main():
        with socket.create_server(("127.0.0.1", 0)) as listening:
            accepting = asyncio.create_task(asyncio.to_thread(accept, listening))
            tls = {"ca": authority.file}
            sender = MllpSender(endpoint(listening.getsockname()[1], tls=tls))
            with pytest.raises(PartnerUnavailable, match="TLS"):
                await sender.send(outgoing())
            await accepting

    run(main)


@pytest.mark.parametrize("days", [1, -1])
def test_a_partner_whose_certificate_does_not_hold_gets_nothing(authority, other_authority, days):
    async def main():
        issuer = other_authority if days > 0 else authority
        server = {**issuer.issue("127.0.0.1", days=days), "client_certificate_required": False}
        async with serving(matching, tls=server) as (sender, partner):
            strict = MllpSender(endpoint(sender._port, tls={"ca": authority.file}))
            with pytest.raises(PartnerUnavailable, match="TLS"):
                await strict.send(outgoing())
        assert partner.received == []

    run(main)


@pytest.mark.parametrize("address", ["https://praxis.example", "mllp://", "mllp://127.1:2575"])
def test_an_address_that_is_not_mllp_is_refused(address):
    with pytest.raises(NotConformant):
        MllpSender(endpoint(0, address=address))


def test_python_hl7_as_receiver_takes_our_messages():
    async def main():
        received = []

        async def receiver(reader, writer):
            try:
                while not writer.is_closing():
                    incoming = await reader.readmessage()
                    received.append(str(incoming))
                    writer.writemessage(incoming.create_ack())
                    await writer.drain()
            except asyncio.IncompleteReadError:
                writer.close()
                await writer.wait_closed()

        async with await start_hl7_server(receiver, "127.0.0.1", 0, encoding="utf-8") as server:
            sender = MllpSender(endpoint(server.sockets[0].getsockname()[1]))
            for number in range(3):
                payload = message(str(number)) + "NTE|1||Grüße aus Köln\r".encode()
                sent = await sender.send(outgoing(str(number), payload=payload))
                assert sent.status == "AA"
            await sender.close()
            await asyncio.sleep(0.05)
        assert len(received) == 3
        assert str(hl7.parse(received[2]).segment("NTE")[3]) == "Grüße aus Köln"

    run(main)
