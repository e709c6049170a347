"""Dose, rate and instructions of an order with its TQ1, RXR and RXV → Dosage.

HL7 v2.5 chapter 4.14.1 (RXO), 4.14.4 (RXE), 4.14.6 (RXG).
https://hl7.org/fhir/R4/dosage.html
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.units import cq, measured
from mappers.hl7v2.segments import rxr, rxv, timing
from mappers.hl7v2.session import Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import Text, Value, derived, text

_UCUM = "http://unitsofmeasure.org"
_ORDERED = {"system": "http://terminology.hl7.org/CodeSystem/dose-rate-type", "code": "ordered"}
_DAY = {"value": 1, "unit": "d", "system": _UCUM, "code": "d"}
_PER = re.compile(r"([SMHDW])(\d{0,4})", re.IGNORECASE)
_TIME = {"S": "s", "M": "min", "H": "h", "D": "d", "W": "wk"}
DELETE = '""'


class Dose(NamedTuple):
    """Fields of a segment that speak of the dose; 0: it has none for it."""

    low: int
    high: int
    units: int
    per: int = 0
    rate: int = 0
    rate_units: int = 0
    daily: int = 0
    #: What is to be observed when it is given or taken.
    instructions: tuple[int, ...] = ()


DOSES = {
    "RXO": Dose(2, 3, 4, 17, 21, 22, 23, (7,)),
    "RXE": Dose(3, 4, 5, 22, 23, 24, 19, (7,)),
    "RXG": Dose(5, 6, 7, 14, 15, 16, 0, (9, 13)),
    "RXD": Dose(0, 0, 0, daily=12),
}
_ELEMENTS = {
    "low": "doseAndRate",
    "high": "doseAndRate",
    "units": "doseAndRate",
    "per": "doseAndRate.rateRatio",
    "rate": "doseAndRate.rateQuantity",
    "rate_units": "doseAndRate.rateQuantity",
    "daily": "maxDosePerPeriod",
}
_KINDS = {"RXD": "MedicationDispense"}
_DOSAGE = "MedicationRequest.dosageInstruction"

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    **{
        f"{name}-{field}": (f"{_KINDS.get(name, 'MedicationRequest')}.dosageInstruction.{element}",)
        for name, dose in DOSES.items()
        for part, element in _ELEMENTS.items()
        if (field := getattr(dose, part))
    },
    **{
        f"{name}-{field}": (f"{_DOSAGE}.patientInstruction", f"{_DOSAGE}.additionalInstruction")
        for name, dose in DOSES.items()
        for field in dose.instructions
    },
    **{
        f"TQ1-{field}": (f"{_DOSAGE}.{element}",)
        for field, element in (
            (1, "sequence"),
            (2, "doseAndRate.doseQuantity"),
            (3, "timing"),
            (4, "timing.repeat.timeOfDay"),
            (5, "timing.repeat.offset"),
            (6, "timing.repeat.bounds"),
            (7, "timing.repeat.bounds"),
            (8, "timing.repeat.bounds"),
            (10, "additionalInstruction"),
            (11, "text"),
            (13, "timing.repeat.duration"),
            (14, "timing.repeat.count"),
        )
    },
    "TQ1-9": ("MedicationRequest.priority",),
    "RXE-1": (f"{_DOSAGE}.timing", "MedicationRequest.priority"),
    "RXG-3": (f"{_DOSAGE}.timing",),
}


class Plan(NamedTuple):
    """A schedule and its number among those of the order."""

    schedule: timing.Schedule
    number: Text | None


def plans(session: Session, segments: list[Segment], fields: list[Repetition]) -> list[Plan]:
    """Schedules of the TQ1, or where there is none of the TQ fields of older versions."""
    found = [Plan(timing.of_segment(session, s), s.first(1)) for s in segments if s.name == "TQ1"]
    return found or [Plan(timing.of_field(session, one), None) for one in fields]


def dosages(
    session: Session, segment: Segment, planned: list[Plan], around: list[Segment]
) -> list[dict[str, Any]]:
    """The Dosages of an order: one per schedule and pattern, further ones per further route."""
    base = _base(session, segment)
    made: list[dict[str, Any]] = []
    for plan in planned:
        timings = plan.schedule.timings or [{}]
        made += [_planned(session, base, plan, when) for when in timings]
    made = made or ([base] if base else [])
    routes = [found for s in around if s.name == "RXR" and (found := rxr.dosage(session, s))]
    if routes:
        made = [_merged(one, routes[0]) for one in made or [{}]] + routes[1:]
    return [one for one in made if one] + rxv.infusions(session, around)


def _base(session: Session, segment: Segment) -> dict[str, Any]:
    """What the segment itself says of dose, rate, maximum and instructions."""
    dose = DOSES[segment.name]
    made: dict[str, Any] = {}
    amount = _amount(session, segment, dose)
    rate = _rate(session, segment, dose, amount)
    if amount or rate:
        kind = {"type": {"coding": [dict(_ORDERED)]}} if segment.name == "RXO" else {}
        made["doseAndRate"] = [{**kind, **amount, **rate}]
    for repetition in segment.repetitions(dose.daily)[:1] if dose.daily else ():
        daily = cq(session, repetition)
        if daily is not None:
            made["maxDosePerPeriod"] = {"numerator": daily, "denominator": dict(_DAY)}
    for field in dose.instructions:
        _instruct(session, segment.repetitions(field), made)
    return made


def _amount(session: Session, segment: Segment, dose: Dose) -> dict[str, Any]:
    """A minimum alone is the dose; minimum and maximum are a range."""
    if not dose.low:
        return {}
    units = segment.repetitions(dose.units)
    low = measured(session, segment.first(dose.low), units)
    high = measured(session, segment.first(dose.high), units)
    if low is not None and high is not None and low["value"].value <= high["value"].value:
        return {"doseRange": {"low": low, "high": high}}
    if low is not None:
        return {"doseQuantity": low}
    return {"doseRange": {"high": high}} if high is not None else {}


def _rate(session: Session, segment: Segment, dose: Dose, amount: dict[str, Any]) -> dict[str, Any]:
    """How fast: an amount with its unit, or an amount (else the dose) per stated time."""
    stated = segment.first(dose.rate) if dose.rate else None
    rate = measured(session, stated, segment.repetitions(dose.rate_units)) if stated else None
    lasting = span(segment.first(dose.per) if dose.per else None)
    if lasting is None:
        return {"rateQuantity": rate} if rate is not None else {}
    numerator = rate or amount.get("doseQuantity")
    return {"rateRatio": {"numerator": numerator, "denominator": lasting}} if numerator else {}


def span(stated: Text | None) -> dict[str, Any] | None:
    """`H8`, `M30`, `D` → Quantity of time."""
    match = _PER.fullmatch(stated) if stated is not None else None
    if stated is None or match is None:
        return None
    unit = text(_TIME[match.group(1).upper()], stated.source)
    value = Value(int(match.group(2) or 1), stated.source)
    return {"value": value, "unit": unit, "system": _UCUM, "code": unit}


def _instruct(session: Session, stated: list[Repetition], made: dict[str, Any]) -> None:
    """Words alone instruct the patient; codes and further words are additional instructions."""
    for repetition in stated:
        only_words = leaf(repetition, 3) is None and (
            leaf(repetition, 1) is None or len(stated) == 1
        )
        words = leaf(repetition, 2) or leaf(repetition, 1)
        if words is None or words == DELETE:
            continue
        both = leaf(repetition, 1) is not None and leaf(repetition, 2) is not None
        if only_words and not both and "patientInstruction" not in made:
            made["patientInstruction"] = words
        elif both or leaf(repetition, 3) is not None:
            found = concept(session, repetition)
            made.setdefault("additionalInstruction", []).append(found)
        else:
            made.setdefault("additionalInstruction", []).append({"text": words})


def _planned(
    session: Session, base: dict[str, Any], plan: Plan, when: dict[str, Any]
) -> dict[str, Any]:
    """The base with one schedule."""
    schedule = plan.schedule
    made = {**base}
    if (
        plan.number is not None
        and plan.number.isdecimal()
        and len(plan.number) <= 10
        and int(plan.number) < 2**31
    ):
        made = {"sequence": Value(int(plan.number), plan.number.source), **made}
    if when:
        made["timing"] = when
    if schedule.quantity is not None:
        _each_time(session, made, schedule.quantity)
    if schedule.texts:
        made["text"] = derived("\n".join(schedule.texts), *schedule.texts)
    conditions = [{"text": words} for words in schedule.conditions]
    if conditions:
        made["additionalInstruction"] = [*base.get("additionalInstruction", ()), *conditions]
    if schedule.as_needed is not None:
        made["asNeededBoolean"] = Value(bool(schedule.as_needed), schedule.as_needed.source)
    return made


def _each_time(session: Session, made: dict[str, Any], quantity: dict[str, Any]) -> None:
    """How much each time, where the segment itself has not said the same."""
    stated = made.get("doseAndRate", [])
    if any(_is_same(one.get("doseQuantity"), quantity) for one in stated):
        session.echoes.append(quantity)
    elif stated and not any(name.startswith("dose") for name in stated[0]):
        made["doseAndRate"] = [{**stated[0], "doseQuantity": quantity}]
    else:
        made["doseAndRate"] = [*stated, {"doseQuantity": quantity}]


def _is_same(stated: dict[str, Any] | None, quantity: dict[str, Any]) -> bool:
    """Tell whether two amounts are the same: equal numbers with a unit or code in common."""
    if stated is None or stated["value"] != quantity["value"]:
        return False
    units = {stated.get("unit"), stated.get("code")} - {None}
    return not ({"unit", "code"} & set(quantity)) or bool(
        units & {quantity.get("unit"), quantity.get("code")}
    )


def _merged(one: dict[str, Any], route: dict[str, Any]) -> dict[str, Any]:
    made = {**one, **route}
    both = [*one.get("additionalInstruction", ()), *route.get("additionalInstruction", ())]
    return {**made, "additionalInstruction": both} if both else made
