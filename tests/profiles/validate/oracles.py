"""Collections of resources about which others have decided, and what this validator says of them.

Run `python -m tests.profiles.validate.oracles` to see every disagreement.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from profiles.issue import GatewayError, Issue
from profiles.packages import Packages, open_packages
from profiles.reading import read_json
from profiles.reading.fhir_xml import read_fhir_xml
from profiles.validate.policy import Policy
from profiles.validate.validator import Validator

SAMPLES = Path(os.environ.get("GATEWAY_SAMPLES", Path(__file__).parents[3] / "../shared/samples"))
PACKAGES = Path(
    os.environ.get("GATEWAY_PACKAGES", Path(__file__).parents[3] / "../shared/packages")
)
#: How the Java validator takes what the specification leaves open; the domains are its tests' own.
_JAVA = Policy(
    display="error",
    profile="error",
    extension="error",
    vitals="error",
    domains=("http://hl7.org/fhir/test/", "http://example.org/", "http://www.example.org/"),
)
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Case:
    """One resource and what is said of it."""

    name: str
    expected: bool
    #: This validator accepts it.
    accepted: bool
    issues: tuple[Issue, ...]

    @property
    def agrees(self) -> bool:
        """Both say the same."""
        return self.expected == self.accepted


def read(file: Path) -> Any:
    """Read a resource in JSON or XML. Raises GatewayError."""
    data = file.read_bytes().removeprefix(_BOM)
    return read_fhir_xml(data) if file.suffix == ".xml" else read_json(data)


def _judged(name: str, expected: bool, validator: Validator, file: Path, *profiles: str) -> Case:
    try:
        issues = tuple(validator.validate(read(file), profiles))
    except GatewayError as error:
        issues = error.issues
    accepted = not any(one.severity in {"error", "fatal"} for one in issues)
    return Case(name, expected, accepted, issues)


@cache
def german_packages() -> Packages:
    """Open the German packages there are."""
    return open_packages(sorted((PACKAGES / "de").glob("*.tgz")), tolerate_missing=True)


def examples() -> Iterator[Case]:
    """The examples of the specification: all of them are meant to be valid."""
    validator = Validator(open_packages([]))
    for file in sorted((SAMPLES / "fhir-r4-official-examples").rglob("*.json")):
        yield _judged(file.name, True, validator, file)


def isik() -> Iterator[Case]:
    """ISiK examples: valid against the profiles they name, where these are at hand."""
    validator = Validator(german_packages())
    for file in sorted((SAMPLES / "fhir-isik-examples").rglob("*.json")):
        yield _judged(file.name, True, validator, file)


def kbv() -> Iterator[Case]:
    """Instances of a reference validator whose own profile is at hand in its version."""
    validator = Validator(german_packages())
    folder = SAMPLES / "fhir-kbv-referencevalidator"
    for file in sorted([*folder.rglob("*.xml"), *folder.rglob("*.json")]):
        if _is_at_hand(file):
            expected = "invalid" not in file.relative_to(folder).as_posix()
            yield _judged(file.name, expected, validator, file)


def _is_at_hand(file: Path) -> bool:
    """Say whether the profiles that a resource and its entries claim are there, in that version."""
    try:
        resource = read(file)
    except GatewayError:
        return True
    own = _claimed(resource)
    inner = [
        one for entry in resource.get("entry", ()) for one in _claimed(entry.get("resource", {}))
    ]
    found = [german_packages().find(one) for one in (*own, *inner)]
    return bool(own) and all(one is not None and one.exact for one in found)


def _claimed(resource: Any) -> list[str]:
    return list(resource.get("meta", {}).get("profile", ()))


def java() -> Iterator[Case]:
    """Cases of the Java validator that need nothing else: no package, server or absent file."""
    for stated in sorted((SAMPLES / "fhir-validator-r4").glob("*/case.json")):
        case, folder = json.loads(stated.read_bytes()), stated.parent
        profile = case.get("profile") or ""
        outcome = case["expected"].get("java-profile" if profile else "java")
        outcome = outcome or case["expected"].get("java")
        if outcome is None or case["raw"].get("packages") or not _is_complete(case["raw"], folder):
            continue
        packages = open_packages(_supporting(folder), tolerate_missing=True)
        validator = Validator(packages, policy=_JAVA)
        profiles = [profile] if profile.startswith("http") else list(_url(folder, profile))
        file = folder / Path(case["file"]).name
        yield _judged(folder.name, outcome["errors"] == 0, validator, file, *profiles)


def _is_complete(raw: dict[str, Any], folder: Path) -> bool:
    """Say whether all files that a case names are there."""
    profile = raw.get("profile") or {}
    named = [*raw.get("supporting", ()), *raw.get("profiles", ()), *profile.get("supporting", ())]
    return all(any(folder.rglob(Path(one).name)) for one in named)


def _supporting(folder: Path) -> Iterator[Path]:
    for file in sorted((folder / "supporting").rglob("*")):
        try:
            if file.is_file() and read(file):
                yield file
        except GatewayError:
            continue


def _url(folder: Path, name: str) -> Iterator[str]:
    for file in folder.rglob(Path(name).name if name else "-"):
        yield str(read(file)["url"])


#: Name, as in conformance/validator.tsv → its cases.
ORACLES: dict[str, Callable[[], Iterator[Case]]] = {
    "fhir-r4-official-examples": examples,
    "fhir-isik-examples": isik,
    "fhir-kbv-referencevalidator": kbv,
    "fhir-validator-r4": java,
}


def main() -> None:
    """Print how many cases agree, and each that does not."""
    for name, run in ORACLES.items():
        cases = list(run())
        agreed = sum(one.agrees for one in cases)
        print(f"{name}: {agreed} of {len(cases)} agree")  # noqa: T201
        for one in cases:
            if not one.agrees:
                wrong = [f"{i.text} ({i.location})" for i in one.issues if i.severity == "error"]
                print(f"  {one.name}: {'; '.join(wrong[:2]) or 'accepted'}")  # noqa: T201


if __name__ == "__main__":
    main()
