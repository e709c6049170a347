"""`$subsumes`: how two codes of a code system relate.

https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
"""

from __future__ import annotations

from profiles.terminology.answers import Subsumed
from profiles.terminology.concept import CodeSystem, is_a

#: Meanings of a hierarchy in which what is above subsumes what is below; parts of a whole and mere
#: groups are no special cases of what they stand below.
_IS_A = frozenset({"", "is-a", "classified-with"})


def subsumption(home: CodeSystem | None, system: str, code_a: str, code_b: str) -> Subsumed:
    """Say how code A relates to code B; undecided where the hierarchy does not say it."""
    if home is None or home.header.content == "not-present":
        return Subsumed(outcome=None, reason="unknown-system", missing=(system,))
    a, b = home.written(code_a), home.written(code_b)
    if home.concept(a) is None or home.concept(b) is None:
        return Subsumed(outcome=None, reason="unknown-code")
    if a == b:
        return Subsumed(outcome="equivalent")
    if home.header.hierarchy_meaning not in _IS_A or not home.knows("parent"):
        return Subsumed(outcome=None, reason="no-subsumption")
    if is_a(home, b, a):
        return Subsumed(outcome="subsumes")
    if is_a(home, a, b):
        return Subsumed(outcome="subsumed-by")
    if home.header.content != "complete":
        missing = (home.header.canonical,)
        return Subsumed(outcome=None, reason="fragment", missing=missing)
    return Subsumed(outcome="not-subsumed")
