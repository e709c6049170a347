"""`$expand`: the codes of a value set, in pages.

https://hl7.org/fhir/R4/valueset-operation-expand.html. A set that cannot be listed (an endless
grammar, more codes than the limit) is the standard's too-costly error; one that needs an absent
code system is refused with its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from profiles.reading.limits import refused
from profiles.terminology.answers import not_found
from profiles.terminology.compose import Compiled
from profiles.terminology.concept import CodeSystem, Concept, Designation, Json, Searchable
from profiles.terminology.extent import Rule
from profiles.terminology.sources import Sources

#: https://hl7.org/fhir/R4/extension-valueset-unclosed.html: other codes may belong to it, too.
_UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"
#: Codes that are looked at for one page.
_MOST_SCANNED = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How the expansion shall look."""

    #: Words that each have to occur in the code, its display or a designation.
    filter: str = ""
    offset: int = 0
    #: Codes of the page; None for all, which then may not be more than `limit`.
    count: int | None = None
    active_only: bool = False
    include_designations: bool = False
    #: Lists what is there, where something is missing to list all; else that is refused.
    partial: bool = False
    #: BCP 47, e.g. `de`; displays are taken from designations of this language where there are any.
    display_language: str = ""
    limit: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Contained:
    """One code of an expansion."""

    system: str
    code: str
    display: str = ""
    version: str = ""
    inactive: bool = False
    abstract: bool = False
    designations: tuple[Designation, ...] = ()

    def entry(self) -> Json:
        """Render as ValueSet.expansion.contains."""
        made: Json = {"system": self.system}
        if self.abstract:
            made["abstract"] = True
        if self.inactive:
            made["inactive"] = True
        if self.version:
            made["version"] = self.version
        made["code"] = self.code
        if self.display:
            made["display"] = self.display
        if self.designations:
            made["designation"] = [_designation(one) for one in self.designations]
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """A page of the codes of a value set."""

    #: URL with version.
    canonical: str
    contains: tuple[Contained, ...]
    offset: int
    #: Codes of all pages; None where counting would cost too much.
    total: int | None
    #: How it was asked for.
    wanted: Wanted
    #: Code systems and value sets (canonical) that are missing to list all, when `partial`.
    missing: tuple[str, ...] = ()

    def value_set(self, timestamp: str) -> Json:
        """Render as a ValueSet; `timestamp` (dateTime) is the caller's, there is no clock here."""
        url, _, version = self.canonical.partition("|")
        made: Json = {"resourceType": "ValueSet", "url": url, "status": "active"}
        if version:
            made["version"] = version
        expansion: Json = {"timestamp": timestamp}
        if self.missing:
            expansion = {"extension": [{"url": _UNCLOSED, "valueBoolean": True}], **expansion}
        if self.total is not None:
            expansion["total"] = self.total
        expansion["offset"] = self.offset
        expansion["parameter"] = [
            {"name": name, kind: value}
            for name, kind, value in (
                ("filter", "valueString", self.wanted.filter),
                ("activeOnly", "valueBoolean", self.wanted.active_only),
                ("displayLanguage", "valueCode", self.wanted.display_language),
                ("count", "valueInteger", self.wanted.count),
            )
            if value or (name == "count" and value is not None)
        ]
        if not expansion["parameter"]:
            del expansion["parameter"]
        if self.contains:
            expansion["contains"] = [one.entry() for one in self.contains]
        return made | {"expansion": expansion}


def expand(sources: Sources, compiled: Compiled, wanted: Wanted) -> Expansion:
    """List a page. Raises NotConformant (too-costly) and NotSupported (not-found)."""
    _check(compiled, wanted)
    most = wanted.limit if wanted.count is None else min(wanted.count, wanted.limit)
    end = wanted.offset + most
    page: list[tuple[str, str]] = []
    total = None if wanted.filter.strip() or wanted.active_only else _size(compiled)
    counted = 0
    for counted, found in enumerate(_matching(sources, compiled, wanted), start=1):
        if wanted.count is None and counted > end:
            raise refused("the value set has more codes than the limit", code="too-costly")
        if counted > end and (total is not None or counted > wanted.limit):
            break
        if wanted.offset < counted <= end:
            page.append(found)
    else:
        total = counted
    return Expansion(
        canonical=compiled.canonical,
        contains=tuple(_contained(sources, compiled, wanted, *one) for one in page),
        offset=wanted.offset,
        total=total,
        wanted=wanted,
        missing=tuple(sorted(compiled.missing)),
    )


