"""Refusal: what becomes of a message that is not stored, and the report about any.

The sender's fault is refused and stays the sender's; our own is quarantined.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from gateway.pipeline.documents import dump
from gateway.pipeline.places import FOREIGN_FHIR, in_lines
from gateway.pipeline.translated import Job, Outcome, Translated
from gateway.pipeline.validate import Findings
from mappers.base import Mapped
from profiles.issue import GatewayError, Issue, NotConformant

#: Reason of a message whose resources FHIR does not allow.
UNSOUND = "structure"


def fault(error: BaseException) -> str:
    """Name an error and the line it comes from, never its text: that may hold values."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    module = trace.tb_frame.f_globals.get("__name__", "")
    return f"{type(error).__name__} in {module}:{trace.tb_lineno}"


def failed(job: Job, reason: str) -> Translated:
    """Say that translating a message failed through our fault."""
    issue = Issue("fatal", "exception", "The gateway could not translate this message.")
    return Translated(
        job.number,
        Outcome.QUARANTINED,
        reason=reason,
        issues=(issue,),
        sha256=hashlib.sha256(job.data).hexdigest(),
        report=report_of(Mapped(job.format, "", issues=(issue,))),
    )


def refused(job: Job, error: GatewayError, mapped: Mapped | None = None) -> Translated:
    """Say that a message is the sender's to repair, or not taken from it."""
    mapped = mapped or Mapped(job.format, "")
    issues = in_lines(tuple(dict.fromkeys((*mapped.issues, *error.issues))), job)
    return Translated(
        job.number,
        Outcome.REJECTED,
        reason=type(error).__name__,
        message_type=mapped.message_type,
        issues=issues,
        sha256=hashlib.sha256(job.data).hexdigest(),
        report=report_of(replace(mapped, issues=issues)),
    )


def unsound(job: Job, mapped: Mapped, faults: tuple[Issue, ...]) -> Translated:
    """Our own broken output is our fault; somebody else's FHIR is the sender's."""
    if job.format in FOREIGN_FHIR:
        return refused(job, NotConformant(issues=faults), mapped)
    report = replace(mapped, issues=(*mapped.issues, *faults))
    return replace(
        failed(job, UNSOUND),
        message_type=mapped.message_type,
        issues=report.issues,
        report=report_of(report),
    )


def invalid(job: Job, mapped: Mapped, found: Findings) -> Translated:
    """Content that breaks a rule or profile, where the endpoint wants more than a warning."""
    if found.action == "reject":
        return refused(job, NotConformant(issues=found.issues), mapped)
    report = replace(mapped, issues=(*mapped.issues, *found.issues))
    return replace(
        failed(job, "validation"),
        message_type=mapped.message_type,
        issues=report.issues,
        report=report_of(report),
    )


def report_of(mapped: Mapped) -> bytes:
    """Write the loss report of a message and what was found about it."""
    loss = mapped.loss
    return dump(
        {
            "format": mapped.format,
            "message_type": mapped.message_type,
            "fields": loss.fields,
            "mapped": loss.mapped,
            "ignored": loss.ignored,
            "ignored_paths": [{"path": path, "reason": why} for path, why in loss.ignored_paths],
            "unmapped": [{"path": path, "value": value} for path, value in loss.unmapped],
            "issues": [
                {
                    "severity": issue.severity,
                    "code": issue.code,
                    "text": issue.text,
                    "location": issue.location,
                    **({"line": issue.line, "column": issue.column} if issue.line else {}),
                }
                for issue in mapped.issues
            ],
        }
    )
