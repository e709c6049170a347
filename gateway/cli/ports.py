"""Ports on this machine for what a command starts."""

from __future__ import annotations

import contextlib
import secrets
import socket

#: Below what systems give to connections that go out (RFC 6335, section 6, and Linux from 32,768
#: on): between the look and its use no client of anybody takes the port.
_BEGIN, _COUNT = 20_000, 10_000


def free_ports(count: int) -> list[int]:
    """Find ports of 127.0.0.1 nobody listens on, all different."""
    with contextlib.ExitStack() as held:
        found: list[int] = []
        while len(found) < count:
            port = _BEGIN + secrets.randbelow(_COUNT)
            with contextlib.suppress(OSError):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
                found.append(port)
    return found
