"""Read a decision case in JSON: {"consents", "request", "resources"?, "policy"?}.

The shape of `gateway consent decide` and of the published decision cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gateway.consent.decision import Decision
from gateway.consent.evaluate import evaluate
from gateway.consent.policy import Policy
from gateway.consent.references import identifier_key
from gateway.consent.request import Actor, Emergency, Request
from profiles.issue import NotConformant

#: Parts of a case's policy that describe this patient and directory, not the domain.
_ABOUT_THE_CASE = ("patientLinks", "unresolvable")


def decide(case: Mapping[str, Any]) -> Decision:
    """Decide one case; raises NotConformant when the case itself is not readable."""
    policy = _mapping(case.get("policy") or {}, "policy")
    asked = _mapping(case.get("request"), "request")
    resources = _sequence(case.get("resources"), "resources")
    if isinstance(asked.get("resource"), Mapping):
        resources = (*resources, asked["resource"])
    domain = {name: value for name, value in policy.items() if name not in _ABOUT_THE_CASE}
    return evaluate(
        [_mapping(consent, "consents") for consent in _sequence(case.get("consents"), "consents")],
        read_request(asked, policy),
        resources,
        Policy.from_mapping(domain),
    )


def read_request(asked: Mapping[str, Any], about: Mapping[str, Any] | None = None) -> Request:
    """Read the request of a case; `about` may hold patientLinks and unresolvable."""
    about = about or {}
    custodian = asked.get("custodian")
    links = _mapping(about.get("patientLinks") or {}, "policy.patientLinks")
    return Request(
        actor=_actor(asked.get("actor"), "request.actor"),
        purposes=_codes(asked.get("purpose"), "request.purpose"),
        action=_text(asked.get("action"), "request.action"),
        time=_time(asked.get("time")),
        role=_text(asked.get("role") or "", "request.role"),
        custodian=_actor(custodian, "request.custodian") if custodian else None,
        emergency=_emergency(asked.get("emergency")),
        policy_codes=_codes(asked.get("policyCode"), "request.policyCode"),
        channel=_text(asked.get("channel") or "", "request.channel"),
        consent_store_available=asked.get("consentStore", "available") == "available",
        birth_date=_text(asked.get("patientBirthDate") or "", "request.patientBirthDate"),
        patient=_text(asked.get("patient") or "", "request.patient"),
        linked=tuple(
            (one, *_codes(others, "policy.patientLinks")) for one, others in links.items()
        ),
        unresolvable=frozenset(_codes(about.get("unresolvable"), "policy.unresolvable")),
    )


def _actor(value: Any, where: str) -> Actor:
    if isinstance(value, str):
        return Actor(reference=value)
    given = _mapping(value, where)
    single = given.get("identifier")
    identifiers = single if isinstance(single, list) else [single] if single else []
    return Actor(
        reference=_text(given.get("reference") or "", f"{where}.reference"),
        identifiers=tuple(key for key in map(identifier_key, identifiers) if key),
        member_of=tuple(
            _actor(group, f"{where}.memberOf")
            for group in _sequence(given.get("memberOf"), f"{where}.memberOf")
        ),
        display=_text(given.get("display") or "", f"{where}.display"),
        kind=_text(given.get("kind") or "", f"{where}.kind"),
    )


def _emergency(value: Any) -> Emergency | None:
    if value is None:
        return None
    given = _mapping(value, "request.emergency")
    return Emergency(
        declared=given.get("declared") is True,
        authorised=given.get("authorised") is True,
        reason=_text(given.get("reason") or "", "request.emergency.reason"),
    )


def _time(value: Any) -> datetime:
    """Read an instant; `gateway.consent` has no clock to fill one in."""
    try:
        moment = datetime.fromisoformat(_text(value, "request.time"))
    except ValueError as error:
        raise _wrong("request.time", "must be an instant with offset") from error
    if moment.tzinfo is None:
        raise _wrong("request.time", "must be an instant with offset")
    return moment


def _codes(value: Any, where: str) -> tuple[str, ...]:
    """Give codes from texts or Codings; one alone need not be in a list."""
    items = value if isinstance(value, list | tuple) else () if value is None else (value,)
    return tuple(
        f"{item['system']}|{item['code']}"
        if isinstance(item, Mapping) and item.get("system") and item.get("code")
        else _text(item.get("code") if isinstance(item, Mapping) else item, where)
        for item in items
    )


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _wrong(where, "must be a text")
    return value


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(where, "must be an object")
    return value


def _sequence(value: Any, where: str) -> Sequence[Any]:
    """Give a list; one that is not stated is empty."""
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise _wrong(where, "must be a list")
    return value


def _wrong(where: str, text: str) -> NotConformant:
    return NotConformant(f"{where} {text}", location=where)
