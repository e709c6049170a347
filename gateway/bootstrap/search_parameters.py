"""The search parameters of a region: the standard's, and those its packages define."""

from __future__ import annotations

from pathlib import Path

from gateway.domain.log import log
from profiles.search import STANDARD, SearchParameters, read_parameters


def search_parameters(packages: str) -> SearchParameters:
    """Read the SearchParameters of the packages in a folder; "" for none.

    What cannot be searched by is left out and counted in the log. Raises NotConformant for packages
    that cannot be opened.
    """
    if not packages:
        return STANDARD
    # Who has no packages does not load what opens them.
    from profiles.packages import PackageFolder

    opened = PackageFolder(Path(packages)).open(tolerate_missing=True)
    found, refused = read_parameters(one.resource() for one in opened.all("SearchParameter"))
    if refused:
        log("search").warning("search_parameters_left_out", count=len(refused))
    return found
