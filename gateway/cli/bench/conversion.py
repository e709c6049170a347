"""Conversion on one core: tokenise, map, account for loss, validate the structure, serialise."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

#: Messages before the clock starts, and while it runs; rounds; what is measured in turn.
WARM_UP, MEASURED, ROUNDS, PARTS = 300, 500, 12, 3


def records() -> Path:
    """Return the folder of the demo records, without importing what lies beside them."""
    spec = find_spec("conformance")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the demo records are not installed")
    return Path(spec.submodule_search_locations[0]) / "demo" / "records"


def varied(sample: bytes, count: int) -> list[bytes]:
    """Make messages of other patients, cases, movements and times out of one.

    Raises ValueError when the sample holds no longer what is to be varied.
    """
    missing = [old.decode() for old in _variation(0) if old not in sample]
    if missing:
        raise ValueError(f"the sample message lacks {', '.join(missing)}")
    made = []
    for number in range(count):
        message = sample
        for old, new in _variation(number).items():
            message = message.replace(old, new)
        made.append(message)
    return made


def _variation(number: int) -> dict[bytes, bytes]:
    moment = b"%02d%02d%02d" % (number // 3600 % 24, number // 60 % 60, number % 60)
    return {
        b"8800417": b"%07d" % (1_000_000 + number),
        b"20250091177": b"%011d" % (20_250_000_000 + number),
        b"M-55101": b"M-%07d" % number,
        b"KAR-000101": b"B%09d" % number,
        b"20250311143000": b"20250311" + moment,
        b"20250311142000": b"20250311" + moment,
        "Öhlschläger".encode(): f"Öhlschläger{number}".encode(),
    }


def measure() -> dict[str, Any]:
    """Return messages per second of the whole way and of its parts, best of several runs."""
    import mappers
    from gateway.pipeline.worker import keep_collector_away
    from mappers.base import Context, Memory
    from mappers.dialect import Dialect
    from mappers.hl7v2.tokenizer import tokenize
    from profiles.reading import write_json
    from profiles.validate import structure

    context = Context(b"bench" * 7, Dialect(), "urn:bench")
    sample = (records() / "01_admission_a01.hl7").read_bytes()
    messages = varied(sample, WARM_UP + PARTS * ROUNDS * MEASURED)

    def floor(message: bytes) -> None:
        parsed = tokenize(message)
        parsed.split_all()
        "\r".join("|".join(segment.raw) for segment in parsed.segments).encode()

    def mapped(message: bytes) -> None:
        mappers.translate(message, "hl7v2", context)

    checked = Memory()

    def whole(message: bytes) -> None:
        for change in mappers.translate(message, "hl7v2", context).changes:
            body = write_json(change.resource)
            # As the workers do: what returns with the same bytes (a ward) is checked once.
            if body not in checked.kept:
                structure(change.resource)
                checked.offer(body, body)

    first = mappers.translate(messages[0], "hl7v2", context)
    keep_collector_away()
    best = _rates((floor, mapped, whole), messages)
    return {
        "message": first.message_type,
        "source_fields": first.loss.fields,
        "resources": len(first.changes),
        "tokenise_and_reserialise_per_second": best[0],
        "map_and_account_per_second": best[1],
        "whole_per_second": best[2],
    }


def _rates(works: Sequence[Callable[[bytes], None]], messages: Sequence[bytes]) -> list[int]:
    """Measure in turn, so that a machine that is slow for a while is slow for all of them."""
    for work in works:
        for message in messages[:WARM_UP]:
            work(message)
    best = [0.0] * len(works)
    # No message comes twice: what is remembered of one must not help with it.
    fresh = iter(messages[WARM_UP:])
    for _ in range(ROUNDS):
        for at, work in enumerate(works):
            batch = list(islice(fresh, MEASURED))
            began = time.perf_counter()
            for message in batch:
                work(message)
            best[at] = max(best[at], MEASURED / (time.perf_counter() - began))
    return [round(one) for one in best]
