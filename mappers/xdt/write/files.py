"""DocumentReference and Binary → the fields of a file (FK 6302 to 6305, 6329) and the file."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from mappers.base import Attachment, Resource
from mappers.codes import SHARED, table
from mappers.trace import Text, derived, text
from mappers.xdt.attachments import file_name
from mappers.xdt.write.pen import Field
from mappers.xdt.write.reader import Writing

#: Characters of 6329 in a line.
WIDTH = 60
#: Media types that several names stand for in the table.
_ENDINGS = {
    "text/plain": "txt",
    "text/xml": "xml",
    "application/fhir+xml": "xml",
    "text/html": "html",
    "image/jpeg": "jpg",
    "image/tiff": "tif",
}
_UNSAFE = re.compile(r"[^\w.\-]+")


class Files:
    """The files of one delivery: each named once."""

    __slots__ = ("inside", "made", "stem")

    def __init__(self, stem: str, *, inside: bool) -> None:
        """Name files after `stem`; `inside`: their content stands in the record."""
        self.stem = stem
        self.inside = inside
        self.made: list[Attachment] = []

    def add(self, known: str, ending: str, data: bytes) -> str:
        """Keep a file; returns the name it goes by."""
        number = len(self.made) + 1
        name = f"{self.stem}_{number}.{ending}" if self.stem else _UNSAFE.sub("_", known)
        taken = {one.name.lower() for one in self.made}
        if not name or name.lower() in taken:
            name = f"{number}_{name or f'datei.{ending}'}"
        self.made.append(Attachment(name, data))
        return name


def document(w: Writing, resource: Resource, files: Files) -> list[Field]:
    """The contents of a document as files of the record."""
    w.carried(resource.get("status"), resource.get("docStatus"), resource.get("masterIdentifier"))
    w.carried(resource.get("context", {}).get("related"))
    number = w.identifier(resource, f"{w.namespace}/archive")
    path = w.identifier(resource, f"{w.namespace}/file")
    title = resource.get("description") or resource.get("type", {}).get("text")
    fields: list[Field] = []
    for place, content in enumerate(resource.get("content", ())):
        attachment = content.get("attachment", {})
        archive = number or f"{place + 1:06d}"
        fields += w.pen.field("6302", archive)
        w.carried(attachment.get("size"), attachment.get("hash"), attachment.get("creation"))
        fields += _file(w, attachment, files, title, path if place == 0 else None)
    w.carried(resource.get("type"))
    return fields


def form(w: Writing, attachment: dict[str, Any], files: Files) -> list[Field]:
    """A presented form of a report: text becomes 6228, everything else a file."""
    data = _data(w, attachment)
    if str(attachment.get("contentType", "")).startswith("text/plain") and data is not None:
        w.carried(attachment.get("contentType"), attachment.get("size"), attachment.get("url"))
        lines = derived(data.decode("utf-8", "replace"), _encoded(w, attachment))
        made = w.pen.lines("6228", lines)
        return [*w.pen.field("6226", str(len(made))), *made]
    return [*w.pen.field("6302", "000001"), *_file(w, attachment, files, None, None)]


def _file(
    w: Writing, attachment: dict[str, Any], files: Files, title: Text | None, path: Text | None
) -> list[Field]:
    media = attachment.get("contentType")
    ending = _ending(str(media or ""))
    fields = w.pen.field("6303", text(ending.upper(), media.source) if media is not None else None)
    fields += w.pen.field("6304", attachment.get("title") or title)
    data = _data(w, attachment)
    if data is None:
        address = attachment.get("url")
        w.carried(attachment.get("extension"))
        return fields + w.pen.field("6305", path if path is not None else address)
    encoded = _encoded(w, attachment)
    if files.inside:
        w.carried(encoded, attachment.get("url"))
        written = base64.b64encode(data).decode("ascii")
        chunks = [written[at : at + WIDTH] for at in range(0, len(written), WIDTH)]
        return [*fields, *(("6329", chunk) for chunk in chunks), *w.pen.field("6305", path)]
    known = file_name(path) if path is not None else f"datei.{ending}"
    name = files.add(known, ending, data)
    w.carried(encoded, attachment.get("url"), path if name == known else None)
    return fields + w.pen.field("6305", path if path is not None and name == known else name)


def _binary(w: Writing, attachment: dict[str, Any]) -> Resource | None:
    url = attachment.get("url")
    return w.source.named(url) if url is not None else None


def _encoded(w: Writing, attachment: dict[str, Any]) -> Text | None:
    """The base64 of an attachment: its own, or that of the Binary it names."""
    if "data" in attachment:
        return attachment["data"]  # type: ignore[no-any-return]  # traced JSON
    binary = _binary(w, attachment)
    if binary is None:
        return None
    w.carried(binary.get("contentType"))
    return binary.get("data")


def _data(w: Writing, attachment: dict[str, Any]) -> bytes | None:
    encoded = _encoded(w, attachment)
    if encoded is None:
        return None
    try:
        return base64.b64decode(encoded)
    except (binascii.Error, ValueError):
        return None


def _ending(media: str) -> str:
    """The ending of a media type: "pdf"; "dat" where nobody knows it."""
    bare = media.partition(";")[0].strip().lower()
    if bare in _ENDINGS:
        return _ENDINGS[bare]
    for source, known in table(SHARED, "media-type").items():
        if known.code == bare:
            return source.lower()
    return "dat"
