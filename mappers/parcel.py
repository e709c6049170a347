"""Parcels: a record and the files beside it as one byte string, stored and replayed as one.

Without files it is the record itself; with files a ZIP archive, uncompressed and without dates, so
that equal parcels have equal bytes (APPNOTE 4.4.5, method 0). Its first entry is the record.
"""

from __future__ import annotations

import io
import zipfile

from mappers.base import Attachment, Encoded
from profiles.issue import NotConformant

#: Name of the record inside a parcel.
RECORD = "record"
#: Local file header of the first entry, which every parcel with files begins with.
START = b"PK\x03\x04"
#: Most files one record may have beside it.
MOST_FILES = 1_000


def pack(encoded: Encoded) -> bytes:
    """Make one byte string of a record and its files."""
    if not encoded.attachments:
        return encoded.data
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(RECORD), encoded.data)
        for number, one in enumerate(encoded.attachments, start=1):
            archive.writestr(zipfile.ZipInfo(f"{number}/{one.name}"), one.data)
    return target.getvalue()


def unpack(data: bytes) -> Encoded:
    """Take a parcel apart; anything else is a record alone.

    Raises NotConformant for an archive that `pack` did not make.
    """
    if not data.startswith(START):
        return Encoded(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _contents(archive, len(data))
    except (zipfile.BadZipFile, RuntimeError, EOFError, OSError, ValueError) as error:
        raise NotConformant("The parcel of record and files cannot be taken apart.") from error


def _contents(archive: zipfile.ZipFile, size: int) -> Encoded:
    """Read the entries; they are stored as they are, so together never larger than the parcel."""
    record, *files = archive.infolist() or [zipfile.ZipInfo("")]
    plain = all(not one.flag_bits & 1 and one.compress_type == 0 for one in (record, *files))
    fits = len(files) <= MOST_FILES and record.file_size + sum(f.file_size for f in files) < size
    if record.filename != RECORD or not plain or not fits:
        raise NotConformant("An archive stands where a record is expected.")
    attachments = [Attachment(one.filename.partition("/")[2], archive.read(one)) for one in files]
    return Encoded(archive.read(record), attachments=tuple(attachments))
