"""Hostile requests over a real socket: what they get, and that the next good one is served."""

from __future__ import annotations

import asyncio

import pytest

from gateway.api.app import create_app
from gateway.api.server import Listen, bind, make_server

TOKEN = b"Authorization: Bearer token-klinikum\r\n"
CANARY = "ZZKANARIENVOGEL"


@pytest.fixture
def exchange(gateway):
    """Send raw bytes to a served gateway; return the answer, then prove that it still serves."""

    def send(*parts: bytes, pause: float = 0.0) -> bytes:
        async def run() -> bytes:
            where = Listen(host="127.0.0.1", port=0, header_timeout=2)
            socket = bind(where)
            server = make_server(create_app(gateway), where)
            task = asyncio.create_task(server.serve(sockets=[socket]))
            try:
                while not server.started:  # noqa: ASYNC110 - uvicorn has no event to wait for
                    await asyncio.sleep(0.01)
                port = socket.getsockname()[1]
                answer = await _talk(port, parts, pause)
                good = await _talk(port, (_request("GET", "/health/live"),), 0)
                assert good.startswith(b"HTTP/1.1 200")
                return answer
            finally:
                server.should_exit = True
                await task
                socket.close()

        return asyncio.run(asyncio.wait_for(run(), 60))

    return send


async def _talk(port: int, parts: tuple[bytes, ...], pause: float) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        return await asyncio.wait_for(reader.read(-1), 60)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def _request(method: str, target: str, *headers: str, host: str = "gw.example") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n").encode("latin-1") + TOKEN + b"\r\n"


@pytest.mark.parametrize("host", ["a/b?c", "gw.example@evil", "x" * 2_000, "[::1", "", "a b"])
def test_the_host_header_decides_nothing(gateway, exchange, host):
    gateway.store({**gateway.patient})

    answer = exchange(_request("GET", f"/fhir/Patient/{gateway.patient['id']}", host=host))

    assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400"))


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.example/fhir/Patient/1",
        "//admin",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/fhir/%2e%2e/admin",
        "/fhir/Patient/..%2f..%2fetc",
        "/fhir/Patient/%00",
        "/fhir/Patient/%25%32%65",
        "/fhir/Patient%3f",
        "/fhir/Patient/1;admin",
    ],
)
def test_odd_addresses_are_not_found(exchange, target):
    answer = exchange(_request("GET", target))

    assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400"))
    assert b"passwd" not in answer


@pytest.mark.parametrize(
    "query",
    [
        "name=a%27%20OR%201=1--",
        "_id=../../",
        "identifier=sys%7Cval%7Cx",
        "birthdate=ge2020;drop",
        "name=%25%25%25%25",
        "_lastUpdated=garbage",
        "_id=" + ",".join(str(number) for number in range(5_000)),
    ],
)
def test_search_injections_are_refused_or_find_nothing(gateway, exchange, query):
    gateway.store({**gateway.patient})

    answer = exchange(_request("GET", f"/fhir/Patient?{query}"))

    assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400", b"HTTP/1.1 431"))
    assert b"M\xc3\xbcller" not in answer


def test_a_body_that_claims_to_be_huge_is_refused_before_it_arrives(exchange):
    head = _request(
        "POST",
        "/inbound/klinikum-http",
        "Content-Type: application/fhir+json",
        "Content-Length: 100000000",
    )

    assert exchange(head).startswith(b"HTTP/1.1 413")


def test_a_body_that_stops_arriving_is_given_up(gateway, exchange):
    from dataclasses import replace

    gateway.options = replace(gateway.options, body_timeout=0.2)
    head = _request(
        "POST",
        "/inbound/klinikum-http",
        "Content-Type: application/fhir+json",
        "Content-Length: 500",
    )

    assert exchange(head, b"{").startswith(b"HTTP/1.1 408")
    assert gateway.posted == []


def test_two_lengths_and_smuggled_requests_are_refused(exchange):
    smuggled = (
        b"POST /inbound/klinikum-http HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    twice = (
        b"POST /inbound/klinikum-http HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
        b"Content-Length: 6\r\n\r\nabcdef"
    )

    for raw in (smuggled, twice):
        assert exchange(raw).startswith(b"HTTP/1.1 400")


def test_names_in_requests_and_errors_reach_no_log(gateway, exchange, capsys, caplog):
    gateway.store({**gateway.patient})
    gateway.failure = RuntimeError(CANARY)

    exchange(
        _request(
            "GET",
            f"/fhir/Patient/{CANARY}?name={CANARY}",
            f"User-Agent: {CANARY} ${{jndi:x}} %(asctime)s",
            f"X-Request-Id: {CANARY}\\r\\nfake: line",
        )
    )

    logged = capsys.readouterr()
    assert CANARY not in logged.out + logged.err + caplog.text
    assert "request_failed" in logged.out + logged.err


def test_a_thousand_guesses_meet_429_and_a_known_caller_is_served(gateway, exchange):
    from dataclasses import replace

    gateway.options = replace(gateway.options, failed_logins=5)
    guess = b"GET /fhir/Patient/1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n\r\n"
    last = b"GET /fhir/Patient/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    answer = exchange(guess * 50 + last)

    assert answer.count(b"HTTP/1.1 401") == 5
    assert answer.count(b"HTTP/1.1 429") == 46
