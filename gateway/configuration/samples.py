"""Samples: messages beside a configuration, each as it would come in at its endpoint.

What lies in the folder of an exchange folder is taken as from there: a file may hold several
messages, and the files a message names beside it come with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gateway.configuration import Sample
from gateway.domain.region import Endpoint
from gateway.endpoints.folder import names
from mappers import format_named
from mappers.base import Attachment, Encoded, Format
from mappers.parcel import pack
from profiles.issue import GatewayError

#: Taken apart by the intake, with its batches.
_HL7V2 = "hl7v2"


def samples_in(folder: Path, name: str, endpoint: Endpoint) -> Iterator[Sample]:
    """Read the samples of an endpoint; `name` is the folder as it is shown."""
    files = {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file()}
    if endpoint.connection_type != "folder" or endpoint.format == _HL7V2:
        for file, data in files.items():
            yield Sample(endpoint.id, f"{name}/{file}", data)
        return
    try:
        format_ = format_named(endpoint.format)
    except GatewayError:  # told as a fault of the endpoint
        return
    yield from _exchanged(files, name, endpoint.id, format_)


def _exchanged(
    files: dict[str, bytes], name: str, endpoint: str, format_: Format
) -> Iterator[Sample]:
    """The records of a folder, without the files that only lie beside one."""
    by_name = {file.casefold(): file for file in files}
    records = {file: list(format_.split(data)) or [data] for file, data in files.items()}
    beside = {
        file: [[by_name[one] for one in _named(record, format_) if one in by_name] for record in of]
        for file, of in records.items()
    }
    taken = {one for lists in beside.values() for named in lists for one in named}
    for file, of in records.items():
        if file in taken:
            continue
        for number, record in enumerate(of, start=1):
            found = tuple(Attachment(one, files[one]) for one in beside[file][number - 1])
            shown = f"{name}/{file}" if len(of) == 1 else f"{name}/{file} ({number})"
            yield Sample(endpoint, shown, pack(Encoded(record, attachments=found)))


def _named(record: bytes, format_: Format) -> list[str]:
    """Plain names, folded, of the files a record expects; one that cannot be read expects none."""
    if format_.beside is None:
        return []
    try:
        stated = format_.beside(record)
    except GatewayError:
        return []
    return list(dict.fromkeys(name.casefold() for one in stated if (name := names.basename(one))))
