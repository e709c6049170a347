"""Vital signs: the profiles an Observation shall conform to by what it observes, claimed or not.

https://hl7.org/fhir/R4/observation-vitalsigns.html, observation.html#core. How
serious a breach is says the policy: senders who know nothing of the profiles use the codes too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from profiles.snapshot.choices import CORE_URL
from profiles.validate.members import Item, Json
from profiles.validate.run import Check, Run

_LOINC = "http://loinc.org"
#: LOINC → core's profile of the vital sign, by the code that the profile asks for.
_PROFILES = {
    "85353-1": "vitalspanel",
    "9279-1": "resprate",
    "8867-4": "heartrate",
    "2708-6": "oxygensat",
    "8310-5": "bodytemp",
    "8302-2": "bodyheight",
    "9843-4": "headcircum",
    "29463-7": "bodyweight",
    "39156-5": "bmi",
    "85354-9": "bp",
}
_WRONG = frozenset({"error", "fatal"})


def vital_sign_profiles(observation: Json) -> Iterator[str]:
    """Go through the canonicals of the profiles that an Observation's codes ask for."""
    concept = observation.get("code")
    codings = concept.get("coding") if isinstance(concept, dict) else None
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict) and coding.get("system") == _LOINC:
            name = _profile(coding.get("code"))
            if name:
                yield f"{CORE_URL}{name}"


def _profile(code: Any) -> str | None:
    return _PROFILES.get(code) if isinstance(code, str) else None


def look_at_vital_sign(layer: tuple[Check, ...], canonical: str, item: Item, run: Run) -> None:
    """Check an Observation against a profile that its code asks for, as serious as the policy."""
    trial = replace(run, issues=[], done=set(run.done))
    for check in layer:
        check(item, trial)
    for issue in trial.issues:
        if issue.severity not in _WRONG:
            run.issues.append(issue)
            continue
        # HL7's own validator takes the units of components for extensible: 4.0.1 is a slip there.
        is_unit = issue.code == "code-invalid" and ".component[" in issue.location
        severity = "warning" if is_unit else run.policy.vitals
        text = issue.text if canonical in issue.text else f"{issue.text} ({canonical})"
        run.issues.append(replace(issue, severity=severity, text=text))
