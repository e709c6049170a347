"""`gateway validate FILE...`: resources against FHIR R4, and profiles of packages."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.code_sources import catalogues_of, open_packages_of
from gateway.cli.output import fail, json_bytes, note, progress_wanted

if TYPE_CHECKING:
    from profiles.issue import Issue
    from profiles.validate.validator import Validator

_BOM = b"\xef\xbb\xbf"
_WRONG = frozenset({"error", "fatal"})


def validate(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="Resources in JSON or XML, or NDJSON; - is standard input."
        ),
    ],
    profile: Annotated[
        list[str] | None,
        typer.Option("--profile", help="Canonical URL to validate against; repeatable."),
    ] = None,
    package: Annotated[
        list[Path] | None,
        typer.Option(
            "--package",
            help="A FHIR package (.tgz), a folder laid out like one, or a resource; repeatable.",
        ),
    ] = None,
    packages: Annotated[
        Path | None,
        typer.Option("--packages", help="Folder kept by gateway package; all its packages."),
    ] = None,
    terminology: Annotated[
        Path | None,
        typer.Option("--terminology", help="Folder kept by gateway terminology; all catalogues."),
    ] = None,
) -> None:
    """Validate resources: one OperationOutcome each, one line each, in input order.

    Profiles that resources claim in meta.profile count besides --profile. Exit code 0: no resource
    has an error; 1: some have; 2: usage.
    """
    _check_files(files)
    validator = _validator(package or [], packages, terminology)
    wrong = False
    for at, name in enumerate(files, 1):
        if progress_wanted():
            note(f"{at} of {len(files)}: {name}")
        for issues in _validated(name, validator, profile or ()):
            wrong = wrong or any(one.severity in _WRONG for one in issues)
            _write(issues)
    sys.stdout.flush()
    if wrong:
        raise typer.Exit(1)


def _check_files(files: list[str]) -> None:
    for name in files:
        if name != "-" and not Path(name).is_file():
            fail(f"{name}: there is no such file", code=2)


def _validator(package: list[Path], folder: Path | None, catalogues: Path | None) -> Validator:
    from profiles.validate.validator import Validator

    packages = open_packages_of(package, folder)
    return Validator(packages, catalogues_of(None, catalogues).terminology(packages))


def _validated(
    name: str, validator: Validator, profiles: Iterable[str]
) -> Iterator[tuple[Issue, ...]]:
    from profiles.issue import GatewayError

    for data in _parts(name):
        try:
            resource = _read(data)
        except GatewayError as error:
            yield error.issues
        else:
            yield tuple(validator.validate(resource, profiles))


def _parts(name: str) -> Iterator[bytes]:
    """Go through the resources of a file: the lines of NDJSON, else the whole."""
    data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    if Path(name).suffix.lower() != ".ndjson":
        yield data
        return
    yield from (line for line in data.removeprefix(_BOM).splitlines() if line.strip())


def _read(data: bytes) -> Any:
    from profiles.reading import read_json
    from profiles.reading.fhir_xml import read_fhir_xml

    plain = data.removeprefix(_BOM)
    return read_fhir_xml(data) if plain.lstrip().startswith(b"<") else read_json(plain)


def _write(issues: tuple[Issue, ...]) -> None:
    from profiles.issue import Issue, operation_outcome

    # An OperationOutcome has one issue at least.
    shown = issues or (Issue("information", "informational", "No issues were found."),)
    sys.stdout.buffer.write(json_bytes(operation_outcome(shown)) + b"\n")
