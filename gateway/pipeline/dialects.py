"""How an endpoint's partner speaks: the dialect it names, and the profile attached to it."""

from __future__ import annotations

from dataclasses import replace

from gateway.domain.region import Endpoint, Region
from mappers.dialect import Dialect
from mappers.message_profile import profile_of
from mappers.shipped import DEFAULT, NAMES


def dialect_of(region: Region, endpoint: Endpoint) -> Dialect:
    """Return the dialect of an endpoint; the profile of the endpoint itself comes first.

    Raises NotConformant for a dialect, and ValueError for a profile, that cannot be read: the
    configuration was checked for both.
    """
    name = endpoint.dialect or DEFAULT
    mapping = region.dialects.get(name)
    if mapping is None and name in NAMES:
        dialect = Dialect.shipped(name)
    else:
        dialect = Dialect.from_mapping(name, mapping or {})
    if endpoint.message_profile:
        return replace(dialect, profile=profile_of(endpoint.message_profile))
    return dialect
