"""The drug of RXO, RXE, RXD, RXG and RXA, with its RXC → Medication (HL7 v2.5 chapter 4.14).

Each order, dispense and administration has a Medication of its own: what one of them says of form,
strength, lot or components must not change another's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mappers.hl7v2.datatypes.codings import code_system, concept
from mappers.hl7v2.datatypes.houses import coded_organization
from mappers.hl7v2.datatypes.identifiers import ei
from mappers.hl7v2.datatypes.units import measured
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import Text, Value, derived, text


class Drug(NamedTuple):
    """Fields of a segment that speak of the drug; 0: it has none for it."""

    code: int
    form: int = 0
    strength: int = 0
    strength_units: int = 0
    volume: int = 0
    volume_units: int = 0
    #: Further codes of the same product.
    also: tuple[int, ...] = ()
    lot: int = 0
    expiry: int = 0
    maker: int = 0
    package: int = 0
    package_units: int = 0
    #: Numbers of the very item: instance, barcode.
    numbers: tuple[int, ...] = ()


DRUGS = {
    "RXO": Drug(1, 5, 18, 19, 25, 26, (10, 24), numbers=(29,)),
    "RXE": Drug(2, 6, 25, 26, 33, 34, (31,), package=28, package_units=29),
    "RXD": Drug(2, 6, 16, 17, 28, 29, (25,), 18, 19, 20, 22, 23),
    "RXG": Drug(4, 8, 17, 18, 23, 24, (), 19, 20, 21, numbers=(25,)),
    "RXA": Drug(5, 8, 13, 14, 23, 24, (), 15, 16, 17, numbers=(25,)),
}
#: Component types of table 0166: an additive is active, a base carries it.
_ACTIVE = {"A": True, "B": False}

#: What the functions here make of which field, for the printed mapping.
_OF = {
    "code": "Medication.code",
    "form": "Medication.form",
    "strength": "Medication.ingredient.strength",
    "strength_units": "Medication.ingredient.strength",
    "volume": "Medication.ingredient.strength",
    "volume_units": "Medication.ingredient.strength",
    "lot": "Medication.batch.lotNumber",
    "expiry": "Medication.batch.expirationDate",
    "maker": "Medication.manufacturer",
    "package": "Medication.amount",
    "package_units": "Medication.amount",
}
_KINDS = {
    "RXO": "MedicationRequest",
    "RXE": "MedicationRequest",
    "RXD": "MedicationDispense",
    "RXG": "MedicationRequest",
    "RXA": "MedicationAdministration",
}
TARGETS: Targets = {
    **{
        f"{name}-{field}": (f"{_KINDS[name]}.medication", target)
        for name, drug in DRUGS.items()
        for part, target in _OF.items()
        if (field := getattr(drug, part))
    },
    **{
        f"{name}-{field}": ("Medication.code",)
        for name, drug in DRUGS.items()
        for field in drug.also
    },
    **{
        f"{name}-{field}": ("Medication.identifier",)
        for name, drug in DRUGS.items()
        for field in drug.numbers
    },
    "RXC-1": ("Medication.ingredient.isActive",),
    "RXC-2": ("Medication.ingredient.item", "Medication.code"),
    "RXC-3": ("Medication.amount",),
    "RXC-4": ("Medication.amount",),
    "RXC-5": ("Medication.ingredient.strength",),
    "RXC-6": ("Medication.ingredient.strength",),
    "RXC-7": ("Medication.code",),
    "RXC-8": ("Medication.ingredient.strength",),
    "RXC-9": ("Medication.ingredient.strength",),
}


def medication(
    session: Session, segment: Segment, owner: Draft, components: list[Segment]
) -> dict[str, Any]:
    """Return the Reference to the drug; a segment that names none says that it is unknown."""
    drug = DRUGS[segment.name]
    draft = session.natural("Medication", owner.id, subject=False)
    resource = draft.resource
    code = _code(session, segment, drug)
    if code is not None:
        resource["code"] = code
    form = first_concept(session, segment, drug.form)
    if form is not None:
        resource["form"] = form
    _strength(session, segment, drug, draft, code)
    _item(session, segment, drug, draft)
    for component in components:
        _component(session, component, draft)
    stated = {"reference": f"Medication/{draft.id}"}
    shown = _shown(code)
    return {**stated, "display": shown} if shown is not None else stated


def first_concept(
    session: Session, segment: Segment, field: int, default: str = ""
) -> dict[str, Any] | None:
    """The first repetition of a CWE as CodeableConcept."""
    for repetition in segment.repetitions(field) if field else ():
        return concept(session, repetition, default=default)
    return None


def _code(session: Session, segment: Segment, drug: Drug) -> dict[str, Any] | None:
    """The drug's code with further codes of the same product, each once."""
    code: dict[str, Any] | None = None
    for field in (drug.code, *drug.also):
        for repetition in segment.repetitions(field):
            found = concept(session, repetition)
            if found is None:
                continue
            code = {**found} if code is None else _joined(session, code, found)
    return code


