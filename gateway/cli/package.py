"""`gateway package …`: FHIR packages of the region, and the gateway's own for others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.output import Config, Json, fail, note, progress_wanted, show, table

if TYPE_CHECKING:
    from rich.console import Console

    from profiles.packages import PackageFolder, Packages

Folder = Annotated[
    Path | None,
    typer.Option("--packages", help="Folder of packages; default packages/ beside gateway.toml."),
]


def add(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Packages (.tgz), folders laid out like one, or resources."
        ),
    ],
    packages: Folder = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Check packages, copy them and write their SHA-256 into the lock file.

    A dependency that is not there is named; what is there works without it.
    """
    folder = _folder(packages, config)
    added = []
    for at, file in enumerate(files, 1):
        if progress_wanted():
            note(f"{at} of {len(files)}: {file.name}")
        added.append(folder.add(file))
    opened = folder.open(tolerate_missing=True)
    _name_missing(opened)
    rows = [{"package": one.key, "file": one.file, "sha256": one.sha256} for one in added]
    show(
        rows, as_json=as_json, human=lambda out: _print(out, [f"Added {one.key}." for one in added])
    )


def list_(packages: Folder = None, config: Config = None, as_json: Json = False) -> None:
    """List the packages, each checked against the lock file, and the dependencies they miss."""
    folder = _folder(packages, config)
    opened = folder.open(tolerate_missing=True)
    rows = [_row(one, opened) for one in sorted(folder.lock().packages)]
    _name_missing(opened)
    columns = ("package", "resources", "fhir", "sha256", "title")
    shown = [[row[column] for column in columns] for row in rows]
    show(rows, as_json=as_json, human=lambda out: out.print(table(columns, shown)))


def remove(
    name: Annotated[
        str, typer.Argument(metavar="NAME[@VERSION]", help="Package; all its versions without one.")
    ],
    packages: Folder = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Remove a package and its line in the lock file."""
    folder = _folder(packages, config)
    plain, _, version = name.partition("@")
    gone = [one.key for one in folder.remove(plain, version)]
    _name_missing(folder.open(tolerate_missing=True))
    show(gone, as_json=as_json, human=lambda out: _print(out, [f"Removed {one}." for one in gone]))


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Archive (.tgz) to write.")],
) -> None:
    """Write the gateway's own profiles as a FHIR package, for those who check what it sends.

    The gateway itself has them always at hand: gateway validate needs no file.
    """
    from profiles.packages.gateway import archive, gateway_package

    try:
        file.write_bytes(archive())
    except OSError as error:
        fail(f"{file}: {error.strerror}", code=2)
    note(f"{gateway_package().key} is in {file}")


def _folder(packages: Path | None, config: Path | None) -> PackageFolder:
    from gateway.settings import find
    from profiles.packages import PackageFolder

    if packages is None:
        return PackageFolder(find(config).resolve().parent / "packages")
    if packages.exists() and not packages.is_dir():
        fail(f"--packages {packages}: this is no folder", code=2)
    return PackageFolder(packages)


def _row(key: str, opened: Packages) -> dict[str, Any]:
    name, _, version = key.rpartition("@")
    package = opened.package(name, version)
    assert package is not None  # noqa: S101 - what is in the lock file is open
    return {
        "package": key,
        "resources": len(package.entries),
        "fhir": ", ".join(package.manifest.fhir_versions),
        "sha256": package.sha256,
        "title": package.manifest.title,
    }


def _name_missing(opened: Packages) -> None:
    for issue in opened.missing:
        note(f"gateway: {issue.text}")


def _print(out: Console, lines: list[str]) -> None:
    for line in lines:
        out.print(line)
