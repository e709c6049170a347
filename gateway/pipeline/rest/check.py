"""Check: what a caller sent, understood and validated in a worker process.

https://hl7.org/fhir/R4/http.html#create, https://hl7.org/fhir/R4/validation.html. A pure function
of the bytes and the configuration: the writer only has to store what comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.pipeline.documents import dump
from gateway.pipeline.label import LabelRule, label, label_rules
from gateway.pipeline.rest.asked import Act, Call, Check, Checked, Kind, Method
from gateway.pipeline.rest.entries import settle, take_apart
from gateway.pipeline.rest.narratives import unsafe_narratives
from gateway.pipeline.rest.operations import OPERATIONS
from gateway.pipeline.rest.operations.tools import Tools
from gateway.pipeline.rest.patch import patched
from gateway.pipeline.rest.subjects import own_targets, subjects
from gateway.pipeline.translated import WorkerConfig
from mappers.recency import CLOCK
from profiles.issue import GatewayError, Issue, NotConformant, NotSupported
from profiles.reading import read_json
from profiles.reading.fhir_xml import read_fhir_xml
from profiles.search import index_terms
from profiles.validate import structure

if TYPE_CHECKING:
    from profiles.validate.validator import Validator

Resource = dict[str, Any]

#: What a client says about these means nothing: the store knows.
SERVER_META = ("versionId", "lastUpdated")
_WRONG = frozenset({"error", "fatal"})


@dataclass(slots=True)
class Checker:
    """Checks for one configuration; loads packages and FHIRPath with the first resource."""

    config: WorkerConfig
    #: The one the endpoints use, where some endpoint validates.
    validator: Validator | None = None
    labels: tuple[LabelRule, ...] = field(init=False)
    tools: Tools = field(init=False)

    def __post_init__(self) -> None:
        """Read the label rules."""
        self.labels = label_rules(self.config.labels)
        self.tools = Tools(self.config)

    def check(self, asked: Check | Call) -> Checked:
        """Make acts of what was sent; never raises for what a caller can repair."""
        try:
            return self._called(asked) if isinstance(asked, Call) else self._checked(asked)
        except NotConformant as error:
            return Checked(issues=error.issues, refused=400)
        except NotSupported as error:
            missing = any(one.code == "not-found" for one in error.issues)
            return Checked(issues=error.issues, refused=404 if missing else 422)
        except GatewayError as error:
            return Checked(issues=error.issues, refused=422)
        except RecursionError:
            return too_costly()

    def _called(self, call: Call) -> Checked:
        return Checked(answer=dump(OPERATIONS[call.key](call, self.tools)))

    def _checked(self, asked: Check) -> Checked:
        if asked.kind is Kind.BUNDLE:
            return self._bundle(asked)
        if asked.kind is Kind.RESOURCE:
            resource = _read(asked)
            _check_name(resource, asked)
        else:
            resource = patched(asked)
        _check_whole(resource)
        named = str(resource.get("id", ""))
        resource["id"] = asked.id
        issues = self._issues(resource, asked)
        if _refuses(issues):
            return Checked(issues=tuple(issues), refused=422)
        act = self._act(Method.POST, resource, asked.base)._replace(named=named)
        return Checked(acts=(act,), positions=(0,), issues=tuple(issues))

    def _bundle(self, asked: Check) -> Checked:
        bundle = _read(asked)
        if bundle.get("resourceType") != "Bundle":
            raise NotConformant("A Bundle is expected here.", location="resourceType")
        parts = take_apart(bundle)
        issues: list[Issue] = []
        if not parts.batch:
            issues = self._issues(bundle, asked)
            if _refuses(issues):
                return Checked(issues=tuple(issues), refused=422)
            settle(parts)
        acts = []
        for act, resource in parts.acts:
            if resource is None:
                acts.append(act)
                continue
            made = self._act(act.method, resource, asked.base)
            acts.append(
                act._replace(
                    body=made.body, terms=made.terms, subjects=made.subjects, targets=made.targets
                )
            )
        return Checked(
            batch=parts.batch,
            acts=tuple(acts),
            entries=parts.entries,
            positions=tuple(parts.positions),
            references=parts.references,
            issues=tuple(issues),
        )

    def _act(self, method: Method, resource: Resource, base: str) -> Act:
        resource = _clean(resource)
        if self.labels:
            resource, _ = label(resource, self.labels)
        type_ = resource["resourceType"]
        return Act(
            method,
            type_,
            resource["id"],
            dump(resource),
            self.config.coder.encode(type_, index_terms(resource)),
            subjects(resource, base),
            targets=own_targets(resource, base) if type_ == "Provenance" else (),
        )

    def _issues(self, resource: Resource, asked: Check) -> list[Issue]:
        """Look at the structure always, at the rest as the policy wants."""
        if asked.validation == "none":
            found = [one for one in structure(resource) if one.severity in _WRONG]
            return found or list(unsafe_narratives(resource))
        if self.validator is None:
            self.validator = self.tools.validator()
        found = self.validator.validate(resource)
        return [one for one in found if one.severity != "information"]


def too_costly() -> Checked:
    """Refuse what takes more time or memory than one request may have."""
    issue = Issue("error", "too-costly", "The request takes more than this gateway spends on one.")
    return Checked(issues=(issue,), refused=422)


def _read(asked: Check) -> Resource:
    read = read_fhir_xml(asked.data) if asked.xml else read_json(asked.data)
    if not isinstance(read, dict) or not isinstance(read.get("resourceType"), str):
        raise NotConformant("The body is no FHIR resource.", location="resourceType")
    return read


def _check_name(resource: Resource, asked: Check) -> None:
    if resource["resourceType"] != asked.type:
        raise NotConformant("The resource is of another type than the address names.")
    if asked.named and resource.get("id") != asked.named:
        raise NotConformant("The resource's id is not the one the address names.", location="id")


def _check_whole(resource: Resource) -> None:
    """Refuse what was read in part: storing it would lose the rest.

    https://hl7.org/fhir/R4/search.html#summary
    """
    meta = resource.get("meta")
    tags = meta.get("tag") if isinstance(meta, dict) else None
    for tag in tags if isinstance(tags, list) else ():
        if isinstance(tag, dict) and tag.get("code") == "SUBSETTED":
            raise NotSupported("The resource is marked as a part of one (SUBSETTED).")


def _refuses(issues: Sequence[Issue]) -> bool:
    return any(one.severity in _WRONG for one in issues)


def _clean(resource: Resource) -> Resource:
    """Leave out what only the store may say; the argument stays as it is."""
    meta = resource.get("meta")
    if not isinstance(meta, dict):
        return resource
    kept = {name: value for name, value in meta.items() if name.lstrip("_") not in SERVER_META}
    extensions = [one for one in kept.get("extension", ()) if one.get("url") != CLOCK]
    if "extension" in kept:
        kept["extension"] = extensions
        if not extensions:
            del kept["extension"]
    if kept == meta:
        return resource
    if kept:
        return {name: kept if name == "meta" else value for name, value in resource.items()}
    return {name: value for name, value in resource.items() if name != "meta"}
