"""What a FHIR server's answer to a transaction means: delivered, refused, not now, unknown.

https://hl7.org/fhir/R4/http.html#transaction-response, RFC 9110 section 15. Only a
transaction-response whose every entry succeeded is a delivery: a status of 200 alone may come from
a proxy, a login page or a server that stored half.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from gateway.domain.transport import (
    ANSWER_LIMIT,
    PartnerRefused,
    PartnerUnavailable,
    PartnerUncertain,
    Sent,
)
from gateway.endpoints.http_client import Answer
from profiles.issue import GatewayError
from profiles.reading import read_json

#: Statuses that say "not now" (5xx is the other kind).
_NOT_NOW = frozenset({408, 425, 429})
#: Longest wait taken from Retry-After, in seconds.
_LONGEST_WAIT = 86_400.0
_MOST_CODES = 10
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


def judge(answer: Answer, entries: int) -> Sent:
    """Return the delivery; `entries` is how many the transaction had.

    Raises PartnerUnavailable, PartnerUncertain or PartnerRefused.
    """
    status = answer.status
    if 200 <= status < 300:
        return _stored(answer, entries)
    if status in _NOT_NOW or status >= 500:
        text = f"The partner answered {status}."
        raise PartnerUnavailable(text, retry_after=retry_after(answer), answer=answer.body)
    if 300 <= status < 400:
        text = "The partner redirects; another address must be registered."
        raise PartnerRefused(text, codes=(str(status),), answer=answer.body)
    if 400 <= status < 500:
        codes = (str(status), *outcome_codes(_json(answer)))
        raise PartnerRefused(f"The partner answered {status}.", codes=codes, answer=answer.body)
    raise PartnerUncertain("The partner answered with no known status.", answer=answer.body)


def retry_after(answer: Answer) -> float | None:
    """Return the seconds Retry-After asks for; a date counts from the answer's own Date."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return min(float(text[:9]), _LONGEST_WAIT)
    until = _date(text)
    if until is None:
        return None
    now = _date(answer.headers.get("date", "")) or datetime.now(UTC)
    return min(max((until - now).total_seconds(), 0.0), _LONGEST_WAIT)


def outcome_codes(resource: Any) -> tuple[str, ...]:
    """Return the codes of an OperationOutcome; its texts may hold patient data and stay out."""
    found = dict.fromkeys(code for code in _codes(resource) if _CODE.fullmatch(code))
    return tuple(found)[:_MOST_CODES]


def _stored(answer: Answer, entries: int) -> Sent:
    if not answer.complete:
        raise PartnerUncertain("The partner's answer is not whole.", answer=answer.body)
    bundle = _json(answer)
    if not isinstance(bundle, dict):
        raise PartnerUncertain("The partner's answer is not FHIR.", answer=answer.body)
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "transaction-response":
        text = "The partner's answer is no transaction-response."
        raise PartnerUncertain(_with_codes(text, bundle), answer=answer.body)
    statuses = [_status(entry) for entry in _list(bundle, "entry")]
    if len(statuses) != entries:
        raise PartnerUncertain("The partner answered for other entries.", answer=answer.body)
    if not all(re.match(r"2\d\d\b", status) for status in statuses):
        text = "The partner did not store every entry."
        raise PartnerUncertain(_with_codes(text, bundle), answer=answer.body)
    return Sent(str(answer.status), answer.body[:ANSWER_LIMIT])


def _with_codes(text: str, resource: Any) -> str:
    codes = outcome_codes(resource)
    return f"{text} Codes: {', '.join(codes)}." if codes else text


def _status(entry: Any) -> str:
    response = entry.get("response") if isinstance(entry, dict) else None
    status = response.get("status") if isinstance(response, dict) else None
    return status if isinstance(status, str) else ""


def _codes(resource: Any) -> Iterator[str]:
    """Find issue codes, in an OperationOutcome or in the outcomes of a Bundle's entries."""
    for entry in _list(resource, "entry"):
        response = entry.get("response") if isinstance(entry, dict) else None
        if isinstance(response, dict):
            yield from _codes(response.get("outcome"))
    for issue in _list(resource, "issue"):
        details = issue.get("details") if isinstance(issue, dict) else None
        for holder in (issue, *_list(details, "coding")):
            code = holder.get("code") if isinstance(holder, dict) else None
            if isinstance(code, str):
                yield code


def _list(value: Any, name: str) -> list[Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _json(answer: Answer) -> Any:
    try:
        return read_json(answer.body) if answer.complete else None
    except GatewayError:
        return None


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
