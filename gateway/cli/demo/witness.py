"""What really happened: read from the gateway's store and from what its partners noted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.cli.demo.expectation import Deviation, expect

if TYPE_CHECKING:
    from gateway.cli.demo.cast import Cast
    from gateway.domain.delivery import Delivery
    from gateway.settings import Settings
    from gateway.store.store import Store
    from gateway.store.views import MessageView

T = TypeVar("T")

#: Longest wait for something the gateway does by itself, and the pause between looks, in seconds.
PATIENCE, PAUSE = 20.0, 0.03
_PROVENANCE = "Provenance"


@dataclass(frozen=True, slots=True)
class Witness:
    """Looks, and changes nothing (but opening a loss report leaves its audit event)."""

    cast: Cast
    settings: Settings
    store: Store

    def wait(self, what: str, look: Callable[[], T | None]) -> T:
        """Look until there is something; Deviation when nothing comes or a process ends."""
        until = time.monotonic() + PATIENCE
        while True:
            found = look()
            if found:
                return found
            self.cast.check()
            if time.monotonic() > until:
                raise Deviation(f"waited {PATIENCE:.0f} seconds in vain: {what}")
            time.sleep(PAUSE)

    # the gateway -----------------------------------------------------------------------
    def message(self, *, endpoint: str, control_id: str = "") -> MessageView:
        """Return the newest message of an endpoint, waiting until it is processed."""

        def look() -> MessageView | None:
            found = self.store.reader.messages(endpoint=endpoint, control_id=control_id, limit=1)
            return found[0] if found and found[0].state.value != "received" else None

        return self.wait(f"message {control_id} from {endpoint} was not processed", look)

    def report(self, number: int) -> Mapping[str, Any]:
        """Read a message's loss report, as an operator does."""
        from gateway.operations.local import perform

        opened = perform(self.settings, "message.open", {"message": number})
        found: Mapping[str, Any] = opened["report"] or {}
        return found

    def kinds(self, number: int) -> list[str]:
        """Name the types of the resources a message was translated into."""
        kinds = [one.type for one in self.store.reader.contents(number)]
        return [kind for kind in kinds if kind != _PROVENANCE]

    def provenance(self, number: int) -> dict[str, Any] | None:
        """Find the Provenance that names a message's original bytes and what became of them."""
        from gateway.pipeline.documents import load
        from profiles.search import parse_criteria

        reader = self.store.reader
        digest = sha256(reader.raw(number)).hexdigest()
        made_of = reader.contents(number)
        about = next(f"{one.type}/{one.id}" for one in made_of if one.type != _PROVENANCE)
        for found in reader.search(parse_criteria(f"{_PROVENANCE}?target={about}")):
            made: dict[str, Any] = load(found.body)
            sources = [one["what"]["identifier"]["value"] for one in made["entity"]]
            if digest in sources:
                targets = [one["reference"] for one in made["target"]]
                return {"provenance": made["id"], "sha256": digest, "targets": targets}
        return None

    def deliveries(self, number: int) -> list[dict[str, Any]]:
        """Read a message's deliveries, each with the decision that brought it where it is."""
        found = self.store.reader.deliveries(message=number)
        return [self._delivery(one) for one in found]

    def linked(self, patient: int) -> list[dict[str, Any]]:
        """Read the records of one person: who keeps them, under which identifiers."""
        from gateway.pipeline.documents import load

        reader = self.store.reader
        numbers = reader.linked([patient]).get(patient, (patient,))
        return [
            {
                "patient": f"Patient/{one.id}",
                "organization": one.organization,
                "keeper": self.organization(one.organization),
                "identifiers": [
                    {"system": each.get("system", ""), "value": each.get("value", "")}
                    for each in load(one.body).get("identifier", [])
                ],
            }
            for one in reader.resources_of(numbers)
        ]

    def status(self) -> dict[str, Any]:
        """Read what `gateway status` shows."""
        from gateway.cli.status import status_json, warnings_of
        from gateway.domain.time import now

        counts = self.store.reader.counts()
        return status_json(counts, self.settings, warnings_of(counts, self.settings, now()))

    def organization(self, name: str) -> str:
        """Return what an organization is called."""
        found = self.store.reader.region().organizations.get(name)
        return found.name if found is not None else name

    def _delivery(self, delivery: Delivery) -> dict[str, Any]:
        from gateway.pipeline.documents import load

        raw = self.store.reader.decision(delivery.id)
        decision = load(raw) if raw else {}
        return {
            "delivery": delivery.id,
            "message": delivery.message_id,
            "endpoint": delivery.endpoint,
            "recipient": self.organization(delivery.organization),
            "route": delivery.route,
            "state": delivery.state.value,
            "attempts": delivery.attempts,
            "decision": decision.get("outcome", ""),
            "rule": decision.get("rule", ""),
            "reason": decision.get("reason", ""),
            "sentence": decision.get("explanation", {}).get("de", ""),
        }

    # the partners ----------------------------------------------------------------------
    def received(self, partner: str) -> list[dict[str, Any]]:
        """Ask a partner's FHIR server which transactions it received."""
        (found,) = asyncio.run(_ask(self.cast.ports[partner], ["received"]))
        return list(found)

    def held(self, partner: str, kinds: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Ask a partner's FHIR server what it holds now, by resource type."""
        answers = asyncio.run(_ask(self.cast.ports[partner], [f"fhir/{kind}" for kind in kinds]))
        return {
            kind: [entry["resource"] for entry in answer.get("entry", [])]
            for kind, answer in zip(kinds, answers, strict=True)
        }

    def noted(self, partner: str) -> list[dict[str, Any]]:
        """Read what a partner without a server to ask has noted about what it received."""
        from profiles.reading import read_json

        path = self.cast.journal(partner)
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        return [read_json(line) for line in lines if line.endswith(b"\n")]


@contextmanager
def witness(cast: Cast) -> Iterator[Witness]:
    """Open the store for reading beside the process that owns it."""
    from gateway.operations.local import reading
    from gateway.settings import load_settings

    settings = load_settings(cast.place)
    with reading(settings) as store:
        yield Witness(cast, settings, store)


async def _ask(port: int, paths: Sequence[str]) -> list[Any]:
    from gateway.endpoints.http_client import HttpClient
    from profiles.reading import read_json

    client = HttpClient(f"http://127.0.0.1:{port}", parallel=1)
    try:
        answers = [await client.request("GET", path) for path in paths]
    finally:
        await client.close()
    expect(all(one.status == 200 for one in answers), "a partner does not tell what it received")
    return [read_json(one.body) for one in answers]
