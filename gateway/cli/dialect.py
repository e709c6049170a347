"""`gateway dialect …`: a sender's peculiarities, proposed from what it sends or specifies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import fail, progress_wanted

#: Files above which progress is shown.
_MANY = 20
_CHUNK = 1 << 20


def suggest(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Messages of one sender, or folders.")
    ],
) -> None:
    """Propose a dialect from HL7 v2 messages: what is sure as keys, the rest as comments.

    Of fields without a mapping only shapes are shown, never a patient's values.
    """
    from mappers.hl7v2.survey import Survey

    survey = Survey()
    for path in _with_progress(_files(files)):
        for message in _messages(path):
            survey.add(message)
    if not survey.messages:
        fail("the files hold no HL7 v2 message", code=1)
    typer.echo(survey.proposal(), nl=False)


def profile(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="HL7v2xConformanceProfile as XML.")],
    action: Annotated[str, typer.Option(help="What violations lead to: warn or reject.")] = "warn",
) -> None:
    """Write a partner's conformance profile as `[profile]` of its dialect."""
    from mappers.dialect import Dialect
    from mappers.hl7v2.profile_xml import rules_of
    from mappers.toml_text import toml_text

    if not file.is_file():
        fail(f"{file}: there is no such file", code=2)
    written = {"profile": {"action": action, "rules": rules_of(file.read_bytes())}}
    Dialect.from_mapping(file.stem, written)
    typer.echo(toml_text(written), nl=False)


def _files(paths: list[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(one for one in path.rglob("*") if one.is_file())
        elif path.is_file():
            found.append(path)
        else:
            fail(f"{path}: there is no such file", code=2)
    return found


def _messages(path: Path) -> Iterator[bytes]:
    from mappers.hl7v2.batch import pieces

    with path.open("rb") as file:
        for piece in pieces(iter(lambda: file.read(_CHUNK), b"")):
            if piece.data.startswith(b"MSH") and not piece.issues:
                yield piece.data


def _with_progress(files: list[Path]) -> Iterator[Path]:
    if not progress_wanted() or len(files) < _MANY:
        yield from files
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(files, "survey", console=Console(stderr=True), transient=True)
