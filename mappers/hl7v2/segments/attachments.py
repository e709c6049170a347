"""OBX-5 of type ED, RP and text as attachments; content becomes a Binary, base64 kept exactly.

HL7 v2.5 chapter 2.A.24 (ED) and 2.A.61 (RP). Pointers are told as they are and never opened.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from mappers.hl7v2.session import Session
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import Text, Value, derived, merged

TEXT_TYPES = frozenset({"TX", "FT", "ST", ""})


def attachments(session: Session, segment: Segment, parent: str) -> list[dict[str, Any]]:
    """OBX of type ED or RP → Attachments."""
    kind = segment.first(2)
    made = []
    for repetition in segment.repetitions(5):
        one = _pointer(session, repetition) if kind == "RP" else _data(session, repetition, parent)
        if one is not None:
            made.append(one)
    return made


def text_attachment(session: Session, lines: Sequence[Text], parent: str) -> dict[str, Any]:
    """Lines of text → one text/plain attachment in UTF-8."""
    content = "\n".join(lines).encode()
    encoded = derived(base64.b64encode(content).decode("ascii"), *lines)
    return _binary(session, "text/plain; charset=utf-8", encoded, content, parent)


def _data(session: Session, repetition: Repetition, parent: str) -> dict[str, Any] | None:
    data = leaf(repetition, 5) or (leaf(repetition, 1) if len(repetition) == 2 else None)
    if data is None or data == '""':
        return None
    kind, subtype, encoding = (leaf(repetition, n) for n in (2, 3, 4))
    if len(repetition) > 2:
        session.ignored.append((repetition[1:2], "names the application that made the content"))
    content_type = _media_type(session, kind, subtype)
    content, encoded = _decode(session, data, encoding)
    return _binary(session, content_type, encoded, content, parent)


def _decode(session: Session, data: Text, encoding: Text | None) -> tuple[bytes, str]:
    """Content and its base64; what is no base64 although it says so is taken as text."""
    name = (encoding or "").upper()
    if name in ("A", ""):
        content = data.encode()
        if not name and (raw := _from_base64(data)) is not None:
            return raw, _kept(data, raw)
        return content, derived(base64.b64encode(content).decode("ascii"), data, encoding)
    if name == "HEX":
        try:
            content = bytes.fromhex(data)
            return content, derived(base64.b64encode(content).decode("ascii"), data, encoding)
        except ValueError:
            pass
    elif (raw := _from_base64(data)) is not None:
        return raw, derived(_kept(data, raw), data, encoding)
    session.issue("value", "the content is not in its declared encoding; kept as text", data, "102")
    content = data.encode()
    return content, derived(base64.b64encode(content).decode("ascii"), data, encoding)


def _from_base64(data: str) -> bytes | None:
    """Decode; padding some senders leave out or write too much of is put right."""
    digits = "".join(data.split()).rstrip("=")
    try:
        return binascii.a2b_base64(digits + "=" * (-len(digits) % 4), strict_mode=True)
    except (binascii.Error, ValueError):
        return None


def _kept(data: Text, raw: bytes) -> str:
    """The base64 as it came, unless its padding was wrong."""
    digits = len("".join(data.split()))
    same = digits % 4 == 0 and digits == (len(raw) + 2) // 3 * 4
    return data if same else derived(base64.b64encode(raw).decode("ascii"), data)


def _media_type(session: Session, kind: Text | None, subtype: Text | None) -> str:
    """ED.2 and ED.3 (or RP.3 and RP.4) → media type."""
    for part in (subtype, kind):
        found = session.lookup("media-type", part) if part is not None else None
        if found is not None:
            return derived(found.code, kind, subtype)
    if kind is not None and subtype is not None and kind.islower():
        return derived(f"{kind}/{subtype}", kind, subtype)
    if kind is not None and "/" in kind:
        return derived(kind, kind, subtype)
    words = derived("application/octet-stream", kind, subtype)
    if kind is not None or subtype is not None:
        session.issue(
            "code-invalid", "the type of the content is not known", kind or subtype, "103"
        )
    return words


def _binary(
    session: Session, content_type: str, encoded: str, content: bytes, parent: str
) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    draft = session.natural("Binary", parent, digest)
    if "data" in draft.resource:
        session.echoes.append((content_type, encoded))
    else:
        draft.resource["contentType"] = content_type
        draft.resource["data"] = encoded
    return {
        "contentType": str(content_type),
        "url": f"Binary/{draft.id}",
        "size": Value(len(content), merged(encoded)),
    }


def _pointer(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    pointer = _address(repetition)
    if pointer is None or pointer == '""':
        return None
    made: dict[str, Any] = {}
    kind, subtype = leaf(repetition, 3), leaf(repetition, 4)
    if kind is not None or subtype is not None:
        made["contentType"] = _media_type(session, kind, subtype)
    made["url"] = derived(quote(pointer, safe="%/:=&?~#+!$,;'@()*[]\\-._"), pointer)
    session.ignored.append((repetition[2:3], "names the application that keeps the content"))
    return made


def _address(repetition: Repetition) -> str | None:
    """RP.1; an address whose `&` nobody escaped came apart at it."""
    parts = repetition[1]
    if type(parts) is not list:
        return leaf(repetition, 1)
    return derived("&".join(part or "" for part in parts), *parts)
