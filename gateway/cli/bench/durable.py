"""Durable intake and delivery: a real gateway process, real sockets, real commits.

Half of the messages are laboratory reports, which a route delivers to an MLLP sink; every message
is acknowledged after its commit only. Load generator and sink share the machine.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

import orjson

from gateway.cli.bench.conversion import records
from gateway.cli.output import note
from gateway.cli.ports import free_ports
from profiles.issue import NotConformant, Unavailable

#: Admission and laboratory report in turn: every second message is delivered.
SAMPLES = ("01_admission_a01.hl7", "02_laboratory_r01.hl7")
#: Seconds to wait for the process and for the last delivery.
START, DRAIN = 60.0, 120.0
#: Lone messages measured on an idle gateway, and how many a second.
IDLE_MESSAGES, IDLE_RATE = 100, 20

_REGION = Template(
    """
[gateway]
name = "Bench"
[http]
listen = "127.0.0.1:$http"
[store]
url = "$store"
[consent]
implicit = "permit-treatment"
[log]
level = "ERROR"
[[organization]]
id = "klinikum"
name = "Klinikum"
kind = "hospital"
[[organization]]
id = "reha"
name = "Rehaklinik"
kind = "hospital"
[[endpoint]]
id = "klinikum-adt"
organization = "klinikum"
connection_type = "hl7v2-mllp"
direction = "in"
listen = "127.0.0.1:$mllp"
[[endpoint]]
id = "reha-adt"
organization = "reha"
connection_type = "hl7v2-mllp"
direction = "out"
address = "127.0.0.1:$sink"
idempotent = true
parallel = 32
[[route]]
id = "laborbefunde"
from = ["klinikum-adt"]
criteria = "DiagnosticReport?status=final"
to = ["reha-adt"]
legal_basis = "§ 73 (1b) SGB V"
controller = "klinikum"
data_categories = ["laboratory report"]
"""
)


@dataclass(frozen=True, slots=True)
class Load:
    """What to measure."""

    messages: int
    connections: int
    stored: int
    store: str
    durable: bool
    idle: bool


def run(load: Load) -> dict[str, Any]:
    """Start everything, measure, stop everything; a given database must be empty.

    Raises NotConformant for a URL with a password, Unavailable when the gateway cannot be set up.
    """
    if urlsplit(load.store).password is not None:
        raise NotConformant("No password in --store: give it in the environment as PGPASSWORD.")
    found: dict[str, Any] = {}
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        sink = closing.enter_context(_partner("mllp_sink"))
        http, mllp = free_ports(2)
        ports = {"http": http, "mllp": mllp, "sink": sink}
        _configure(folder, load.store, ports)
        closing.enter_context(_serving(folder, ports["mllp"]))
        first = 0
        if load.stored:
            note(f"storing {load.stored} messages first")
            _send(ports["mllp"], load, count=load.stored, first=first)
            first += load.stored
        if load.idle:
            _drained(ports["http"])
            found["idle"] = _idle(ports["mllp"], load, first)
            first += IDLE_MESSAGES
        if load.durable:
            found["durable"] = _durable(ports, load, first)
    return found


def _durable(ports: dict[str, int], load: Load, first: int) -> dict[str, Any]:
    began = time.monotonic()
    sent = _send(ports["mllp"], load, count=load.messages, first=first)
    accepted_after = time.monotonic() - began
    _drained(ports["http"])
    delivered_after = time.monotonic() - began
    return {
        "messages": sent["sent"],
        "accepted": sent["accepted"],
        "connections": load.connections,
        "stored_before": first,
        "accepted_per_second": sent["accepted_per_second"],
        "delivered_per_second": round(load.messages / 2 / delivered_after, 1),
        "delivery_lag_seconds": round(delivered_after - accepted_after, 2),
        "milliseconds": sent["ms"],
    }


def _idle(port: int, load: Load, first: int) -> dict[str, Any]:
    sent = _send(
        port, load, count=IDLE_MESSAGES, first=first, connections=1, more=("--rate", str(IDLE_RATE))
    )
    return {"messages": sent["sent"], "milliseconds": sent["ms"]}


def _send(
    port: int,
    load: Load,
    *,
    count: int,
    first: int,
    connections: int = 0,
    more: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Send varied messages; every pair is another patient."""
    files = [str(records() / name) for name in SAMPLES]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "conformance.partners.hospital", "--vary", "--summary"),
            *("--to", f"127.0.0.1:{port}", "--count", str(count), "--first", str(first)),
            *("--first-patient", str(first), "--connections"),
            str(connections or load.connections),
            *more,
            *files,
        ],
        capture_output=True,
        check=False,
        text=True,
    )
    summary: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    return summary


def _configure(folder: Path, store: str, ports: dict[str, int]) -> None:
    _gateway("init", str(folder / "region"))
    region = folder / "region"
    for name in ("dialects", "practitioners", "samples", "consents"):
        shutil.rmtree(region / name, ignore_errors=True)
    (region / "gateway.toml").write_text(_REGION.substitute(store=store, **ports))
    _gateway("db", "upgrade", "--config", str(region))
    _gateway("apply", str(region), "--yes")


def _gateway(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *arguments], check=False, capture_output=True, text=True
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Unavailable(f"gateway {arguments[0]} failed: {said[-1] if said else 'silently'}")


@contextmanager
def _serving(folder: Path, port: int) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve", "--config", str(folder / "region")]
    )
    try:
        _listening(port, process)
        yield
    finally:
        process.terminate()
        process.wait()


def _listening(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise ChildProcessError("the gateway did not start")


@contextmanager
def _partner(name: str) -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-m", f"conformance.partners.{name}", "--until-eof"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            yield int(orjson.loads(process.stdout.readline())["port"])
        finally:
            process.terminate()
            process.stdout.read()


def _drained(port: int) -> None:
    """Wait until nothing is undone."""
    import http.client

    until = time.monotonic() + DRAIN
    while time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/health/ready")
        counts = orjson.loads(connection.getresponse().read()).get("counts", ())
        connection.close()
        undone = (c["value"] for c in counts if c["name"] in {"deliveries", "resources_unindexed"})
        if not any(undone):
            return
        time.sleep(0.1)