def _check(compiled: Compiled, wanted: Wanted) -> None:
    if wanted.offset < 0 or (wanted.count is not None and wanted.count < 0):
        raise refused("offset and count may not be negative", code="value")
    if compiled.missing and not wanted.partial:
        names = ", ".join(sorted(compiled.missing))
        raise not_found(f"the value set cannot be expanded without: {names}")
    if any(one.endless for one in compiled.members.systems.values()):
        raise refused("the codes of a grammar cannot be listed", code="too-costly")


def _size(compiled: Compiled) -> int | None:
    """How many codes there are, where that is known without going through them."""
    sizes = [one.size for one in compiled.members.systems.values()]
    known = [one for one in sizes if one is not None]
    return sum(known) if len(known) == len(sizes) else None


def _matching(sources: Sources, compiled: Compiled, wanted: Wanted) -> Iterator[tuple[str, str]]:
    """Go through system and code of what is wanted; concepts are read only to filter."""
    words = wanted.filter.casefold().split()
    scanned = 0
    for system in compiled.members.systems:
        for code in _candidates(sources, compiled, system, words):
            scanned += 1
            if scanned > _MOST_SCANNED:
                raise refused("too many codes to look through", code="too-costly")
            if words or wanted.active_only:
                home, concept = _concept(compiled, system, code)
                if wanted.active_only and concept.inactive:
                    continue
                if words and not _has(_texts(sources, compiled, home, system, concept), words):
                    continue
            yield system, code


def _contained(
    sources: Sources, compiled: Compiled, wanted: Wanted, system: str, code: str
) -> Contained:
    home, concept = _concept(compiled, system, code)
    found = Contained(
        system=system,
        code=code,
        display=concept.display,
        version=home.header.version if home else "",
        inactive=concept.inactive,
        abstract=concept.abstract,
    )
    return _dressed(sources, compiled, wanted, found)


def _candidates(
    sources: Sources, compiled: Compiled, system: str, words: list[str]
) -> Iterator[str]:
    """Go through the codes; a store looks for the words itself where it alone has the texts."""
    extent = compiled.members.of(system)
    homes = compiled.defined.get(system, ())
    if words and isinstance(extent, Rule) and extent.weight == 1 and len(homes) == 1:
        home = homes[0]
        if isinstance(home, Searchable) and not sources.supplements(home):
            return (code for code in home.matching(words) if extent.test(code))
    return extent.each()


def _concept(compiled: Compiled, system: str, code: str) -> tuple[CodeSystem | None, Concept]:
    shown = compiled.tables.get(system, {}).get(code, "")
    for home in compiled.defined.get(system, ()):
        if (concept := home.concept(code)) is not None:
            return home, replace(concept, display=shown) if shown else concept
    return None, Concept(code, shown)


def _known(
    sources: Sources, compiled: Compiled, home: CodeSystem | None, system: str, concept: Concept
) -> list[Designation]:
    """Designations: those of the value set come first."""
    said = list(compiled.designations.get((system, concept.code), ()))
    return said + (sources.designations(home, concept) if home else [])


def _texts(
    sources: Sources, compiled: Compiled, home: CodeSystem | None, system: str, concept: Concept
) -> list[str]:
    known = _known(sources, compiled, home, system, concept)
    return [concept.code, concept.display, *(one.value for one in known)]


def _has(texts: list[str], words: list[str]) -> bool:
    folded = [one.casefold() for one in texts]
    return all(any(word in text for text in folded) for word in words)


def _dressed(sources: Sources, compiled: Compiled, wanted: Wanted, found: Contained) -> Contained:
    """Add what the caller wants to see: designations, a display in another language."""
    if not (wanted.include_designations or wanted.display_language):
        return found
    home, concept = _concept(compiled, found.system, found.code)
    known = _known(sources, compiled, home, found.system, concept)
    display = in_language(known, wanted.display_language) or found.display
    shown = tuple(known) if wanted.include_designations else ()
    return replace(found, display=display, designations=shown)


def in_language(designations: list[Designation], language: str) -> str:
    """Return the first text of a language (`de` takes `de-DE` too), empty when there is none."""
    wanted = language.casefold()
    if not wanted:
        return ""
    fitting = (
        one.value
        for one in designations
        if one.language.casefold() == wanted or one.language.casefold().startswith(f"{wanted}-")
    )
    return next(fitting, "")


def _designation(one: Designation) -> Json:
    made: Json = {"language": one.language} if one.language else {}
    if one.use:
        made["use"] = {"code": one.use}
    return made | {"value": one.value}
