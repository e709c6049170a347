"""Everything translated, held against what it claims: `python -m tests.mappers.declared [FOLDER…]`.

Without folders: our own samples, then those of GATEWAY_SAMPLES. Prints every error with how often
it was found and the first place, and how many resources were held against which profile.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import mappers
from mappers.base import Mapped
from profiles.gateway import PROFILES
from profiles.issue import GatewayError, Issue
from profiles.packages import open_packages
from profiles.reading import read_json, write_json
from profiles.validate.validator import Validator

OWN = Path(__file__).parents[1] / "samples"
SAMPLES = Path(os.environ.get("GATEWAY_SAMPLES", Path(__file__).parents[2] / "../shared/samples"))
_STARTS = (b"MSH", b"FHS", b"BHS", b"\x0b")

Json = dict[str, Any]


@cache
def validator() -> Validator:
    """What ships with the gateway, opened once."""
    return Validator(open_packages([]))


def messages(folder: Path) -> Iterator[Path]:
    """HL7 v2 files below a folder, in order."""
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        if path.read_bytes()[:64].lstrip().startswith(_STARTS):
            yield path


def foreign() -> list[Path]:
    """Folders of the wider collection that hold HL7 v2."""
    return [SAMPLES / "german" / "hl7v2", *sorted(SAMPLES.glob("hl7v2-*"))]


def translated(paths: Iterable[Path]) -> Iterator[tuple[Path, Mapped]]:
    """Translate every message that is accepted."""
    for path in paths:
        try:
            for mapped in mappers.convert(path.read_bytes()):
                if mapped.refusal is None:
                    yield path, mapped
        except GatewayError:
            continue


def resources(mapped: Mapped) -> Iterator[Json]:
    """Resources that can stand alone, the Provenance, and the Bundle of them all, as they leave."""
    found = [change.resource for change in mapped.changes if not change.partial]
    if mapped.provenance is not None:
        found.append(mapped.provenance)
    for one in [*found, mapped.bundle]:
        yield read_json(write_json(one))


def claims(resource: Json) -> list[str]:
    """Profiles a resource claims."""
    return resource.get("meta", {}).get("profile", [])


def expected(resource: Json) -> list[str]:
    """What a resource of the gateway's making has to claim: nothing where we have no profile."""
    kind = resource["resourceType"]
    return [PROFILES[kind]] if kind in PROFILES else []


def errors(resource: Json) -> list[Issue]:
    """What is wrong with a resource, by R4 and what it claims."""
    return [one for one in validator().validate(resource) if one.severity in ("error", "fatal")]


def main(folders: list[Path]) -> int:
    """Hold everything against its claims; the number of different errors is the exit code."""
    found: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], str] = {}
    held: Counter[str] = Counter()
    for folder in folders:
        for path, mapped in translated(messages(folder)):
            for resource in resources(mapped):
                held[" ".join(claims(resource)) or f"R4 {resource['resourceType']}"] += 1
                for issue in errors(resource):
                    key = (resource["resourceType"], issue.text)
                    found[key] += 1
                    first.setdefault(key, f"{path.name} {issue.location}")
    for profile, count in sorted(held.items()):
        print(f"{count:7} {profile}")  # noqa: T201  the report
    for (kind, text), count in found.most_common():
        print(f"{count:7} {kind}: {text} — {first[kind, text]}")  # noqa: T201  the report
    return min(len(found), 100)


if __name__ == "__main__":
    sys.exit(main([Path(one) for one in sys.argv[1:]] or [OWN, *foreign()]))
