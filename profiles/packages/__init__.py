"""FHIR packages: opened from disk, indexed by canonical URL, resources on demand.

https://confluence.hl7.org/display/FHIR/NPM+Package+Specification

    packages = open_packages([Path("kbv.basis-1.7.0.tgz")], cache_folder=Path(".cache"))
    found = packages.find("https://fhir.kbv.de/StructureDefinition/KBV_PR_Base_Patient|1.7.0")
    resource = found.resource()

Core 4.0.1 and the gateway's own profiles are always there. Resources come without prose
(`compact.py`). Snapshots, generated where a package has none, are `profiles.snapshot`'s.
"""

from __future__ import annotations

from profiles.packages.collection import Found, Packages, open_packages
from profiles.packages.core import CORE, core_package
from profiles.packages.folder import PackageFolder
from profiles.packages.gateway import gateway_package
from profiles.packages.index import Entry
from profiles.packages.lock import LOCK, Lock, Locked, read_lock, write_lock
from profiles.packages.manifest import Manifest
from profiles.packages.package import Package, open_package

__all__ = [
    "CORE",
    "LOCK",
    "Entry",
    "Found",
    "Lock",
    "Locked",
    "Manifest",
    "Package",
    "PackageFolder",
    "Packages",
    "core_package",
    "gateway_package",
    "open_package",
    "open_packages",
    "read_lock",
    "write_lock",
]
