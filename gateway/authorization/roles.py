"""Roles: what a client may do at most, whatever its scopes say."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.authorization.scopes import Scope, narrowed, read_scope
from gateway.domain.client import EVERYTHING

#: What an auditor reads: evidence and the consents it speaks of, nothing clinical.
_EVIDENCE = ("AuditEvent", "Provenance", "Consent")
#: What an operator reads: how the region is built, nothing about a person.
_STRUCTURE = (
    "CapabilityStatement",
    "CodeSystem",
    "ConceptMap",
    "Endpoint",
    "HealthcareService",
    "Location",
    "NamingSystem",
    "OperationDefinition",
    "Organization",
    "SearchParameter",
    "StructureDefinition",
    "ValueSet",
)

#: Role → the scopes it can have.
LIMITS: dict[str, tuple[str, ...]] = {
    "system": EVERYTHING,
    "practitioner": EVERYTHING,
    "agency": EVERYTHING,
    "auditor": tuple(f"system/{type_}.rs" for type_ in _EVIDENCE),
    "operator": tuple(f"system/{type_}.rs" for type_ in _STRUCTURE),
}


def limited(role: str, scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    """Cut scopes down to what a role may have; an unknown role has nothing."""
    most = [scope for one in LIMITS.get(role, ()) if (scope := read_scope(one)) is not None]
    return narrowed(scopes, most)


def granted(role: str, allowed: Iterable[str]) -> tuple[Scope, ...]:
    """Return the scopes of a client as registered."""
    return limited(role, (scope for one in allowed if (scope := read_scope(one)) is not None))
