"""Translate: one message's bytes → everything the writer needs, as a pure function.

Runs in worker processes and, for tests and measurements, in any other: map, label, check the
structure, serialise once, hash what is searched for, see which routes are met.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import mappers
from gateway.domain.region import Endpoint
from gateway.identity.kvnr import SYSTEM as KVNR_SYSTEM
from gateway.pipeline.acknowledge import answered
from gateway.pipeline.criteria import PRELIMINARY, RouteCriteria, preliminary
from gateway.pipeline.dialects import dialect_of
from gateway.pipeline.documents import dump
from gateway.pipeline.label import LabelRule, label, label_rules
from gateway.pipeline.origin import NO_TARGETS, Origin, provenance
from gateway.pipeline.places import placed
from gateway.pipeline.refusal import UNSOUND, failed, fault, invalid, refused, report_of, unsound
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
from gateway.pipeline.validate import Validation
from mappers.base import Action, Change, Context, Key, Mapped, Memory, PatientFacts
from mappers.identity import logical_id
from profiles.issue import Issue
from profiles.search import index_terms
from profiles.validate import structure

#: Bytes up to which a resource is remembered: doctors and wards are small, documents are not.
REMEMBERED = 8_192


@dataclass(frozen=True, slots=True)
class Prepared:
    """A WorkerConfig with everything compiled that holds for many messages."""

    config: WorkerConfig
    routes: RouteCriteria
    labels: tuple[LabelRule, ...]
    #: Endpoint id → what its messages are translated with.
    contexts: Mapping[str, Context]
    validation: Validation
    #: Resources checked and indexed before, by their bytes.
    memory: Memory = field(default_factory=Memory)


def prepare(config: WorkerConfig) -> Prepared:
    """Compile a configuration; raises NotConformant or NotSupported for what does not hold."""
    region = config.region
    return Prepared(
        config,
        RouteCriteria.of(region),
        label_rules(config.labels),
        {e.id: _context(config, e) for e in region.incoming()},
        Validation.of(region, config.packages, config.catalogues),
    )


def _context(config: WorkerConfig, endpoint: Endpoint) -> Context:
    return Context(
        region_key=config.region_key,
        dialect=dialect_of(config.region, endpoint),
        namespace=f"{config.namespace}/{endpoint.organization}",
    )


def translate(job: Job, prepared: Prepared) -> Translated:
    """Translate one message; never raises: what fails here is quarantined or refused."""
    header = None
    try:
        context = prepared.contexts[job.endpoint]
        mapped = mappers.translate(job.data, job.format, context)
        header = mapped.header
        done = _translated(job, mapped, prepared)
        if done.reason == UNSOUND:
            mended = mappers.mend(mapped, job.data, context)
            done = _translated(job, mended, prepared) if mended is not mapped else done
    except MemoryError:
        done = failed(job, "memory-limit")
    except Exception as error:  # noqa: BLE001 - the border: one message's fault stays its own
        done = failed(job, f"mapping-failed: {fault(error)}")
    return answered(done, job, prepared.config.region.endpoints[job.endpoint], header=header)


def _translated(job: Job, mapped: Mapped, prepared: Prepared) -> Translated:
    if mapped.refusal is not None:
        return refused(job, mapped.refusal, mapped)
    labelled = [_labelled(change, prepared.labels) for change in mapped.changes]
    stated = [_stated(change, prepared) for change, _ in labelled]
    faults = [(number, issue) for number, one in enumerate(stated) for issue in one.faults]
    if faults:
        return unsound(job, mapped, placed(faults, job))
    endpoint = prepared.config.region.endpoints[job.endpoint]
    # Read only when somebody looks: most of what returns is not looked at.
    contents = (one.change.resource if one.change is not None else None for one in stated)
    found = prepared.validation.look(endpoint, contents, job, mapped.whole)
    if found.action:
        return invalid(job, mapped, found)
    if found.issues:
        mapped = replace(mapped, issues=(*mapped.issues, *found.issues))
    resources = _looked_at(stated, prepared.routes.types(job.endpoint), mapped.whole)
    loss = mapped.loss
    sha256 = hashlib.sha256(job.data).hexdigest()
    return Translated(
        job.number,
        Outcome.STORED,
        message_type=mapped.message_type,
        statements=tuple(one.statement for one in stated),
        patients=tuple(_patient(facts, prepared) for facts in mapped.patients),
        matches=prepared.routes.matches(job.endpoint, resources, mapped.whole),
        recipients={
            place: tuple(_identifiers(named)) for place, named in mapped.recipients.items()
        },
        preliminary=any(map(preliminary, resources)),
        hold=any(hold for _, hold in labelled),
        fields=loss.fields,
        mapped=loss.mapped,
        ignored=loss.ignored,
        unmapped=len(loss.unmapped),
        issues=mapped.issues,
        report=report_of(mapped),
        provenance=_proof(
            job, prepared.config, sha256, [one.statement for one in stated], mapped.provenance
        ),
        sha256=sha256,
    )


class _Made(NamedTuple):
    """A resource as it would be stored if it were new."""

    body: bytes
    terms: bytes
    faults: tuple[Issue, ...]


#: What is made of a deletion.
_NOTHING = _Made(b"", b"", ())
#: Severities that make a resource unfit to be stored.
_BROKEN = frozenset({"error", "fatal"})


@dataclass(frozen=True, slots=True)
class _Stated:
    statement: Statement
    #: Whose resource the writer would store if it were new; None for nothing.
    change: Change | None
    faults: tuple[Issue, ...]


def _looked_at(
    stated: Iterable[_Stated], types: Collection[str], whole: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """Read what routes of these types may be about, and what may be preliminary."""
    return [
        change.resource
        for one in stated
        if (change := one.change) is not None
        and (whole is not None or change.type in types or change.type in PRELIMINARY)
    ]


def _labelled(change: Change, rules: Sequence[LabelRule]) -> tuple[Change, bool]:
    if not rules:
        return change, False
    resource, hold = label(change.resource, rules)
    if resource is not change.resource:
        change = replace(change, stated=resource, body=b"")
    return change, hold


def _stated(change: Change, prepared: Prepared) -> _Stated:
    deleted = change.action is Action.DELETE
    said = change.body or dump(change.resource)
    made = _NOTHING
    if not deleted:
        made = _made(change, said, prepared)
    statement = Statement(
        str(change.action),
        change.type,
        change.id,
        change.subject,
        tuple(_terms(change.keys, prepared)),
        made.body,
        made.terms,
        said if deleted else b"",
        change.cleared,
        mappers.statement_clock(change),
        change.historic,
        change.partial,
    )
    return _Stated(statement, None if deleted else change, made.faults)


def _made(change: Change, body: bytes, prepared: Prepared) -> _Made:
    """Check and index what would be stored, or recall it: doctors, wards and insurers return."""
    memory = prepared.memory
    made: _Made | None = memory.kept.get(body)
    if made is None:
        content = change.resource
        faults = [issue for issue in structure(content) if issue.severity in _BROKEN]
        terms = (
            b""
            if faults
            else prepared.config.coder.encode(content["resourceType"], index_terms(content))
        )
        made = _Made(body, terms, tuple(faults))
        if len(body) <= REMEMBERED:
            memory.offer(body, made)
    return made


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
    """Make the message's Provenance up to the versions of its targets."""
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
    head, _, tail = dump({**made, "target": []}).partition(NO_TARGETS)
    return Proof(
        name,
        tuple([f"{kind}/{target}" for kind, target in named]),
        head,
        tail,
        config.coder.encode("Provenance", index_terms(made)),
    )
