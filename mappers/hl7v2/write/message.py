"""Which message says it, and which segments it has (HL7 v2.5 chapters 3.3, 7.3.1, 9.5).

| content | message |
|---|---|
| a document | MDM^T02; T10 replaces, T08 amended, T11 taken back |
| reports, or observations alone | ORU^R01 |
| appointments | SIU^S12; S14 changed, S15 cancelled, S26 not kept, S17 entered in error |
| orders | OMG^O19 or ORM^O01; referrals REF^I12, I13 changed, I14 cancelled |
| a visit | ADT by its status: A05 planned, A01/A04 begun, A03 finished, A11/A38 cancelled; |
| | by its history A06/A07 changed in kind, A13 resumed, A08 known and changed |
| a patient | ADT^A31; A28 new |
| two patients, one replaced by the other | ADT^A40 |

The record of the translation (Provenance.activity), where the Bundle holds it, says which event
of its kind it was: an update stays A08, a transfer A02.

A document without content is told by the odd event before: T01, T09, T07.
"""

from __future__ import annotations

from mappers.base import Context, Resource
from mappers.dialect import Outgoing
from mappers.hl7v2.escape import escape
from mappers.hl7v2.header import Delimiters
from mappers.hl7v2.write import Encoded, Stamp
from mappers.hl7v2.write.adt import choose_adt
from mappers.hl7v2.write.er7 import Pen, Segment
from mappers.hl7v2.write.form import Form, form_of
from mappers.hl7v2.write.mdm import choose_mdm
from mappers.hl7v2.write.merge import choose_merge
from mappers.hl7v2.write.orders import choose_order
from mappers.hl7v2.write.oru import choose_oru
from mappers.hl7v2.write.plan import Plan, only_patient
from mappers.hl7v2.write.segments.own import own_segments
from mappers.hl7v2.write.segments.visit import occurred
from mappers.hl7v2.write.siu import choose_siu
from mappers.hl7v2.write.versions import later, structure
from mappers.hl7v2.write.writing import Writing
from mappers.source import Source
from profiles.issue import NotConformant, NotSupported

_COUNTRY = "DEU"
#: Version from which MSH-9 names the structure.
_STRUCTURE_SINCE = "2.3.1"


def write(
    bundle: Resource,
    context: Context,
    addresses: tuple[tuple[str, str], tuple[str, str]],
    stamp: Stamp,
    charset: str,
) -> Encoded:
    """Choose the message, write its segments and account for what they carry."""
    form = form_of(context.dialect.outgoing, charset)
    source = Source(bundle, stamp.event)
    plan = _plan(source, form, context.dialect.outgoing)
    known = structure(plan.message, form.version)
    if known is None:
        raise NotSupported(f"HL7 {form.version} has no {plan.message} message.", location="MSH-9")
    pen = Pen(form, known.segments)
    w = Writing(source, context, pen)
    text = _msh(plan.message, known.name, form, addresses, stamp)
    text += pen.render(
        [*_evn(w, plan, stamp.time), *plan.segments(w), *own_segments(w)], source.seen
    )
    return Encoded(_encoded(text, form), plan.message, source.left_out())


def _plan(source: Source, form: Form, wishes: Outgoing) -> Plan:
    patient = only_patient(source)
    chosen = (
        choose_merge(source)
        or choose_mdm(source)
        or choose_siu(source)
        or choose_order(source, form, wishes)
        or choose_oru(source)
        or choose_adt(source)
    )
    return chosen(patient)


def _encoded(text: str, form: Form) -> bytes:
    try:
        return text.encode(form.codec)
    except UnicodeEncodeError as error:
        raise NotConformant(
            "the partner's character set lacks a character of the message", location="MSH-18"
        ) from error


def _msh(
    message: str,
    name: str,
    form: Form,
    addresses: tuple[tuple[str, str], tuple[str, str]],
    stamp: Stamp,
) -> str:
    """MSH; the addresses are whole fields as configured, with `^` and `&` between their parts."""
    d = form.delimiters
    encoding = d.component + d.repetition + d.escape + d.subcomponent
    parts = message.split("^")
    if later(form.version, _STRUCTURE_SINCE):
        parts.append(name)
    who = [_address(one, d) for one in (*addresses[0], *addresses[1])]
    fields = ["MSH", encoding, *who, stamp.time, "", d.component.join(parts)]
    fields += [escape(stamp.control_id, d), "P", form.version]
    fields += ["", "", "", "", _COUNTRY, form.charset]
    return d.field.join(fields) + "\r"


def _address(stated: str, d: Delimiters) -> str:
    """An application or facility (HD) in the partner's separators."""
    parts = [
        d.subcomponent.join(escape(part, d) for part in component.split("&"))
        for component in stated.split("^")
    ]
    return d.component.join(parts)


def _evn(w: Writing, plan: Plan, time: str) -> list[Segment]:
    """EVN, where the message has one."""
    evn = w.segment("EVN", plan.event, w.time(w.source.recorded) or time)
    evn.put(6, w.time(w.source.occurred or occurred(plan.visit, plan.event)))
    return [evn]
