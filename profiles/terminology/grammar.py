"""Code systems whose codes follow a grammar instead of a list.

MIME types (RFC 6838, parameters RFC 2045), language tags (RFC 5646), units (https://ucum.org/ucum).
A language tag or MIME type counts when it is well-formed: the registries are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from profiles.fhirpath.ucum import read_unit
from profiles.terminology.concept import Concept, Header
from profiles.terminology.filters import Filter

#: No code of these systems is longer.
_LONGEST = 200
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}+"
_MIME = re.compile(rf'{_NAME}/{_NAME}(?:[ ]*+;[ ]*+{_NAME}=(?:{_NAME}|"[^"\\]{{0,120}}+"))*+')
_LANGUAGE = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})"
    r"(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*+"
    r"(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})++)*+(?:-x(?:-[a-z0-9]{1,8})++)?"
    r"|x(?:-[a-z0-9]{1,8})++",
    re.IGNORECASE,
)
#: Logarithmic units and others that take no part in products, which `read_unit` leaves out.
_SPECIAL_UNIT = re.compile(
    r"(?:da|Ki|Mi|Gi|Ti|[YZEPTGMkhdcmunpfazy])?"
    r"(?:Np|B(?:\[(?:SPL|V|mV|uV|10\.nV|W|kW)\])?|bit_s)(?:\{[!-z|~]{1,50}\})?"
    r"|\[pH\]|\[p'diop\]|%\[slope\]|\[hp'_[XCMQ]\]|\[m/s2/Hz\^0\.5\]"
)


@dataclass(frozen=True, slots=True)
class GrammarCodeSystem:
    """A code system decided by a test; its codes cannot be listed."""

    header: Header
    accepts: Callable[[str], bool]
    is_small: bool = False
    is_enumerable: bool = False

    def concept(self, code: str) -> Concept | None:
        """Return a concept with no display, when the code is well-formed."""
        return Concept(code) if len(code) <= _LONGEST and self.accepts(code) else None

    def written(self, code: str) -> str:
        """Return the code as it is."""
        return code

    def codes(self) -> Iterator[str]:
        """Give nothing: the codes are endless."""
        return iter(())

    def parents(self, _code: str) -> tuple[str, ...]:
        """Give nothing: there is no hierarchy."""
        return ()

    def children(self, _code: str) -> tuple[str, ...]:
        """Give nothing: there is no hierarchy."""
        return ()

    def knows(self, name: str) -> bool:
        """Only the code itself can be filtered."""
        return name in {"code", "concept"}


def canonical_unit(one: Filter) -> Callable[[str], bool] | None:
    """Return the test of UCUM's filter `canonical = unit`: units that measure the same.

    https://hl7.org/fhir/R4/ucum.html; None for every other filter and for no unit.
    """
    base = read_unit(one.value) if (one.name, one.op) == ("canonical", "=") else None
    if base is None:
        return None
    dimension = base.dimension

    def commensurable(code: str) -> bool:
        unit = read_unit(code)
        return unit is not None and unit.dimension == dimension

    return commensurable


def _is_unit(code: str) -> bool:
    return read_unit(code) is not None or _SPECIAL_UNIT.fullmatch(code) is not None


GRAMMARS: dict[str, GrammarCodeSystem] = {
    system.header.url: system
    for system in (
        GrammarCodeSystem(
            Header(url="urn:ietf:bcp:13", name="MIME types", case_sensitive=False),
            lambda code: _MIME.fullmatch(code) is not None,
        ),
        GrammarCodeSystem(
            Header(url="urn:ietf:bcp:47", name="Language tags", case_sensitive=False),
            lambda code: _LANGUAGE.fullmatch(code) is not None,
        ),
        GrammarCodeSystem(
            Header(url="http://unitsofmeasure.org", name="UCUM", case_sensitive=True), _is_unit
        ),
    )
}
