"""Running a message through a configuration without storing or sending anything.

Used by `gateway check` for the samples of a folder and by `gateway route explain`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.consent import Decision
from gateway.domain.region import Endpoint, Region
from gateway.domain.time import Instant
from gateway.pipeline.acknowledge import answered
from gateway.pipeline.arrive import TRIAL, arrive
from gateway.pipeline.decide import Case, ConsentDesk, Subjects
from gateway.pipeline.refusal import refused
from gateway.pipeline.route import Journey, Routed, RouteTable
from gateway.pipeline.translate import Prepared, prepare, translate
from gateway.pipeline.translated import Job, Outcome, Translated, WorkerConfig
from gateway.settings import Settings
from gateway.store.keys import Keys
from mappers import recognise
from profiles.issue import Issue, NotSupported


@dataclass(frozen=True, slots=True)
class Destination:
    """One route and where it leads this message, with the consent decision."""

    routed: Routed
    #: Delivery state the message would get there; "" when it does not go there.
    state: str = ""
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """What would become of one message."""

    translated: Translated
    destinations: tuple[Destination, ...]

    def as_json(self) -> dict[str, Any]:
        """Render for reports; unmapped values are counted, not shown."""
        done = self.translated
        return {
            "outcome": done.outcome.value,
            "reason": done.reason,
            "answer": done.answer_code,
            "message_type": done.message_type,
            "fields": done.fields,
            "mapped": done.mapped,
            "ignored": done.ignored,
            "unmapped": done.unmapped,
            "issues": [_issue(issue) for issue in done.issues],
            "routes": [_destination(one) for one in self.destinations],
        }


@dataclass(frozen=True, slots=True)
class DryRun:
    """A configuration prepared for trying messages."""

    region: Region
    prepared: Prepared
    routes: RouteTable
    desk: ConsentDesk
    keys: Keys

    @classmethod
    def of(cls, settings: Settings, region: Region, keys: Keys) -> DryRun:
        """Prepare. Raises NotConformant or NotSupported for what does not hold."""
        config = WorkerConfig(
            region=region,
            region_key=keys.region,
            coder=keys.coder,
            namespace=settings.namespace,
            labels=settings.labels,
            packages=settings.packages,
            catalogues=settings.catalogues,
        )
        return cls(
            region,
            prepare(config),
            RouteTable.of(region, settings.namespace),
            ConsentDesk.of(region),
            keys,
        )

    def attempt(
        self,
        endpoint: str,
        data: bytes,
        now: Instant,
        stored: Callable[[Translated], Subjects] = lambda _: Subjects(),
    ) -> Trial:
        """Try one message at an endpoint; `stored` finds what the store knows of its patients.

        Raises NotUnderstood when nothing could be answered, NotSupported for an unknown format.
        """
        taking = self.region.endpoints[endpoint]
        kind = _format(taking, data)
        arrived = arrive(taking, data, format=kind, digest=self.keys.digest, received_at=now)
        arrival = arrived.arrival
        job = Job(0, endpoint, arrival.format, arrival.control_id, arrival.digest, now, data)
        if arrived.refusal is not None:
            return Trial(answered(refused(job, arrived.refusal), job, taking), ())
        translated = translate(job, self.prepared)
        if translated.outcome is not Outcome.STORED:
            return Trial(translated, ())
        test = taking.mode == "test" or arrival.processing_id in TRIAL
        routed = self.routes.explain(translated, Journey(endpoint, test=test))
        known = self._known(translated, stored(translated))
        return Trial(
            translated,
            tuple(
                self._destination(one, translated, taking.organization, known, now)
                for one in routed
            ),
        )

    def _known(self, translated: Translated, stored: Subjects) -> Subjects:
        """Add the consents the message itself brings to the stored ones."""
        bodies = [one.body for one in translated.statements if one.type == "Consent" and one.body]
        return replace(stored, consents=(*stored.consents, *bodies))

    def _destination(
        self,
        routed: Routed,
        translated: Translated,
        custodian: str,
        subjects: Subjects,
        now: Instant,
    ) -> Destination:
        if not routed.endpoint:
            return Destination(routed)
        matters = {match.route: match.resources for match in translated.matches}
        case = Case(
            routed.organization,
            self.region.routes[routed.route].purpose,
            custodian,
            matters.get(routed.route, ()),
            translated.hold,
        )
        answer = self.desk.answer(case, subjects, _resources(translated), now)
        return Destination(routed, answer.state.value, answer.decision)


def _resources(translated: Translated) -> Sequence[bytes]:
    return [one.body for one in translated.statements if one.body]


def _format(endpoint: Endpoint, data: bytes) -> str:
    """Name the format of a message; a record packed with its files shows none by itself."""
    try:
        return recognise(data)
    except NotSupported:
        if not endpoint.format:
            raise
        return endpoint.format


def _issue(issue: Issue) -> dict[str, str]:
    return {
        "severity": issue.severity,
        "code": issue.code,
        "text": issue.text,
        "location": issue.location,
    }


def _destination(one: Destination) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "route": one.routed.route,
        "to": one.routed.target,
        "endpoint": one.routed.endpoint,
        "organization": one.routed.organization,
        "reason": one.routed.reason,
        "followed": list(one.routed.followed),
        "state": one.state,
    }
    if one.decision is not None:
        shown["decision"] = one.decision.as_json()
    return shown
