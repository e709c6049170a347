"""CWE → Annotation: its words, and the codes that came with them (HL7 v2.5 chapter 2.A.13)."""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.session import Session
from mappers.hl7v2.tokenizer import Repetition
from mappers.trace import derived


def coded_note(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """CWE → Annotation; a code without words stands for itself, words without a code too."""
    found = concept(session, repetition)
    if found is None:
        return None
    words = []
    parts = []
    for coding in found.get("coding", ()):
        words.append(coding.get("display") or coding["code"])
        parts += [value for name, value in coding.items() if name != "system"]
        system = coding.get("system")
        if system is not None and "display" in coding and "code" in coding:
            words[-1] = f"{words[-1]} ({coding['code']})"
        parts.append(system)
    if "text" in found:
        words.append(found["text"])
    return {"text": derived("; ".join(str(one) for one in words), *words, *parts)}
