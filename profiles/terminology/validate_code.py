"""`$validate-code`: is this coding valid, and if not, why.

https://hl7.org/fhir/R4/valueset-operation-validate-code.html,
https://hl7.org/fhir/R4/codesystem-operation-validate-code.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from profiles.packages import Package
from profiles.terminology.answers import Reason, Validated
from profiles.terminology.code_system import ResourceCodeSystem
from profiles.terminology.compose import Compiled
from profiles.terminology.concept import CodeSystem, Concept, Designation
from profiles.terminology.sources import Sources, fits


@dataclass(frozen=True, slots=True, kw_only=True)
class Strictness:
    """How strictly a coding is looked at."""

    #: False where a code that only groups others is not good enough.
    abstract: bool = True
    #: Whether inactive codes are refused.
    active_only: bool = False
    #: Whether a wrong display is only worth a warning.
    lenient_display: bool = False


#: The strictness of the standard's operation.
DEFAULT = Strictness()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One coding, and how strictly it is looked at."""

    system: str = ""
    version: str = ""
    code: str = ""
    display: str = ""
    strictness: Strictness = DEFAULT
    #: The package from which code systems without a version are seen; None sees from nowhere.
    requester: Package | None = None


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a value set itself calls a code."""

    display: str = ""
    designations: tuple[Designation, ...] = ()


_NOT_SHOWN = _Shown()


def in_code_system(sources: Sources, asked: Question) -> Validated:
    """Validate against a code system alone."""
    if not asked.system:
        return Validated(outcome="no", reason="no-system", code=asked.code)
    system = sources.code_system(asked.system, asked.version, asked.requester)
    if system is None or system.header.content == "not-present":
        return _absent(sources, asked, system)
    code = system.written(asked.code)
    concept = system.concept(code)
    if concept is not None:
        return _checked(sources, asked, system, concept, _NOT_SHOWN)
    if not system.header.has_all_like(asked.code):
        missing = (system.header.canonical,)
        return _answer(asked, "undecided", "fragment", missing=missing)
    return _answer(asked, "no", _why_unknown(system, asked.code), version=system.header.version)


def in_value_set(sources: Sources, compiled: Compiled, asked: Question) -> Validated:
    """Validate against a value set that was compiled for this version of the code system."""
    pinned = compiled.pinned.get(asked.system)
    if asked.version and pinned and not _agrees(asked.version, pinned):
        return _answer(asked, "no", "wrong-version")
    answer = compiled.member(asked.system, asked.code)
    if answer is None:
        return _undecided(sources, compiled, asked)
    if answer is False:
        return _answer(asked, "no", _why_not(sources, compiled, asked))
    return _member(sources, compiled, asked)


def _member(sources: Sources, compiled: Compiled, asked: Question) -> Validated:
    code = compiled.written(asked.system, asked.code)
    shown = _Shown(
        compiled.tables.get(asked.system, {}).get(code, ""),
        compiled.designations.get((asked.system, code), ()),
    )
    systems = compiled.defined.get(asked.system, ())
    for system in systems:
        if (concept := system.concept(code)) is not None:
            return _checked(sources, asked, system, concept, shown)
    # Listed in the value set, but its code system is not there, or only in part, or says no.
    concept = Concept(code, shown.display)
    found = _checked(sources, asked, None, concept, shown)
    if any(one.header.content == "complete" for one in systems):
        return replace(found, warnings=(*found.warnings, "unknown-code"))
    return found


def _checked(
    sources: Sources, asked: Question, system: CodeSystem | None, concept: Concept, shown: _Shown
) -> Validated:
    """Look at what else may be wrong with a code that exists."""
    warnings: list[Reason] = []
    found = _answer(
        replace(asked, code=concept.code),
        "yes",
        version=system.header.version if system else asked.version,
        display=shown.display or concept.display,
        inactive=concept.inactive,
    )
    if concept.abstract and not asked.strictness.abstract:
        return replace(found, outcome="no", reason="abstract")
    if concept.inactive and asked.strictness.active_only:
        return replace(found, outcome="no", reason="inactive")
    if concept.inactive:
        warnings.append("inactive")
    if concept.code != asked.code:
        warnings.append("wrong-case")
    if asked.display and not _is_display(sources, asked.display, system, concept, shown):
        if not asked.strictness.lenient_display:
            return replace(found, outcome="no", reason="wrong-display")
        warnings.append("wrong-display")
    return replace(found, warnings=tuple(warnings))


def _is_display(
    sources: Sources, display: str, system: CodeSystem | None, concept: Concept, shown: _Shown
) -> bool:
    """Compare without case and surplus blanks; a code without any display takes all."""
    said_here = (one.value for one in shown.designations)
    known = [one for one in (concept.display, shown.display, *said_here) if one]
    if not known:
        return True
    said = _plain(display)
    if any(_plain(one) == said for one in known):
        return True
    if system is None:
        return False
    return any(_plain(one.value) == said for one in sources.designations(system, concept))


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _why_not(sources: Sources, compiled: Compiled, asked: Question) -> Reason:
    if not asked.system and compiled.members.systems:
        return "not-in-value-set"
    system = sources.code_system(asked.system, asked.version, asked.requester)
    if system is None or system.header.content != "complete":
        listed = compiled.tables.get(asked.system, {})
        folded = asked.code.casefold()
        same = any(one.casefold() == folded for one in listed)
        return "wrong-case" if same else "not-in-value-set"
    concept = system.concept(system.written(asked.code))
    if concept is None:
        return _why_unknown(system, asked.code)
    if concept.inactive and not compiled.takes_inactive:
        return "inactive"
    return "not-in-value-set"


def _why_unknown(system: CodeSystem, code: str) -> Reason:
    """Say whether only the case is wrong; on disk only the plain variants are looked up."""
    if isinstance(system, ResourceCodeSystem):
        known = code.casefold() in system.folded
    else:
        variants = {code.upper(), code.lower()} - {code}
        known = any(system.concept(one) is not None for one in variants)
    return "wrong-case" if known else "unknown-code"


def _undecided(sources: Sources, compiled: Compiled, asked: Question) -> Validated:
    missing = compiled.members.of(asked.system).missing
    own = [one for one in missing if one.partition("|")[0] == asked.system]
    reason: Reason = "unknown-value-set"
    if own:
        reason = _why_undecided(sources, asked, own[0].partition("|")[2])
    return _answer(asked, "undecided", reason, missing=tuple(sorted(missing)))


def _why_undecided(sources: Sources, asked: Question, version: str) -> Reason:
    system = sources.code_system(asked.system, version, asked.requester)
    if system is None:
        return "unknown-version" if sources.versions(asked.system) else "unknown-system"
    if system.header.content == "not-present":
        return "unknown-system"
    return "unknown-property" if system.header.content == "complete" else "fragment"


def _absent(sources: Sources, asked: Question, system: CodeSystem | None) -> Validated:
    there = system is None and bool(asked.version and sources.versions(asked.system))
    reason: Reason = "unknown-version" if there else "unknown-system"
    name = f"{asked.system}|{asked.version}" if asked.version else asked.system
    return _answer(asked, "undecided", reason, missing=(name,))


def _agrees(version: str, pinned: frozenset[str]) -> bool:
    return any(fits(version, one) or fits(one, version) for one in pinned)


def _answer(
    asked: Question,
    outcome: str,
    reason: Reason = "",
    *,
    version: str = "",
    display: str = "",
    inactive: bool = False,
    missing: tuple[str, ...] = (),
) -> Validated:
    return Validated(
        outcome="yes" if outcome == "yes" else "no" if outcome == "no" else "undecided",
        reason=reason,
        system=asked.system,
        version=version or asked.version,
        code=asked.code,
        display=display,
        inactive=inactive,
        missing=missing,
    )
