"""A folder of configuration: settings, region, consents, samples, and everything wrong with it.

gateway.toml        settings and, for a small region, everything else
organizations/*.toml  endpoints/*.toml  routes/*.toml
                    the same tables, one file an institution if you like
practitioners/*.csv the directory of practitioners
dialects/NAME.toml  a sender's peculiarities
consents/*.json     FHIR Consents on paper, entered by hand
samples/ENDPOINT/*  messages that `gateway check` runs through the configuration
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gateway.domain.region import Region
from gateway.settings import Settings
from profiles.issue import Issue


@dataclass(frozen=True, slots=True)
class Sample:
    """A message of the folder: to try the configuration with, or a consent to enter."""

    endpoint: str
    file: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What a folder says, and what is wrong with it."""

    settings: Settings
    region: Region
    #: FHIR Bundles with consents, to be entered by `apply`.
    consents: tuple[Sample, ...] = ()
    samples: tuple[Sample, ...] = ()
    #: Findings in the order of the files; severity `error` keeps `serve` from starting.
    problems: tuple[Issue, ...] = field(default_factory=tuple)

    @property
    def errors(self) -> tuple[Issue, ...]:
        """The findings that have to be repaired."""
        return tuple(issue for issue in self.problems if issue.severity == "error")


def load(folder: Path | str | None = None) -> Configuration:
    """Read a folder and check it; what is wrong is in `problems`.

    Raises NotConformant only when there is no readable `gateway.toml` at all.
    """
    from gateway.configuration.files import read_folder
    from gateway.configuration.rules import check

    configuration = read_folder(folder)
    problems = (*configuration.problems, *check(configuration.settings, configuration.region))
    return Configuration(
        settings=configuration.settings,
        region=configuration.region,
        consents=configuration.consents,
        samples=configuration.samples,
        problems=problems,
    )


def load_region(folder: Path | str | None = None) -> tuple[Region, tuple[Issue, ...]]:
    """Read and check only the region of a folder."""
    configuration = load(folder)
    return configuration.region, configuration.problems
