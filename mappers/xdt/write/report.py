"""DiagnosticReport, its results and documents → the body of 6310."""

from __future__ import annotations

from mappers.base import Resource
from mappers.trace import Text
from mappers.xdt.write.files import Files, document, form
from mappers.xdt.write.pen import Block, Field
from mappers.xdt.write.reader import Writing
from mappers.xdt.write.request import doctor, examination, named
from mappers.xdt.write.results import fact, pair, result

_REPORT_NOTE = "extension-DiagnosticReport.note"


def report(
    w: Writing,
    made: Resource,
    results: list[Resource],
    documents: list[Resource],
    files: Files,
) -> list[Block]:
    """One examination; `made` is empty for results or documents without a report."""
    w.carried(made.get("status"), made.get("category"))
    w.carried(w.identifier(made, f"{w.namespace}/report"))
    when = made.get("effectiveDateTime") or _when(documents)
    asked = [*_asked(w, made), *w.pen.field("8402", examination(w, made))]
    body = [*w.pen.field("6200", w.day(when)), *w.pen.field("6201", w.clock(when))]
    body += _words(w, made, results, files)
    tests = [one for one in results if not w.field_of(one)]
    measured = [field for one in tests for field in result(w, one)]
    held = [field for one in documents for field in document(w, one, files)]
    blocks = [Block("Obj_Anforderung", asked), Block("", body), Block("Obj_Anhang", held)]
    return [*blocks, Block("Obj_Laborergebnis", measured), *_people(w, made)]


def results_of(w: Writing, made: Resource) -> list[Resource]:
    """The results a report lists."""
    found = []
    for reference in made.get("result", ()):
        one = w.source.resolve(reference)
        if one is not None:
            w.carried(reference)
            found.append(one)
    return found


def _asked(w: Writing, made: Resource) -> list[Field]:
    """The request the report answers, by its numbers."""
    fields: list[Field] = []
    for reference in made.get("basedOn", ()):
        request = w.source.resolve(reference)
        if request is not None:
            w.carried(reference, request.get("code"))
            fields += named(w, request)
            if w.objects:
                fields += w.pen.field("6200", w.day(request.get("authoredOn")))
                fields += w.pen.field("6201", w.clock(request.get("authoredOn")))
    return fields


def _words(w: Writing, made: Resource, results: list[Resource], files: Files) -> list[Field]:
    """6220 findings, 6221 those of others, 6227 comment, 6228 table, 6330 free categories."""
    fields = w.pen.lines("6220", made.get("conclusion"))
    for one in results:
        if w.field_of(one) == "6221":
            fields += fact(w, one, "6221")
    note = w.extension(made, _REPORT_NOTE)
    if note is not None:
        fields += w.pen.lines("6227", note["valueAnnotation"].get("text"))
    for attachment in made.get("presentedForm", ()):
        fields += form(w, attachment, files)
    for one in results:
        fk = w.field_of(one)
        if fk.startswith("63"):
            fields += pair(w, one, fk, str(int(fk) + 1))
    return fields


def _people(w: Writing, made: Resource) -> list[Block]:
    blocks: list[Block] = []
    for performer in made.get("performer", ())[:1]:
        blocks += doctor(w, performer)
        if "reference" not in performer:
            w.carried(performer)
    for responsible in made.get("resultsInterpreter", ())[:1]:
        blocks += doctor(w, responsible)
    return blocks


def _when(documents: list[Resource]) -> Text | None:
    return next((one.get("date") for one in documents if one.get("date") is not None), None)
