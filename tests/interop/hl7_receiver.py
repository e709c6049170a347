"""An HL7 v2 receiver that is not ours: python-hl7's MLLP server, in a process of its own.

python hl7_receiver.py FILE — says its port as a JSON line, appends one JSON line per message to
FILE, ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from hl7.mllp import start_hl7_server


async def main(output: Path) -> None:
    async def receive(reader, writer):
        try:
            while True:
                message = await reader.readmessage()
                with output.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"message": str(message)}) + "\n")
                writer.writemessage(message.create_ack())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await start_hl7_server(receive, host="127.0.0.1", port=0, encoding="utf-8")
    sys.stdout.write(json.dumps({"port": server.sockets[0].getsockname()[1]}) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


asyncio.run(main(Path(sys.argv[1])))
