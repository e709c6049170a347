"""What the domain decides where no consent speaks: implicit rules, break-glass, legal mandates.

The four implicit policies are those of IHE Privacy Consent on FHIR, volume 1, 53.2.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from gateway.consent.codes import RANK, TREATMENT
from gateway.consent.dates import zone
from profiles.issue import NotConformant


@dataclass(frozen=True, slots=True)
class ImplicitRule:
    """One rule for requests no consent speaks about; an empty set does not restrict."""

    permit: bool = True
    #: Every declared purpose must be one of these or stand below one.
    purposes: frozenset[str] = frozenset()
    #: Functional roles of people.
    roles: frozenset[str] = frozenset()
    #: Kinds of organizations, asked only where no functional role is stated.
    kinds: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()
    #: The highest confidentiality a permit reaches.
    confidentiality: str = "N"


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Who may break the glass, for what, and against what."""

    roles: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset({"access"})
    on_absent: bool = True
    on_explicit_deny: bool = False
    on_unavailable: bool = True


@dataclass(frozen=True, slots=True)
class LegalMandate:
    """A statutory duty to hand over exactly these data to exactly this recipient."""

    #: The legal basis as it goes into the record, e.g. "IfSG-7".
    id: str
    #: "Organization/…" or "system|value".
    recipient: str
    purpose: str
    actions: frozenset[str]
    resource_types: frozenset[str]
    #: (system, code) that make a coded resource reportable; empty for all of these types.
    codes: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Policy:
    """The domain's policy; everything not stated denies."""

    implicit: tuple[ImplicitRule, ...] = ()
    timezone: str = "Europe/Berlin"
    break_glass: BreakGlass = BreakGlass()
    legal_mandates: tuple[LegalMandate, ...] = ()
    #: Whether the newest consent of a lineage replaces the older ones.
    newest_wins: bool = True
    #: Whether an unlabelled free-text document is held where a rule asks for labels.
    hold_unlabelled: bool = True

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Policy:
        """Read a policy from configuration or a case; raises NotConformant on unknown keys.

        Keys may be written in snake_case (TOML) or camelCase (JSON).
        """
        given = _known(mapping, _POLICY_KEYS, "policy")
        timezone = _choice(given.get("timezone", cls().timezone), None, "policy.timezone")
        try:
            zone(timezone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise _wrong("policy.timezone", "names no time zone") from error
        return cls(
            implicit=_implicit(given),
            timezone=timezone,
            break_glass=_break_glass(given.get("break_glass")),
            legal_mandates=tuple(map(_mandate, _list(given, "legal_mandates"))),
            newest_wins=_choice(given.get("lineage", "newest"), _LINEAGE, "policy.lineage")
            == "newest",
            hold_unlabelled=_choice(
                given.get("unlabelled_documents", "hold"),
                _UNLABELLED,
                "policy.unlabelled_documents",
            )
            == "hold",
        )


_POLICY_KEYS = (
    *("implicit", "timezone", "clinical_roles", "clinical_kinds", "break_glass"),
    *("legal_mandates", "lineage", "unlabelled_documents"),
)
_RULE_KEYS = ("type", "purposes", "roles", "kinds", "actions", "confidentiality")
_GLASS_KEYS = ("roles", "actions", "on_absent", "on_explicit_deny", "on_unavailable")
_MANDATE_KEYS = ("id", "recipient", "purpose", "actions", "resource_types", "codes")
_LINEAGE = ("newest", "all")
_UNLABELLED = ("hold", "normal")
_TYPES = ("permit", "deny")
_IMPLICIT = ("deny", "break-glass-only", "permit-treatment", "permit")


def _implicit(given: Mapping[str, Any]) -> tuple[ImplicitRule, ...]:
    value = given.get("implicit", "deny")
    if isinstance(value, list | tuple):
        return tuple(map(_rule, value))
    word = _choice(value, _IMPLICIT, "policy.implicit")
    if word == "permit-treatment":
        return (
            ImplicitRule(
                purposes=frozenset({TREATMENT}),
                roles=_words(given.get("clinical_roles", ("physician", "nurse"))),
                kinds=_words(given.get("clinical_kinds", ("hospital", "practice"))),
            ),
        )
    return (ImplicitRule(),) if word == "permit" else ()


def _rule(value: Any) -> ImplicitRule:
    given = _known(value, _RULE_KEYS, "policy.implicit")
    rank = _choice(
        given.get("confidentiality", "N"), tuple(RANK), "policy.implicit.confidentiality"
    )
    return ImplicitRule(
        permit=_choice(given.get("type"), _TYPES, "policy.implicit.type") == "permit",
        purposes=_words(given.get("purposes", ())),
        roles=_words(given.get("roles", ())),
        kinds=_words(given.get("kinds", ())),
        actions=_words(given.get("actions", ())),
        confidentiality=rank,
    )


def _break_glass(value: Any) -> BreakGlass:
    if value is None:
        return BreakGlass()
    given = _known(value, _GLASS_KEYS, "policy.break_glass")

    def allows(name: str, default: str) -> bool:
        word = given.get(name, default)
        return _choice(word, _TYPES, f"policy.break_glass.{name}") == "permit"

    return BreakGlass(
        roles=_words(given.get("roles", ())),
        actions=_words(given.get("actions", ("access",))),
        on_absent=allows("on_absent", "permit"),
        on_explicit_deny=allows("on_explicit_deny", "deny"),
        on_unavailable=allows("on_unavailable", "permit"),
    )


def _mandate(value: Any) -> LegalMandate:
    given = _known(value, _MANDATE_KEYS, "policy.legal_mandates")
    missing = [key for key in _MANDATE_KEYS[:5] if not given.get(key)]
    if missing:
        raise _wrong("policy.legal_mandates", f"needs {missing[0]}")
    return LegalMandate(
        id=str(given["id"]),
        recipient=str(given["recipient"]),
        purpose=str(given["purpose"]),
        actions=_words(given["actions"]),
        resource_types=_words(given["resource_types"]),
        codes=frozenset(map(_pair, _list(given, "codes"))),
    )


def _known(value: Any, keys: Sequence[str], where: str) -> dict[str, Any]:
    """Give the mapping with snake_case keys; an unknown key names its nearest known one."""
    if not isinstance(value, Mapping):
        raise _wrong(where, "must be a table")
    given = {re.sub(r"(?<=[a-z])([A-Z])", r"_\1", str(k)).lower(): v for k, v in value.items()}
    for key in given:
        if key not in keys:
            near = get_close_matches(key, keys, n=1, cutoff=0)
            raise _wrong(f"{where}.{key}", f"is unknown; the nearest known key is {near[0]}")
    return given


def _choice(value: Any, allowed: Sequence[str] | None, where: str) -> str:
    if not isinstance(value, str) or (allowed is not None and value not in allowed):
        raise _wrong(where, f"must be one of {', '.join(allowed or ('a text',))}")
    return value


def _words(value: Any) -> frozenset[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise _wrong("policy", "expects lists of texts")
    return frozenset(value)


def _pair(value: Any) -> tuple[str, str]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise _wrong("policy.legal_mandates.codes", "expects pairs of system and code")
    system, code = value
    return str(system), str(code)


def _list(given: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = given.get(key, ())
    if not isinstance(value, list | tuple):
        raise _wrong(f"policy.{key}", "must be a list")
    return value


def _wrong(where: str, text: str) -> NotConformant:
    return NotConformant(f"{where} {text}", location=where)
