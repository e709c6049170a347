"""The terminology service: packages, stores and, where configured, a server elsewhere.

https://hl7.org/fhir/R4/terminology-service.html

    terminology = Terminology(open_packages([...]), stores=[open_store(Path("icd-10-gm-2025.db"))])
    terminology.member("http://hl7.org/fhir/ValueSet/observation-status",
                       "http://hl7.org/fhir/observation-status", "final")
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from profiles.packages import Package, Packages
from profiles.terminology import remote_validation
from profiles.terminology.answers import (
    LookedUp,
    Subsumed,
    Translated,
    Validated,
    not_found,
)
from profiles.terminology.compiled_sets import CompiledSets
from profiles.terminology.compose import Compiled
from profiles.terminology.concept import CodeSystem, Json
from profiles.terminology.expand import Expansion, Wanted, expand, in_language
from profiles.terminology.naming import Naming
from profiles.terminology.questions import best, questions
from profiles.terminology.remote import CachedRemote
from profiles.terminology.sources import Sources
from profiles.terminology.subsumption import subsumption
from profiles.terminology.translate import Code, ConceptMaps
from profiles.terminology.validate_code import (
    DEFAULT,
    Question,
    Strictness,
    in_code_system,
    in_value_set,
)

#: Stands for every version that is not there: whoever asks for many of them compiles once.
_ABSENT = "?"


class Terminology:
    """Answers about codes, exactly or not at all."""

    def __init__(
        self,
        packages: Packages,
        stores: Iterable[CodeSystem] = (),
        remote: CachedRemote | None = None,
        *,
        within: tuple[Terminology, Package] | None = None,
    ) -> None:
        """Take what there is; nothing is read before it is asked for.

        `within` is for the method of that name: the whole terminology, and who looks at it.
        """
        whole: Terminology | None = within[0] if within else None
        self._requester = within[1] if within else None
        self.sources: Sources = whole.sources if whole else Sources(packages, stores)
        self._remote = remote
        self.sets: CompiledSets = CompiledSets(
            self.sources, self._requester, whole.sets if whole else None
        )
        self._maps = ConceptMaps(self.sources.packages, self._requester)
        self.views: dict[str, Terminology] = whole.views if whole else {}

    def within(self, package: Package) -> Terminology:
        """Return the same terminology as a package sees it: its dependencies' versions first.

            profile = packages.find(canonical, resource_type="StructureDefinition")
            terminology.within(profile.package).member(binding, system, code)

        Canonicals without a version then mean what they mean there, and so do code systems in
        questions without a version; a version that is named counts everywhere. A package that
        depends on nothing that defines a canonical sees the newest there is. Made once a package
        and kept (a dictionary look-up from then on); sources are shared, and a value set that
        several packages see is compiled once.
        """
        if package.key not in self.views:
            self.views[package.key] = Terminology(
                self.sources.packages, remote=self._remote, within=(self, package)
            )
        return self.views[package.key]

    # --- membership: the fast path

    def member(self, value_set: str, system: str, code: str) -> bool | None:
        """Say whether a code is in a value set (canonical); None when it cannot be decided.

        An empty `system` asks for the code in any system of the set, as for elements of type code.
        Raises NotConformant for a value set that cannot be compiled (cycle, unknown operator).
        """
        compiled = self.sets.kept.get(value_set)
        if compiled.__class__ is not Compiled:
            compiled = self.compiled(value_set)
        answer = compiled.member(system, code) if compiled is not None else None
        if answer is None and self._remote is not None:
            asked = Question(system=system, code=code)
            return remote_validation.member(self._remote, value_set, asked)
        return answer

    def member_of(self, coded: Any, value_set: str) -> bool | None:
        """Say whether a code, Coding or CodeableConcept (JSON) is in a value set."""
        answers = {
            self.member(value_set, one.system, one.code)
            for one in questions(coded)
            if one.system or isinstance(coded, str)
        }
        return True if True in answers else None if None in answers else False

    def compiled(self, value_set: str) -> Compiled | None:
        """Return a value set ready to be asked, None when nobody defines it.

        Raises NotConformant as `member`.
        """
        return self.sets.get(value_set)

    def compiled_resource(self, value_set: Json) -> Compiled:
        """Return a value set that lies in no package (contained in a resource), ready to be asked.

        Raises NotConformant as `member`.
        """
        return self.sets.resource(value_set)

    # --- operations

    def validate_code(
        self,
        value_set: str = "",
        *,
        system: str = "",
        code: str = "",
        version: str = "",
        display: str = "",
        coded: Json | None = None,
        strictness: Strictness = DEFAULT,
    ) -> Validated:
        """Validate a code, or what `coded` holds: a Coding or CodeableConcept.

        Against a value set, or without one against the code system alone. Raises NotConformant as
        `member`.
        """
        if coded is not None:
            answers = tuple(self._validated(value_set, one) for one in questions(coded, strictness))
            return answers[0] if "coding" not in coded and answers else best(answers)
        asked = Question(
            system=system, code=code, version=version, display=display, strictness=strictness
        )
        if value_set and not system:
            asked = self._with_system(value_set, asked)
        return self._validated(value_set, asked)

    def lookup(self, system: str, code: str, *, version: str = "", language: str = "") -> LookedUp:
        """Return what is known about a code.

        Raises NotSupported (not-found) when the code system or the code is not there.
        """
        home = self.sources.code_system(system, version, self._requester)
        if home is None:
            raise not_found(f"the code system is not available: {system}")
        concept = home.concept(home.written(code))
        if concept is None:
            raise not_found("the code system does not define this code, or is not there as a whole")
        designations = self.sources.designations(home, concept)
        return LookedUp(
            name=home.header.name,
            system=system,
            version=home.header.version,
            code=concept.code,
            display=in_language(designations, language) or concept.display,
            definition=concept.definition,
            inactive=concept.inactive,
            abstract=concept.abstract,
            designations=tuple(designations),
            properties=concept.properties,
            parents=home.parents(concept.code),
            children=home.children(concept.code),
        )

    def expand(self, value_set: str, wanted: Wanted | None = None, **options: Any) -> Expansion:
        """Return a page of the codes of a value set; options are the fields of `Wanted`.

        Raises NotSupported (not-found) when it or something it needs is not there, NotConformant
        (too-costly) when it has more codes than the limit or cannot be listed.
        """
        compiled = self.compiled(value_set)
        if compiled is None:
            raise not_found("the value set is not available")
        return expand(self.sources, compiled, wanted or Wanted(**options))

    def expand_resource(self, value_set: Json, wanted: Wanted) -> Expansion:
        """Return a page of the codes of a value set that lies in no package; raises as `expand`."""
        return expand(self.sources, self.compiled_resource(value_set), wanted)

    def subsumption(self, system: str, code_a: str, code_b: str, *, version: str = "") -> Subsumed:
        """Say how code A relates to code B (`$subsumes`)."""
        home = self.sources.code_system(system, version, self._requester)
        return subsumption(home, system, code_a, code_b)

    def subsumes(self, general: Any, special: Any) -> bool | None:
        """Say whether a Coding or CodeableConcept subsumes (or equals) another, for FHIRPath."""
        answers: set[bool | None] = set()
        for one in questions(general):
            for other in questions(special):
                if not (one.system and other.system):
                    answers.add(None)
                elif one.system == other.system:
                    found = self.subsumption(one.system, one.code, other.code).outcome
                    answers.add(None if found is None else found in {"equivalent", "subsumes"})
        return True if True in answers else None if None in answers else False

    def translate(
        self, concept_map: str, system: str, code: str, *, reverse: bool = False, **asked: str
    ) -> Translated:
        """Translate a code by a ConceptMap (canonical), by any that fits when none is named.

        `asked`: version, target (a code system).
        Raises NotSupported (not-found) when the map is not there, NotConformant when maps lead in
        circles.
        """
        question = Code(system=system, code=code, **asked)
        return self._maps.translate(concept_map, question, reverse=reverse)

    @property
    def naming(self) -> Mapping[str, Naming]:
        """Naming systems by each of their unique ids."""
        return self.sources.naming

    def uri(self, name: str) -> str:
        """Return the URI to write for an OID (`1.2.276…`, `urn:oid:…`) or another name of a system.

        What nobody names, and what is a code system's URL itself, is returned as it is.
        """
        if self.sources.code_system(name) is not None:
            return name
        known = self.naming.get(name.removeprefix("urn:oid:"))
        return known.uri if known is not None and known.uri else name

    def oids(self, uri: str) -> tuple[str, ...]:
        """Return the OIDs (without `urn:oid:`) that mean the same system as a URI."""
        known = self.naming.get(uri)
        return tuple(value for kind, value in known.ids if kind == "oid") if known else ()

    # --- what stands behind them

    def _validated(self, value_set: str, asked: Question) -> Validated:
        if self._requester is not None:
            asked = replace(asked, requester=self._requester)
        answer = self._locally(value_set, asked)
        if answer.outcome == "undecided" and self._remote is not None:
            return remote_validation.validate(self._remote, value_set, asked) or answer
        return answer

    def _locally(self, value_set: str, asked: Question) -> Validated:
        if not value_set:
            return in_code_system(self.sources, asked)
        compiled = self.compiled(value_set)
        if compiled is None:
            return Validated(
                outcome="undecided",
                reason="unknown-value-set",
                system=asked.system,
                code=asked.code,
                missing=(value_set,),
            )
        if not asked.system:
            return Validated(outcome="no", reason="no-system", code=asked.code)
        if asked.version and asked.system in compiled.members.systems:
            return self._in_its_version(value_set, compiled, asked)
        return in_value_set(self.sources, compiled, asked)

    def _in_its_version(self, value_set: str, compiled: Compiled, asked: Question) -> Validated:
        there = self.sources.code_system(asked.system, asked.version, self._requester)
        version = asked.version if there is not None else _ABSENT
        compiled = self.sets.of_version(value_set, asked.system, version) or compiled
        answer = in_value_set(self.sources, compiled, asked)
        absent, named = (f"{asked.system}|{one}" for one in (_ABSENT, asked.version))
        missing = tuple(named if one == absent else one for one in answer.missing)
        return replace(answer, missing=missing)

    def _with_system(self, value_set: str, asked: Question) -> Question:
        """A code alone belongs to the system of the value set that has it."""
        compiled = self.compiled(value_set)
        systems = compiled.systems_with(asked.code) if compiled else []
        if compiled and not systems:
            systems = list(compiled.members.systems)
        return replace(asked, system=systems[0]) if systems else asked
