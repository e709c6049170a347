"""Files of practices on one core: records of devices, reports of laboratories, whole exports."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from gateway.cli.bench.conversion import Sender, rates
from gateway.cli.bench.practice_records import device_records, laboratory_files, practice_export

#: Messages of a round, rounds, messages before the clock starts.
_DEVICE = (100, 20, 200)
_LABORATORY = (30, 20, 60)
#: Patients of an export that is read, of one that is translated as well; how often.
_READ, _TRANSLATED, _TIMES = 2_000, 200, 5
_CHUNK = 1 << 20


def measure() -> dict[str, Any]:
    """Return records and megabytes per second, best of several rounds."""
    from gateway.pipeline.worker import keep_collector_away

    keep_collector_away()
    sender = Sender("xdt")
    device = _per_second(sender, device_records, *_DEVICE)
    laboratory = _per_second(sender, laboratory_files, *_LABORATORY)
    return {
        "gdt_6310_translated_per_second": round(device[0]),
        "gdt_6310_with_structure_checked_per_second": round(device[1]),
        "ldt_3_report_translated_per_second": round(laboratory[0]),
        "ldt_3_report_with_structure_checked_per_second": round(laboratory[1]),
        "bdt_decoded_megabytes_per_second": _megabytes(practice_export(_READ), _decode),
        "bdt_translated_megabytes_per_second": _megabytes(
            practice_export(_TRANSLATED), sender.mapped
        ),
    }


def _per_second(
    sender: Sender, make: Callable[[int], list[bytes]], measured: int, rounds: int, warm_up: int
) -> list[float]:
    messages = make(warm_up + 2 * measured * rounds)
    return rates((sender.mapped, sender.whole), messages, rounds, measured, warm_up=warm_up)


def _decode(message: bytes) -> None:
    from mappers.xdt.message import Message

    Message(message)


def _megabytes(export: bytes, work: Callable[[bytes], None]) -> float:
    """Cut an export into messages, as it is read from a file, and do something with each."""
    from mappers.xdt.batch import pieces

    best = 0.0
    for _ in range(_TIMES):
        began = time.process_time()
        for piece in pieces(export[at : at + _CHUNK] for at in range(0, len(export), _CHUNK)):
            if not piece.issues:
                work(piece.data)
        best = max(best, len(export) / (time.process_time() - began))
    return round(best / 1e6, 2)
