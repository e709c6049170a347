"""What validators and FHIRPath ask about codes, without exceptions.

What a canonical without a version means depends on who asks: `within` a package it means what that
package depends on.

A value set that cannot be compiled decides nothing; whoever loads it is told elsewhere.
"""

from __future__ import annotations

from typing import Any

from profiles.issue import GatewayError
from profiles.packages import Package
from profiles.terminology import Strictness, Terminology

#: Codes remembered.
_MOST_KEPT = 50_000
_LENIENT = Strictness(lenient_display=True)


class Codes:
    """A Terminology for validation and for FHIRPath's memberOf() and subsumes()."""

    def __init__(self, terminology: Terminology) -> None:
        """Ask `terminology`."""
        self._terminology = terminology
        self._faults: dict[tuple[str, str, str, str], str] = {}
        self._members: dict[tuple[str, str, str], bool] = {}
        self._views: dict[str, Codes] = {}

    def within(self, package: Package | None) -> Codes:
        """Return who answers as a package means it; core is the same for all."""
        if package is None or package.place == "core":
            return self
        if package.key not in self._views:
            self._views[package.key] = Codes(self._terminology.within(package))
        return self._views[package.key]

    def fault(self, system: str, code: str, *, version: str = "", display: str = "") -> str:
        """Return what is wrong with a coding: `unknown-code`, `wrong-display`, or nothing.

        Nothing also where the code system is not fully at hand.
        """
        asked = (system, code, version, display)
        if asked not in self._faults:
            if len(self._faults) >= _MOST_KEPT:
                self._faults.clear()
            self._faults[asked] = self._fault(*asked)
        return self._faults[asked]

    def _fault(self, system: str, code: str, version: str, display: str) -> str:
        try:
            answer = self._terminology.validate_code(
                system=system, code=code, version=version, display=display, strictness=_LENIENT
            )
        except GatewayError:
            return ""
        if answer.outcome == "no":
            return "unknown-code" if answer.reason in {"unknown-code", "wrong-case"} else ""
        return "wrong-display" if "wrong-display" in answer.warnings else ""

    def member(self, value_set: str, system: str, code: str) -> bool | None:
        """Say whether a code is in a value set; None when that cannot be decided."""
        asked = (value_set, system, code)
        known = self._members.get(asked)
        if known is not None:
            return known
        try:
            answer = self._terminology.member(value_set, system, code)
        except GatewayError:
            return None
        if answer is not None:
            if len(self._members) >= _MOST_KEPT:
                self._members.clear()
            self._members[asked] = answer
        return answer

    def member_of(self, coded: Any, value_set: str) -> bool | None:
        """Say whether a code, Coding or CodeableConcept is in a value set."""
        if isinstance(coded, str):
            return self.member(value_set, "", coded)
        try:
            return self._terminology.member_of(coded, value_set)
        except GatewayError:
            return None

    def subsumes(self, general: Any, special: Any) -> bool | None:
        """Say whether one Coding or CodeableConcept subsumes another."""
        try:
            return self._terminology.subsumes(general, special)
        except GatewayError:
            return None
