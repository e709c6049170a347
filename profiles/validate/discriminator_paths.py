"""Paths of discriminators, a small part of FHIRPath.

https://hl7.org/fhir/R4/profiling.html#discriminator.
"""

from __future__ import annotations

import re

_STEP = re.compile(
    r"\$this|extension\(\s*['\"](?P<extension>[^'\"]+)['\"]\s*\)|(?P<resolve>resolve)\(\)"
    r"|ofType\(\s*(?P<type>[\w.]+)\s*\)|(?P<name>\w+)(?:\[x\])?"
)


def steps_of(path: str) -> list[tuple[str, str]]:
    """Read a discriminator's path: (kind, argument) for each step.

    Kinds: name, extension, resolve, type. Raises ValueError for what a discriminator cannot say.
    """
    steps: list[tuple[str, str]] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None or path[match.end() : match.end() + 1] not in {"", "."}:
            raise ValueError(path)
        at = match.end() + 1
        if match.lastgroup is not None:
            steps.append((match.lastgroup, match[match.lastgroup]))
    return steps
