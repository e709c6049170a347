"""Conversion on one core: tokenise, map, account for loss, validate the structure, serialise."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

#: Messages translated before the clock starts, and while it runs.
WARM_UP, MEASURED, REPEATS = 300, 1_500, 3


def records() -> Path:
    """Return the folder of the demo records, without importing what lies beside them."""
    spec = find_spec("conformance")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the demo records are not installed")
    return Path(spec.submodule_search_locations[0]) / "demo" / "records"


def varied(sample: bytes, count: int) -> list[bytes]:
    """Make messages of other patients, cases and times out of one."""
    made = []
    for number in range(count):
        message = sample.replace(b"8800417", b"%07d" % (1_000_000 + number))
        message = message.replace(b"20260091177", b"%011d" % (20_260_000_000 + number))
        message = message.replace(b"KAR-0001", b"B%07d" % number)
        message = message.replace("Öhlschläger".encode(), f"Öhlschläger{number}".encode())
        made.append(message.replace(b"20261111143", b"20261111%03d" % (number % 240)))
    return made


def measure() -> dict[str, Any]:
    """Return messages per second of the whole way and of its parts, best of several runs."""
    import mappers
    from mappers.base import Context
    from mappers.dialect import Dialect
    from mappers.hl7v2.tokenizer import tokenize
    from profiles.reading import write_json
    from profiles.validate import structure_bytes

    context = Context(b"bench" * 7, Dialect(), "urn:bench")
    messages = varied((records() / "01_admission_a01.hl7").read_bytes(), WARM_UP + MEASURED)

    def floor(message: bytes) -> None:
        parsed = tokenize(message)
        parsed.split_all()
        "\r".join("|".join(segment.raw) for segment in parsed.segments).encode()

    def mapped(message: bytes) -> None:
        mappers.translate(message, "hl7v2", context)

    def whole(message: bytes) -> None:
        for change in mappers.translate(message, "hl7v2", context).changes:
            structure_bytes(write_json(change.resource))

    first = mappers.translate(messages[0], "hl7v2", context)
    return {
        "message": first.message_type,
        "source_fields": first.loss.fields,
        "resources": len(first.changes),
        "tokenise_and_reserialise_per_second": _rate(floor, messages),
        "map_and_account_per_second": _rate(mapped, messages),
        "whole_per_second": _rate(whole, messages),
    }


def _rate(work: Callable[[bytes], None], messages: Sequence[bytes]) -> int:
    for message in messages[:WARM_UP]:
        work(message)
    best = 0.0
    for _ in range(REPEATS):
        began = time.perf_counter()
        for message in messages[WARM_UP:]:
            work(message)
        best = max(best, MEASURED / (time.perf_counter() - began))
    return round(best)
