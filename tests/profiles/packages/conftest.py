"""Small packages, built as the registry would give them out."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import pytest


def archive(files):
    """Pack files by path into a .tgz; a value may be bytes, JSON data or a TarInfo to add."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            member = tarfile.TarInfo(path)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), mtime=0)


def manifest(name, version="1.0.0", **members):
    return {"name": name, "version": version, "fhirVersions": ["4.0.1"], **members}


def value_set(name, version="1.0.0", **members):
    return {
        "resourceType": "ValueSet",
        "id": name,
        "url": f"https://harz.example/fhir/ValueSet/{name}",
        "version": version,
        "status": "active",
        **members,
    }


@pytest.fixture
def pack():
    return archive


@pytest.fixture
def package(tmp_path):
    """Write a package with resources; return its file."""

    def write(name="de.harz.basis", version="1.0.0", *, resources=(), index=None, **members):
        files = {"package/package.json": manifest(name, version, **members)}
        for one in resources:
            files[f"package/{one['resourceType']}-{one['id']}.json"] = one
        if index is not None:
            files["package/.index.json"] = {"index-version": 2, "files": index}
        path = tmp_path / f"{name}-{version}.tgz"
        path.write_bytes(archive(files))
        return path

    return write
