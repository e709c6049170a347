"""MLLP listener: accepts senders of HL7 v2 and hands their frames on.

HL7 v2.5 Transport Specification: MLLP, release 1. Addresses and connection counts are checked on
accepting, before TLS; certificates before the first byte of a message is read.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

from gateway.domain.region import Endpoint
from gateway.domain.transport import Observe, Receive, WireEvent, WireFault
from gateway.endpoints import mllp_frame
from gateway.endpoints.memory import ByteBudget
from gateway.endpoints.mllp_connection import MllpConnection, Surroundings
from gateway.endpoints.networks import may_connect, networks
from gateway.endpoints.tls import requires_certificate, server_context
from profiles.issue import NotConformant

#: Seconds to wait after the machine had no socket left for us.
_BREATHER = 1.0
_BACKLOG = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class MllpListener:
    """Where one endpoint listens, for whom, and how much it takes."""

    #: Endpoint id.
    endpoint: str
    host: str = "127.0.0.1"
    #: 0 lets the machine choose.
    port: int = 0
    #: TLS files (see `tls.SETTINGS`); empty speaks plain TCP.
    tls: Mapping[str, Any] = field(default_factory=dict)
    #: Networks that may connect. Empty: whoever has a client certificate of the ca, and without
    #: TLS this machine only.
    peers: tuple[str, ...] = ()
    #: SHA-256 (hex) of accepted client certificates; empty accepts what the ca issued.
    certificates: tuple[str, ...] = ()
    #: Longest frame in bytes; of longer ones only the first segment is handed on.
    max_frame: int = mllp_frame.LIMIT
    #: Bytes of a frame held in memory before it goes to an unnamed temporary file.
    spool_above: int = mllp_frame.SPOOL_ABOVE
    #: Folder of the temporary files; None is the system's.
    spool_folder: Path | None = None
    #: Bytes of frames in work at a time over all connections.
    max_held: int = 256_000_000
    #: Seconds without a message after which a connection is closed.
    idle: float = 600.0
    #: Seconds a frame may take from start block to end block.
    frame_timeout: float = 120.0
    #: Seconds a TLS handshake may take.
    handshake_timeout: float = 10.0
    max_connections: int = 1000
    max_per_peer: int = 400
    #: Messages taken from one connection before the first is answered.
    window: int = 16
    #: Further processes of the group listen at the same address.
    shared: bool = False

    @classmethod
    def of(cls, endpoint: Endpoint, *, certificates: tuple[str, ...] = ()) -> Self:
        """Read a registered endpoint; raises NotConformant when `listen` is not host:port."""
        host, _, port = endpoint.listen.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:
            raise NotConformant('A listener needs listen = "host:port".')
        return cls(
            endpoint=endpoint.id,
            host=host.strip("[]"),
            port=int(port),
            tls=endpoint.tls,
            peers=endpoint.peers,
            certificates=certificates,
            max_frame=endpoint.max_bytes,
        )

    def check(self) -> None:
        """Refuse to listen beyond this machine for anyone who comes.

        Raises NotConformant that names the missing line.
        """
        local = self.host == "localhost" or may_connect(self.host, ())
        if not (local or self.peers or requires_certificate(self.tls)):
            raise NotConformant(
                f"Endpoint {self.endpoint} listens outside this machine and accepts anyone: "
                'add peers = ["10.20.0.5/32"] with the senders\' networks, or client certificates.'
            )


async def serve_mllp(
    listener: MllpListener, receive: Receive, *, observe: Observe | None = None
) -> MllpServer:
    """Bind and start accepting.

    Raises OSError when the address cannot be bound and NotConformant for unusable TLS files, or
    when anyone from outside could connect (see `MllpListener.check`).
    """
    server = MllpServer(listener, receive, observe or (lambda _: None))
    await server.start()
    return server


class MllpServer:
    """A running listener."""

    def __init__(self, listener: MllpListener, receive: Receive, observe: Observe) -> None:
        """Prepare; `start` binds."""
        self.listener = listener
        self._observe = observe
        certified = not listener.peers and requires_certificate(listener.tls)
        self._allowed = networks(("0.0.0.0/0", "::/0") if certified else listener.peers)
        self._context: ssl.SSLContext | None = None
        self._sockets: list[socket.socket] = []
        self._port = listener.port
        self._accepting: list[asyncio.Task[None]] = []
        #: Every accepted connection and the task that opens it (TLS handshake included).
        self._connections: dict[MllpConnection, asyncio.Task[None]] = {}
        self._per_peer: Counter[str] = Counter()
        self._empty = asyncio.Event()
        self._empty.set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._surroundings = self._prepare(receive)

    @property
    def port(self) -> int:
        """The bound port; the first one of several addresses."""
        return self._port

    @property
    def connections(self) -> int:
        """Connections held at the moment, handshakes included."""
        return len(self._connections)

    async def start(self) -> None:
        """Bind and start accepting."""
        listener = self.listener
        listener.check()
        self._context = server_context(listener.tls)
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(
            listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, address in dict.fromkeys((info[0], info[4]) for info in found):
            bound = socket.create_server(
                cast("tuple[str, int]", address[:2]),
                family=family,
                backlog=_BACKLOG,
                reuse_port=listener.shared,
            )
            bound.settimeout(0)
            self._sockets.append(bound)
        self._port = int(self._sockets[0].getsockname()[1])
        self._accepting = [loop.create_task(self._accept(bound)) for bound in self._sockets]
        self._sweep()

    async def stop(self, grace: float = 20.0) -> None:
        """Stop reading, finish the answers in work, close; after `grace` seconds cut the rest."""
        for task in self._accepting:
            task.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        for bound in self._sockets:
            bound.close()
        for connection in list(self._connections):
            connection.stop(None)
        try:
            async with asyncio.timeout(grace):
                await self._empty.wait()
        except TimeoutError:
            for connection, opening in list(self._connections.items()):
                opening.cancel()
                connection.abort()
            await self._empty.wait()
        if self._sweeper is not None:
            self._sweeper.cancel()

    def _prepare(self, receive: Receive) -> Surroundings:
        listener = self.listener

        def open_spool() -> BinaryIO:
            return cast("BinaryIO", tempfile.TemporaryFile(dir=listener.spool_folder))

        def open_reader() -> mllp_frame.FrameReader:
            return mllp_frame.FrameReader(
                listener.max_frame, spool_above=listener.spool_above, open_spool=open_spool
            )

        return Surroundings(
            endpoint=listener.endpoint,
            receive=receive,
            observe=self._observe,
            budget=ByteBudget(listener.max_held),
            certificates=frozenset(listener.certificates),
            window=listener.window,
            window_bytes=listener.spool_above,
            idle=listener.idle,
            frame_timeout=listener.frame_timeout,
            gone=self._gone,
            open_reader=open_reader,
        )

    async def _accept(self, bound: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(bound)
            except OSError:
                # Out of file descriptors, mostly: those who are connected go on working.
                self._note(WireFault.OUT_OF_RESOURCES, "")
                await asyncio.sleep(_BREATHER)
                continue
            self._enter(accepted, str(address[0]))

    def _enter(self, accepted: socket.socket, peer: str) -> None:
        if not self._may_enter(peer):
            accepted.close()
            return
        connection = MllpConnection(self._surroundings, peer)
        opening = asyncio.get_running_loop().create_task(self._open(connection, accepted))
        self._connections[connection] = opening
        self._per_peer[peer] += 1
        self._empty.clear()

    def _may_enter(self, peer: str) -> bool:
        if not may_connect(peer, self._allowed):
            self._note(WireFault.PEER_REFUSED, peer)
        elif (
            self.connections >= self.listener.max_connections
            or self._per_peer[peer] >= self.listener.max_per_peer
        ):
            self._note(WireFault.TOO_MANY_CONNECTIONS, peer)
        else:
            return True
        return False

    async def _open(self, connection: MllpConnection, accepted: socket.socket) -> None:
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        limit = self.listener.handshake_timeout if self._context else None
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection, accepted, ssl=self._context, ssl_handshake_timeout=limit
            )
        except OSError:
            self._note(WireFault.TLS_FAILED, connection.peer)
            self._gone(connection)
        except asyncio.CancelledError:
            self._gone(connection)
            raise

    def _gone(self, connection: MllpConnection) -> None:
        if self._connections.pop(connection, None) is None:
            return
        self._per_peer[connection.peer] -= 1
        if not self._per_peer[connection.peer]:
            del self._per_peer[connection.peer]
        if not self._connections:
            self._empty.set()

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in list(self._connections):
            connection.check(now)
        shortest = min(self.listener.idle, self.listener.frame_timeout)
        self._sweeper = loop.call_later(min(1.0, shortest / 4), self._sweep)

    def _note(self, fault: WireFault, peer: str) -> None:
        self._observe(WireEvent(fault, self.listener.endpoint, peer))
