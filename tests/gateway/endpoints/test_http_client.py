"""The way out over HTTP, against partners on real sockets, good and bad ones."""

from __future__ import annotations

import asyncio
import gc
import gzip
import zlib
from contextlib import asynccontextmanager

import pytest

from gateway.domain.region import Endpoint
from gateway.domain.transport import (
    Outgoing,
    PartnerRefused,
    PartnerUnavailable,
    PartnerUncertain,
)
from gateway.endpoints.fhir_rest import FhirRestSender
from gateway.endpoints.http_client import HttpClient
from gateway.endpoints.tls import server_context
from profiles.issue import NotConformant

BUNDLE = b'{"resourceType":"Bundle","type":"transaction","entry":[{}]}'
STORED = (
    b'{"resourceType":"Bundle","type":"transaction-response",'
    b'"entry":[{"response":{"status":"201 Created"}}]}'
)


def response(body=b"", status=200, **headers):
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Partner:
    """Reads requests; `react(writer, request)` does with each what it likes."""

    def __init__(self, react):
        self.requests = []
        self.connections = 0
        self._react = react
        self._serving = set()

    async def serve(self, reader, writer):
        self.connections += 1
        self._serving.add(asyncio.current_task())
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0] or 0)
                self.requests.append((head.decode("latin-1"), await reader.readexactly(size)))
                await self._react(writer, self.requests[-1])
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def end(self):
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)


@asynccontextmanager
async def serving(react, *, tls=None):
    partner = Partner(react)
    context = server_context(tls) if tls else None
    server = await asyncio.start_server(partner.serve, "127.0.0.1", 0, ssl=context)
    partner.port = server.sockets[0].getsockname()[1]
    partner.address = f"{'https' if tls else 'http'}://127.0.0.1:{partner.port}/fhir"
    try:
        yield partner
    finally:
        server.close()
        await partner.end()


@asynccontextmanager
async def client_of(partner, **settings):
    client = HttpClient(partner.address, **settings)
    try:
        yield client
    finally:
        await client.close()


def answering(*answers):
    left = list(answers)

    async def react(writer, _):
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return react


def run(main):
    async def bounded():
        async with asyncio.timeout(60):
            return await main()

    return asyncio.run(bounded())


def ask(react, *, deadline=5.0, **settings):
    """Send one POST and return the answer and what the partner saw."""

    async def main():
        async with serving(react) as partner, client_of(partner, **settings) as client:
            return await client.request("POST", body=BUNDLE, deadline=deadline), partner

    return run(main)


def test_an_answer_comes_back_whole():
    answer, partner = ask(answering(response(STORED, 201, X_Trace="7")))
    assert (answer.status, answer.body, answer.complete) == (201, STORED, True)
    assert answer.headers["x-trace"] == "7"
    head, body = partner.requests[0]
    assert head.startswith("POST /fhir HTTP/1.1\r\n")
    assert f"host: 127.0.0.1:{partner.port}\r\n" in head.lower()
    assert body == BUNDLE


def test_requests_one_after_another_share_a_connection():
    async def main():
        async with serving(answering(response())) as partner, client_of(partner) as client:
            for _ in range(3):
                await client.request("GET", "/metadata")
            assert partner.connections == 1

    run(main)


def test_redirects_are_not_followed():
    answer, partner = ask(answering(response(status=302, location="/elsewhere")))
    assert answer.status == 302
    assert len(partner.requests) == 1


