"""What each ADT event says about a visit (HL7 v2.5 chapter 3.3), as one table.

Events not listed state the visit as it is (A08 and its like): what they imply only fills what
nobody has said.
"""

from __future__ import annotations

from typing import NamedTuple

#: What the cancel of a discharge takes back.
_DISCHARGE = (
    "period.end",
    "hospitalization.dischargeDisposition",
    "hospitalization.destination",
)


class Event(NamedTuple):
    """What an event says."""

    #: Encounter.status it sets; "class": what PV1-2 and PV1-45 say; empty: nothing for sure.
    status: str = ""
    #: True: it takes back what it names, whatever the time of that.
    cancels: bool = False
    #: Elements it takes away.
    cleared: tuple[str, ...] = ()
    #: True: PV1-3 is where it brings the patient.
    arrives: bool = False


EVENTS: dict[str, Event] = {
    "A01": Event("class", arrives=True),
    "A02": Event("in-progress", arrives=True),
    "A03": Event("finished"),
    "A04": Event("class", arrives=True),
    "A05": Event("planned", arrives=True),
    "A06": Event("in-progress", arrives=True),
    "A07": Event("in-progress", arrives=True),
    "A11": Event("cancelled", cancels=True),
    "A12": Event(cancels=True),
    "A13": Event("in-progress", cancels=True, cleared=_DISCHARGE),
    "A14": Event("planned"),
    "A17": Event("in-progress", arrives=True),
    "A21": Event("onleave"),
    "A22": Event("in-progress"),
    "A23": Event("entered-in-error", cancels=True),
    "A27": Event("cancelled", cancels=True),
    "A38": Event("cancelled", cancels=True),
    "A52": Event("in-progress"),
    "A53": Event("onleave"),
}
NOTHING = Event()

#: Events that bring the patient to the place in PV1-3.
ARRIVALS = frozenset(name for name, event in EVENTS.items() if event.arrives)
#: Events that take back a place the patient was to come to (PV1-42).
PENDING_CANCELLED = frozenset({"A26", "A27"})
#: Every event of table 0003 an ADT message may carry.
ALL = frozenset(f"A{number:02}" for number in range(1, 63)) - {"A19", "A56", "A57", "A58", "A59"}
#: Events about a person: a PV1 without a number only fills the structure.
PERSON = frozenset(
    {"A18", "A24", "A28", "A29", "A30", "A31", "A34", "A36", "A37", "A39", "A40", "A43", "A46"}
    | {"A47", "A48", "A60"}
)
#: A patient's record (MRG-1) becomes part of another, or its number changes.
PATIENT_MERGES = frozenset({"A18", "A30", "A34", "A36", "A39", "A40", "A43", "A46", "A47", "A48"})
#: A number was given to the wrong patient: earlier links of its record end.
IDENTIFIER_MOVES = frozenset({"A43"})
#: An account (MRG-3) becomes part of another, changes its number or its patient.
ACCOUNT_MERGES = frozenset({"A35", "A36", "A41", "A44", "A49"})
#: Visits (MRG-5, MRG-6) that end in another one.
VISIT_MERGES = frozenset({"A42"})
#: An account changes its patient.
ACCOUNT_MOVES = frozenset({"A44"})
#: The number of a visit changes: the visit stays.
VISIT_NUMBERS = frozenset({"A50", "A51"})
#: A visit changes its patient.
VISIT_MOVES = frozenset({"A45"})
#: The state of a bed, no patient's.
PATIENTLESS = frozenset({"A20"})
#: A person is taken off the index.
DELETED = frozenset({"A29"})
#: Two records are of one person, or are no longer said to be.
LINKS = frozenset({"A24"})
UNLINKS = frozenset({"A37"})
#: Segments an event needs beside PID.
REQUIRED: dict[str, tuple[str, ...]] = dict.fromkeys(
    PATIENT_MERGES | ACCOUNT_MERGES | VISIT_MERGES | VISIT_NUMBERS | VISIT_MOVES, ("MRG",)
)
