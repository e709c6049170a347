"""Consent → CompiledConsent: everything that does not depend on the request.

What is not read here is not evaluated, and what is not evaluated makes the whole consent
indeterminate, which denies (rule R16). https://hl7.org/fhir/R4/consent-definitions.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from gateway.consent.codes import CARE_PURPOSES, PURPOSE_PARENTS, is_a
from gateway.consent.compiled import DENY, NONE, PERMIT, CompiledConsent, Named, Rule
from gateway.consent.dates import Span, period, span, zone
from gateway.consent.provision import UnreadableError, named, read_rule
from gateway.consent.references import identifier_key, tail
from gateway.consent.shape import fields, items, text

_STATUSES = frozenset({"active", "inactive", "rejected", "draft", "proposed", "entered-in-error"})
#: policyRule → what holds outside the root. OPTINR never widens, so it gives no base.
_BASES = {"OPTIN": PERMIT, "OPTOUT": DENY, "OPTOUTE": DENY}


def compile_consent(consent: Mapping[str, Any], timezone: str = "Europe/Berlin") -> CompiledConsent:
    """Compile one Consent; never raises on its content, callers may keep the result.

    `timezone` is the domain's: it decides where the days of periods begin and end.
    """
    where = zone(timezone)
    base = _base(consent)
    problem, root = _root(consent, where, base)
    patient = _named(consent.get("patient"))
    scopes = frozenset(_codes(consent.get("scope")))
    rules = tuple(_all(root))
    status = consent.get("status")
    known_status = status if isinstance(status, str) and status in _STATUSES else ""
    return CompiledConsent(
        id=text(consent.get("id")),
        version=text(fields(consent.get("meta")).get("versionId")),
        timezone=timezone,
        status=known_status,
        scopes=scopes,
        patients=frozenset(_keys(patient)),
        patient_tail="" if patient.comparable else tail(patient.reference),
        performers=frozenset(k for p in items(consent.get("performer")) for k in _keys(_named(p))),
        by_proxy=_by_proxy(consent),
        given=_span(consent.get("dateTime"), where),
        lineage=_lineage(consent, scopes, patient),
        period=_period(consent, where),
        base=base,
        root=root,
        problem=problem or ("" if known_status else "status is not known"),
        positive=base == PERMIT or any(rule.type == PERMIT for rule in rules),
        research_only=scopes == {"research"} and not any(map(_names_care, rules)),
        date=text(consent.get("dateTime"))[:10],
        organization=_displays(consent.get("organization")),
        attested_by=_attested_by(consent),
    )


def _root(consent: Mapping[str, Any], where: ZoneInfo, base: str) -> tuple[str, Rule | None]:
    """Read the provision tree; the first text is why it cannot be interpreted, or ""."""
    try:
        for name in ("modifierExtension", "implicitRules"):
            if name in consent:
                return f"{name} is not evaluated", None
        if "provision" not in consent:
            return ("" if base else "neither provision nor base policy"), None
        root = read_rule(consent["provision"], {}, where, consent.get("contained"))
    except UnreadableError as error:
        return str(error), None
    if root.type == NONE and not base:
        return "the root provision has no type", None
    return "", root


def _base(consent: Mapping[str, Any]) -> str:
    """Give what policyRule says; contradicting rules say deny."""
    said = {_BASES[code] for code in _codes(consent.get("policyRule")) if code in _BASES}
    return DENY if DENY in said else PERMIT if said else NONE


def _period(consent: Mapping[str, Any], where: ZoneInfo) -> Span | None:
    """Give the root's validity; an unreadable one is reported by `_root`."""
    provision = fields(consent.get("provision"))
    return period(provision["period"], where) if "period" in provision else None


def _all(rule: Rule | None) -> tuple[Rule, ...]:
    if rule is None:
        return ()
    return (rule, *(below for child in rule.children for below in _all(child)))


def _names_care(rule: Rule) -> bool:
    return any(
        is_a(code, care, PURPOSE_PARENTS) or code == "BTG"
        for _, code in rule.purposes
        for care in CARE_PURPOSES
    )


def _by_proxy(consent: Mapping[str, Any]) -> bool:
    """Whether a person other than the patient may have given it; organizations only report it."""
    kinds = set()
    for performer in items(consent.get("performer")):
        given = fields(performer)
        reference = text(given.get("reference"))
        path = reference if _named(given).comparable else tail(reference)
        kinds.add(text(given.get("type")) or path.split("/", 1)[0])
    return bool(kinds & {"RelatedPerson", "Patient"})


def _lineage(
    consent: Mapping[str, Any], scopes: frozenset[str], patient: Named
) -> frozenset[tuple[str, ...]]:
    """Give the business identifiers, else policy, organization, scope and patient (rule R10)."""
    identifiers = [identifier_key(i) for i in items(consent.get("identifier"))]
    if any(identifiers):
        return frozenset((key,) for key in identifiers if key)
    policies = [text(fields(p).get("uri")) for p in items(consent.get("policy"))]
    organizations = [k for o in items(consent.get("organization")) for k in _keys(_named(o))]
    if not any(policies) and not organizations:
        return frozenset()
    parts = (sorted(policies), sorted(organizations), sorted(scopes), sorted(_keys(patient)))
    return frozenset({tuple("\n".join(part) for part in parts)})


def _attested_by(consent: Mapping[str, Any]) -> str:
    """Name the source, when an organization vouches for a consent instead of the patient."""
    if _by_proxy(consent):
        return ""
    vouching = [*items(consent.get("performer")), consent.get("sourceReference")]
    names = (_name(fields(reference)) for reference in vouching)
    return next((name for name in names if name), "") or _displays(consent.get("organization"))


def _name(reference: Mapping[str, Any]) -> str:
    return text(reference.get("display"))


def _displays(references: Any) -> str:
    names = (_name(fields(reference)) for reference in items(references))
    return ", ".join(name for name in names if name)


def _named(reference: Any) -> Named:
    try:
        return named(reference, None)
    except UnreadableError:
        return Named("", comparable=False)


def _keys(one: Named) -> tuple[str, ...]:
    return (one.reference, *one.identifiers) if one.comparable else one.identifiers


def _codes(concept: Any) -> list[str]:
    codings = map(fields, items(fields(concept).get("coding")))
    return [text(coding.get("code")) for coding in codings if coding.get("code")]


def _span(value: Any, where: ZoneInfo) -> Span | None:
    return span(value, where) if isinstance(value, str) else None
