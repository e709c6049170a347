"""How serious it is what the specification leaves to whoever validates.

Unknown extensions have to be expected (https://hl7.org/fhir/R4/extensibility.html), a display is
for humans (https://hl7.org/fhir/R4/datatypes.html#Coding), a profile that is not at hand says
nothing about the content, and the profiles of vital signs bind senders who never heard of them.
Others are stricter; a policy follows them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from profiles.issue import Severity

#: What a policy may be strict about.
STRICTER = ("claim", "display", "extension", "profile", "vitals")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Severities that are a matter of choice."""

    #: A display that the code system does not have for the code.
    display: Severity = "warning"
    #: A profile that a resource claims and that is not at hand or cannot be used.
    claim: Severity = "warning"
    #: A profile that another profile asks for and that is not at hand.
    profile: Severity = "warning"
    #: An extension whose definition is not at hand.
    extension: Severity = "information"
    #: An Observation with the code of a vital sign that is not as core's profile of it asks.
    vitals: Severity = "warning"
    #: Beginnings of URLs whose extensions may be unknown all the same.
    domains: tuple[str, ...] = ()

    @classmethod
    def strict(cls, about: Iterable[str]) -> Policy:
        """Make a policy that takes some of STRICTER for errors."""
        return cls(**dict.fromkeys(about, "error"))  # type: ignore[arg-type]

    def of_extension(self, url: str) -> Severity:
        """Return how serious it is that an extension is not known."""
        return "information" if url.startswith(self.domains) else self.extension


DEFAULT = Policy()
