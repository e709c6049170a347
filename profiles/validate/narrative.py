"""Narrative: its div is XHTML of the allowed kind and not empty (txt-1, txt-2).

https://hl7.org/fhir/R4/narrative.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from profiles.issue import Issue
from profiles.narrative import faults


def narrative_issues(narrative: dict[str, Any], place: str) -> Iterator[Issue]:
    """Narrative: what is wrong with its div, each fault once."""
    div = narrative.get("div")
    if isinstance(div, str):
        for code, text in dict.fromkeys(faults(div)):
            yield Issue("error", code, text, f"{place}.div")
