"""Observation.value[x] → OBX-2, -5 and -6 (HL7 v2.5 chapter 7.4.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappers.hl7v2.write.datatypes import codings
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.rows import number
from mappers.hl7v2.write.writing import Writing
from mappers.trace import Text, derived

#: Longest ST of HL7 v2.5.
_SHORT = 199
#: Versions from which table 0125 has CWE and DTM, in place of CE and TS.
_CWE_SINCE, _DTM_SINCE = "2.5.1", "2.6"


def value(w: Writing, obx: Segment, owner: dict[str, Any]) -> None:
    """Write the value an Observation or component has."""
    for element, write in _VALUES.items():
        if element in owner:
            kind = write(w, obx, owner[element])
            if kind and obx.has(5):
                obx.put(2, kind)
            return


def _quantity(w: Writing, obx: Segment, quantity: dict[str, Any]) -> str:
    if "value" not in quantity:
        return ""
    comparator = quantity.get("comparator")
    if comparator is None:
        obx.put(5, number(quantity["value"]))
    else:
        obx.put(5, comparator, number(quantity["value"]))
    unit(w, obx, quantity)
    return "NM" if comparator is None else "SN"


def unit(w: Writing, obx: Segment, quantity: dict[str, Any]) -> None:
    """Quantity → OBX-6: `umol/L^µmol/l^UCUM`, a unit alone as its own code."""
    code, shown, system = (quantity.get(name) for name in ("code", "unit", "system"))
    if code is None:
        obx.put(6, shown)
        return
    name = codings.system_name(w, system) if system is not None else None
    if shown == code:
        w.carried(shown)
        shown = None
    obx.put(6, code, shown, name)


def _text(_w: Writing, obx: Segment, words: Text) -> str:
    obx.put(5, words)
    return "ST" if len(words) <= _SHORT and "\n" not in words else "FT"


def _concept(w: Writing, obx: Segment, concept: dict[str, Any]) -> str:
    kind = "CWE" if w.since(_CWE_SINCE) else "CE"
    repetition = codings.cwe(w, concept)
    obx.add(5, w.pen.fitted(kind, repetition) if repetition is not None else None)
    return kind


def _integer(_w: Writing, obx: Segment, whole: Any) -> str:
    obx.put(5, number(whole))
    return "NM"


def _boolean(_w: Writing, obx: Segment, truth: Any) -> str:
    obx.put(5, derived("Y" if truth.value else "N", truth))
    return "ID"


def _date_time(w: Writing, obx: Segment, moment: Text) -> str:
    obx.put(5, w.time(moment))
    return "DTM" if w.since(_DTM_SINCE) else "TS"


def _time(_w: Writing, obx: Segment, time: Text) -> str:
    obx.put(5, derived(time.replace(":", ""), time))
    return "TM"


def _period(w: Writing, obx: Segment, period: dict[str, Any]) -> str:
    obx.put(5, w.time(period.get("start")), w.time(period.get("end")))
    return "DR"


def _range(w: Writing, obx: Segment, limits: dict[str, Any]) -> str:
    """Range → SN `^low^-^high`; both ends share the unit of OBX-6."""
    low, high = limits.get("low", {}), limits.get("high", {})
    if "value" not in low or "value" not in high:
        return ""
    return _pair(w, obx, low, "-", high)


def _ratio(w: Writing, obx: Segment, ratio: dict[str, Any]) -> str:
    """Ratio → SN `^numerator^:^denominator`."""
    one, other = ratio.get("numerator", {}), ratio.get("denominator", {})
    if "value" not in one or "value" not in other:
        return ""
    return _pair(w, obx, one, ":", other)


def _pair(w: Writing, obx: Segment, one: dict[str, Any], sign: str, other: dict[str, Any]) -> str:
    obx.put(5, None, number(one["value"]), sign, number(other["value"]))
    unit(w, obx, one)
    for name in ("unit", "system", "code"):
        if name in other and other[name] == one.get(name):
            w.carried(other[name])
    return "SN"


_VALUES: dict[str, Callable[[Writing, Segment, Any], str]] = {
    "valueQuantity": _quantity,
    "valueString": _text,
    "valueCodeableConcept": _concept,
    "valueInteger": _integer,
    "valueBoolean": _boolean,
    "valueDateTime": _date_time,
    "valueTime": _time,
    "valuePeriod": _period,
    "valueRange": _range,
    "valueRatio": _ratio,
}
