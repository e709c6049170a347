"""MFN and MFK: staff and places of the sender's master files (HL7 v2.5 chapter 8.4).

What they say stays in the sender's namespace: the region's registry changes by `gateway apply`
only, so no message can redirect another's mail.
"""

from __future__ import annotations

from mappers.hl7v2.messages import patient
from mappers.hl7v2.reader import Family, Handler
from mappers.hl7v2.segments import loc, mfe, pra, stf

_EVENTS = frozenset({"M02", "M05"})
#: Events whose records have segments nobody reads yet: they say which records changed.
_ENTRIES_ONLY = frozenset(f"M{number:02}" for number in range(1, 18)) - _EVENTS

READERS: dict[str, Handler] = {
    "MFI": mfe.master_file,
    "MFE": mfe.record,
    "MFA": mfe.acknowledged,
    "STF": stf.staff,
    "PRA": pra.details,
    "ORG": stf.practice_unit,
    "AFF": stf.affiliation,
    "LAN": stf.language,
    "EDU": pra.education,
    "CER": pra.certificate,
    "LOC": loc.place,
    "LCH": loc.characteristic,
    "LRL": loc.relationship,
    "LDP": loc.department,
    "LCC": loc.charges,
    "NTE": patient.note,
}
FAMILY = Family(
    events=_EVENTS,
    readers=READERS,
    required=("MFI", "MFE"),
    patientless=_EVENTS | _ENTRIES_ONLY,
)
ANSWERS = Family(
    events=_EVENTS,
    readers=READERS,
    required=("MSA", "MFI"),
    patientless=_EVENTS | _ENTRIES_ONLY,
)
