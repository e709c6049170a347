"""Places: where findings about foreign FHIR stand in what was sent.

A message's resources are checked one by one, under the ids they get here; its sender wants to know
which element of its own document is meant, in which line. Both is looked up only when there is
something to tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from gateway.pipeline.translated import Job
from mappers.fhir_r4.incoming import sources
from profiles.issue import Issue
from profiles.reading.positions import located

#: Formats whose resources are written by somebody else.
FOREIGN_FHIR = frozenset({"fhir_r4"})
#: A finding with the number of the change it is about.
Found = tuple[int, Issue]


def placed(found: Iterable[Found], job: Job) -> tuple[Issue, ...]:
    """Return findings as their sender sees them, each once: element, line and column."""
    listed = list(found)
    if not listed or job.format not in FOREIGN_FHIR:
        return tuple(dict.fromkeys(issue for _, issue in listed))
    places = sources(job.data)
    moved = (_at(places[number], issue) for number, issue in listed)
    return in_lines(tuple(dict.fromkeys(moved)), job)


def in_lines(issues: Sequence[Issue], job: Job) -> tuple[Issue, ...]:
    """Return findings about a whole document with line and column, where it is foreign FHIR."""
    if not issues or job.format not in FOREIGN_FHIR:
        return tuple(issues)
    return located(issues, job.data)


def _at(place: str, issue: Issue) -> Issue:
    """Exchange the type a location begins with for where the resource stands."""
    _, dot, rest = issue.location.partition(".")
    return replace(issue, location=f"{place}{dot}{rest}")
