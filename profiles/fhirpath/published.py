"""Invariants that are wrong as they were published with R4, and what they mean.

https://hl7.org/fhir/R4/conformance-rules.html#constraints. A test compiles every published
invariant in strict mode, so that none is missing here (`published.csv`).
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources


def corrected(key: str, expression: str) -> str | None:
    """Return the expression to evaluate for an invariant; None when it is not about R4."""
    row = _corrections().get(key)
    if row is None or row["found"] not in expression:
        return expression
    return expression.replace(row["found"], row["instead"]) if row["instead"] else None


@cache
def _corrections() -> dict[str, dict[str, str]]:
    text = (resources.files(__package__) / "published.csv").read_text(encoding="utf-8")
    return {row["key"]: row for row in csv.DictReader(text.splitlines())}
