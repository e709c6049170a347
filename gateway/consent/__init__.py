"""Consent decisions: select, evaluate, explain, filter.

Pure: no clock, no network, no database; the time is in the request.
https://hl7.org/fhir/R4/consent.html, https://profiles.ihe.net/ITI/PCF/
"""

from gateway.consent.case import decide, read_request
from gateway.consent.compile import compile_consent
from gateway.consent.compiled import CompiledConsent
from gateway.consent.decision import DENY, PERMIT, REDACT, Decision, Reason
from gateway.consent.evaluate import evaluate
from gateway.consent.filter import filter_resources
from gateway.consent.policy import Policy
from gateway.consent.request import Actor, Emergency, Request

__all__ = [
    "DENY",
    "PERMIT",
    "REDACT",
    "Actor",
    "CompiledConsent",
    "Decision",
    "Emergency",
    "Policy",
    "Reason",
    "Request",
    "compile_consent",
    "decide",
    "evaluate",
    "filter_resources",
    "read_request",
]
