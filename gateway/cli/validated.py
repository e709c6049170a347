"""What `gateway validate` finds about one document, and how it is written."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.cli.documents import STDIN, Document
from gateway.cli.output import json_bytes

if TYPE_CHECKING:
    from profiles.issue import Issue
    from profiles.validate.validator import Validator

WRONG = frozenset({"error", "fatal"})


def judged(document: Document, validator: Validator, profiles: Iterable[str]) -> tuple[Issue, ...]:
    """Validate a document; lines and columns are those of its file."""
    from profiles.issue import GatewayError, Issue
    from profiles.reading.fhir_document import read_fhir
    from profiles.reading.positions import located

    data = document.data
    if data is None:
        text = "the document is larger than this gateway takes"
        return (Issue("error", "too-costly", text, line=document.line, column=1),)
    try:
        resource, noted = read_fhir(data)
    except GatewayError as error:
        issues: tuple[Issue, ...] = error.issues
    else:
        issues = (*noted, *validator.validate(resource, profiles))
    first = document.line - 1
    return tuple(
        replace(one, line=one.line + first) if one.line else one for one in located(issues, data)
    )


def write_outcome(_document: Document, issues: tuple[Issue, ...]) -> None:
    """Write an OperationOutcome as a line of standard output."""
    from profiles.issue import Issue, operation_outcome

    # An OperationOutcome has one issue at least.
    shown = issues or (Issue("information", "informational", "No issues were found."),)
    sys.stdout.buffer.write(json_bytes(operation_outcome(shown)) + b"\n")


def write_lines(document: Document, issues: tuple[Issue, ...]) -> None:
    """Write each issue as compilers do: where, how bad, what."""
    name = "<stdin>" if document.file == STDIN else document.file
    for one in issues:
        where = ":".join(str(part) for part in (name, one.line, one.column) if part)
        what = f"{one.location}: {one.text}" if one.location else one.text
        sys.stdout.buffer.write(f"{where}: {one.severity}: {what}\n".encode(errors="replace"))
