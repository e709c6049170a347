"""A practice's FHIR server: takes transaction Bundles on POST /fhir and keeps them in memory.

    python -m conformance.partners.practice --output received.jsonl
    python -m conformance.partners.practice --mode 503 --first 3 --retry-after 2

https://hl7.org/fhir/R4/http.html#transaction, as far as a practice system goes: create, conditional
create and update, update, all or nothing, references by urn:uuid. GET /fhir/[type]/[id] reads,
GET /fhir/[type]?identifier=[system|]value searches, GET /received tells what came. Says its port as
a JSON line. With --mode it misbehaves: always, the first times (--first N) or every N-th
(--every N).
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from conformance.partners import process
from conformance.partners.fhir_memory import Memory, Refused

#: What --mode does with a transaction.
MODES = {
    "accept": "stores and answers a transaction-response",
    "500": "answers 500",
    "503": "answers 503, with Retry-After when --retry-after is given",
    "429": "answers 429 with Retry-After",
    "401": "answers 401",
    "422": "answers 422 with an OperationOutcome",
    "302": "redirects",
    "html": "answers 200 with a login page",
    "truncated": "stores, answers 200 and breaks the JSON off",
    "outcome": "answers 200 with an OperationOutcome that says error",
    "slow": "stores, answers after --delay seconds",
    "drip": "stores, answers one byte per --delay seconds",
    "silent": "answers nothing",
    "close": "stores and closes instead of answering",
}
_FHIR = "application/fhir+json"
_LARGEST = 64_000_000


class Practice:
    """The server behind the sockets."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Begin with nothing stored."""
        self.options = options
        self.memory = Memory()
        self.journal = process.Journal(options.output)
        self.received: list[dict[str, Any]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                method, target, headers = _head(head)
                body = await _body(reader, headers)
                if not await self._answer(writer, method, target, body):
                    break
        except (*process.ENDED, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, writer: asyncio.StreamWriter, method: str, target: str, body: bytes
    ) -> bool:
        """Answer one request; False closes the connection."""
        path, query = urlsplit(target).path.strip("/"), parse_qs(urlsplit(target).query)
        if method == "POST" and path == "fhir":
            return await self._transaction(writer, body)
        status, answer = (
            self._get(path, query) if method == "GET" else (405, _outcome("processing"))
        )
        writer.write(_response(status, answer))
        await writer.drain()
        return True

    def _get(self, path: str, query: Mapping[str, list[str]]) -> tuple[int, Any]:
        parts = path.split("/")
        if path == "received":
            return 200, self.received
        if path == "fhir/metadata":
            return 200, _CAPABILITY
        if parts[0] == "fhir" and len(parts) == 2:
            return 200, self.memory.search(parts[1], query)
        found = self.memory.read("/".join(parts[1:])) if parts[0] == "fhir" else None
        return (200, found) if found else (404, _outcome("not-found"))

    async def _transaction(self, writer: asyncio.StreamWriter, body: bytes) -> bool:
        mode = self._mode(len(self.received) + 1)
        status, answer = self._store(body, mode)
        if mode == "silent":
            await asyncio.sleep(3600)
        if mode == "close":
            return False
        raw = _response(status, answer, headers=self._headers(mode))
        if mode in {"slow", "drip"}:
            await _slowly(writer, raw, self.options.delay, drip=mode == "drip")
            return True
        if mode == "truncated":
            writer.write(raw[: -len(raw) // 4])
            return False
        writer.write(raw)
        await writer.drain()
        return True

    def _store(self, body: bytes, mode: str) -> tuple[int, Any]:
        bundle = _parsed(body)
        status, answer = _MISBEHAVIOUR.get(mode, (0, None))
        if not status:
            try:
                status, answer = 200, self.memory.transaction(bundle)
            except Refused as error:
                status, answer = 422, _outcome(error.code)
        self._note(body, bundle, mode, status)
        return status, answer

    def _note(self, body: bytes, bundle: Any, mode: str, status: int) -> None:
        entries = bundle.get("entry", []) if isinstance(bundle, dict) else []
        identifier = bundle.get("identifier", {}) if isinstance(bundle, dict) else {}
        kinds = [entry.get("resource", {}).get("resourceType", "") for entry in entries]
        line = {
            "number": len(self.received) + 1,
            "bundle": identifier.get("value", ""),
            "resources": kinds,
            "sha256": hashlib.sha256(body).hexdigest(),
            "size": len(body),
            "mode": mode,
            "status": status,
        }
        self.received.append(line)
        self.journal.write(**line)

    def _mode(self, number: int) -> str:
        options = self.options
        if options.first and number > options.first:
            return "accept"
        if options.every and number % options.every:
            return "accept"
        return str(options.mode)

    def _headers(self, mode: str) -> dict[str, str]:
        wait = self.options.retry_after
        if mode in {"503", "429"} and (wait or mode == "429"):
            return {"Retry-After": str(wait or 1)}
        if mode == "302":
            return {"Location": "http://127.0.0.1:9/fhir"}
        return {"Content-Type": "text/html"} if mode == "html" else {}


def _outcome(code: str) -> dict[str, Any]:
    issue = {"severity": "error", "code": code}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


_MISBEHAVIOUR: dict[str, tuple[int, Any]] = {
    "500": (500, _outcome("exception")),
    "503": (503, _outcome("transient")),
    "429": (429, _outcome("throttled")),
    "401": (401, _outcome("login")),
    "422": (422, _outcome("business-rule")),
    "302": (302, ""),
    "html": (200, "<html><body>Bitte melden Sie sich an.</body></html>"),
    "outcome": (200, _outcome("processing")),
}
_CAPABILITY = {
    "resourceType": "CapabilityStatement",
    "status": "active",
    "kind": "instance",
    "date": "2026-01-01",
    "fhirVersion": "4.0.1",
    "format": ["json"],
    "rest": [{"mode": "server", "interaction": [{"code": "transaction"}]}],
}


def _head(text: str) -> tuple[str, str, dict[str, str]]:
    first, *lines = text.split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines if line)
    return method, target, {name.lower(): value.strip() for name, _, value in pairs}


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        size = int(headers.get("content-length", "0"))
        return await reader.readexactly(min(size, _LARGEST))
    parts = []
    while size := int((await reader.readline()).split(b";")[0], 16):
        parts.append(await reader.readexactly(min(size, _LARGEST)))
        await reader.readline()
    await reader.readline()
    return b"".join(parts)


def _response(status: int, answer: Any, *, headers: Mapping[str, str] | None = None) -> bytes:
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    body = text.encode()
    fields = {"Content-Type": _FHIR, "Content-Length": str(len(body)), **(headers or {})}
    lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _slowly(writer: asyncio.StreamWriter, raw: bytes, delay: float, *, drip: bool) -> None:
    size = 1 if drip else len(raw)
    for start in range(0, len(raw), size):
        await asyncio.sleep(delay)
        writer.write(raw[start : start + size])
        await writer.drain()


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


async def run(options: argparse.Namespace) -> int:
    """Listen until told to stop."""
    stop = process.Stop(options)
    practice = Practice(options)
    server = await asyncio.start_server(practice.serve, options.host, options.port)
    process.say(partner="practice", port=server.sockets[0].getsockname()[1])
    await stop.wait()
    server.close()
    practice.journal.close()
    process.say(received=len(practice.received), stored=len(practice.memory))
    return 0


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = process.listen_arguments(__doc__)
    add = parser.add_argument
    modes = "; ".join(f"{name}: {what}" for name, what in MODES.items())
    add("--mode", choices=MODES, default="accept", help=modes)
    add("--first", type=int, default=0, help="misbehave for the first N transactions only")
    add("--every", type=int, default=0, help="misbehave for every N-th transaction only")
    add("--delay", type=float, default=1.0, help="seconds of slow and drip")
    add("--retry-after", type=int, default=0, help="seconds for 503 and 429")
    return parser.parse_args()


if __name__ == "__main__":
    process.main(run(options()))
