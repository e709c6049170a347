"""What a terminology server elsewhere says, where the local answer is undecided.

https://hl7.org/fhir/R4/valueset-operation-validate-code.html
"""

from __future__ import annotations

from profiles.terminology.answers import Validated
from profiles.terminology.concept import Json
from profiles.terminology.remote import CachedRemote
from profiles.terminology.validate_code import Question

#: Parameters by which servers tell what they do not have.
_UNKNOWN = frozenset({"x-caused-by-unknown-system", "x-unknown-system"})


def member(remote: CachedRemote, value_set: str, asked: Question) -> bool | None:
    """Ask for membership; None when there is no answer."""
    found = validate(remote, value_set, asked)
    return None if found is None else found.outcome == "yes"


def validate(remote: CachedRemote, value_set: str, asked: Question) -> Validated | None:
    """Ask `$validate-code`; None when there is no answer or no understandable one."""
    name = "ValueSet/$validate-code" if value_set else "CodeSystem/$validate-code"
    answer = remote.operation(name, _parameters(value_set, asked))
    values = _values(answer) if answer else {}
    result = values.get("result")
    if not isinstance(result, bool) or (not result and _does_not_know(values)):
        return None
    display = values.get("display")
    return Validated(
        outcome="yes" if result else "no",
        reason="" if result else "remote",
        system=asked.system,
        version=asked.version,
        code=asked.code,
        display=display if isinstance(display, str) else "",
    )


def _parameters(value_set: str, asked: Question) -> Json:
    """Ask with codes alone: a display is written by people and may say more than its code."""
    url, _, version = value_set.partition("|")
    system = "system" if value_set else "url"
    system_version = "systemVersion" if value_set else "version"
    said = [
        ("url", "valueUri", url),
        ("valueSetVersion", "valueString", version),
        (system, "valueUri", asked.system),
        (system_version, "valueString", asked.version),
        ("code", "valueCode", asked.code),
    ]
    listed: list[Json] = [{"name": name, kind: value} for name, kind, value in said if value]
    if value_set and not asked.system:
        listed.append({"name": "inferSystem", "valueBoolean": True})
    return {"resourceType": "Parameters", "parameter": listed}


def _does_not_know(values: dict[str, object]) -> bool:
    """Servers say no, too, for a code system or value set they do not have.

    They tell by parameters of their own, or by an OperationOutcome among the parameters.
    """
    if values.get("cause") == "not-found" or not _UNKNOWN.isdisjoint(values):
        return True
    outcome = values.get("issues")
    listed = outcome.get("issue") if isinstance(outcome, dict) else None
    return any(
        isinstance(one, dict) and one.get("code") in {"not-found", "not-supported"}
        for one in (listed if isinstance(listed, list) else ())
    )


def _values(parameters: Json) -> dict[str, object]:
    """Return the values and resources of Parameters by name."""
    found: dict[str, object] = {}
    listed = parameters.get("parameter")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and isinstance(one.get("name"), str):
            value = next((one[name] for name in one if name.startswith("value")), None)
            value = one.get("resource") if value is None else value
            found.setdefault(one["name"], value)
    return found
