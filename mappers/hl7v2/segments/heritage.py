"""PID-10 and PID-22 → race and ethnic group where the sender codes them as the US census does.

Table PID leaves both to the jurisdiction. Codes of the CDC (tables 0005 and 0189) say which one:
they go into the extensions of US Core. Whatever else is said stays a fact about the patient.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from mappers.hl7v2.session import Draft
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import Text, derived, text

_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_SYSTEM = "urn:oid:2.16.840.1.113883.6.238"
_CODE = re.compile(r"\d{4}-\d")
_NAMES = frozenset({"CDCREC", "HL70005", "HL70189", "PH_RACEANDETHNICITY_CDC", _SYSTEM[8:]})
#: Components of a CWE an extension takes.
_WHOLE = 4


class _Kind(NamedTuple):
    """One of the two extensions."""

    name: str
    #: Codes of the five races, or the two groups, of the census.
    categories: frozenset[str]
    #: Codes of the field's own table that are codes of the census.
    own: dict[str, str]
    #: Most categories the extension holds.
    most: int


_KINDS = {
    10: _Kind("race", frozenset({"1002-5", "2028-9", "2054-5", "2076-8", "2106-3"}), {}, 5),
    22: _Kind("ethnicity", frozenset({"2135-2", "2186-5"}), {"H": "2135-2", "N": "2186-5"}, 1),
}

#: URL of an extension → the field it comes from.
EXTENSIONS = {f"{_CORE}{kind.name}": field for field, kind in _KINDS.items()}

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {"PID-10": ("Patient.extension",), "PID-22": ("Patient.extension",)}


def heritage(segment: Segment, draft: Draft) -> set[int]:
    """Write the extensions; returns the fields of which nothing is left to say."""
    said: set[int] = set()
    for field, kind in _KINDS.items():
        repetitions = segment.repetitions(field)
        coded = [coded for one in repetitions if (coded := _coding(one, kind)) is not None]
        if not coded:
            continue
        draft.resource.setdefault("extension", []).append(_extension(kind, coded))
        if len(coded) == len(repetitions) and all(len(one) <= _WHOLE for one in repetitions):
            said.add(field)
    return said


def _coding(repetition: Repetition, kind: _Kind) -> dict[str, Any] | None:
    """CWE → Coding of the census, None for any other code."""
    code, words, system = (leaf(repetition, number) for number in (1, 2, 3))
    if code is None or (system is not None and system.strip().upper() not in _NAMES):
        return None
    # A letter alone may be a code of anybody's.
    meant = kind.own.get(code) if system is not None else None
    if meant is None and _CODE.fullmatch(code) is None:
        return None
    stated = {"system": text(_SYSTEM, system.source) if system is not None else _SYSTEM}
    made = {**stated, "code": text(meant or code, code.source)}
    return {**made, "display": words} if words is not None else made


def _extension(kind: _Kind, coded: list[dict[str, Any]]) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    for coding in coded:
        categories = sum(part["url"] == "ombCategory" for part in parts)
        main = coding["code"] in kind.categories and categories < kind.most
        parts.append({"url": "ombCategory" if main else "detailed", "valueCoding": coding})
    words: list[Text] = [coding.get("display", coding["code"]) for coding in coded]
    parts.append({"url": "text", "valueString": derived(", ".join(words), *words)})
    return {"url": f"{_CORE}{kind.name}", "extension": parts}
