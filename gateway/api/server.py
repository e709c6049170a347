"""The HTTP listener: uvicorn with a deadline and a size for headers, and the peer's certificate.

uvicorn itself waits for a header block for ever and of any length, and does not tell an
application which certificate a client showed.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.api.auth import CERTIFICATE
from gateway.endpoints.tls import fingerprint, server_context

_CLOSE = b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout" + _CLOSE
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large" + _CLOSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Where the interface listens; durations in seconds."""

    host: str
    #: 0 lets the machine choose.
    port: int
    #: PEM files; empty speaks plain HTTP.
    certificate: str = ""
    key: str = ""
    ca: str = ""
    #: Client certificates are asked for; only with `required` a caller without one is turned away.
    certificate_required: bool = False
    max_header: int = 16_000
    header_timeout: float = 10.0
    keep_alive: float = 30.0
    #: Seconds requests have to end when the server stops.
    grace: float = 10.0


def make_server(app: ASGIApp, listen: Listen) -> uvicorn.Server:
    """Prepare a server; `await server.serve(sockets=[bind(listen)])` runs it.

    Raises NotConformant for unusable TLS files.
    """
    config = uvicorn.Config(
        app,
        http=_protocol(listen),
        ws="none",
        lifespan="off",
        log_config=None,
        # Its lines are free text and may hold a traceback; ours go through gateway.domain.log.
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=int(listen.keep_alive),
        timeout_graceful_shutdown=int(listen.grace),
    )
    config.load()
    if listen.certificate:
        config.ssl = _context(listen)
    return _Server(config)


class _Server(uvicorn.Server):
    """Leaves signals to the process, which stops its parts one after the other."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def bind(listen: Listen, *, shared: bool = False) -> socket.socket:
    """Open the listening socket, so that its address is known and taken before anything starts.

    `shared` lets further processes of the group listen at the same address.
    Raises OSError when the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind((listen.host, listen.port))
    made.listen(512)
    made.setblocking(False)  # noqa: FBT003 - the standard library's signature
    return made


def _context(listen: Listen) -> ssl.SSLContext | None:
    tls = {"certificate": listen.certificate, "key": listen.key or None}
    context = server_context({**tls, "ca": listen.ca} if listen.ca else tls)
    if context is not None and listen.ca and not listen.certificate_required:
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _protocol(listen: Listen) -> type[HttpToolsProtocol]:
    class Protocol(GuardedProtocol):
        max_header = listen.max_header
        header_timeout = listen.header_timeout

    return Protocol


class GuardedProtocol(HttpToolsProtocol):
    """One connection whose header blocks have a deadline and a size."""

    max_header = 16_000
    header_timeout = 10.0

    def connection_made(self, transport: Any) -> None:
        """Note the client's certificate and start the deadline of the first header block."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        shown = tls.getpeercert(binary_form=True) if tls is not None else None
        self._certificate = fingerprint(shown)
        self._deadline: asyncio.TimerHandle | None = None
        self._header_bytes = 0
        self._in_header = True
        self._expect_header()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the deadline."""
        self._met()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what arrives before a header block is complete."""
        if self._in_header:
            self._header_bytes += len(data)
            if self._deadline is None:
                self._expect_header()
        counted = self._header_bytes
        super().data_received(data)
        if self._in_header and counted > self.max_header:
            self._refuse(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A further request on this connection has its own header block."""
        super().on_message_begin()
        self._in_header = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Bound the header block also when it arrives in one piece."""
        super().on_header(name, value)
        if sum(len(key) + len(one) + 4 for key, one in self.headers) > self.max_header:
            self._refuse(_TOO_LARGE)
            raise ValueError("header block too large")

    def on_headers_complete(self) -> None:
        """The block is complete: hand the certificate on and let the application work."""
        self._met()
        self._in_header = False
        self._header_bytes = 0
        self.scope["state"][CERTIFICATE] = self._certificate
        super().on_headers_complete()

    def _expect_header(self) -> None:
        self._deadline = self.loop.call_later(self.header_timeout, self._refuse, _TOO_SLOW)

    def _met(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, response: bytes) -> None:
        self._met()
        if not self.transport.is_closing():
            self.transport.write(response)
            self.transport.close()


def sockets_of(servers: Sequence[socket.socket]) -> list[str]:
    """Return the addresses sockets are bound to, as host:port."""
    return [":".join(str(part) for part in one.getsockname()[:2]) for one in servers]
