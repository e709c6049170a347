"""Messages other projects publish: accepted, structurally valid, accounted to the last leaf."""

import importlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mappers
from mappers.base import Mapped
from mappers.hl7v2.batch import split
from mappers.hl7v2.header import read_header
from mappers.hl7v2.messages import FAMILIES
from profiles.issue import NotUnderstood
from profiles.reading import write_json
from profiles.validate import structure

ROOT = Path(os.environ.get("GATEWAY_SAMPLES", Path(__file__).parents[4] / "shared" / "samples"))
#: Larger files are streams of one kind of message; the beginning says enough.
MOST_BYTES = 400_000
#: Our own faulty samples and the place they are refused for.
FAULTY = {("german", "PID-7")}
NO_TEXT = {".json", ".csv", ".tsv", ".md", ".xml"}

pytestmark = pytest.mark.samples


def folders() -> list[Path]:
    return [*sorted(ROOT.glob("hl7v2-*")), ROOT / "german" / "hl7v2"]


def supported(folder: Path) -> Iterator[bytes]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix not in NO_TEXT):
        data = path.read_bytes()[:MOST_BYTES]
        if b"MSH" not in data:
            continue
        for piece in split(data):
            try:
                header = read_header(piece)
            except NotUnderstood:
                continue
            if header.message_code in FAMILIES:
                yield piece


def model(resource: dict[str, Any]) -> None:
    kind = resource["resourceType"]
    module = importlib.import_module(f"fhir.resources.R4B.{kind.lower()}")
    getattr(module, kind).model_validate(json.loads(write_json(resource)))


def lacks(data: bytes, segment: str) -> bool:
    """Refused rightly: the message does not hold the segment it is about."""
    lines = data.replace(b"\n", b"\r").split(b"\r")
    return segment.encode() not in {line.partition(b"|")[0] for line in lines}


def check(mapped: Mapped) -> None:
    loss = mapped.loss
    assert loss.fields == loss.mapped + loss.ignored + len(loss.unmapped)
    for entry in mapped.bundle["entry"]:
        errors = [i for i in structure(entry["resource"]) if i.severity in {"error", "fatal"}]
        assert errors == []
        model(entry["resource"])


@pytest.mark.skipif(not ROOT.is_dir(), reason="GATEWAY_SAMPLES is not there")
@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_every_message_is_accepted_valid_and_accounted_for(folder: Path) -> None:
    for data in supported(folder):
        (mapped,) = mappers.convert(data, format="hl7v2")
        if mapped.refusal is None:
            check(mapped)
        elif (folder.parent.name, mapped.refusal.location) not in FAULTY:
            assert lacks(data, mapped.refusal.location)
