"""HumanName → XPN with the German parts (HL7 v2.5 chapter 2.A.88, de.basisprofil)."""

from __future__ import annotations

from typing import Any

from mappers.codes import table
from mappers.hl7v2.session import ORIGINAL_TEXT, PACKAGE
from mappers.hl7v2.write.er7 import Component, Repetition
from mappers.hl7v2.write.writing import Writing
from mappers.trace import Text, derived

_CORE = "http://hl7.org/fhir/StructureDefinition/"
#: Subcomponents 2 to 5 of FN.
_PARTS = (
    "humanname-own-prefix",
    "humanname-own-name",
    "humanname-partner-prefix",
    "humanname-partner-name",
)
_AFFIX = "http://fhir.de/StructureDefinition/humanname-namenszusatz"
_QUALIFIER = _CORE + "iso21090-EN-qualifier"
_ORDER = _CORE + "humanname-assembly-order"


def xpn(w: Writing, name: dict[str, Any]) -> Repetition | None:
    """HumanName → XPN; None when nobody is named."""
    parts = name_parts(w, name)
    if parts is None:
        return None
    family, given, further, suffix, prefix, rest = parts
    period = name.get("period", {})
    return (
        family,
        given,
        further,
        suffix,
        prefix,
        None,
        name_type(w, name),
        None,
        None,
        None,
        name_order(w, name),
        w.time(period.get("start")),
        w.time(period.get("end")),
        rest,
    )


def name_type(w: Writing, name: dict[str, Any]) -> str | None:
    """XPN.7 or XCN.10: the use of a name, or the code its sender gave."""
    for extension in name.get("_use", {}).get("extension", ()):
        if extension.get("url") == ORIGINAL_TEXT and "use" not in name:
            w.carried(extension["url"])
            stated: str | None = extension.get("valueString")
            return stated
    return w.code("name-use", name.get("use"))


Parts = tuple[Component, str | None, str | None, str | None, str | None, str | None]


def name_parts(w: Writing, name: dict[str, Any]) -> Parts | None:
    """Family name, given names, further ones, Namenszusatz or suffix, title, further suffixes."""
    family, given = name.get("family"), list(name.get("given", ()))
    if family is None and not given:
        shown = name.get("text")
        return (shown, None, None, None, None, None) if shown else None
    prefixes, suffixes = name.get("prefix", ()), list(name.get("suffix", ()))
    _academic(w, name)
    affix, fn = _family(name, family)
    if affix is None and suffixes and suffixes[0] not in table(PACKAGE, "namenszusatz"):
        affix = suffixes.pop(0)
    shown = name.get("text")
    if shown is not None and shown == " ".join(_all(prefixes, given, family, name)):
        w.carried(shown)
    return (
        fn,
        given[0] if given else None,
        _joined(given[1:]),
        affix,
        _joined(prefixes),
        _joined(suffixes),
    )


def _all(prefixes: Any, given: Any, family: Any, name: dict[str, Any]) -> list[str]:
    parts = [*prefixes, *given, family, *name.get("suffix", ())]
    return [str(part) for part in parts if part]


def _joined(parts: Any) -> str | None:
    return derived(" ".join(parts), *parts) if parts else None


def _family(name: dict[str, Any], family: Text | None) -> tuple[str | None, Component]:
    """Return the Namenszusatz and the subcomponents of FN."""
    found: dict[str, str] = {}
    affix: str | None = None
    for extension in name.get("_family", {}).get("extension", ()):
        url = str(extension.get("url", ""))
        value = extension.get("valueString")
        if value is None:
            continue
        if url == _AFFIX and affix is None:
            affix = derived(value, value, extension["url"])
        elif url.startswith(_CORE) and url.removeprefix(_CORE) in _PARTS:
            found[url.removeprefix(_CORE)] = derived(value, value, extension["url"])
    return affix, (family, *(found.get(part) for part in _PARTS)) if found else family


def _academic(w: Writing, name: dict[str, Any]) -> None:
    """The title of XPN.5 is academic without saying so."""
    for prefix in name.get("_prefix", ()):
        for extension in (prefix or {}).get("extension", ()):
            if extension.get("url") == _QUALIFIER and extension.get("valueCode") == "AC":
                w.carried(extension)


def name_order(w: Writing, name: dict[str, Any]) -> str | None:
    """XPN.11 or XCN.18: in which order the parts of a name are shown."""
    for extension in name.get("extension", ()):
        if extension.get("url") == _ORDER:
            code = w.code("name-order", extension.get("valueCode"))
            return derived(code, code, extension["url"]) if code is not None else None
    return None
