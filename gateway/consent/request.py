"""Who asks for what, why and when: the input of a decision beside consents and resources."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.consent.references import Key


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, organization or system, with what it belongs to at the time of the decision.

    An actor is known by a reference, by business identifiers (IKNR, BSNR, Telematik-ID) or both;
    membership is resolved from the directory by the caller, as deep as it goes.
    """

    #: "Practitioner/…", "Organization/…", "Patient/…"; "" when only identifiers are known.
    reference: str = ""
    #: "system|value" of each business identifier.
    identifiers: tuple[Key, ...] = ()
    #: Organizations, groups and care teams it acts for.
    member_of: tuple[Actor, ...] = ()
    #: The name a patient knows it by.
    display: str = ""
    #: Kind of organization as in the configuration: hospital, practice, agency …
    kind: str = ""

    def keys(self) -> frozenset[Key]:
        """Give every reference and identifier of the actor and of what it belongs to."""
        own = (self.reference, *self.identifiers) if self.reference else self.identifiers
        return frozenset(own).union(*[group.keys() for group in self.member_of])

    def kinds(self) -> frozenset[str]:
        """Give the kinds of organization found on the way up."""
        own = frozenset((self.kind,)) if self.kind else frozenset[str]()
        return own.union(*(group.kinds() for group in self.member_of))

    def name(self) -> str:
        """Give the best name known: its own, its organization's, else its reference."""
        if self.display:
            return self.display
        for group in self.member_of:
            if group.display:
                return group.display
        return self.reference or next(iter(self.identifiers), "")


@dataclass(frozen=True, slots=True)
class Emergency:
    """A declared break-glass; who may declare one is checked before it gets here."""

    declared: bool = False
    authorised: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One request for patient data; it carries its own time, the engine has no clock."""

    actor: Actor
    #: v3-ActReason codes, or "system|code" for purposes of another system.
    purposes: tuple[str, ...]
    #: consentaction code: collect | access | use | disclose | correct.
    action: str
    #: Moment of the decision, with offset.
    time: datetime
    #: Functional role of the person; "" for a system that receives on behalf of an organization.
    role: str = ""
    #: Organization that holds the data.
    custodian: Actor | None = None
    emergency: Emergency | None = None
    #: Policy codes asked for (MII style).
    policy_codes: tuple[str, ...] = ()
    #: read | search | export | delivery …: recorded, decides nothing.
    channel: str = ""
    #: False while consents cannot be read.
    consent_store_available: bool = True
    #: FHIR date of birth where age matters; "" looks at the Patient among the resources.
    birth_date: str = ""
    #: "Patient/…" the question is about when no resource is given with it.
    patient: str = ""
    #: References ("Patient/…") that are one and the same person, one tuple per person.
    linked: tuple[tuple[str, ...], ...] = ()
    #: Actors the directory is known to be unable to resolve.
    unresolvable: frozenset[Key] = frozenset()
