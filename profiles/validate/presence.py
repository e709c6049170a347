"""What a profile asks of values beyond cardinality: that they are there, or what may replace them.

https://hl7.org/fhir/R5/elementdefinition-definitions.html#ElementDefinition.mustHaveValue and
valueAlternatives, which R4 profiles say in extensions;
https://hl7.org/fhir/extensions/StructureDefinition-narrative-language-control.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from profiles.snapshot.elements import Element, Profile
from profiles.validate.members import Item, Json
from profiles.validate.run import Check, Run

_LANGUAGE = re.compile(r"<div[^>]*\s(?:xml:)?lang\s*=\s*[\"']([^\"']+)[\"']")


def value_checks(element: Element, profile: Profile) -> Iterator[Check]:
    """Return what checks the presence of values."""
    if element.must_have_value:
        yield _valued(f"a value is required, extensions do not do ({profile.url})", frozenset())
    if element.alternatives:
        named = ", ".join(element.alternatives)
        text = f"a value is required, or one of the extensions {named} ({profile.url})"
        yield _valued(text, frozenset(element.alternatives))
    if element.languages:
        yield _languages(frozenset(element.languages), profile)


def _valued(text: str, alternatives: frozenset[str]) -> Check:
    def check(item: Item, run: Run) -> None:
        if item.value is None and alternatives.isdisjoint(_extensions(item.extra)):
            run.report("error", "required", text, item.place)

    return check


def _extensions(extra: Json | None) -> set[str]:
    listed = extra.get("extension") if extra is not None else None
    return {
        one["url"]
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and isinstance(one.get("url"), str)
    }


def _languages(wanted: frozenset[str], profile: Profile) -> Check:
    """`_no`: no sections in languages; `_yes`: some; others: a section in each of them."""

    def check(item: Item, run: Run) -> None:
        div = item.value.get("div") if isinstance(item.value, dict) else None
        if not isinstance(div, str):
            return
        inner = div.partition(">")[2]
        found = {one.lower() for one in _LANGUAGE.findall(inner)}
        missing = sorted(one for one in wanted if one[0] != "_" and one.lower() not in found)
        if "_no" in wanted and found:
            text = f"sections in languages are not allowed ({profile.url})"
        elif "_yes" in wanted and not found:
            text = f"sections in languages are required ({profile.url})"
        elif missing:
            text = f"a section in {missing[0]} is required ({profile.url})"
        else:
            return
        run.report("error", "structure", text, (item.place, "div"))

    return check
