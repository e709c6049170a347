"""Code systems whose codes come with the time zone database (tzdata, public domain).

Countries by ISO 3166-1 alpha-2 (its `iso3166.tab`), time zones by IANA name. Alpha-3 and numeric
country codes are not there and stay undecided.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import resources
from zoneinfo import available_timezones

from profiles.terminology.code_system import ResourceCodeSystem
from profiles.terminology.concept import CodeSystem

_COUNTRY = re.compile(r"([A-Z]{2})\t(.+)")


@cache
def countries() -> CodeSystem:
    """Return ISO 3166-1 as far as it is there: the two-letter codes, all of them."""
    table = resources.files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text(encoding="utf-8")
    found = [one for line in table.splitlines() if (one := _COUNTRY.fullmatch(line))]
    return ResourceCodeSystem(
        {
            "url": "urn:iso:std:iso:3166",
            "name": "ISO 3166-1",
            "content": "fragment",
            "caseSensitive": True,
            "concept": [{"code": one[1], "display": one[2]} for one in found],
        },
        whole="[A-Z]{2}",
    )


@cache
def time_zones() -> CodeSystem:
    """Return the IANA time zones."""
    return ResourceCodeSystem(
        {
            "url": "https://www.iana.org/time-zones",
            "name": "IANA time zones",
            "content": "complete",
            "caseSensitive": True,
            "concept": [{"code": one} for one in sorted(available_timezones())],
        }
    )


BUILT_IN: dict[str, Callable[[], CodeSystem]] = {
    "urn:iso:std:iso:3166": countries,
    "https://www.iana.org/time-zones": time_zones,
}
