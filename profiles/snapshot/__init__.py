"""Snapshots: differentials applied to their base, and compiled for validators.

https://hl7.org/fhir/R4/profiling.html#snapshot

| module | what it does |
|---|---|
| snapshots | the door: a profile by canonical URL, made once |
| elements | a snapshot as a tree of immutable elements |
| compile_profile | reads a StructureDefinition into that tree |
| generate | differential → snapshot |
| merge, choices | what a constraint does to an element, and to a choice of types |
| differential, tree | lists of ElementDefinitions as trees |
| compare | generated and published snapshots side by side: `python -m profiles.snapshot` |
"""

from __future__ import annotations

from profiles.snapshot.elements import (
    Binding,
    Discriminator,
    Element,
    Invariant,
    Profile,
    Slicing,
    Type,
    Value,
)
from profiles.snapshot.generate import Generated, generate
from profiles.snapshot.snapshots import Snapshots

__all__ = [
    "Binding",
    "Discriminator",
    "Element",
    "Generated",
    "Invariant",
    "Profile",
    "Slicing",
    "Snapshots",
    "Type",
    "Value",
    "generate",
]
