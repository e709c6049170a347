"""`gateway convert FILE...`: foreign formats to FHIR R4 transaction Bundles as NDJSON, and back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from gateway.cli.output import fail, json_bytes, note, progress_wanted

if TYPE_CHECKING:
    from gateway.cli.conversion import Done, Task
    from mappers.dialect import Dialect

#: Progress is shown above this many bytes of input.
_LONG = 1_000_000


Output = Annotated[
    Path | None,
    typer.Option(
        "--output", help="Where to write; default standard output. Files of a record go beside it."
    ),
]


def convert(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Files; - is standard input.")
    ],
    format_: Annotated[
        str, typer.Option("--format", help="auto, or the format of all files.")
    ] = "auto",
    dialect: Annotated[
        str | None,
        typer.Option(
            "--dialect", help="A sender's dialect: a file, a NAME of dialects/, de or standard."
        ),
    ] = None,
    to: Annotated[str, typer.Option("--to", help="Format to write; default fhir.")] = "fhir",
    output: Output = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", help="One JSON object per message: what became of it."),
    ] = None,
    lineage: Annotated[
        bool,
        typer.Option("--lineage", help="Add to the report which field each element comes from."),
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Processes to use.")] = 1,
) -> None:
    """Convert messages to FHIR transaction Bundles, one line each, in input order.

    Exit code 0: all were translated; 1: some were not, an OperationOutcome stands in their place;
    2: usage.
    """
    from gateway.cli.conversion import Options, run, tasks_of

    if lineage and report is None:
        fail("--lineage is written into the report; add --report FILE", code=2)
    options = Options(
        format=_source_format(format_),
        dialect=_dialect(dialect),
        to=_target_format(to),
        lineage=lineage,
        report=report is not None,
    )
    sources = [(name, None if name == "-" else Path(name)) for name in files]
    _check_files(sources)
    tasks = _with_progress(tasks_of(sources, options), sources)
    if not _write(run(tasks, options, jobs), output, report):
        raise typer.Exit(1)


def _source_format(name: str) -> str:
    import mappers
    from gateway.cli.conversion import command_line_name

    names = {"auto": "auto", **{command_line_name(one): one for one in mappers.FORMATS}}
    if name not in names:
        fail(f"--format {name} is not known here; known are {', '.join(names)}", code=2)
    return names[name]


def _target_format(name: str) -> str:
    import mappers

    if name == "fhir":
        return name
    known = ["fhir", *mappers.writable()]
    if name not in known:
        fail(f"--to {name} cannot be written; known are {', '.join(known)}", code=2)
    return name


def _dialect(name: str | None) -> Dialect | None:
    """A file, or the name of one in dialects/ here or beside $GATEWAY_CONFIG."""
    if name is None:
        return None
    from gateway.settings import ENVIRONMENT, read_toml
    from mappers.dialect import Dialect
    from mappers.shipped import NAMES

    path = Path(name)
    configured = Path(os.environ.get(ENVIRONMENT, "."))
    base = configured if configured.is_dir() else configured.parent
    for candidate in (path, Path("dialects") / f"{name}.toml", base / "dialects" / f"{name}.toml"):
        if candidate.is_file():
            return Dialect.from_mapping(candidate.stem, read_toml(candidate))
    if name in NAMES:
        return Dialect.shipped(name)
    return fail(f"--dialect {name}: there is no such file, nor dialects/{name}.toml", code=2)


def _check_files(sources: list[tuple[str, Path | None]]) -> None:
    for name, path in sources:
        if path is not None and not path.is_file():
            fail(f"{name}: there is no such file", code=2)


def _write(results: Iterator[Done], output: Path | None, report: Path | None) -> bool:
    """Write results as they come; return whether every message was translated."""
    with ExitStack() as stack:
        lines = _open(output, stack)
        reports = _open(report, stack) if report is not None else None
        pretty = output is None and sys.stdout.isatty()
        every = True
        held: Done | None = None
        for count, done in enumerate(results):
            every = every and done.ok
            _put_beside(done, output)
            if reports is not None:
                reports.write(done.report + b"\n")
            if pretty and count == 0:
                held = done
                continue
            if held is not None:
                lines.write(held.ended)
                held = None
            lines.write(done.ended)
        if held is not None:
            lines.write(_indented(held.line) + b"\n")
        lines.flush()
    return every


def _put_beside(done: Done, output: Path | None) -> None:
    """Write the files of a record into the folder of the output, never over another one."""
    if not done.attachments:
        return
    if output is None or str(output) == "-":
        fail("a record comes with files beside it; add --output FILE", code=2)
    for one in done.attachments:
        path = output.parent / one.name
        if path.exists() and path.read_bytes() != one.data:
            fail(f"{path}: there is another file of this name", code=2)
        path.write_bytes(one.data)


def _open(path: Path | None, stack: ExitStack) -> BinaryIO:
    if path is None or str(path) == "-":
        return sys.stdout.buffer
    return stack.enter_context(path.open("wb"))


def _indented(line: bytes) -> bytes:
    """A single message on a terminal is for reading."""
    from profiles.reading import read_json

    return json_bytes(read_json(line), indent=True) if line.startswith(b"{") else line


def _with_progress(tasks: Iterator[Task], sources: list[tuple[str, Path | None]]) -> Iterator[Task]:
    total = sum(path.stat().st_size for _, path in sources if path is not None)
    if not progress_wanted() or total < _LONG:
        yield from tasks
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar: Any = progress.add_task("convert", total=total)
        done = 0
        for task in tasks:
            yield task
            done += 1
            progress.advance(bar, len(task.data))
    note(f"{done} messages read")
