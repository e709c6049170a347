"""A practice system that collects GDT records from an exchange folder.

    python -m conformance.partners.gdt_folder --folder austausch --output got.jsonl

Reads a file once it has its final name, keeps it and the files it names (6305) where --bodies says,
and deletes them, as practice systems do. Notes one JSON line for each record. Says port 0: nobody
connects to it.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
from collections import defaultdict
from pathlib import Path, PureWindowsPath

from conformance.partners import process

#: Seconds between looks.
PAUSE = 0.1
#: FK 9206 → Python codec.
CHARSETS = {"1": "ascii", "2": "cp437", "3": "cp1252"}


class Reader:
    """Collects from one folder."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Begin with nothing collected."""
        self.folder = Path(options.folder)
        self.name = options.name
        self.journal = process.Journal(options.output)
        self.bodies = Path(options.bodies) if options.bodies else None
        self.received = 0

    def collect(self) -> None:
        """Take what is there now."""
        for path in sorted(self.folder.glob(self.name)):
            data = path.read_bytes()
            fields = read(data)
            beside = [self._beside(name) for name in fields.get("6305", [])]
            self.received += 1
            self._keep(f"{self.received:06d}_{path.name}", data)
            self.journal.write(
                number=self.received,
                file=path.name,
                bytes=len(data),
                satzart=fields.get("8000", [""])[0],
                right_lengths=lengths_are_right(data),
                receiver=fields.get("8315", [""])[0],
                sender=fields.get("8316", [""])[0],
                files=beside,
            )
            path.unlink()

    def _beside(self, stated: str) -> dict[str, object]:
        """Take a file a record names: a plain name in the same folder, there before the record."""
        path = self.folder / PureWindowsPath(stated).name
        if not path.is_file():
            return {"name": path.name, "bytes": -1, "sha256": ""}
        data = path.read_bytes()
        self._keep(path.name, data)
        path.unlink()
        return {
            "name": path.name,
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }

    def _keep(self, name: str, data: bytes) -> None:
        if self.bodies is not None:
            (self.bodies / name).write_bytes(data)


def read(data: bytes) -> dict[str, list[str]]:
    """Read the lines of a record: Feldkennung → contents."""
    lines = [line for line in data.split(b"\r\n") if len(line) > 6]
    stated = next((line[7:].decode() for line in lines if line[3:7] == b"9206"), "2")
    codec = CHARSETS.get(stated, "cp1252")
    fields: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        fields[line[3:7].decode("ascii")].append(line[7:].decode(codec))
    return fields


def lengths_are_right(data: bytes) -> bool:
    """Tell whether every line is as long as it says, and the record as long as FK 8100 says."""
    lines = data.split(b"\r\n")
    *whole, rest = lines
    total = next((line[7:] for line in whole if line[3:7] == b"8100"), b"")
    return (
        not rest
        and all(line[:3].isdigit() and int(line[:3]) == len(line) + 2 for line in whole)
        and total.isdigit()
        and int(total) == len(data)
    )


async def run() -> int:
    """Collect until told to stop."""
    parser = process.arguments(__doc__)
    parser.add_argument("--folder", required=True, help="the exchange folder")
    parser.add_argument("--name", default="*.[0-9][0-9][0-9]", help="names of records")
    parser.add_argument("--bodies", help="folder in which records and their files are kept")
    parser.add_argument("--output", help="file for one JSON line per record; - is standard output")
    options = parser.parse_args()
    stop = process.Stop(options)
    reader = Reader(options)
    process.say(port=0)
    waiting = asyncio.ensure_future(stop.wait())
    while not waiting.done():
        reader.collect()
        await asyncio.wait({waiting}, timeout=PAUSE)
    reader.journal.close()
    process.say(received=reader.received)
    return 0


if __name__ == "__main__":
    process.main(run())
