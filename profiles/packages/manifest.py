"""package.json of a FHIR package: who it is and what it needs.

https://confluence.hl7.org/display/FHIR/NPM+Package+Specification#NPMPackageSpecification-PackageManifest
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from profiles.reading import Limits, read_json
from profiles.reading.limits import refused

#: Also what may stand in a file name, so that no name leads out of a folder.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*\Z")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z+_-]*(?:\.[0-9A-Za-z+_-]+)*\Z")
_LIMITS = Limits(size=1_000_000, containers=20_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a package says about itself."""

    name: str
    version: str
    #: FHIR versions its resources are written in, such as `4.0.1`.
    fhir_versions: tuple[str, ...] = ()
    #: Package name → version or range.
    dependencies: Mapping[str, str] = field(default_factory=dict)
    #: Base of its canonical URLs.
    canonical: str = ""
    title: str = ""

    @property
    def key(self) -> str:
        """Name and version as people write them: `kbv.basis@1.7.0`."""
        return f"{self.name}@{self.version}"


def read_manifest(data: bytes, place: str) -> Manifest:
    """Read package.json; `place` names the package in errors. Raises NotConformant."""
    content = read_json(data.removeprefix(b"\xef\xbb\xbf"), limits=_LIMITS)
    if not isinstance(content, dict):
        raise refused(f"{place}: package.json is no JSON object")
    return manifest_of(content, place)


def manifest_of(content: Mapping[str, Any], place: str) -> Manifest:
    """Make a manifest from the content of package.json. Raises NotConformant."""
    versions = content.get("fhirVersions") or content.get("fhir-version-list") or ()
    dependencies = content.get("dependencies") or {}
    if not isinstance(dependencies, dict) or not all(
        isinstance(one, str) for one in dependencies.values()
    ):
        raise refused(f"{place}: package.json has dependencies that are no names with versions")
    return Manifest(
        name=_matching(content, "name", _NAME, place),
        version=_matching(content, "version", _VERSION, place),
        fhir_versions=tuple(one for one in _listed(versions) if isinstance(one, str)),
        dependencies=dict(sorted(dependencies.items())),
        canonical=_text(content.get("canonical")),
        title=_text(content.get("title")),
    )


def _matching(content: Mapping[str, Any], member: str, form: re.Pattern[str], place: str) -> str:
    value = content.get(member)
    if not isinstance(value, str) or not form.match(value) or len(value) > 200:
        raise refused(f"{place}: package.json has no usable {member}")
    return value


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
