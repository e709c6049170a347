"""The work behind `gateway convert`: files in, lines and report entries out, in input order.

One task is one message. Tasks are independent, so that several processes can share them.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import mappers
from gateway.cli.output import issue_json, json_bytes
from mappers import Mapped
from mappers.base import Attachment, Encoded, Piece
from mappers.dialect import Dialect
from mappers.parcel import unpack
from profiles.issue import GatewayError, Issue, operation_outcome

#: Messages handed to a process at a time.
_PORTION = 32
#: Bytes read from a file at a time.
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Options:
    """What to make of every message."""

    format: str
    dialect: Dialect | None
    #: "fhir" or a format that can be written.
    to: str
    lineage: bool
    report: bool


@dataclass(frozen=True, slots=True)
class Task:
    """One message of one file."""

    source: str
    #: Position in its file, from 1; 0 when it is the only one.
    number: int
    data: bytes
    format: str
    #: Byte of its file where it begins; -1 where that is not known.
    offset: int = -1
    #: Not empty: no message but an envelope that does not fit.
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """One message as it goes out."""

    line: bytes
    report: bytes
    ok: bool
    #: Files that go beside it.
    attachments: tuple[Attachment, ...] = ()

    @property
    def ended(self) -> bytes:
        """The line with its end; records of lines bring it along."""
        return self.line if self.line.endswith(b"\n") else self.line + b"\n"


def tasks_of(files: Sequence[tuple[str, Path | None]], options: Options) -> Iterator[Task]:
    """Read the files one after another and split them into messages.

    What is held is a message and a chunk where the format can be read so (HL7 v2), else one file.
    Raises OSError for a file that cannot be read.
    """
    for source, path in files:
        yield from _numbered(_pieces(_chunks(path), options.format), source)


def _numbered(found: Iterator[tuple[Piece, str]], source: str) -> Iterator[Task]:
    """Count the messages of a file; the only one has no number, an envelope neither."""
    number = 0
    held = next(found)
    for following in found:
        number += not held[0].issues
        yield _task(source, number, *held)
        held = following
    yield _task(source, number + 1 if number else 0, *held)


def _task(source: str, number: int, piece: Piece, format_: str) -> Task:
    counted = 0 if piece.issues else number
    return Task(source, counted, piece.data, format_, piece.offset, piece.issues)


def _pieces(chunks: Iterator[bytes], format_: str) -> Iterator[tuple[Piece, str]]:
    """Pieces and their format; what no format recognises stays whole."""
    first = next(chunks, b"")
    try:
        name = mappers.recognise(first) if format_ == "auto" else format_
        stream = mappers.format_named(name).stream
    except GatewayError:
        name, stream = format_, None
    every = chain([first], chunks)
    if stream is not None:
        yield from _or_nothing(((piece, name) for piece in stream(every)), name)
        return
    data = b"".join(every)
    messages = ((Piece(message, -1), format_) for message in _messages(data, format_))
    yield from _or_nothing(messages, format_)


def _or_nothing(found: Iterator[tuple[Piece, str]], format_: str) -> Iterator[tuple[Piece, str]]:
    """A file without any message is told as one that cannot be translated."""
    first = next(found, (Piece(b"", 0), format_))
    yield first
    yield from found


def _messages(data: bytes, format_: str) -> list[bytes]:
    """What no format recognises stays whole and becomes an OperationOutcome."""
    try:
        return list(mappers.split(data, format=format_)) or [data]
    except GatewayError:
        return [data]


def _chunks(path: Path | None) -> Iterator[bytes]:
    with ExitStack() as stack:
        file = sys.stdin.buffer if path is None else stack.enter_context(path.open("rb"))
        while chunk := file.read(_CHUNK):
            yield chunk


def run(tasks: Iterator[Task], options: Options, jobs: int) -> Iterator[Done]:
    """Convert tasks in order, with several processes where `jobs` is more than one."""
    if jobs <= 1:
        for task in tasks:
            yield convert_one(task, options)
        return
    waiting: deque[Future[list[Done]]] = deque()
    with ProcessPoolExecutor(jobs) as pool:
        while True:
            while len(waiting) < 2 * jobs and (portion := list(islice(tasks, _PORTION))):
                waiting.append(pool.submit(_convert_all, portion, options))
            if not waiting:
                return
            yield from waiting.popleft().result()


def _convert_all(tasks: Sequence[Task], options: Options) -> list[Done]:
    return [convert_one(task, options) for task in tasks]


def convert_one(task: Task, options: Options) -> Done:
    """Convert one message; whatever goes wrong becomes an OperationOutcome in its place."""
    if task.issues:
        return _failed(task, task.issues, options)
    try:
        mapped = _translate(task, options)
        written, ok = _written(mapped, options), mapped.refusal is None
    except GatewayError as error:
        return _failed(task, error.issues, options)
    except Exception as error:  # noqa: BLE001 - one message must not end the others
        text = f"The mapping failed ({type(error).__name__}); this is a fault of the gateway."
        return _failed(task, (Issue("fatal", "exception", text),), options)
    report = json_bytes(_report(task, mapped)) if options.report else b""
    return Done(written.data, report, ok, written.attachments)


def _translate(task: Task, options: Options) -> Mapped:
    return next(
        iter(
            mappers.convert(
                task.data,
                format=task.format,
                dialect=options.dialect,
                lineage=options.lineage,
            )
        )
    )


def _written(mapped: Mapped, options: Options) -> Encoded:
    if options.to == "fhir" or mapped.refusal is not None:
        return Encoded(json_bytes(mapped.bundle))
    return unpack(mappers.write(mapped.bundle, format=options.to, dialect=options.dialect))


def _failed(task: Task, issues: tuple[Issue, ...], options: Options) -> Done:
    report = b""
    if options.report:
        empty = Mapped(format="" if task.format == "auto" else task.format, message_type="")
        report = json_bytes(_report(task, empty, issues))
    broken = any(issue.severity in ("error", "fatal") for issue in issues)
    return Done(json_bytes(operation_outcome(issues)), report, ok=not broken)


def _report(task: Task, mapped: Mapped, issues: tuple[Issue, ...] = ()) -> dict[str, Any]:
    loss = mapped.loss
    refused = mapped.refusal.issues if mapped.refusal is not None else ()
    found = tuple(dict.fromkeys((*mapped.issues, *refused, *issues)))
    entry: dict[str, Any] = {"source": task.source}
    if task.number:
        entry["message"] = task.number
        if task.offset >= 0:
            entry["offset"] = task.offset
    entry |= {
        "format": command_line_name(mapped.format),
        "message_type": mapped.message_type,
        "fields": loss.fields,
        "mapped": loss.mapped,
        "ignored": loss.ignored,
        "unmapped": [{"path": path, "value": value} for path, value in loss.unmapped],
        "issues": [issue_json(issue) for issue in found],
    }
    if mapped.lineage is not None:
        entry["lineage"] = {element: list(paths) for element, paths in mapped.lineage.items()}
    return entry


def command_line_name(format_: str) -> str:
    """Return how the command line names a format: `fhir` for `fhir_r4`."""
    return format_.removesuffix("_r4")
