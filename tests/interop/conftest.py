"""A running gateway whose partners are software we did not write, each a process of its own.

Senders: python-hl7's `mllp_send`. Receivers: python-hl7's MLLP server, Medplum's FHIR server
library. Readers: fhirpy and fhirclient.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import socket
import string
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import hl7
import httpx
import pytest

from tests.ports import free_port

HERE = Path(__file__).parent
RECORDS = HERE.parents[1] / "conformance" / "demo" / "records"
ORGANIZATIONS = ("klinikum", "praxis-weber", "praxis-lenz", "sozialberatung")
#: Seconds anything asynchronous may take on a busy machine.
PATIENCE = 90.0
#: A stay as the hospital sends it: admission, laboratory, discharge, letter.
STAY = ("01_admission_a01", "02_laboratory_r01", "03_discharge_a03", "04_discharge_letter_t02")
#: Another patient with a stay of her own, in the words of the records.
ANOTHER = {
    "8800417": "8800999",
    "H512605190": "K220635158",
    "Öhlschläger": "Müßiggang",
    "Hildegard": "Adelheid",
    "19510502": "19480730",
    "1951-05-02": "1948-07-30",
    "0091177": "0099999",
    "KAR-": "ORI-",
    "-30881": "-39999",
    "-7731": "-7732",
    "-440912": "-440913",
    "M-55": "M-77",
    "4711": "4712",
    "einwilligung-": "einwilligung-b-",
    "-0093": "-0094",
}


@dataclass(frozen=True)
class Gateway:
    """One serving process and how to reach it."""

    folder: Path
    http: int
    mllp: int
    client: httpx.Client

    @property
    def fhir(self):
        return f"http://127.0.0.1:{self.http}/fhir"

    @property
    def log(self):
        return (self.folder / "serve.log").read_text("utf-8")

    def token(self, organization):
        return f"geheim-{organization}"

    def bearer(self, organization):
        return {"Authorization": f"Bearer {self.token(organization)}"}

    def command(self, *arguments):
        """Run `gateway …` on this gateway's configuration; return its JSON output."""
        run = subprocess.run(
            [sys.executable, "-m", "gateway", *arguments, "--config", self.folder, "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        return json.loads(run.stdout)

    def deliveries(self, endpoint):
        return self.command("delivery", "list", "--endpoint", endpoint)

    def mllp_send(self, *messages):
        """Send messages with python-hl7's command; return its ACKs, parsed by python-hl7."""
        file = self.folder / "mllp_send.hl7"
        file.write_bytes(b"".join(b"\x0b" + message + b"\x1c\r" for message in messages))
        run = subprocess.run(
            [
                Path(sys.executable).with_name("mllp_send"),
                *("--port", str(self.mllp), "--file", file, "127.0.0.1"),
            ],
            capture_output=True,
            check=True,
            timeout=PATIENCE,
        )
        frames = [part for part in run.stdout.split(b"\x0b") if part]
        return [hl7.parse(frame.split(b"\x1c")[0].decode("utf-8")) for frame in frames]

    def text(self, path):
        """GET an address outside the FHIR base."""
        return self.client.get(f"http://127.0.0.1:{self.http}{path}").text

    def post(self, endpoint, body, organization, **headers):
        """POST a FHIR body to an inbound endpoint as an organization."""
        return self.client.post(
            f"http://127.0.0.1:{self.http}/inbound/{endpoint}",
            content=body,
            headers={
                "Content-Type": "application/fhir+json",
                **self.bearer(organization),
                **headers,
            },
        )

    def get(self, path, organization, **headers):
        """GET below the FHIR base as an organization."""
        return self.client.get(
            f"{self.fhir}/{path}",
            headers={**self.bearer(organization), **headers},
        )


def ask_until(question):
    """Ask until the answer is truthy; return it, or the last answer when patience ends."""
    end = time.monotonic() + PATIENCE
    while not (answer := question()) and time.monotonic() < end:
        time.sleep(0.1)
    return answer


@pytest.fixture(scope="session")
def eventually():
    """Ask a question until its answer is truthy."""
    return ask_until


@pytest.fixture(scope="session")
def records():
    """The folder of the demo region's records."""
    return RECORDS


@pytest.fixture(scope="session")
def partner(tmp_path_factory):
    """Start partner processes that say their port and end with their standard input."""
    running = []

    def start(*command, cwd=None):
        errors = (tmp_path_factory.mktemp("partner") / "stderr").open("w")
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=cwd
        )
        running.append((process, errors))
        return json.loads(process.stdout.readline())["port"]

    yield start
    for process, errors in running:
        process.stdin.close()
        process.wait(PATIENCE)
        process.stdout.close()
        errors.close()


@pytest.fixture(scope="session")
def medplum(pytestconfig):
    """The folder with Medplum's packages: installed once, kept among what pytest keeps."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    lock = (HERE / "medplum" / "package-lock.json").read_bytes()
    name = f"medplum-{hashlib.sha256(lock).hexdigest()[:12]}"
    folder = pytestconfig.rootpath / ".pytest_cache" / "d" / name
    folder.mkdir(parents=True, exist_ok=True)
    # Test processes beside each other would install into each other's hands.
    with (folder / "lock").open("w") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        for file in ("package.json", "package-lock.json", "server.mjs"):
            shutil.copy(HERE / "medplum" / file, folder)
        if not (folder / "installed").exists():
            npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(npm, cwd=folder, check=True, capture_output=True, timeout=300)
            (folder / "installed").touch()
    return folder


@pytest.fixture(scope="session")
def practices(medplum, partner):
    """The port at which the FHIR servers of all practices answer, see medplum/server.mjs."""
    return partner("node", "server.mjs", cwd=medplum)


@pytest.fixture(scope="session")
def clinic(partner, tmp_path_factory):
    """An HL7 v2 receiver: its port and the file it writes messages to."""
    journal = tmp_path_factory.mktemp("clinic") / "received.jsonl"
    journal.touch()
    return partner(sys.executable, HERE / "hl7_receiver.py", journal), journal


@pytest.fixture(scope="session")
def start_gateway(tmp_path_factory):
    """Set a region up in a fresh folder and serve it; give the gateway once it answers."""
    running = []

    def start(**ports):
        folder = tmp_path_factory.mktemp("region")
        client = httpx.Client(timeout=PATIENCE, trust_env=False)
        gateway = Gateway(folder, free_port(), free_port(), client)
        _configure(gateway, ports)
        log = (folder / "serve.log").open("w")
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve", "--config", folder],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        running.append((process, log, client))
        assert ask_until(lambda: _listens(gateway.http) and _listens(gateway.mllp)), gateway.log
        return gateway

    yield start
    for process, log, client in running:
        client.close()
        process.terminate()
        code = process.wait(PATIENCE)
        log.close()
        assert code == 0


@dataclass(frozen=True)
class Told:
    """A gateway and the acknowledgements of the two stays it was told about."""

    gateway: Gateway
    #: In the order of STAY; the first patient's in enhanced mode, the other's in original mode.
    enhanced: list
    original: list


@pytest.fixture(scope="session")
def tell():
    """Tell a gateway of two patients' stays and of their consents."""

    def telling(gateway):
        enhanced, original = [], []
        for name in STAY:
            message = (RECORDS / f"{name}.hl7").read_bytes()
            enhanced += gateway.mllp_send(message)
            original += gateway.mllp_send(_another(message).replace(b"|||AL|NE|DEU|", b"|||||DEU|"))
        consent = (RECORDS / "consent_given.json").read_bytes()
        for body in (consent, _another(consent)):
            assert gateway.post("praxis-weber-senden", body, "praxis-weber").status_code == 200
        return Told(gateway, enhanced, original)

    return telling


@pytest.fixture(scope="session")
def told(start_gateway, tell):
    """A gateway that knows two stays and whose partners do not answer."""
    return tell(start_gateway(receiver=free_port(), practices=free_port()))


@pytest.fixture(scope="session")
def delivering(start_gateway, tell, clinic, practices):
    """A gateway that knows two stays and delivers them to other people's software."""
    return tell(start_gateway(receiver=clinic[0], practices=practices))


def _another(data):
    for old, new in ANOTHER.items():
        data = data.replace(old.encode(), new.encode())
    return data


def _configure(gateway, ports):
    _gateway("init", gateway.folder)
    for name in ("dialects", "practitioners", "samples"):
        shutil.rmtree(gateway.folder / name, ignore_errors=True)
    shutil.copytree(HERE / "region" / "dialects", gateway.folder / "dialects")
    tokens = {
        one.replace("-", "_"): hashlib.sha256(gateway.token(one).encode()).hexdigest()
        for one in ORGANIZATIONS
    }
    text = string.Template((HERE / "region" / "gateway.toml").read_text("utf-8"))
    filled = text.substitute(tokens, http=gateway.http, mllp=gateway.mllp, **ports)
    (gateway.folder / "gateway.toml").write_text(filled, "utf-8")
    _gateway("db", "upgrade", "--config", gateway.folder)
    _gateway("apply", gateway.folder, "--yes")


def _gateway(*arguments):
    command = [sys.executable, "-m", "gateway", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert run.returncode == 0, run.stdout + run.stderr


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
