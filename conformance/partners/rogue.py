"""A bad network between two systems: a TCP relay that loses, delays or cuts.

    python -m conformance.partners.rogue --to 127.0.0.1:2575 --mode reset --after 500

Says its port as a JSON line. A fault begins on each connection, or on the first ones (--first N),
once --after bytes went to the partner, or once --back-after bytes came back.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import struct
from contextlib import suppress
from itertools import count

from conformance.partners import process

#: What --mode does once its time has come.
MODES = {
    "pass": "nothing",
    "drop": "closes both sides",
    "reset": "resets the sender's side (RST)",
    "freeze": "relays nothing more and stays open",
    "delay": "relays each piece --delay seconds later",
    "drip": "relays one byte per --delay seconds",
    "corrupt": "changes one bit of every further piece",
    "mute": "relays to the partner but nothing back",
    "duplicate": "relays each piece to the partner twice",
}
_CUTS = frozenset({"drop", "reset"})


class Relay:
    """One connection and the one it is relayed to."""

    def __init__(
        self, options: argparse.Namespace, writer: asyncio.StreamWriter, *, well: bool
    ) -> None:
        """Relay for the sender behind `writer`; with `well` nothing ever happens."""
        self._options = options
        self._well = well
        self._sender = writer
        self._there = 0
        self._back = 0

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Relay both ways until one side ends or the fault cuts."""
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._options.to)
        except OSError:
            self._sender.close()
            return
        ways = (
            asyncio.create_task(self._pump(reader, far_writer, back=False)),
            asyncio.create_task(self._pump(far_reader, self._sender, back=True)),
        )
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for writer in (far_writer, self._sender):
            writer.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if back:
                    self._back += len(data)
                else:
                    self._there += len(data)
                if not await self._relay(data, writer, back=back):
                    return

    async def _relay(self, data: bytes, writer: asyncio.StreamWriter, *, back: bool) -> bool:
        mode = self._options.mode if self._due() else "pass"
        if mode in _CUTS:
            if mode == "reset":
                opened = self._sender.get_extra_info("socket")
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if mode == "freeze" or (mode == "mute" and back):
            return True
        if mode == "duplicate" and not back:
            data *= 2
        if mode == "corrupt":
            data = bytes([data[0] ^ 1]) + data[1:]
        size = 1 if mode == "drip" else len(data)
        for start in range(0, len(data), size):
            if mode in {"delay", "drip"}:
                await asyncio.sleep(self._options.delay)
            writer.write(data[start : start + size])
            await writer.drain()
        return True

    def _due(self) -> bool:
        options = self._options
        if self._well:
            return False
        if options.back_after:
            return self._back >= int(options.back_after)
        return self._there >= int(options.after)


async def run(options: argparse.Namespace) -> int:
    """Relay until told to stop."""
    stop = process.Stop(options)
    connections = count(1)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(*process.ENDED):
            well = bool(options.first) and next(connections) > options.first
            await Relay(options, writer, well=well).run(reader)

    server = await asyncio.start_server(serve, options.host, options.port)
    process.say(partner="rogue", port=server.sockets[0].getsockname()[1])
    await stop.wait()
    server.close()
    return 0


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = process.listen_arguments(__doc__)
    add = parser.add_argument
    add("--to", type=process.address, required=True, metavar="HOST:PORT")
    modes = "; ".join(f"{name}: {what}" for name, what in MODES.items())
    add("--mode", choices=MODES, default="pass", help=modes)
    add("--after", type=int, default=0, help="bytes to the partner before the fault")
    add("--back-after", type=int, default=0, help="bytes from the partner before the fault")
    add("--first", type=int, default=0, help="faults on the first N connections only")
    add("--delay", type=float, default=5.0, help="seconds of delay and drip")
    return parser.parse_args()


if __name__ == "__main__":
    process.main(run(options()))
