"""Which records say it."""

from __future__ import annotations

from collections.abc import Iterator

from mappers.base import Context, Encoded, Resource
from mappers.source import Source
from mappers.trace import collect, text
from mappers.xdt.write.clinical import BODY, basics
from mappers.xdt.write.files import Files
from mappers.xdt.write.insurance import card, covered_by, status
from mappers.xdt.write.pen import Block, Pen
from mappers.xdt.write.person import person
from mappers.xdt.write.reader import Writing
from mappers.xdt.write.report import report, results_of
from mappers.xdt.write.request import inquiry, request
from profiles.issue import NotConformant, NotSupported
from profiles.reading.charset import codec_of

#: 9206 by character set.
_CHARSETS = {"din66003": "1", "cp437": "2", "cp1252": "3", "iso8859-1": "3"}

Record = tuple[str, list[Block]]


def write(bundle: Resource, context: Context) -> Encoded:
    """Choose the records, write them and account for what they carry."""
    wishes = context.dialect.outgoing
    codec = _codec(context)
    source = Source(spoken(bundle))
    objects = wishes.gdt_version.startswith("03")
    w = Writing(source, Pen(source, codec), context, objects=objects)
    patient = _patient(source)
    files = Files(context.envelope.control_id, inside=objects and wishes.gdt_files == "inside")
    stamp = context.envelope.time or str(bundle.get("timestamp") or "")
    covered = covered_by(w)
    head = [_head(w, codec, stamp), Block("Obj_Patient", person(w, patient, status(w, covered)))]
    if objects:
        head.append(card(w, covered))
    records = [
        w.pen.record(satzart, [*head, *blocks], objects=objects)
        for satzart, blocks in _records(w, files)
    ]
    return Encoded(b"".join(records), source.left_out(), tuple(files.made))


def _codec(context: Context) -> str:
    """The endpoint's character set where GDT has it, else the dialect's."""
    known = codec_of(context.envelope.charset)
    chosen = known if known in _CHARSETS else context.dialect.outgoing.gdt_charset
    return "cp1252" if chosen == "iso8859-1" else chosen


def spoken(bundle: Resource) -> Resource:
    """The Bundle without the record of its translation."""
    entries = bundle.get("entry")
    if not entries:
        return bundle
    kinds = [(entry.get("resource") or {}).get("resourceType") for entry in entries]
    kept = [one for one, kind in zip(entries, kinds, strict=True) if kind != "Provenance"]
    return {**bundle, "entry": kept}


def _patient(source: Source) -> Resource:
    patients = source.of("Patient")
    if not patients:
        raise NotSupported("GDT says nothing without a patient.", location="Bundle")
    if len(patients) > 1:
        raise NotConformant("A GDT record is about one patient.", location="Bundle")
    for device in source.of("Device"):
        # The envelope says who sends and who receives.
        collect(device, source.neutral)
    for one in source.of("Observation"):
        collect(one.get("device", {}), source.neutral)
    return patients[0]


def _head(w: Writing, codec: str, stamp: str) -> Block:
    """8315 receiver, 8316 sender, 9103 day, 9206 character set, 9218 version."""
    envelope = w.context.envelope
    put = w.pen.field
    fields = put("8315", envelope.receiving[0]) + put("8316", envelope.sending[0])
    if w.objects and stamp:
        fields += put("9103", w.day(text(stamp, ())))
    fields += put("9206", _CHARSETS[codec])
    version = w.context.dialect.outgoing.gdt_version
    return Block("Obj_Kopfdaten", fields + put("9218", version))


def _records(w: Writing, files: Files) -> Iterator[Record]:
    """Examinations, requests, inquiries; else the patient alone.

    What is known of the patient besides stands in the first record.
    """
    reports = w.source.of("DiagnosticReport")
    listed = [(one, results_of(w, one)) for one in reports]
    reported = {id(one) for _, results in listed for one in results}
    alone = [one for one in w.source.of("Observation") if id(one) not in reported]
    known = basics(w, alone)
    found = [*_examined(w, listed, alone, files), *_asked(w, reports)] or [("6301", [])]
    for satzart, blocks in found:
        yield satzart, [*known, *blocks]
        known = []


def _examined(
    w: Writing,
    listed: list[tuple[Resource, list[Resource]]],
    alone: list[Resource],
    files: Files,
) -> Iterator[Record]:
    """A record per report; documents and results without one go with the first."""
    tests = [one for one in alone if not w.field_of(one) and w.loinc_of(one) not in BODY]
    documents = w.source.of("DocumentReference")
    if not listed and (tests or documents):
        listed = [({}, [])]
    for made, results in listed:
        yield "6310", report(w, made, [*results, *tests], documents, files)
        tests, documents = [], []


def _asked(w: Writing, reports: list[Resource]) -> Iterator[Record]:
    """Requests no report of the delivery answers, and inquiries."""
    answered = [w.source.resolve(one) for made in reports for one in made.get("basedOn", ())]
    for one in w.source.of("ServiceRequest"):
        if not any(one is other for other in answered):
            satzart = "6303" if w.objects and one.get("status") == "revoked" else "6302"
            yield satzart, request(w, one)
    for one in w.source.of("CommunicationRequest"):
        found = inquiry(w, one)
        if found is not None:
            yield found
