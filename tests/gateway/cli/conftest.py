"""Running the command line as a script would."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.app import run

#: An admission of an invented patient; the control id stands for %s.
ADMISSION = (
    "MSH|^~\\&|KIS|KLINIKUM|GATEWAY|REGION|20260301101500||ADT^A01^ADT_A01|%s|P|2.5|||||DEU|"
    "UNICODE UTF-8\r"
    "EVN|A01|20260301101500\r"
    "PID|1||4711^^^KIS^PI||Müller^Anna^^^^^L||19610412|F\r"
    "PV1|1|I|CH1^204^2^KLINIKUM||||||||||||||||88001^^^KIS^VN\r"
)


@dataclass
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """Standard output as NDJSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def json(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)


Command = Callable[..., Result]


@pytest.fixture
def gateway(capfdbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Run `gateway …` in this process."""

    def command(*arguments: object) -> Result:
        capfdbinary.readouterr()
        code = run([str(one) for one in arguments])
        captured = capfdbinary.readouterr()
        return Result(code, captured.out.decode(), captured.err.decode())

    return command


@pytest.fixture
def admission(tmp_path: Path) -> Callable[..., Path]:
    """Write an HL7 v2 file with admissions, one a control id."""

    def write(*control_ids: str, name: str = "a01.hl7") -> Path:
        path = tmp_path / name
        path.write_bytes("".join(ADMISSION % one for one in control_ids or ("1",)).encode())
        return path

    return write


@pytest.fixture
def folder(gateway: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `gateway init` makes, registered; commands find it by $GATEWAY_CONFIG."""
    made = tmp_path / "region"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("GATEWAY_CONFIG", str(made))
    gateway("init", made)
    text = (made / "gateway.toml").read_text(encoding="utf-8")
    route = "".join(
        f'[[route]]\nid = "{name}"\nfrom = ["{source}"]\nto = ["{target}"]\n'
        f'criteria = "Encounter?status=in-progress"\nlegal_basis = "§ 39 SGB V"\n'
        f'controller = "klinikum"\ndata_categories = ["admission"]\n'
        for name, source, target in (
            ("admissions", "klinikum-adt", "praxis-weber"),
            ("to-practices", "klinikum-http", "Patient.generalPractitioner"),
        )
    )
    (made / "gateway.toml").write_text(f"{text}\n{route}", encoding="utf-8")
    assert gateway("apply", made, "--yes").code == 0
    return made


@pytest.fixture
def receive(folder: Path) -> Callable[..., int]:
    """Record a message as the pipeline does; return its number."""
    from gateway.domain.time import now
    from gateway.operations.local import open_desk
    from gateway.pipeline.arrive import arrive
    from gateway.pipeline.batch import record_batch
    from gateway.pipeline.message import Item
    from gateway.pipeline.refusal import failed
    from gateway.pipeline.translate import prepare, translate
    from gateway.pipeline.translated import Job, WorkerConfig
    from gateway.settings import load_settings
    from gateway.store.keys import load

    settings = load_settings(folder)
    keys = load(folder / "keys")

    def take(data: bytes, *, endpoint: str = "klinikum-adt", fault: bool = False) -> int:
        with open_desk(settings) as desk:
            region = desk.site().region
            config = WorkerConfig(
                region=region,
                region_key=keys.region,
                coder=keys.coder,
                namespace=settings.namespace,
            )
            arrival = arrive(
                region.endpoints[endpoint], data, format="hl7v2", digest=keys.digest,
                received_at=now(),
            ).arrival  # fmt: skip
            job = Job(0, endpoint, "hl7v2", arrival.control_id, arrival.digest, now(), data)
            done = failed(job, "mapping-failed") if fault else translate(job, prepare(config))
            (recorded,) = desk.write(
                lambda tx: record_batch(tx, [Item(arrival, done)], desk.site())
            )
            return recorded.message

    return take


@pytest.fixture
def message() -> Callable[..., bytes]:
    """Make an admission by its control id and patient number."""

    def make(control_id: str = "1", patient: str = "4711", name: str = "Müller") -> bytes:
        text = (ADMISSION % control_id).replace("4711^", f"{patient}^").replace("Müller", name)
        practitioner = "PD1||||100002^Neu^Eva^^^Dr.^^^KLINIKUM\rPV1|"
        return text.replace("88001", f"8{patient}").replace("PV1|", practitioner, 1).encode()

    return make
