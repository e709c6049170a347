"""Codes as a package sees them: the versions it depends on, not the newest there are."""

import gzip
import io
import json
import tarfile

import pytest

from profiles.packages import open_packages
from profiles.terminology import Terminology

BASE = "http://beispiel.test"
SYSTEM = f"{BASE}/CodeSystem/ampel"
COLOURS = f"{BASE}/ValueSet/ampel"


def resources(version, *codes):
    system = {
        "resourceType": "CodeSystem",
        "url": SYSTEM,
        "version": version,
        "content": "complete",
        "caseSensitive": True,
        "concept": [{"code": one} for one in codes],
    }
    value_set = {
        "resourceType": "ValueSet",
        "url": COLOURS,
        "version": version,
        "compose": {"include": [{"system": SYSTEM}]},
    }
    return [system, value_set]


@pytest.fixture(scope="module")
def terminology(tmp_path_factory):
    """Two versions of a base, and a package that depends on each."""
    folder = tmp_path_factory.mktemp("packages")

    def write(name, version, found, **dependencies):
        buffer = io.BytesIO()
        manifest = {"name": name, "version": version, "fhirVersions": ["4.0.1"]}
        files = {"package.json": manifest | {"dependencies": dependencies}}
        files |= {f"{one['resourceType']}-x.json": one for one in found}
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for file, content in files.items():
                data = json.dumps(content).encode()
                member = tarfile.TarInfo(f"package/{file}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        path = folder / f"{name}-{version}.tgz"
        path.write_bytes(gzip.compress(buffer.getvalue(), mtime=0))
        return path

    paths = [
        write("basis", "1.0.0", resources("1.0.0", "rot", "grün")),
        write("basis", "2.0.0", resources("2.0.0", "rot", "gelb")),
        write("alt", "1.0.0", [], basis="1.0.0"),
        write("neu", "1.0.0", [], basis="2.0.0"),
        write("ohne", "1.0.0", []),
    ]
    return Terminology(open_packages(paths))


def seen(terminology, name):
    package = terminology.sources.packages.package(name, "1.0.0")
    return terminology.within(package)


@pytest.mark.parametrize(
    ("name", "green", "yellow"), [("alt", True, False), ("neu", False, True), ("ohne", False, True)]
)
def test_each_package_sees_what_it_depends_on(terminology, name, green, yellow):
    view = seen(terminology, name)
    assert view.member(COLOURS, SYSTEM, "grün") is green
    assert view.member(COLOURS, SYSTEM, "gelb") is yellow
    assert (view.validate_code(system=SYSTEM, code="grün").outcome == "yes") is green
    coded = {"system": SYSTEM, "code": "gelb"}
    assert (view.validate_code(COLOURS, coded=coded).outcome == "yes") is yellow
    not_in_system = view.validate_code(COLOURS, coded={"system": SYSTEM, "code": "blau"})
    assert not_in_system.reason == "unknown-code"


def test_a_version_that_is_named_counts_everywhere(terminology):
    for name in ("alt", "neu"):
        view = seen(terminology, name)
        assert view.member(f"{COLOURS}|1.0.0", SYSTEM, "grün") is True
        assert view.validate_code(system=SYSTEM, code="gelb", version="2.0.0").outcome == "yes"
        assert view.lookup(SYSTEM, "grün", version="1.0.0").version == "1.0.0"


def test_views_are_made_once_and_share_what_is_compiled(terminology):
    old, new, without = (seen(terminology, name) for name in ("alt", "neu", "ohne"))
    assert seen(terminology, "alt") is old
    assert seen(new, "alt") is old
    assert new.compiled(COLOURS) is without.compiled(COLOURS)
    assert new.compiled(COLOURS) is terminology.compiled(COLOURS)
    assert old.compiled(COLOURS) is not new.compiled(COLOURS)
    assert old.sources is new.sources
