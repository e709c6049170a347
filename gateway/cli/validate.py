"""`gateway validate FILE...`: resources against FHIR R4, and profiles of packages."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.code_sources import PackageFiles, catalogues_of, open_packages_of
from gateway.cli.documents import STDIN, Document, documents
from gateway.cli.output import fail, note, progress_wanted
from gateway.cli.validated import WRONG, judged, write_lines, write_outcome

if TYPE_CHECKING:
    from profiles.validate.policy import Policy
    from profiles.validate.validator import Validator

#: From so many bytes or files on a progress bar is worth its line.
_LONG, _MANY = 2_000_000, 3


Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...", help="Resources in JSON or XML, or NDJSON; - is standard input."
    ),
]
Profiles = Annotated[
    list[str] | None,
    typer.Option("--profile", help="Canonical URL to validate against; repeatable."),
]
PackageFolder = Annotated[
    Path | None,
    typer.Option("--packages", help="Folder kept by gateway package; all its packages."),
]
Catalogues = Annotated[
    Path | None,
    typer.Option("--terminology", help="Folder kept by gateway terminology; all catalogues."),
]
Plain = Annotated[
    bool, typer.Option("--plain", help="FILE:LINE:COLUMN: SEVERITY: … for each issue, no JSON.")
]
Stricter = Annotated[
    list[str] | None,
    typer.Option(
        "--strict",
        metavar="KIND",
        help="Take for an error what is a note else: claim and profile (one claimed, or asked for"
        " by another, that is not at hand), extension (an unknown one), display (not the code"
        " system's), vitals (a vital sign that is not as core's profile of it asks); repeatable.",
    ),
]


def validate(
    files: Files,
    profile: Profiles = None,
    package: PackageFiles = None,
    packages: PackageFolder = None,
    terminology: Catalogues = None,
    strict: Stricter = None,
    plain: Plain = False,
) -> None:
    """Validate resources: one OperationOutcome each, one line each, in input order.

    Issues tell line and column, of NDJSON those of the file. Profiles that resources claim in
    meta.profile count besides --profile. A last line on standard error sums up. Exit code 0: no
    resource has an error; 1: some have; 2: usage.
    """
    _check_files(files)
    validator = _validator(package or [], packages, terminology, _policy(strict or []))
    write = write_lines if plain else write_outcome
    count: Counter[str] = Counter()
    for document in _with_progress(files):
        issues = judged(document, validator, profile or ())
        write(document, issues)
        count.update(one.severity for one in issues)
        count["resources"] += 1
        count["wrong"] += any(one.severity in WRONG for one in issues)
    sys.stdout.flush()
    note(_sum(count, len(files)))
    if count["wrong"]:
        raise typer.Exit(1)


def _check_files(files: list[str]) -> None:
    for name in files:
        if name != STDIN and not Path(name).is_file():
            fail(f"{name}: there is no such file", code=2)


def _policy(strict: list[str]) -> Policy:
    from profiles.validate.policy import STRICTER, Policy

    for kind in strict:
        if kind not in STRICTER:
            fail(f"--strict {kind}: {', '.join(STRICTER)} are expected", code=2)
    return Policy.strict(strict)


def _validator(
    package: list[Path], folder: Path | None, catalogues: Path | None, policy: Policy
) -> Validator:
    from profiles.validate.validator import Validator

    packages = open_packages_of(package, folder)
    terminology = catalogues_of(None, catalogues).terminology(packages)
    return Validator(packages, terminology, policy=policy)


def _with_progress(files: list[str]) -> Iterator[Document]:
    from profiles.reading.limits import Limits

    found = (one for name in files for one in documents(name, Limits()))
    total = sum(Path(name).stat().st_size for name in files if name != STDIN)
    if not progress_wanted() or (total < _LONG and len(files) < _MANY):
        yield from found
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar: Any = progress.add_task("validate", total=total)
        for document in found:
            progress.update(bar, description=Path(document.file).name)
            yield document
            progress.advance(bar, document.size)


def _sum(count: Counter[str], files: int) -> str:
    errors = sum(count[one] for one in WRONG)
    return (
        f"{_number(count['resources'], 'resource')} in {_number(files, 'file')}, "
        f"{count['wrong']} with errors: {_number(errors, 'error')}, "
        f"{_number(count['warning'], 'warning')}"
    )


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
