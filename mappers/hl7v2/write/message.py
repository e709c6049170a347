"""Which message says it, and which segments it has (HL7 v2.5 chapters 3.3, 7.3.1, 9.5).

| content | message |
|---|---|
| a document | MDM^T02; T10 replaces, T08 amended, T11 taken back |
| reports, or observations alone | ORU^R01 |
| a visit | ADT by its status: A05 planned, A01/A04 begun, A03 finished, A11 cancelled, else A08 |
| a patient | ADT^A31 |
| two patients, one replaced by the other | ADT^A40 |

The record of the translation (Provenance.activity), where the Bundle holds it, says which event
of its kind it was: an update stays A08, a transfer A02.

A document without content is told by the odd event before: T01, T09, T07.
"""

from __future__ import annotations

from mappers.base import Context, Resource
from mappers.hl7v2.write import Encoded
from mappers.hl7v2.write.adt import choose_adt
from mappers.hl7v2.write.er7 import DELIMITERS, Segment, render
from mappers.hl7v2.write.mdm import choose_mdm
from mappers.hl7v2.write.merge import choose_merge
from mappers.hl7v2.write.oru import choose_oru
from mappers.hl7v2.write.plan import Plan, only_patient
from mappers.hl7v2.write.segments.visit import occurred
from mappers.hl7v2.write.source import Source
from mappers.hl7v2.write.writing import Writing
from profiles.issue import NotConformant, NotSupported
from profiles.reading.charset import codec_of

_VERSION = "2.5"
_CHARSET = "UNICODE UTF-8"
_COUNTRY = "DEU"


def write(
    bundle: Resource,
    context: Context,
    addresses: tuple[tuple[str, str], tuple[str, str]],
    control_id: str,
    time: str,
    charset: str,
) -> Encoded:
    """Choose the message, write its segments and account for what they carry."""
    declared = charset or _CHARSET
    codec = codec_of(declared)
    if codec is None:
        raise NotSupported("The character set is not known.", location="MSH-18")
    source = Source(bundle)
    patient = only_patient(source)
    chosen = choose_merge(source) or choose_mdm(source) or choose_oru(source)
    plan = (chosen or choose_adt(source))(patient)
    w = Writing(source, context)
    text = _msh(plan, addresses, control_id, time, declared)
    text += render([*_evn(w, plan, time), *plan.segments(w)], source.seen)
    try:
        data = text.encode(codec)
    except UnicodeEncodeError as error:
        raise NotConformant(
            "the partner's character set lacks a character of the message", location="MSH-18"
        ) from error
    return Encoded(data, f"{plan.code}^{plan.event}", source.left_out())


def _msh(
    plan: Plan,
    addresses: tuple[tuple[str, str], tuple[str, str]],
    control_id: str,
    time: str,
    charset: str,
) -> str:
    """MSH; the addresses are whole fields, as configured."""
    d = DELIMITERS
    encoding = d.component + d.repetition + d.escape + d.subcomponent
    kind = d.component.join((plan.code, plan.event, plan.structure))
    fields = ["MSH", encoding, *addresses[0], *addresses[1], time, "", kind, control_id, "P"]
    fields += [_VERSION, "", "", "", "", _COUNTRY, charset]
    return d.field.join(fields) + "\r"


def _evn(w: Writing, plan: Plan, time: str) -> list[Segment]:
    """EVN, which ORU does not have."""
    if plan.code == "ORU":
        return []
    evn = Segment("EVN", plan.event, w.time(w.source.recorded) or time)
    evn.put(6, w.time(w.source.occurred or occurred(plan.visit, plan.event)))
    return [evn]
