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
