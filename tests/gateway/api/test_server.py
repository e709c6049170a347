"""The listener: header deadline, header size, certificates, over real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from gateway.api.auth import CERTIFICATE
from gateway.api.server import Listen, bind, make_server
from gateway.cli.certificates import write_development_certificates


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(scope["state"].get(CERTIFICATE, "") or "hello")(scope, receive, send)


def _served(talk: Callable[[int], Any], **listen: Any) -> Any:
    async def run() -> Any:
        where = Listen(host="127.0.0.1", port=0, **listen)
        socket = bind(where)
        server = make_server(_app, where)
        task = asyncio.create_task(server.serve(sockets=[socket]))
        try:
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event to wait for
                await asyncio.sleep(0.01)
            return await asyncio.wait_for(talk(socket.getsockname()[1]), 60)
        finally:
            server.should_exit = True
            await task
            socket.close()

    return asyncio.run(run())


async def _exchange(port: int, *parts: bytes, context: ssl.SSLContext | None = None) -> bytes:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname="localhost" if context else None
    )
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0.01)
    answer = await reader.read(-1)
    writer.close()
    return answer


REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def test_a_request_is_answered_without_a_server_header() -> None:
    answer = _served(lambda port: _exchange(port, REQUEST))

    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"hello")
    assert b"server:" not in answer.lower()


@pytest.mark.parametrize("parts", [(), (b"GET / HTTP/1.1\r\n",)])
def test_a_header_block_that_does_not_arrive_is_given_up(parts: tuple[bytes, ...]) -> None:
    answer = _served(lambda port: _exchange(port, *parts), header_timeout=0.2)

    assert answer.startswith(b"HTTP/1.1 408")


def test_a_header_block_above_the_limit_is_refused_in_one_piece_and_in_many() -> None:
    large = b"X-Filler: " + b"a" * 3_000 + b"\r\n"
    start = b"GET / HTTP/1.1\r\nHost: x\r\n"

    for parts in ((start + large * 4,), (start, *[large] * 4)):
        answer = _served(lambda port, parts=parts: _exchange(port, *parts), max_header=8_000)
        assert answer.startswith(b"HTTP/1.1 431")


def test_what_is_not_http_is_refused() -> None:
    answer = _served(lambda port: _exchange(port, b"\x0bMSH|^~\\&|\x1c\r"))

    assert answer.startswith(b"HTTP/1.1 400")


def test_the_application_learns_the_client_certificate(tmp_path) -> None:
    folder = tmp_path / "certificates"
    fingerprint = write_development_certificates(folder)
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "client.pem", folder / "client.key")
    files = {
        "certificate": str(folder / "server.pem"),
        "key": str(folder / "server.key"),
        "ca": str(folder / "ca.pem"),
    }

    answer = _served(lambda port: _exchange(port, REQUEST, context=context), **files)
    without = _served(
        lambda port: _exchange(
            port, REQUEST, context=ssl.create_default_context(cafile=str(folder / "ca.pem"))
        ),
        **files,
    )

    assert answer.endswith(fingerprint.encode())
    assert without.endswith(b"hello")


def test_a_listener_that_requires_certificates_turns_callers_without_one_away(tmp_path) -> None:
    folder = tmp_path / "certificates"
    write_development_certificates(folder)
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))

    async def talk(port: int) -> bytes:
        try:
            return await _exchange(port, REQUEST, context=context)
        except (ssl.SSLError, ConnectionError):
            return b""

    answer = _served(
        talk,
        certificate=str(folder / "server.pem"),
        key=str(folder / "server.key"),
        ca=str(folder / "ca.pem"),
        certificate_required=True,
    )

    assert answer == b""
