"""A region in a folder of its own: one hospital, any number of destinations."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from gateway.cli.app import run
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[3]
RECORDS = ROOT / "conformance" / "demo" / "records"
#: Bearer token of the practice that posts consents.
TOKEN = "faults-practice-token"


@dataclass(frozen=True, slots=True)
class Destination:
    """One outgoing endpoint, with an organization of its own."""

    id: str
    port: int
    kind: str = "hl7v2-mllp"
    idempotent: bool = False
    timeout: str = "20s"
    retry: str = '{ attempts = 50, first = "200ms", most = "1s" }'
    host: str = "127.0.0.1"
    #: Further lines.
    extra: str = ""

    def toml(self) -> str:
        address = f"{self.host}:{self.port}"
        if self.kind == "hl7-fhir-rest":
            address = f"http://{address}/fhir"
        return f"""
[[organization]]
id = "{self.id}"
name = "Haus {self.id}"
kind = "hospital"

[[endpoint]]
id = "{self.id}"
organization = "{self.id}"
connection_type = "{self.kind}"
direction = "out"
address = "{address}"
idempotent = {str(self.idempotent).lower()}
timeout = "{self.timeout}"
retry = {self.retry}
{self.extra}
"""


@dataclass(slots=True)
class Region:
    """Where a region lies and which ports it uses."""

    folder: Path
    store_url: str = "sqlite:///gateway.db"
    password_env: str = ""
    mllp_port: int = 0
    http_port: int = 0
    destinations: tuple[Destination, ...] = ()
    implicit: str = "permit-treatment"
    criteria: str = "Encounter"
    acknowledge: str = "on_processing"
    #: Further lines of the configuration, such as [mllp] or [pipeline] tables.
    extra: str = ""
    #: Further lines of the [http] table.
    http: str = ""
    #: Further lines of the incoming endpoint.
    incoming: str = ""
    _environment: dict[str, str] = field(default_factory=dict)

    def write(self) -> None:
        """Write the configuration."""
        self.mllp_port = self.mllp_port or free_port()
        self.http_port = self.http_port or free_port()
        text = self._head() + "".join(one.toml() for one in self.destinations) + self._route()
        (self.folder / "gateway.toml").write_text(text, encoding="utf-8")

    def apply(self) -> None:
        """Write and register the configuration, making the store when there is none."""
        self.write()
        _run("db", "upgrade", "--config", str(self.folder))
        _run("apply", str(self.folder), "--yes")

    def command(self, *arguments: str, expect: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a gateway command; `expect` is its exit code, None takes any."""
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *arguments],
            cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert expect is None or done.returncode == expect, (arguments, done.stdout, done.stderr)
        return done

    def ask(self, *arguments: str, expect: int | None = 0) -> object:
        """Run a command with --json and return what it says."""
        config = ("--config", str(self.folder), "--json")
        return json.loads(self.command(*arguments, *config, expect=expect).stdout)

    def _head(self) -> str:
        password = f'password_env = "{self.password_env}"' if self.password_env else ""
        implicit = self.implicit if self.implicit.startswith("[") else f'"{self.implicit}"'
        return f"""
[gateway]
name = "Region unter Last"
base_url = "http://127.0.0.1:{self.http_port}/fhir"

[http]
listen = "127.0.0.1:{self.http_port}"
{self.http}

[store]
url = "{self.store_url}"
{password}

[consent]
implicit = {implicit}

{self.extra}

[[organization]]
id = "klinikum"
name = "Klinikum am Ring"
kind = "hospital"

[[organization]]
id = "praxis"
name = "Hausarztpraxis"
kind = "practice"
token_sha256 = ["{hashlib.sha256(TOKEN.encode()).hexdigest()}"]

[[endpoint]]
id = "klinikum-adt"
organization = "klinikum"
connection_type = "hl7v2-mllp"
direction = "in"
listen = "127.0.0.1:{self.mllp_port}"
dialect = "klinikum"
acknowledge = "{self.acknowledge}"
{self.incoming}

[[endpoint]]
id = "praxis-senden"
organization = "praxis"
connection_type = "http-inbound"
direction = "in"
"""

    def _route(self) -> str:
        if not self.destinations:
            return ""
        return f"""
[[route]]
id = "alles"
from = ["klinikum-adt"]
criteria = "{self.criteria}"
to = {json.dumps([one.id for one in self.destinations])}
purpose = "TREAT"
legal_basis = "§ 630a BGB"
controller = "klinikum"
data_categories = ["movement"]
"""


def _run(*arguments: str) -> None:
    """Run a command in this process, which starts nothing."""
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = run(arguments)
    assert code == 0, (arguments, said.buffer.getvalue().decode())  # type: ignore[attr-defined]


def make_template(folder: Path) -> Path:
    """Initialise a folder once: keys, dialect, and an empty SQLite store to copy."""
    _run("init", str(folder))
    for part in ("organizations", "endpoints", "routes", "practitioners", "dialects"):
        shutil.rmtree(folder / part, ignore_errors=True)
    shutil.copytree(ROOT / "conformance/demo/region/dialects", folder / "dialects")
    Region(folder).write()
    _run("db", "upgrade", "--config", str(folder))
    return folder
