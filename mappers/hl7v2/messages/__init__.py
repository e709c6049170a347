"""One file per message family; EVENTS says which function reads which event."""

from __future__ import annotations

from collections.abc import Callable

from mappers.hl7v2.messages import adt, mdm, oru
from mappers.hl7v2.session import Session

#: Message code → trigger event → function that fills the session.
EVENTS: dict[str, dict[str, Callable[[Session], None]]] = {
    "ADT": {
        "A01": adt.visit,
        "A02": adt.visit,
        "A03": adt.visit,
        "A04": adt.visit,
        "A08": adt.visit,
        "A11": adt.visit,
        "A12": adt.visit,
        "A13": adt.visit,
        "A28": adt.person,
        "A31": adt.person,
        "A40": adt.merge,
    },
    "MDM": {
        "T01": mdm.document,
        "T02": mdm.document,
        "T08": mdm.document,
        "T11": mdm.document,
    },
    "ORU": {
        "R01": oru.results,
    },
}
