"""Where commands look codes up: packages and catalogues, of the region or of folders named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import Config, fail, note

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.pipeline.catalogues import Catalogues
    from gateway.settings import Settings
    from profiles.packages import Package, Packages
    from profiles.terminology import Terminology

PackageFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--package",
        help="A FHIR package (.tgz), a folder laid out like one, or a resource; repeatable.",
    ),
]
PackagesFolder = Annotated[
    Path | None,
    typer.Option("--packages", help="Folder of packages; default packages/ beside gateway.toml."),
]
CatalogueFolder = Annotated[
    Path | None,
    typer.Option(
        "--terminology", help="Folder of catalogues; default terminology/ beside gateway.toml."
    ),
]
__all__ = [
    "CatalogueFolder",
    "Config",
    "PackageFiles",
    "PackagesFolder",
    "catalogues_of",
    "open_packages_of",
    "region_or_none",
    "sources_of",
    "terminology_of",
]


def region_or_none(config: Path | None) -> Settings | None:
    """Return the configuration; None when there is none and none was asked for."""
    import os

    from gateway.settings import ENVIRONMENT, FILE, load_settings

    if config is None and not os.environ.get(ENVIRONMENT) and not Path(FILE).is_file():
        return None
    return load_settings(config)


def terminology_of(
    config: Path | None,
    files: Iterable[Path] = (),
    packages: Path | None = None,
    catalogues: Path | None = None,
) -> Terminology:
    """Open who answers about codes; without a configuration, core R4 and what is named."""
    return sources_of(config, files, packages, catalogues)[1]


def sources_of(
    config: Path | None,
    files: Iterable[Path] = (),
    packages: Path | None = None,
    catalogues: Path | None = None,
) -> tuple[Packages, Terminology]:
    """Open the packages, and who answers about codes, as `terminology_of` does."""
    region = region_or_none(config)
    if packages is None and region is not None and region.packages:
        packages = Path(region.packages)
    opened = open_packages_of(files, packages)
    return opened, catalogues_of(region, catalogues).terminology(opened)


def open_packages_of(files: Iterable[Path], folder: Path | None) -> Packages:
    """Open packages by file and those of a folder; says what they miss."""
    from profiles.packages import PackageFolder, Packages, open_packages

    opened: list[Package] = list(open_packages(list(files), tolerate_missing=True))
    if folder is not None:
        if not folder.is_dir():
            fail(f"{folder}: there is no such folder", code=2)
        opened += PackageFolder(folder).open(tolerate_missing=True)
    distinct = {one.key: one for one in opened}
    packages = Packages(list(distinct.values()), tolerate_missing=True)
    for missing in packages.missing:
        note(missing.text)
    return packages


def catalogues_of(region: Settings | None, folder: Path | None) -> Catalogues:
    """Return the catalogues of a folder, else of the region; the region's server beside them."""
    from dataclasses import replace

    from gateway.domain.log import configure
    from gateway.pipeline.catalogues import Catalogues, local

    if folder is not None and not folder.is_dir():
        fail(f"{folder}: there is no such folder", code=2)
    found = region.catalogues if region is not None else Catalogues()
    if found.remote is not None:
        # What the server elsewhere has to say of itself goes to standard error.
        configure(json_lines=False, level="WARNING")
    return replace(found, folders=local([folder]).folders) if folder is not None else found
