"""What validators and FHIRPath ask about codes, without exceptions.

A value set that cannot be compiled decides nothing; whoever loads it is told elsewhere.
"""

from __future__ import annotations

from typing import Any

from profiles.issue import GatewayError
from profiles.terminology import Terminology

#: Codes remembered.
_MOST_KEPT = 50_000


class Codes:
    """A Terminology for validation and for FHIRPath's memberOf() and subsumes()."""

    def __init__(self, terminology: Terminology) -> None:
        """Ask `terminology`."""
        self._terminology = terminology
        self._undefined: dict[tuple[str, str], bool] = {}

    def is_undefined(self, system: str, code: str) -> bool:
        """Say whether a code system that is fully at hand does not define a code."""
        asked = (system, code)
        if asked not in self._undefined:
            if len(self._undefined) >= _MOST_KEPT:
                self._undefined.clear()
            self._undefined[asked] = self._is_undefined(system, code)
        return self._undefined[asked]

    def _is_undefined(self, system: str, code: str) -> bool:
        try:
            answer = self._terminology.validate_code(system=system, code=code)
        except GatewayError:
            return False
        return answer.outcome == "no" and answer.reason == "unknown-code"

    def member(self, value_set: str, system: str, code: str) -> bool | None:
        """Say whether a code is in a value set; None when that cannot be decided."""
        try:
            return self._terminology.member(value_set, system, code)
        except GatewayError:
            return None

    def member_of(self, coded: Any, value_set: str) -> bool | None:
        """Say whether a code, Coding or CodeableConcept is in a value set."""
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
