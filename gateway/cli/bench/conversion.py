"""Conversion on one core: tokenise, map, account for loss, validate the structure, serialise."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mappers.base import Mapped

#: Messages before the clock starts, and while it runs; rounds; what is measured in turn.
WARM_UP, MEASURED, ROUNDS, PARTS = 300, 500, 12, 3
#: Results in a report; how many reports are measured, and how often.
RESULTS, REPORTS = 100, 8
#: Results in reports that show whether the cost grows with their number alone.
FEW_RESULTS, MANY_RESULTS = 1_000, 10_000


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


def laboratory(sample: bytes, results: int, count: int) -> list[bytes]:
    """Make laboratory reports with so many results each out of one, no value twice in a report."""
    lines = sample.split(b"\r")
    head = b"\r".join(one for one in lines if one[:3] not in {b"OBX", b"NTE", b""})
    kinds = [one.split(b"|") for one in lines if one.startswith(b"OBX|")]
    made = []
    for number in range(count):
        body = []
        for position in range(results):
            fields = [*kinds[position % len(kinds)]]
            fields[1] = b"%d" % (position + 1)
            fields[4] = b"%d" % (position + 1)
            fields[5] = b"%d.%02d" % (position + 1, (number + position) % 100)
            body.append(b"|".join(fields))
        own = head.replace(b"KAR-000102", b"L%09d" % number)
        own = own.replace(b"LB-440912", b"LB-%d-%06d" % (results, number))
        made.append(b"\r".join([own, *body, b""]))
    return made


def measure() -> dict[str, Any]:
    """Return messages per second of the whole way and of its parts, best of several runs."""
    from gateway.cli.bench.stages import stages
    from gateway.pipeline.worker import keep_collector_away

    sample = (records() / "01_admission_a01.hl7").read_bytes()
    count = PARTS * ROUNDS * MEASURED
    messages = varied(sample, WARM_UP + count + MEASURED)
    sender = Sender()
    first = sender.translated(messages[0])
    keep_collector_away()
    parts = (_floor, sender.mapped, sender.whole)
    best = rates(parts, messages[: WARM_UP + count], ROUNDS)
    return {
        "message": first.message_type,
        "source_fields": first.loss.fields,
        "resources": len(first.changes),
        "tokenise_and_reserialise_per_second": round(best[0]),
        "map_and_account_per_second": round(best[1]),
        "whole_per_second": round(best[2]),
        "whole_in_percent_of_the_floor": round(100 * best[2] / best[0], 1),
        "microseconds": stages(sender.whole, messages[-MEASURED:]),
        **_reports(sender),
    }


def _reports(sender: Sender) -> dict[str, Any]:
    """Measure laboratory reports: with 100 results, and whether ten times as many cost ten."""
    from gateway.cli.bench.stages import stages

    sample = (records() / "02_laboratory_r01.hl7").read_bytes()
    reports = laboratory(sample, RESULTS, 3 * REPORTS * REPORTS)
    rounds, warm_up = REPORTS, REPORTS
    floor, whole = rates((_floor, sender.whole), reports, rounds, REPORTS, warm_up=warm_up)
    few = rates((sender.whole,), laboratory(sample, FEW_RESULTS, 4), 2, 1, warm_up=2)
    many = rates((sender.whole,), laboratory(sample, MANY_RESULTS, 1), 1, 1, warm_up=0)
    return {
        "report_of_100_results_floor_per_second": round(floor, 1),
        "report_of_100_results_per_second": round(whole, 1),
        "report_of_100_results_microseconds": stages(sender.whole, reports[-REPORTS:]),
        "microseconds_a_result_of_1000": round(1e6 / few[0] / FEW_RESULTS, 1),
        "microseconds_a_result_of_10000": round(1e6 / many[0] / MANY_RESULTS, 1),
    }


class Sender:
    """One sender's messages, converted as a worker does: what returns (a ward) is remembered."""

    def __init__(self, format_: str = "hl7v2") -> None:
        """Begin without memory."""
        from mappers.base import Context, Memory
        from mappers.dialect import Dialect

        self.format = format_
        self.context = Context(b"bench" * 7, Dialect(), "urn:bench")
        #: Resources checked before, by their bytes.
        self.checked = Memory()

    def translated(self, message: bytes) -> Mapped:
        """Translate a message."""
        import mappers

        return mappers.translate(message, self.format, self.context)

    def mapped(self, message: bytes) -> None:
        """Map a message and account for its loss."""
        self.translated(message)

    def whole(self, message: bytes) -> None:
        """Map, account, serialise, and check the structure of what is new."""
        from profiles.validate import structure_of

        checked = self.checked
        for change in self.translated(message).changes:
            if change.body not in checked.kept:
                structure_of(change.body)
                checked.offer(change.body, change.body)


def _floor(message: bytes) -> None:
    from mappers.hl7v2.tokenizer import tokenize

    parsed = tokenize(message)
    parsed.split_all()
    "\r".join("|".join(segment.raw) for segment in parsed.segments).encode()


def rates(
    works: Sequence[Callable[[bytes], None]],
    messages: Sequence[bytes],
    rounds: int,
    measured: int = MEASURED,
    *,
    warm_up: int = WARM_UP,
) -> list[float]:
    """Measure in turn, so that a machine that is slow for a while is slow for all of them.

    By processor time: others may be at work on the machine.
    """
    for work in works:
        for message in messages[:warm_up]:
            work(message)
    best = [0.0] * len(works)
    # No message comes twice: what is remembered of one must not help with it.
    fresh = iter(messages[warm_up:])
    for _ in range(rounds):
        for at, work in enumerate(works):
            batch = list(islice(fresh, measured))
            began = time.process_time()
            for message in batch:
                work(message)
            best[at] = max(best[at], len(batch) / (time.process_time() - began))
    return best
