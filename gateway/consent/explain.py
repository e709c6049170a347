"""The sentence that tells a patient what was decided and why.

Names come from the case; what the data are about never appears. The sentences themselves are in
`catalogue.toml`, one language beside the other.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from gateway.consent.compiled import CompiledConsent
from gateway.consent.decision import PERMIT, REDACT, Reason
from gateway.consent.person import Verdict
from gateway.consent.request import Request

LANGUAGES = ("de", "en")


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Any]:
    """Give the sentences: {"sentence": {key: {language: text}}, "purpose": …, "phrase": …}."""
    return tomllib.loads(files(__package__).joinpath("catalogue.toml").read_text("utf-8"))


def explain(outcome: str, decisive: Verdict, request: Request) -> dict[str, str]:
    """Explain an outcome in every language."""
    key = sentence_key(decisive)
    return {
        language: _sentence(outcome, key, decisive, request, language) for language in LANGUAGES
    }


def sentence_key(decisive: Verdict) -> str:
    """Give the name of the sentence for a verdict."""
    if decisive.note:
        return decisive.note
    if decisive.reason != Reason.PERMIT:
        return decisive.reason
    return _PERMITS.get(decisive.rule.split(" ", 1)[0], "permit")


_PERMITS = {"R1": "no-patient-data", "R6": "own-access", "R18": "implicit-permit"}


def _sentence(outcome: str, key: str, decisive: Verdict, request: Request, language: str) -> str:
    data = catalogue()
    phrases = {name: texts[language] for name, texts in data["phrase"].items()}
    consent = next(iter(decisive.consents), decisive.lapsed)
    if consent is not None and consent.attested_by and key == "permit":
        key = "permit-attested"
    names = {
        "recipient": request.actor.name() or phrases["recipient"],
        "purpose": _purposes(request, data["purpose"], language),
        "consent": _consent(consent, phrases, language),
        "source": consent.attested_by if consent is not None else "",
        "law": decisive.rule.removeprefix("R2 legal mandate "),
    }
    text = _fill(data["sentence"][key][language], names)
    if outcome == REDACT and decisive.reason != PERMIT:
        return f"{_fill(data['sentence']['redact'][language], names)} {text}"
    return text


def _fill(text: str, names: Mapping[str, str]) -> str:
    """Put names into a sentence; a name that looks like a placeholder stays a name."""
    for name in ("recipient", "purpose", "consent", "source", "law"):
        if "{" + name + "}" in text:
            before, _, after = text.partition("{" + name + "}")
            return _fill(before, names) + names[name] + _fill(after, names)
    return text


def _purposes(request: Request, known: Mapping[str, Mapping[str, str]], language: str) -> str:
    codes = [purpose.rpartition("|")[2] for purpose in request.purposes]
    texts = [known[code][language] if code in known else code for code in codes]
    return ", ".join(texts) or known["unstated"][language]


def _consent(consent: CompiledConsent | None, phrases: Mapping[str, str], language: str) -> str:
    if consent is None:
        return phrases["consent"]
    text = phrases["consent"]
    if consent.date:
        text += phrases["of"] + _date(consent.date, language)
    if consent.organization:
        text += phrases["given-to"] + consent.organization
    return text


def _date(date: str, language: str) -> str:
    """Write a FHIR date (year, month or day) the way people read it."""
    parts = date.split("-")
    return ".".join(reversed(parts)) if language == "de" else date
