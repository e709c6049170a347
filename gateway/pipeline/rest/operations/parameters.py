"""Parameters of an operation, from a Parameters resource or the query of an address.

https://hl7.org/fhir/R4/operations.html#request, https://hl7.org/fhir/R4/parameters.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from profiles.issue import Issue, NotConformant, NotSupported


@dataclass(frozen=True, slots=True)
class Given:
    """What was given, by name."""

    values: Mapping[str, Sequence[Any]]

    def one(self, name: str, default: Any = None) -> Any:
        """Return a value that may be given once. Raises NotConformant for several."""
        found = self.values.get(name, ())
        if len(found) > 1:
            raise NotConformant(f"The parameter {name} is given more than once.")
        return found[0] if found else default

    def text(self, name: str) -> str:
        """Return a text, "" without one. Raises NotConformant for anything else."""
        found = self.one(name, "")
        if not isinstance(found, str):
            raise NotConformant(f"The parameter {name} is a text.")
        return found

    def needed(self, name: str) -> str:
        """Return a text that has to be given. Raises NotConformant."""
        found = self.text(name)
        if not found:
            text = f"The parameter {name} is missing."
            raise NotConformant(text, issues=(Issue("error", "required", text),))
        return found

    def number(self, name: str) -> int | None:
        """Return a whole number that is not negative. Raises NotConformant for anything else."""
        found = self.one(name)
        if isinstance(found, str) and found.isdecimal() and len(found) < 10:
            found = int(found)
        if found is not None and (isinstance(found, bool) or not isinstance(found, int)):
            raise NotConformant(f"The parameter {name} is a whole number.")
        if found is not None and found < 0:
            raise NotConformant(f"The parameter {name} is not negative.")
        return found

    def truth(self, name: str) -> bool:
        """Return a boolean, false without one. Raises NotConformant for anything else."""
        found = self.one(name, default=False)
        known = {"true": True, "false": False, True: True, False: False}
        if not isinstance(found, str | bool) or found not in known:
            raise NotConformant(f"The parameter {name} is true or false.")
        return known[found]

    def only(self, *names: str) -> None:
        """Refuse parameters an operation does not know: ignoring one could change the answer.

        Raises NotSupported.
        """
        unknown = sorted(self.values.keys() - set(names) - {"_format", "_pretty"})
        if unknown:
            text = "A parameter of the operation is not supported here."
            raise NotSupported(text, issues=(Issue("error", "not-supported", text),))


def given(resource: Mapping[str, Any] | None, query: Sequence[tuple[str, str]]) -> Given:
    """Read both; the resource may be None. Raises NotConformant for malformed Parameters."""
    values: dict[str, list[Any]] = {}
    for name, value in query:
        values.setdefault(name, []).append(value)
    if resource is not None:
        for part in resource.get("parameter", ()):
            values.setdefault(str(part.get("name", "")), []).append(_value(part))
    return Given(values)


def _value(part: Mapping[str, Any]) -> Any:
    if "resource" in part:
        return part["resource"]
    for name, value in part.items():
        if name.startswith("value"):
            return value
    raise NotConformant("A parameter has neither a value nor a resource.")
