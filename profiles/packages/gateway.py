"""The gateway's own profiles as a package: what its own resources claim in `meta.profile`.

https://confluence.hl7.org/display/FHIR/NPM+Package+Specification
"""

from __future__ import annotations

import gzip
import io
import tarfile
from functools import cache
from importlib import resources
from pathlib import Path

from profiles.packages.archive import FOLDER
from profiles.packages.package import Package, open_package


def gateway_folder() -> Path:
    """Return the folder of the package as it ships: `package/` with package.json and resources."""
    return Path(str(resources.files("profiles"))) / "gateway"


@cache
def gateway_package() -> Package:
    """Open the package; read once per process, a resource parsed when it is asked for."""
    return open_package(gateway_folder())


def archive() -> bytes:
    """Return the package as others load it (.tgz); the same files give the same bytes."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        # package.json comes first, for those who read no further.
        files = sorted((gateway_folder() / FOLDER).glob("*.json"), key=_order)
        for file in files:
            member = tarfile.TarInfo(FOLDER + file.name)
            member.size = file.stat().st_size
            tar.addfile(member, io.BytesIO(file.read_bytes()))
    return gzip.compress(plain.getvalue(), mtime=0)


def _order(file: Path) -> tuple[bool, str]:
    return file.name != "package.json", file.name
