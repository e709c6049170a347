"""Validation of FHIR R4 resources (https://hl7.org/fhir/R4/validation.html).

`structure` is the quick check of shape, types and codes that every message gets. The package itself
may be called for everything else: rules, invariants, terminology and profiles.

    issues = profiles.validate(resource, profiles=[…], packages=open_packages(paths))
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from profiles.validate.structure import resource_types, structure, structure_of

if TYPE_CHECKING:
    from profiles.issue import Issue
    from profiles.packages import Packages
    from profiles.validate.validator import Validator

__all__ = ["resource_types", "structure", "structure_of", "validate"]


def validate(
    resource: Any, *, profiles: Iterable[str] = (), packages: Packages | None = None
) -> list[Issue]:
    """Return what is wrong with a resource, by core and the profiles of `packages`.

    Besides `profiles` (canonical URLs) those count that the resource claims in `meta.profile`.
    Never raises for bad content. The last packages used stay compiled.
    """
    return _validator(packages).validate(resource, profiles)


@lru_cache(maxsize=4)
def _validator(packages: Packages | None) -> Validator:
    # Who only checks structure loads neither FHIRPath nor terminology.
    from profiles.packages import open_packages
    from profiles.validate.validator import Validator

    return Validator(packages if packages is not None else open_packages([]))


class _Callable(ModuleType):
    """Lets the package be called by the name of its stable interface: `profiles.validate(…)`."""

    def __call__(self, resource: Any, **options: Any) -> list[Issue]:
        return validate(resource, **options)


sys.modules[__name__].__class__ = _Callable
