"""Terminology: is this code valid, what does it mean, what else is there; exact or undecided.

https://hl7.org/fhir/R4/terminology-module.html

    terminology = Terminology(open_packages([Path("de.basisprofil.r4-1.5.4.tgz")]))
    terminology.member(value_set, system, code)        # True, False, or None: cannot be decided
    terminology.validate_code(value_set, coded=coding) # and why
    terminology.expand(value_set, filter="herz", count=20)

Code systems come from packages, from stores (`store/`, built once from catalogues the user has a
licence for, `loaders/`), from grammars (`grammar.py`), and at last from a server elsewhere
(`remote.py`). What is not there is never guessed.
"""

from __future__ import annotations

from profiles.terminology.answers import LookedUp, Match, Subsumed, Translated, Validated
from profiles.terminology.expand import Contained, Expansion, Wanted
from profiles.terminology.remote import CachedRemote, Lifetimes, Remote
from profiles.terminology.terminology import Terminology
from profiles.terminology.validate_code import Strictness

__all__ = [
    "CachedRemote",
    "Contained",
    "Expansion",
    "Lifetimes",
    "LookedUp",
    "Match",
    "Remote",
    "Strictness",
    "Subsumed",
    "Terminology",
    "Translated",
    "Validated",
    "Wanted",
]
