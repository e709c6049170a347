"""A package archive (.tgz) in, its conformance files out; nothing is written, nothing followed.

Archives come from strangers: every member is counted and measured while it is decompressed, and
what cannot be a file of a package (links, devices, paths that lead elsewhere) refuses the whole.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from profiles.reading.limits import refused

#: The folder of an archive whose files count; examples, XML copies and pages lie beside it.
FOLDER = "package/"
_SUFFIX = ".json"
_CHUNK = 1 << 16
_BROKEN = (
    tarfile.TarError,
    EOFError,
    zlib.error,
    gzip.BadGzipFile,
    ValueError,
    OverflowError,
    RecursionError,  # headers that announce headers
)


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Upper bounds for one package."""

    #: The archive as it lies on disk, in bytes.
    size: int = 200_000_000
    #: Everything decompressed, in bytes.
    expanded: int = 1_000_000_000
    #: Decompressed to compressed, once more than `ratio_from` bytes have come out.
    ratio: int = 100
    ratio_from: int = 10_000_000
    #: Members of any kind.
    entries: int = 50_000
    #: One file that is read, in bytes.
    file: int = 100_000_000
    #: All files that are read, in bytes.
    read: int = 500_000_000


_DEFAULT = ArchiveLimits()


def read_archive(data: bytes, place: str, limits: ArchiveLimits = _DEFAULT) -> dict[str, bytes]:
    """Return the JSON files directly in `package/` by name.

    `place` names the archive in errors. Raises NotConformant with issue code `structure` for what
    is no sound archive and `too-costly` for what is too big.
    """
    if len(data) > limits.size:
        raise refused(f"{place}: the archive is larger than a package may be", code="too-costly")
    stream = _Bounded(data, place, limits)
    try:
        with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="strict") as tar:
            files = dict(_files(tar, place, limits))
        stream.drain()
    except _BROKEN:
        raise refused(f"{place}: this is no sound .tgz archive") from None
    return files


def _files(tar: tarfile.TarFile, place: str, limits: ArchiveLimits) -> Iterator[tuple[str, bytes]]:
    seen: set[str] = set()
    total = 0
    for member in tar:
        name = member.name.removeprefix("./")
        _check_member(member, name, place)
        if name in seen and not member.isdir():
            raise refused(f"{place}: the archive has a file twice")
        seen.add(name)
        if len(seen) > limits.entries:
            raise refused(f"{place}: the archive has too many files", code="too-costly")
        if not member.isdir() and wanted(name):
            total += member.size
            if member.size > limits.file or total > limits.read:
                raise refused(f"{place}: a file of the archive is too large", code="too-costly")
            yield name.removeprefix(FOLDER), _content(tar, member)


def wanted(name: str) -> bool:
    """Say whether a path is a file directly in `package/` that may hold a resource."""
    inner = name.removeprefix(FOLDER)
    return inner != name and "/" not in inner and inner.lower().endswith(_SUFFIX)


def _check_member(member: tarfile.TarInfo, name: str, place: str) -> None:
    if not (member.isreg() or member.isdir()) or member.issparse() or member.size < 0:
        raise refused(f"{place}: the archive has links or devices, which a package may not have")
    if name.startswith("/") or "\\" in name or "\x00" in name or ".." in name.split("/"):
        raise refused(f"{place}: the archive has a path that leads out of it")


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    content = file.read() if file else b""
    if len(content) != member.size:
        raise EOFError
    return content


class _Bounded(io.RawIOBase):
    """A decompressed stream that refuses to give more than a package may have."""

    def __init__(self, data: bytes, place: str, limits: ArchiveLimits) -> None:
        self._packed = len(data)
        self._stream = gzip.GzipFile(fileobj=io.BytesIO(data))
        self._place = place
        self._limits = limits
        self._given = 0

    def read(self, size: int = -1, /) -> bytes:
        part = self._stream.read(min(size, _CHUNK) if size >= 0 else _CHUNK)
        self._given += len(part)
        bomb = (
            self._given > self._limits.ratio_from
            and self._given > self._packed * self._limits.ratio
        )
        if bomb or self._given > self._limits.expanded:
            raise refused(
                f"{self._place}: the archive unpacks to more than a package may hold",
                code="too-costly",
            )
        return part

    def drain(self) -> None:
        """Read to the end, so that gzip's checksum is looked at."""
        while self.read(_CHUNK):
            pass
