"""What can be wrong with an expression, as part of the gateway's exception tree.

    NotConformant
    └── FHIRPathError              an expression cannot be evaluated
        ├── FHIRPathSyntaxError    it does not follow the grammar
        ├── FHIRPathSemanticError  it names what does not exist
        └── FHIRPathLimitError     it would take too long

https://hl7.org/fhirpath/N1/. Texts name parts of the expression, never values of the resource.
"""

from __future__ import annotations

from profiles.issue import Issue, NotConformant


class FHIRPathError(NotConformant):
    """The expression cannot be evaluated on this input."""

    issue_type = "invalid"


class FHIRPathSyntaxError(FHIRPathError):
    """The expression does not follow the FHIRPath grammar."""

    def __init__(self, text: str, position: int, expression: str) -> None:
        """Make the error; `position` counts characters from 0."""
        self.position = position
        before = expression[:position]
        self.line = before.count("\n") + 1
        self.column = position - (before.rfind("\n") + 1) + 1
        super().__init__(f"{text} (line {self.line}, column {self.column})")


class FHIRPathSemanticError(FHIRPathError):
    """The expression names a function, type, variable or element that does not exist."""


class FHIRPathLimitError(FHIRPathError):
    """The expression takes more steps, time or memory than it may."""

    issue_type = "too-costly"

    def __init__(self, text: str) -> None:
        """Make the error with the issue code for limits."""
        super().__init__(text, issues=(Issue("error", self.issue_type, text),))
