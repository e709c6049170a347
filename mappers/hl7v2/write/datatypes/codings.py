"""CodeableConcept and Coding → CE, CWE and coded ST (HL7 v2.5 chapter 2.A.7, 2.A.13).

German conventions: ICD-10-GM as I10G and its year, OPS as O301 and its year, the dagger and
asterisk at the code, LOINC as LN, tables as HL7nnnn.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from mappers.hl7v2.session import V2
from mappers.hl7v2.write.er7 import Repetition
from mappers.hl7v2.write.writing import Writing, meaning, system_names
from mappers.trace import Text, derived, text

ICD = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
OPS = "http://fhir.de/CodeSystem/bfarm/ops"
_GERMAN = {ICD: "I10G", OPS: "O301"}
_MARK_URL = "http://fhir.de/StructureDefinition/icd-10-gm-mehrfachcodierungs-kennzeichen"
_YEAR = re.compile(r"20\d\d")
_TABLE = re.compile(re.escape(V2) + r"(\d{4})")

#: Code, text, name of the coding system, version.
Triplet = tuple[str | None, str | None, str | None, str | None]
_EMPTY: Triplet = (None, None, None, None)


def cwe(
    w: Writing, concept: dict[str, Any] | None, table: str = "", field: str = "", default: str = ""
) -> Repetition | None:
    """CodeableConcept → CWE: two codings and the text.

    `table` is the code table of the field, `field` the place of local codes, `default` the code
    system the field implies.
    """
    if not concept:
        return None
    codings = list(concept.get("coding", ()))
    first = _translated(w, codings, table, field) if table else None
    triplets = [first] if first is not None else []
    triplets += [triplet(w, coding) for coding in codings]
    one, two = [*triplets, _EMPTY, _EMPTY][:2]
    words: Text | None = concept.get("text")
    del default
    if words is not None and words == one[1]:
        w.carried(words)
        words = None
    if words is not None and one[1] is None and one[2] is None:
        one, words = (one[0], words, None, one[3]), None
    return (*one[:3], *two[:3], one[3], two[3], words)


def _translated(
    w: Writing, codings: list[dict[str, Any]], table: str, field: str
) -> Triplet | None:
    """Take the coding a table made out of `codings`; None when the sender's own states it."""
    for coding in codings:
        code = w.coded(table, coding, field)
        if code is None:
            continue
        codings.remove(coding)
        same = (str(coding.get("system", "")), str(coding["code"]))
        for number, other in enumerate(codings):
            known = meaning(table, str(other.get("code", "")))
            if known is not None and (known.system, known.code) == same:
                w.carried(coding)
                codings.insert(0, codings.pop(number))
                return None
        shown = coding.get("display")
        known = meaning(table, str(code))
        return code, None if known and shown == known.display else shown, None, None
    return None


def triplet(w: Writing, coding: dict[str, Any]) -> Triplet:
    """Coding → code, text, name of the coding system and version."""
    code, system, version = (coding.get(name) for name in ("code", "system", "version"))
    name = system_name(w, system, version) if system is not None else None
    if name is not None and version is not None and name.endswith(str(version)):
        version = None
    return _marked(w, coding, code), coding.get("display"), name, version


def _marked(w: Writing, coding: dict[str, Any], code: Text | None) -> str | None:
    for extension in coding.get("extension", ()):
        mark = extension.get("valueCoding", {})
        if extension.get("url") == _MARK_URL and code is not None and "code" in mark:
            w.carried(extension["url"], mark.get("system"))
            return derived(f"{code}{mark['code']}", code, mark["code"])
    return code


def system_name(w: Writing, system: Text, version: Text | None = None) -> str:
    """Name a code system as CWE.3 does."""
    for name, uri in w.dialect.code_systems.items():
        if uri == system:
            return text(name, system.source)
    german = _GERMAN.get(system)
    if german is not None and version is not None and _YEAR.fullmatch(version):
        return derived(f"{german}{version}", system, version)
    known = german or system_names().get(system)
    if known is not None:
        return text(known, system.source)
    own = f"{w.namespace}/code/"
    if (found := _TABLE.fullmatch(system)) is not None:
        return text(f"HL7{found.group(1)}", system.source)
    if system.startswith("urn:oid:"):
        return text(system.removeprefix("urn:oid:"), system.source)
    if system.startswith(own):
        return text(unquote(system.removeprefix(own)), system.source)
    return system


def plain(
    w: Writing, concept: dict[str, Any] | None, table: str = "", field: str = "", default: str = ""
) -> str | None:
    """CodeableConcept → one code (IS, ID), the text where there is none."""
    if not concept:
        return None
    codings = concept.get("coding", ())
    for coding in codings if table else ():
        if (code := w.coded(table, coding, field)) is not None:
            return derived(code, code, *_restated(codings, coding, code))
    for coding in codings:
        code, system = coding.get("code"), coding.get("system")
        if code is None:
            continue
        implied = system is None or system == default or _TABLE.fullmatch(system) is not None
        if not implied:
            return text(code, code.source)
        return derived(w.local(code, field), code, system)
    words: Text | None = concept.get("text")
    # In the place of a code words are told, but read as one.
    return str(words) if words is not None else None


def _restated(codings: Any, taken: dict[str, Any], code: str) -> list[Any]:
    """Code and system of other codings that only repeat the code of the field's own table."""
    found: list[Any] = []
    for other in codings:
        if other is not taken and other.get("code") in (code, taken.get("code")):
            found += [other["code"], other.get("system")]
    return found


def words(w: Writing, concept: dict[str, Any]) -> str | None:
    """CodeableConcept → words for a text field."""
    shown: Text | None = concept.get("text")
    for coding in concept.get("coding", ()):
        display = coding.get("display")
        if shown is None:
            shown = display or coding.get("code")
        elif display == shown:
            w.carried(display)
    return shown


def extension(owner: dict[str, Any], url: str) -> dict[str, Any] | None:
    """Return the extension with this URL."""
    for found in owner.get("extension", ()):
        if found.get("url") == url:
            return found  # type: ignore[no-any-return]  # traced JSON
    return None
