"""What the engine answers, and the codes it answers with.

https://hl7.org/fhir/R4/consent.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Everything asked for may go out.
PERMIT = "permit"
#: Nothing goes out.
DENY = "deny"
#: A part goes out; the rest is removed or masked.
REDACT = "redact"


class Reason:
    """Why, for machines: what the pipeline does next hangs on this word.

    Ordered from the strongest to the weakest claim in `STRONGEST_FIRST`.
    """

    #: The consent store did not answer: keep the delivery and ask again.
    STORE_UNAVAILABLE = "consent-store-unavailable"
    #: A consent refuses: final.
    EXPLICIT_DENY = "explicit-deny"
    #: A consent cannot be interpreted: a person has to look at it.
    INDETERMINATE = "indeterminate"
    #: A free-text document without label meets a rule about labels: label it, then ask again.
    LABEL_MISSING = "label-missing"
    #: Consents permit something, but not this.
    NOT_COVERED = "not-covered"
    #: No consent speaks about this: wait for one.
    NO_CONSENT = "no-consent"
    #: Patient data that names no patient.
    NO_SUBJECT = "no-subject"
    #: A document that cannot be cut without lying about it (signed, or narrative only).
    INDIVISIBLE = "indivisible-document"
    #: A directory entry that only data withheld refers to.
    ONLY_WITHHELD = "only-referred-to-by-withheld"
    PERMIT = "permit"


STRONGEST_FIRST = (
    Reason.STORE_UNAVAILABLE,
    Reason.EXPLICIT_DENY,
    Reason.INDETERMINATE,
    Reason.LABEL_MISSING,
    Reason.NOT_COVERED,
    Reason.NO_CONSENT,
    Reason.NO_SUBJECT,
    Reason.INDIVISIBLE,
    Reason.ONLY_WITHHELD,
    Reason.PERMIT,
)


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer to one request, with its explanation."""

    #: permit | deny | redact.
    outcome: str
    #: The decisive rule, e.g. "R9 explicit deny".
    rule: str
    #: One of `Reason`; for redact the reason of what was withheld.
    reason: str
    #: (id, versionId) of the consents the answer rests on.
    consents: tuple[tuple[str, str], ...] = ()
    #: "Type/id" of what may go out.
    visible: tuple[str, ...] = ()
    #: "Type/id", "Type/id#contained" or "Type/id@element path" of what may not.
    removed: tuple[str, ...] = ()
    #: What whoever acts on the decision must also do.
    obligations: tuple[str, ...] = ()
    #: A sentence for the patient by language ("de", "en"): names of the case, nothing clinical.
    explanation: Mapping[str, str] = field(default_factory=dict)
    #: "Type/id" of resources that are not part of the answer and must not be referred to either.
    masked: tuple[str, ...] = ()
    #: (ident, permit or deny, rule) of each part that was judged.
    details: tuple[tuple[str, str, str], ...] = ()

    @property
    def permits(self) -> bool:
        """Whether at least a part may go out."""
        return self.outcome != DENY

    def as_json(self) -> dict[str, Any]:
        """Give the decision in the JSON shape of `gateway consent decide`."""
        return {
            "outcome": self.outcome,
            "rule": self.rule,
            "reason": self.reason,
            "consents": [{"id": i, "versionId": v} if v else {"id": i} for i, v in self.consents],
            "visible": list(self.visible),
            "removed": list(self.removed),
            "masked": list(self.masked),
            "obligations": list(self.obligations),
            "explanation": dict(self.explanation),
            "details": [{"part": p, "outcome": o, "rule": r} for p, o, r in self.details],
        }
