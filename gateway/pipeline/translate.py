"""Translate: one message's bytes → everything the writer needs, as a pure function.

Runs in worker processes and, for tests and measurements, in any other: map, label, check the
structure, serialise once, hash what is searched for, see which routes are met.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import mappers
from gateway.domain.region import Endpoint
from gateway.identity.kvnr import SYSTEM as KVNR_SYSTEM
from gateway.pipeline.acknowledge import answered
from gateway.pipeline.clock import take_off
from gateway.pipeline.criteria import RouteCriteria, preliminary
from gateway.pipeline.documents import dump
from gateway.pipeline.label import LabelRule, label, label_rules
from gateway.pipeline.origin import Origin, provenance
from gateway.pipeline.translated import (
    KVNR_TYPE,
    Job,
    Outcome,
    PatientStated,
    Proof,
    Statement,
    Translated,
    WorkerConfig,
)
from mappers.base import Change, Context, Key, Mapped, PatientFacts
from mappers.dialect import Dialect
from mappers.identity import logical_id
from profiles.issue import GatewayError, Issue, NotConformant
from profiles.search import index_terms
from profiles.validate import structure

#: Formats whose resources are written by somebody else: a broken structure is the sender's.
FOREIGN_FHIR = frozenset({"fhir_r4"})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A WorkerConfig with everything compiled that holds for many messages."""

    config: WorkerConfig
    routes: RouteCriteria
    labels: tuple[LabelRule, ...]
    #: Endpoint id → what its messages are translated with.
    contexts: Mapping[str, Context]


def prepare(config: WorkerConfig) -> Prepared:
    """Compile a configuration; raises NotConformant or NotSupported for what does not hold."""
    region = config.region
    dialects = {
        name: Dialect.from_mapping(name, mapping) for name, mapping in region.dialects.items()
    }
    return Prepared(
        config,
        RouteCriteria.of(region),
        label_rules(config.labels),
        {e.id: _context(config, e, dialects) for e in region.incoming()},
    )


def _context(config: WorkerConfig, endpoint: Endpoint, dialects: Mapping[str, Dialect]) -> Context:
    return Context(
        region_key=config.region_key,
        dialect=dialects.get(endpoint.dialect, Dialect()),
        namespace=f"{config.namespace}/{endpoint.organization}",
    )


def translate(job: Job, prepared: Prepared) -> Translated:
    """Translate one message; never raises: what fails here is quarantined or refused."""
    try:
        done = _translate(job, prepared)
    except MemoryError:
        done = failed(job, "memory-limit")
    except Exception as error:  # noqa: BLE001 - the border: one message's fault stays its own
        done = failed(job, f"mapping-failed: {fault(error)}")
    return answered(done, job, prepared.config.region.endpoints[job.endpoint])


def fault(error: BaseException) -> str:
    """Name an error and the line it comes from, never its text: that may hold values."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    module = trace.tb_frame.f_globals.get("__name__", "")
    return f"{type(error).__name__} in {module}:{trace.tb_lineno}"


def failed(job: Job, reason: str) -> Translated:
    """Say that translating a message failed through our fault."""
    issue = Issue("fatal", "exception", "The gateway could not translate this message.")
    return Translated(
        job.number,
        Outcome.QUARANTINED,
        reason=reason,
        issues=(issue,),
        sha256=hashlib.sha256(job.data).hexdigest(),
        report=_report(Mapped(job.format, "", issues=(issue,))),
    )


def refused(job: Job, error: GatewayError, mapped: Mapped | None = None) -> Translated:
    """Say that a message is the sender's to repair, or not taken from it."""
    mapped = mapped or Mapped(job.format, "")
    issues = tuple(dict.fromkeys((*mapped.issues, *error.issues)))
    return Translated(
        job.number,
        Outcome.REJECTED,
        reason=type(error).__name__,
        message_type=mapped.message_type,
        issues=issues,
        sha256=hashlib.sha256(job.data).hexdigest(),
        report=_report(replace(mapped, issues=issues)),
    )


def _translate(job: Job, prepared: Prepared) -> Translated:
    mapped = mappers.translate(job.data, job.format, prepared.contexts[job.endpoint])
    if mapped.refusal is not None:
        return refused(job, mapped.refusal, mapped)
    held = [label(change.resource, prepared.labels) for change in mapped.changes]
    stated = [_stated(change, prepared) for change in mapped.changes]
    faults = [issue for one in stated for issue in one.faults]
    if faults:
        return _unsound(job, mapped, faults)
    resources = [one.content for one in stated if one.content is not None]
    loss = mapped.loss
    sha256 = hashlib.sha256(job.data).hexdigest()
    return Translated(
        job.number,
        Outcome.STORED,
        message_type=mapped.message_type,
        statements=tuple(one.statement for one in stated),
        patients=tuple(_patient(facts, prepared) for facts in mapped.patients),
        matches=prepared.routes.matches(job.endpoint, resources),
        recipients={
            place: tuple(_identifiers(named)) for place, named in mapped.recipients.items()
        },
        preliminary=any(map(preliminary, resources)),
        hold=any(held),
        fields=loss.fields,
        mapped=loss.mapped,
        ignored=loss.ignored,
        unmapped=len(loss.unmapped),
        issues=mapped.issues,
        report=_report(mapped),
        provenance=_proof(
            job, prepared.config, sha256, [one.statement for one in stated], mapped.provenance
        ),
        sha256=sha256,
    )


