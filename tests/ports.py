"""Ports for processes that tests start."""

from __future__ import annotations

import random
import socket

#: Below what the kernel gives to clients: a port stays ours while its server is away.
_RANGE = range(20_000, 30_000)
#: Not the module's own generator: property tests seed it, and then all test processes draw alike.
_CHANCE = random.SystemRandom()
#: A name per port, held as long as this process lives: no other test process takes it meanwhile.
_HELD: list[socket.socket] = []


def free_port() -> int:
    """Find a port that nobody uses and that no test process is given a second time."""
    while True:
        port = _CHANCE.choice(_RANGE)
        if _is_free(port) and _is_held(port):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _is_held(port: int) -> bool:
    """Take the port's name, in the kernel's own space of them."""
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0region-gateway-tests-{port}")
    except OSError:
        name.close()
        return False
    _HELD.append(name)
    return True