def _joined(session: Session, code: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    held = list(code.get("coding", ()))
    for coding in more.get("coding", ()):
        if coding in held:
            session.echoes.append(coding)
        else:
            held.append(coding)
    made = {**code, "coding": held} if held else {**code}
    if "text" in more and made.setdefault("text", more["text"]) is not more["text"]:
        words = more["text"]
        made["text"] = derived(f"{made['text']}; {words}", made["text"], words)
    return made


def _shown(code: dict[str, Any] | None) -> Text | None:
    if code is None:
        return None
    first = code.get("coding", [{}])[0]
    shown: Text | None = code.get("text") or first.get("display") or first.get("code")
    return shown


def strength(
    session: Session, segment: Segment, fields: tuple[int, int, int, int]
) -> dict[str, Any] | None:
    """Amount per volume → Ratio; without a volume per one of it."""
    amount, units, volume, volume_units = fields
    numerator = measured(session, segment.first(amount), segment.repetitions(units))
    denominator = measured(session, segment.first(volume), segment.repetitions(volume_units))
    if numerator is None:
        return None
    return {"numerator": numerator, "denominator": denominator or {"value": 1}}


def _strength(
    session: Session, segment: Segment, drug: Drug, draft: Draft, code: dict[str, Any] | None
) -> None:
    """The strength of the drug itself: of its one ingredient."""
    fields = (drug.strength, drug.strength_units, drug.volume, drug.volume_units)
    ratio = strength(session, segment, fields)
    if ratio is not None and code is not None:
        ingredient = {"itemCodeableConcept": code, "strength": ratio}
        session.append(draft, "ingredient", ingredient)


def _item(session: Session, segment: Segment, drug: Drug, draft: Draft) -> None:
    """Lot, expiry, maker, package and numbers of the item."""
    batch = _batch(session, segment, drug)
    if batch:
        draft.resource["batch"] = batch
    for repetition in segment.repetitions(drug.maker)[:1] if drug.maker else ():
        maker = coded_organization(session, repetition)
        if maker is not None:
            draft.resource["manufacturer"] = maker
    if drug.package:
        units = segment.repetitions(drug.package_units)
        size = measured(session, segment.first(drug.package), units)
        if size is not None:
            draft.resource["amount"] = {"numerator": size, "denominator": {"value": 1}}
    numbers = (r for field in drug.numbers for r in segment.repetitions(field))
    for repetition in numbers:
        number = _number(session, segment, repetition)
        if number is not None:
            session.append(draft, "identifier", number)


def _batch(session: Session, segment: Segment, drug: Drug) -> dict[str, Any]:
    lots = segment.texts(drug.lot) if drug.lot else []
    expiry = session.date_time(segment.first(drug.expiry)) if drug.expiry else None
    batch: dict[str, Any] = {"expirationDate": expiry} if expiry is not None else {}
    if lots and lots[0] != '""':
        batch["lotNumber"] = derived(", ".join(lots), *lots)
    return batch


def _number(session: Session, segment: Segment, repetition: Repetition) -> dict[str, Any] | None:
    """Number of the item: an EI in RXO, elsewhere a barcode that is a CWE."""
    if segment.name == "RXO":
        return ei(session, repetition, "medication")
    code, named = leaf(repetition, 1), leaf(repetition, 3)
    if code is None or code == '""':
        return None
    system = f"{session.namespace}/medication"
    if named is not None:
        system = text(code_system(session, named).uri, named.source)
    return {"system": system, "value": code}


def _component(session: Session, rxc: Segment, draft: Draft) -> None:
    """RXC → a Medication that is an ingredient of the drug."""
    code = first_concept(session, rxc, 2)
    if code is None:
        return
    for repetition in rxc.repetitions(7):
        more = concept(session, repetition)
        code = _joined(session, code, more) if more is not None else code
    part = session.natural("Medication", draft.id, *_named(rxc), subject=False)
    part.resource["code"] = code
    amount = measured(session, rxc.first(3), rxc.repetitions(4))
    if amount is not None:
        part.resource["amount"] = {"numerator": amount, "denominator": {"value": 1}}
    shown = _shown(code)
    item: dict[str, Any] = {"reference": f"Medication/{part.id}"}
    ingredient: dict[str, Any] = {
        "itemReference": {**item, "display": shown} if shown is not None else item
    }
    kind = rxc.first(1)
    if kind is not None and kind.upper() in _ACTIVE:
        ingredient["isActive"] = Value(_ACTIVE[kind.upper()], kind.source)
    ratio = strength(session, rxc, (5, 6, 8, 9))
    if ratio is not None:
        ingredient["strength"] = ratio
    session.append(draft, "ingredient", ingredient)


def _named(rxc: Segment) -> list[str]:
    """A component is told from the others by its kind, code and amount."""
    return [
        str(rxc.first(1) or ""),
        str(rxc.first(2) or rxc.component(2, 2)),
        str(rxc.first(3) or ""),
    ]
