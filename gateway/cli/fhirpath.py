"""`gateway fhirpath EXPRESSION FILE`: what an expression finds in a resource."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.code_sources import (
    CatalogueFolder,
    Config,
    PackageFiles,
    PackagesFolder,
    sources_of,
)
from gateway.cli.output import fail, json_bytes, note

if TYPE_CHECKING:
    from profiles.fhirpath import Services
    from profiles.packages import Packages
    from profiles.terminology import Terminology


def fhirpath(
    expression: Annotated[
        str, typer.Argument(metavar="EXPRESSION", help="FHIRPath, as in Patient.name.given.")
    ],
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A resource in JSON or XML; - is standard input."),
    ],
    *,
    variable: Annotated[
        list[str] | None,
        typer.Option("--var", help="NAME=VALUE for %NAME; VALUE is JSON or else a text."),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Refuse elements that the resource's type cannot have."),
    ] = False,
    places: Annotated[
        bool, typer.Option("--places", help="Print value, type and place of each item.")
    ] = False,
    package: PackageFiles = None,
    packages: PackagesFolder = None,
    terminology: CatalogueFolder = None,
    config: Config = None,
) -> None:
    """Evaluate an expression on a resource and print one line of JSON per item.

    trace() writes to standard error. memberOf(), subsumes() and conformsTo() look codes and
    profiles up in the packages and catalogues named, else in the region's.
    """
    from profiles.fhirpath import compile  # noqa: A004 - as in re.compile
    from profiles.fhirpath.results import as_json

    compiled = compile(expression, strict=strict)
    options: dict[str, Any] = {
        "variables": dict(map(_variable, variable or ())),
        "services": _services(*sources_of(config, package or (), packages, terminology)),
    }
    resource = _resource(file)
    if places:
        lines = [
            {"value": as_json(item.value), "type": item.type, "path": item.path}
            for item in compiled.items(resource, **options)
        ]
    else:
        lines = [as_json(value) for value in compiled.evaluate(resource, **options)]
    _print(lines)


def _services(packages: Packages, terminology: Terminology) -> Services:
    from profiles.fhirpath import Services
    from profiles.validate.codes import Codes
    from profiles.validate.validator import Validator

    validator = Validator(packages, terminology)
    return Services(trace=_trace, terminology=Codes(terminology), profiles=validator)


def _print(lines: list[Any]) -> None:
    for line in lines:
        sys.stdout.buffer.write(json_bytes(line) + b"\n")
    sys.stdout.flush()


def _variable(written: str) -> tuple[str, Any]:
    from profiles.issue import NotConformant
    from profiles.reading import read_json

    name, sign, value = written.partition("=")
    if not (name and sign):
        fail(f"--var {written}: NAME=VALUE is expected", code=2)
    try:
        return name, read_json(value.encode())
    except NotConformant:
        return name, value


def _resource(file: str) -> Any:
    from profiles.reading.fhir_document import read_fhir

    if file != "-" and not Path(file).is_file():
        fail(f"{file}: there is no such file", code=2)
    data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    return read_fhir(data)[0]


def _trace(name: str, values: list[Any]) -> None:
    from profiles.fhirpath.results import as_json

    for value in values:
        note(f"trace {name}: {json_bytes(as_json(value)).decode()}")
