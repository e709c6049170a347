"""CP and MO → Money (HL7 v2.5 chapter 2.A.16, 2.A.41; https://hl7.org/fhir/R4/datatypes.html#Money).

The first component holds the amount and, as its second part, the currency of ISO 4217. An amount
without currency keeps its number: which currency is meant only the sender knows.
"""

from __future__ import annotations

import re
from typing import Any

from mappers.hl7v2.datatypes.converters import quantity
from mappers.hl7v2.session import Session
from mappers.hl7v2.tokenizer import Repetition, leaf, sub
from mappers.trace import Text, text

_CURRENCY = re.compile(r"[A-Za-z]{3}")
_ISO_4217 = "urn:iso:std:iso:4217"


def money(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """Return {"value", "currency"}; None for what is no amount."""
    amount = leaf(repetition, 1)
    if amount is None or amount == '""':
        return None
    value = quantity(session, amount)
    if value is None:
        return None
    currency = _currency(session, repetition)
    return {"value": value} if currency is None else {"value": value, "currency": currency}


def amount_of(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """CP → Quantity with its currency as unit, where an element takes no Money."""
    found = money(session, repetition)
    if found is None or "currency" not in found:
        return found
    code = found["currency"]
    return {"value": found["value"], "unit": code, "system": _ISO_4217, "code": code}


def _currency(session: Session, repetition: Repetition) -> Text | None:
    """MO.2, written as part of CP.1 or, as before version 2.3, beside it."""
    whole = repetition[1]
    stated = sub(repetition, 1, 2) if type(whole) is list else None
    if stated is None:
        return None
    if _CURRENCY.fullmatch(stated) is None:
        session.issue("value", "not a currency of ISO 4217", stated, "102")
        return None
    return text(stated.upper(), stated.source)
