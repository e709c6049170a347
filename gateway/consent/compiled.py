"""A FHIR Consent in the form the engine evaluates: read once, kept as long as its version lives.

https://hl7.org/fhir/R4/consent.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.consent.dates import Span
from gateway.consent.references import Key

#: (system, code).
Code = tuple[str, str]

PERMIT = "permit"
DENY = "deny"
#: A root without type that states nothing but nested provisions.
NONE = ""

RECIPIENT = "recipient"
CUSTODIAN = "custodian"
AUTHOR = "author"
#: A role the engine does not know: may be anybody.
UNKNOWN_ROLE = "unknown"


@dataclass(frozen=True, slots=True)
class Named:
    """A reference as a consent states it."""

    #: "Type/id", or the reference as written when it is absolute or a URN.
    reference: str
    #: Whether `reference` is relative to this server and so comparable.
    comparable: bool
    #: "system|value" of its identifiers.
    identifiers: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class ActorTest:
    """One actor of a provision: in which capacity (rule R5), and who."""

    capacity: str
    named: Named


@dataclass(frozen=True, slots=True)
class DataTest:
    """One `data` of a provision: instance | related | dependents | authoredby, and of what."""

    meaning: str
    named: Named


@dataclass(frozen=True, slots=True)
class Rule:
    """One provision; a permit already holds what it inherits from its ancestors (rule R14)."""

    #: permit | deny | "" (untyped root without constraint).
    type: str
    period: Span | None = None
    actors: tuple[ActorTest, ...] = ()
    actions: frozenset[str] = frozenset()
    purposes: tuple[Code, ...] = ()
    policy_codes: frozenset[Code] = frozenset()
    classes: tuple[Code, ...] = ()
    labels: tuple[Code, ...] = ()
    codes: tuple[Code, ...] = ()
    data_period: Span | None = None
    data: tuple[DataTest, ...] = ()
    children: tuple[Rule, ...] = ()
    #: Names break-glass or emergency treatment, so break-glass cannot override it (rule R8).
    names_emergency: bool = False
    #: Lets break-glass in: whoever uses it has the duties of break-glass.
    names_break_glass: bool = False


@dataclass(frozen=True, slots=True)
class CompiledConsent:
    """A Consent ready for selection and evaluation; made by `compile_consent`."""

    id: str
    version: str
    timezone: str
    #: active | inactive | rejected | draft | proposed | entered-in-error, or "" if none of these.
    status: str
    #: Codes of `scope`; "" where it cannot be read.
    scopes: frozenset[str]
    #: References and identifiers of the patient that can be compared.
    patients: frozenset[Key]
    #: "Type/id" at the end of an absolute patient reference: reason enough to withhold.
    patient_tail: str
    #: References and identifiers of who gave it.
    performers: frozenset[Key]
    #: Whether somebody else may have given it for the patient (rule R12).
    by_proxy: bool
    #: When it was given; None if that is not stated.
    given: Span | None
    #: What makes two consents one lineage (rule R10); empty: a lineage of its own.
    lineage: frozenset[tuple[str, ...]]
    #: Validity of the root provision; None without limit.
    period: Span | None
    #: What policyRule says holds outside the root: permit | deny | "".
    base: str
    root: Rule | None
    #: Why it cannot be interpreted ("" if it can): decides as indeterminate (rules R15, R16).
    problem: str
    #: Whether anything in it permits.
    positive: bool
    #: Whether it speaks about research only.
    research_only: bool
    #: The date it was given, as stated, for the explanation.
    date: str = ""
    #: The names of the organizations it was given to.
    organization: str = ""
    #: Name of the source whose system attested it; "" when the patient's own document is there.
    attested_by: str = ""

    def turns(self) -> tuple[float, ...] | None:
        """Give the moments (seconds) at which what it says may change by the clock alone.

        None: they cannot be told from the consent (rule R12 asks for a date of birth).
        """
        if self.by_proxy:
            return None
        return tuple(moment for span in (self.period, *_spans(self.root)) for moment in span or ())


def _spans(rule: Rule | None) -> Iterator[Span | None]:
    if rule is not None:
        yield rule.period
        for child in rule.children:
            yield from _spans(child)
