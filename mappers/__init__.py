"""What messages mean: foreign formats to FHIR R4 and back, as pure functions."""

from __future__ import annotations

from mappers.base import Action, Change, Context, Format, Key, Loss, Mapped, PatientFacts

#: Goes into every Provenance; raised whenever the same bytes map to other resources.
MAPPING_VERSION = "1"

__all__ = [
    "MAPPING_VERSION",
    "Action",
    "Change",
    "Context",
    "Format",
    "Key",
    "Loss",
    "Mapped",
    "PatientFacts",
]
