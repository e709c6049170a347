"""Code tables: one CSV per table with source code, target code, system and display.

Tables several formats use lie here; those of one format lie in its own `codes`.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

#: The package of the tables several formats use.
SHARED = "mappers"


class Coded(NamedTuple):
    """One row of a code table."""

    code: str
    system: str
    display: str


@cache
def table(package: str, name: str) -> Mapping[str, Coded]:
    """Load `codes/<name>.csv` of a package, else the shared one: source code → target."""
    own = files(package).joinpath("codes", f"{name}.csv").is_file()
    return {
        row["source"]: Coded(row["code"], row["system"], row["display"])
        for row in rows(package if own else SHARED, "codes", name)
    }


@cache
def rows(package: str, folder: str, name: str) -> tuple[Mapping[str, str], ...]:
    """Load any CSV of a package as rows by column name."""
    resource = files(package).joinpath(folder, f"{name}.csv")
    return tuple(csv.DictReader(resource.read_text(encoding="utf-8").splitlines()))