def test_proxies_of_the_environment_are_ignored(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert ask(answering(response()))[0].status == 200


def test_an_endless_body_is_cut_at_the_budget():
    async def endless(writer, _):
        writer.write(b"HTTP/1.1 200 X\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    answer, _ = ask(endless, budget=100_000)
    assert (answer.complete, len(answer.body)) == (False, 100_000)


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_a_compressed_answer_is_read_though_nobody_asked_for_it(encoding, compress):
    answer, _ = ask(answering(response(compress(STORED), content_encoding=encoding)))
    assert (answer.body, answer.complete) == (STORED, True)


def test_a_decompression_bomb_is_cut_at_the_budget():
    bomb = gzip.compress(bytes(50_000_000))
    answer, _ = ask(answering(response(bomb, content_encoding="gzip")), budget=200_000)
    assert (answer.complete, len(answer.body)) == (False, 200_000)


@pytest.mark.parametrize(
    "broken",
    [
        response(b"not gzip", content_encoding="gzip"),
        response(gzip.compress(STORED)[:-9], content_encoding="gzip"),
        response(STORED, content_encoding="br"),
    ],
)
def test_an_answer_that_cannot_be_decompressed_is_not_whole(broken):
    assert not ask(answering(broken))[0].complete


async def drip(writer, _):
    writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await asyncio.sleep(0.02)


async def broken_off(writer, _):
    writer.write(response(STORED)[:-9])
    writer.close()


@pytest.mark.parametrize("react", [drip, broken_off])
def test_a_body_that_does_not_end_leaves_the_status_and_nothing_else(react):
    answer, _ = ask(react, deadline=0.7 if react is drip else 5.0)
    assert (answer.status, answer.complete) == (200, False)


async def silent(writer, _):
    """Answer nothing."""


async def closing(writer, _):
    writer.close()


@pytest.mark.parametrize(
    "react",
    [
        silent,
        closing,
        answering(b"MSH|^~\\&|this is no HTTP\r\n\r\n"),
        answering(b"HTTP/1.1 200 X\r\n" + b"".join(b"a%d: b\r\n" % n for n in range(20_000))),
    ],
)
def test_after_the_first_byte_no_status_is_uncertain(react):
    with pytest.raises(PartnerUncertain):
        ask(react, deadline=0.7 if react is silent else 5.0)


def test_a_partner_that_refuses_connections_is_unavailable():
    async def main():
        async with serving(silent) as partner:
            pass
        async with client_of(partner) as client:
            with pytest.raises(PartnerUnavailable):
                await client.request("POST", body=BUNDLE)

    run(main)


def test_a_partner_that_never_completes_the_handshake_is_unavailable():
    async def main():
        async with serving(silent) as partner:
            partner.address = f"https://127.0.0.1:{partner.port}/fhir"
            async with client_of(partner) as client:
                with pytest.raises(PartnerUnavailable):
                    await client.request("POST", body=BUNDLE, deadline=0.2)

    run(main)
    gc.collect()  # a socket left open would be told here, as a warning


def test_tls_with_both_certificates(authority):
    async def main():
        tls = authority.issue("127.0.0.1")
        own = authority.issue("gateway.example")
        async with (
            serving(answering(response()), tls=tls) as partner,
            client_of(partner, tls=own) as client,
        ):
            assert (await client.request("GET")).status == 200

    run(main)


@pytest.mark.parametrize("case", ["other name", "other issuer", "expired"])
def test_a_partner_whose_certificate_does_not_hold_gets_nothing(authority, other_authority, case):
    async def main():
        issued = {
            "other name": lambda: authority.issue("anders.example", address="10.9.9.9"),
            "other issuer": lambda: other_authority.issue("127.0.0.1"),
            "expired": lambda: authority.issue("127.0.0.1", days=-1),
        }[case]()
        issued["client_certificate_required"] = False
        async with serving(answering(response()), tls=issued) as partner:
            async with client_of(partner, tls={"ca": authority.file}) as client:
                with pytest.raises(PartnerUnavailable):
                    await client.request("POST", body=BUNDLE)
            assert partner.requests == []

    run(main)


@pytest.mark.parametrize("address", ["ftp://a.example", "https://a.example/x?y=1", "https://"])
def test_an_address_that_is_no_base_is_refused(address):
    with pytest.raises(NotConformant):
        HttpClient(address)


# The FHIR sender on top of it.


def outgoing(deadline=5.0, payload=BUNDLE):
    return Outgoing("praxis", payload, "c-1", "application/fhir+json", deadline)


@asynccontextmanager
async def sender_to(partner, **settings):
    endpoint = Endpoint(
        id="praxis",
        organization="praxis",
        connection_type="hl7-fhir-rest",
        direction="out",
        address=partner.address,
        **settings,
    )
    sender = FhirRestSender(endpoint)
    try:
        yield sender
    finally:
        await sender.close()


def test_a_bundle_is_posted_to_the_base_and_delivered():
    async def main():
        async with serving(answering(response(STORED))) as partner, sender_to(partner) as sender:
            sent = await sender.send(outgoing())
        assert (sent.status, sent.answer) == ("200", STORED)
        head, body = partner.requests[0]
        assert head.startswith("POST /fhir HTTP/1.1\r\n")
        assert "content-type: application/fhir+json\r\n" in head.lower()
        assert "x-request-id: c-1\r\n" in head.lower()
        assert body == BUNDLE

    run(main)


def test_after_a_401_the_token_is_read_anew_once(tmp_path):
    async def main():
        file = tmp_path / "token"
        file.write_text("old\n")

        async def guarded(writer, request):
            file.write_text("new\n")
            known = "authorization: Bearer new\r\n" in request[0]
            writer.write(response(STORED) if known else response(status=401))

        async with serving(guarded) as partner:
            async with sender_to(partner, token_file=str(file)) as sender:
                assert (await sender.send(outgoing())).status == "200"
                assert (await sender.send(outgoing())).status == "200"
            assert len(partner.requests) == 3
        async with serving(answering(response(status=401))) as partner:
            async with sender_to(partner, token_file=str(file)) as sender:
                with pytest.raises(PartnerRefused):
                    await sender.send(outgoing())
            assert len(partner.requests) == 2

    run(main)


def test_without_its_token_file_nothing_is_sent(tmp_path):
    async def main():
        async with serving(answering(response(STORED))) as partner:
            async with sender_to(partner, token_file=str(tmp_path / "missing")) as sender:
                with pytest.raises(PartnerUnavailable):
                    await sender.send(outgoing())
            assert partner.requests == []

    run(main)


@pytest.mark.parametrize(
    ("react", "error"),
    [
        (silent, PartnerUncertain),
        (closing, PartnerUncertain),
        (drip, PartnerUncertain),
        (answering(response(b"<html>")), PartnerUncertain),
        (answering(response(status=503, retry_after=3)), PartnerUnavailable),
        (answering(response(status=422)), PartnerRefused),
        (answering(response(status=302, location="http://127.0.0.1:1/")), PartnerRefused),
    ],
)
def test_each_failure_has_its_class(react, error):
    async def main():
        async with serving(react) as partner, sender_to(partner) as sender:
            with pytest.raises(error):
                await sender.send(outgoing(0.3))

    run(main)


def test_what_is_not_json_is_refused_before_anything_is_sent():
    async def main():
        async with serving(silent) as partner, sender_to(partner) as sender:
            with pytest.raises(PartnerRefused):
                await sender.send(outgoing(payload=b"MSH|"))
            assert partner.requests == []

    run(main)
