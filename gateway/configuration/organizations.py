"""Rules for organizations and practitioners."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.configuration.finding import ID, error, warning
from gateway.domain.region import Practitioner, Region
from profiles.issue import Issue

#: How hashes of tokens and certificates are written.
SHA256 = re.compile(r"[0-9a-f]{64}")
#: LANR and BSNR: nine digits (KBV: Arztnummern-Richtlinie; BSNR-Richtlinie).
_NINE_DIGITS = re.compile(r"\d{9}")


def organization_rules(region: Region) -> Iterator[Issue]:
    """Ids can be resource ids; hashes are hashes; two organizations never share a token."""
    owner: dict[str, str] = {}
    for organization in region.organizations.values():
        place = f"organization {organization.id}"
        if not ID.fullmatch(organization.id):
            yield error(f"{place}: an id has letters, digits, - and ., at most 64", place)
        for digest in (*organization.token_sha256, *organization.certificate_sha256):
            if not SHA256.fullmatch(digest):
                yield error(f"{place}: a SHA-256 is written as 64 characters 0-9 a-f", place)
            elif owner.setdefault(digest, organization.id) != organization.id:
                yield error(
                    f"{place}: shares a token or certificate with {owner[digest]}",
                    place,
                    "conflict",
                )


def practitioner_rules(region: Region) -> Iterator[Issue]:
    """Every practitioner can be found by something and leads to one organization."""
    owner: dict[tuple[str, str, str], str] = {}
    for practitioner in region.practitioners:
        place = f"practitioner of {practitioner.organization}"
        if practitioner.organization not in region.organizations:
            yield error(f"{place}: there is no organization of this id", place, "not-found")
        yield from _numbers(practitioner, place)
        for name in _names(practitioner):
            if owner.setdefault(name, practitioner.organization) != practitioner.organization:
                yield warning(
                    f"{place}: this {name[0]} number is also of {owner[name]}; messages for it are "
                    f"unrouted, because a recipient is never guessed",
                    place,
                    "conflict",
                )


def _numbers(practitioner: Practitioner, place: str) -> Iterator[Issue]:
    if not (practitioner.lanr or practitioner.bsnr or practitioner.local):
        yield error(f"{place}: needs lanr, bsnr or local numbers to be found by", place, "required")
    for label, number in (("lanr", practitioner.lanr), ("bsnr", practitioner.bsnr)):
        if number and not _NINE_DIGITS.fullmatch(number):
            yield error(f"{place}: {label} has nine digits", place)


def _names(practitioner: Practitioner) -> Iterator[tuple[str, str, str]]:
    """Everything a message may name the practitioner by."""
    if practitioner.lanr:
        yield "lanr", "", practitioner.lanr
    for local in practitioner.local:
        yield "local", local.system, local.value
