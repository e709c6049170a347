"""Catalogues on disk: built once, then opened read-only.

    build_store(Path("icd-10-gm-2025.db"), claml(Path("icd10gm2025syst_claml.xml")), print)
    terminology = Terminology(packages, stores=[open_store(Path("icd-10-gm-2025.db"))])

One file per code system and version; versions lie side by side.
"""

from __future__ import annotations

from profiles.terminology.store.build import Built, Progress, build_store
from profiles.terminology.store.folder import StoreFolder
from profiles.terminology.store.records import (
    Catalogue,
    ConceptRow,
    DesignationRow,
    MemberRow,
    ParentRow,
    PropertyRow,
    Record,
)
from profiles.terminology.store.stored import StoredCodeSystem, open_store

__all__ = [
    "Built",
    "Catalogue",
    "ConceptRow",
    "DesignationRow",
    "MemberRow",
    "ParentRow",
    "Progress",
    "PropertyRow",
    "Record",
    "StoreFolder",
    "StoredCodeSystem",
    "build_store",
    "open_store",
]
