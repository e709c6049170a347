"""The sentence that tells a patient what was decided and why.

Names come from the case; what the data are about never appears. The sentences themselves are in
`catalogue.toml`, one language beside the other.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from gateway.consent.compiled import CompiledConsent
from gateway.consent.person import Verdict
from gateway.consent.request import Request

LANGUAGES = ("de", "en")


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Give the texts: {language: {"sentence" | "because" | "phrase" | …: {key: text}}}."""
    data = tomllib.loads(files(__package__).joinpath("catalogue.toml").read_text("utf-8"))
    return {
        language: {
            group: {key: texts[language] for key, texts in entries.items()}
            for group, entries in data.items()
        }
        for language in LANGUAGES
    }


def explain(outcome: str, decisive: Verdict, request: Request) -> dict[str, str]:
    """Explain an outcome in every language."""
    texts = catalogue()
    return {
        language: _sentence(outcome, decisive, request, texts[language], language)
        for language in LANGUAGES
    }


_PERMITS = {"R1": "no-patient-data", "R6": "own-access", "R18": "implicit-permit"}


def _permit_key(decisive: Verdict) -> str:
    if decisive.note:
        return decisive.note
    if decisive.consents and decisive.consents[0].attested_by:
        return "permit-attested"
    return _PERMITS.get(decisive.rule.split(" ", 1)[0], "permit")


def _sentence(
    outcome: str,
    decisive: Verdict,
    request: Request,
    texts: Mapping[str, Mapping[str, str]],
    language: str,
) -> str:
    phrases = texts["phrase"]
    consent = decisive.consents[0] if decisive.consents else decisive.lapsed
    names = {
        "recipient": request.actor.name() or phrases["recipient"],
        "purpose": _purposes(request, texts["purpose"]),
        "consent": _consent(consent, phrases, language),
        "source": consent.attested_by if consent is not None else "",
        "law": decisive.rule.removeprefix("R2 legal mandate "),
    }
    key = outcome
    if decisive.permit:
        key = _permit_key(decisive)
    else:
        names["because"] = texts["because"][decisive.note or decisive.reason].format_map(names)
    # Only the sentence is a format: what is put into it is not looked at again.
    text = texts["sentence"][key].format_map(names)
    return text[:1].upper() + text[1:]


def _purposes(request: Request, known: Mapping[str, str]) -> str:
    codes = (purpose.rpartition("|")[2] for purpose in request.purposes)
    return ", ".join([known.get(code, code) for code in codes]) or known["unstated"]


def _consent(consent: CompiledConsent | None, phrases: Mapping[str, str], language: str) -> str:
    if consent is None:
        return phrases["consent"]
    text = phrases["consent" if consent.positive or consent.problem else "refusal"]
    if consent.date:
        text += phrases["of"] + _date(consent.date, language)
    if consent.organization:
        text += phrases["given-to"] + consent.organization
    return text


def _date(date: str, language: str) -> str:
    """Write a FHIR date (year, month or day) the way people read it."""
    return ".".join(reversed(date.split("-"))) if language == "de" else date
