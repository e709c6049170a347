"""Issue and the exception tree every layer raises.

https://hl7.org/fhir/R4/valueset-issue-type.html (issue types),
HL7 table 0357 (message error condition codes) for the HL7 v2 rendering.

    GatewayError
    ├── NotUnderstood      no usable header: nothing can be answered
    ├── NotConformant      content the sender can repair
    ├── NotSupported       type, event, version or processing id not taken here
    ├── NotPermitted       this sender may not do this
    ├── Duplicate          already stored under the same identity
    ├── Unavailable        our store or a dependency does not answer; try again
    ├── DeliveryUncertain  the partner may or may not have it
    └── DeliveryRefused    the partner said no for good
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

_ISSUE = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-"
Severity = Literal["fatal", "error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding about one place, as in OperationOutcome.issue.

    `text` is a fixed sentence in the standard's words and never repeats an input value.
    """

    severity: Severity
    #: FHIR issue type, e.g. "value", "required", "structure".
    code: str
    text: str
    #: Source path (`PID-7`, `FK 3101`) or FHIRPath expression (`Patient.birthDate`).
    location: str = ""
    #: HL7 table 0357 code for an ERR segment; empty derives it from `code`.
    hl7_code: str = ""
    #: Where it stands in the text that was read, from 1 on, in characters; 0 is unknown.
    line: int = 0
    column: int = 0


class GatewayError(Exception):
    """The request could not be served."""

    issue_type: ClassVar[str] = "exception"

    def __init__(
        self, text: str = "", *, location: str = "", issues: tuple[Issue, ...] = ()
    ) -> None:
        """Make the error; without a text its docstring's first line is the message."""
        self.text = text or (self.__doc__ or "").splitlines()[0]
        self.location = location
        self.issues = issues or (Issue("error", self.issue_type, self.text, location),)
        super().__init__(self.text)


class NotUnderstood(GatewayError):
    """The input has no usable header."""

    issue_type = "structure"


class NotConformant(GatewayError):
    """The content breaks a rule the sender can repair."""

    issue_type = "invalid"


class NotSupported(GatewayError):
    """This type, event, version or processing id is not taken here."""

    issue_type = "not-supported"


class NotPermitted(GatewayError):
    """This sender may not use this endpoint."""

    issue_type = "forbidden"


class Duplicate(GatewayError):
    """The same input is already stored."""

    issue_type = "duplicate"


class Unavailable(GatewayError):
    """The store or a dependency does not answer."""

    issue_type = "transient"


class DeliveryUncertain(GatewayError):
    """The partner may or may not have received the message."""

    issue_type = "timeout"


class DeliveryRefused(GatewayError):
    """The partner refused the message for good."""

    issue_type = "processing"


def operation_outcome(issues: tuple[Issue, ...] | list[Issue]) -> dict[str, Any]:
    """Render issues as an OperationOutcome (https://hl7.org/fhir/R4/operationoutcome.html)."""
    rendered = []
    for issue in issues:
        entry: dict[str, Any] = {
            "severity": issue.severity,
            "code": issue.code,
            "diagnostics": issue.text,
        }
        if issue.location:
            entry["expression"] = [issue.location]
        if issue.line:
            entry["extension"] = [*_placed(issue)]
        rendered.append(entry)
    return {"resourceType": "OperationOutcome", "issue": rendered}


def _placed(issue: Issue) -> Iterator[dict[str, Any]]:
    """Line and column by the standard extensions operationoutcome-issue-line and -col."""
    for name, value in (("line", issue.line), ("col", issue.column)):
        if value:
            yield {"url": f"{_ISSUE}{name}", "valueInteger": value}