@dataclass(frozen=True, slots=True)
class _Stated:
    statement: Statement
    #: What the writer would store if the resource were new; None for nothing.
    content: dict[str, Any] | None
    faults: tuple[Issue, ...] = ()


def _stated(change: Change, prepared: Prepared) -> _Stated:
    coder = prepared.config.coder
    said, clock = take_off(change.resource)
    fresh = mappers.apply(None, change)
    content = said if fresh is change.resource or fresh is None else take_off(fresh)[0]
    statement = Statement(
        str(change.action),
        change.type,
        change.id,
        change.subject,
        tuple(_terms(change.keys, prepared)),
        dump(content) if fresh is not None else b"",
        coder.encode(change.type, index_terms(content)) if fresh is not None else b"",
        b"" if fresh is not None and content == said else dump(said),
        change.cleared,
        clock or (f"*={change.recency}" if change.recency else ""),
        change.historic,
        change.partial,
    )
    return _Stated(statement, content if fresh is not None else None, _faults(fresh and content))


def _faults(content: dict[str, Any] | None) -> tuple[Issue, ...]:
    """Check what would be stored."""
    if content is None:
        return ()
    return tuple(issue for issue in structure(content) if issue.severity in {"error", "fatal"})


def _unsound(job: Job, mapped: Mapped, faults: list[Issue]) -> Translated:
    """Our own broken output is our fault; somebody else's FHIR is the sender's."""
    if job.format in FOREIGN_FHIR:
        return refused(job, NotConformant(issues=tuple(faults)), mapped)
    report = replace(mapped, issues=(*mapped.issues, *faults))
    return replace(
        failed(job, "structure"),
        message_type=mapped.message_type,
        issues=report.issues,
        report=_report(report),
    )


def _terms(keys: Iterable[Key], prepared: Prepared) -> Iterable[bytes]:
    """Hash the keys; a KVNR names a person wherever treated and never a record."""
    coder = prepared.config.coder
    for key in keys:
        if key.system != KVNR_SYSTEM:
            yield coder.identifier_term(key.type, key.system, key.value)


def _patient(facts: PatientFacts, prepared: Prepared) -> PatientStated:
    coder = prepared.config.coder
    kvnr = coder.identifier_term(KVNR_TYPE, KVNR_SYSTEM, facts.kvnr) if facts.kvnr else b""
    return PatientStated(
        facts.id, kvnr, facts.birth_date, facts.family, facts.given, facts.placeholder
    )


def _identifiers(named: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
    """Read Identifiers, and the identifiers of References."""
    for one in named:
        identifier = one.get("identifier", one)
        if isinstance(identifier, Mapping) and identifier.get("value"):
            yield str(identifier.get("system") or ""), str(identifier["value"])


def _proof(
    job: Job,
    config: WorkerConfig,
    sha256: str,
    statements: list[Statement],
    said: dict[str, Any] | None,
) -> Proof | None:
    """Make the Provenance of a message that only brings new resources, which most do."""
    named = dict.fromkeys((one.type, one.id) for one in statements)
    if not named:
        return None
    # Minted from the identity of the input: the same on every replay.
    identity = f"{job.endpoint}|{job.control_id}|{job.digest.hex()}"
    name = logical_id(config.region_key, Key("Provenance", config.namespace, identity))
    made = provenance(
        name,
        [(kind, target, 1) for kind, target in named],
        Origin(
            job.endpoint,
            job.control_id,
            sha256,
            job.received_at,
            config.region.endpoints[job.endpoint].organization,
            config.build,
            said,
        ),
    )
    return Proof(
        name,
        tuple(f"{kind}/{target}" for kind, target in named),
        dump(made),
        config.coder.encode("Provenance", index_terms(made)),
        dump(said) if said is not None else b"",
    )


def _report(mapped: Mapped) -> bytes:
    loss = mapped.loss
    return dump(
        {
            "format": mapped.format,
            "message_type": mapped.message_type,
            "fields": loss.fields,
            "mapped": loss.mapped,
            "ignored": loss.ignored,
            "ignored_paths": [{"path": path, "reason": why} for path, why in loss.ignored_paths],
            "unmapped": [{"path": path, "value": value} for path, value in loss.unmapped],
            "issues": [
                {
                    "severity": issue.severity,
                    "code": issue.code,
                    "text": issue.text,
                    "location": issue.location,
                }
                for issue in mapped.issues
            ],
        }
    )
