"""The end of the story: a pause, a correction, the withdrawal, and what the auditor sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.cli.demo.expectation import expect
from gateway.cli.demo.story import (
    CANCELLED,
    DELIVERED,
    DENIED,
    PRACTICE,
    PRACTICE_IN,
    QUEUED,
    judge,
    post,
    send,
    settled,
)

if TYPE_CHECKING:
    from gateway.cli.demo.story import Scene

#: The corrected discharge letter.
CORRECTED = ("05_corrected_letter_t08.hl7",)


def end(scene: Scene) -> None:
    """Pause, correct, withdraw, resume, look at the work list, verify the log."""
    pause(scene)
    (number,) = send(scene, CORRECTED)
    queued(scene, number)
    withdrawn(scene, number)
    resumed(scene)
    worklist(scene)
    audited(scene)


def pause(scene: Scene) -> None:
    """The operator pauses the practice's endpoint."""
    done = scene.cast.operator("endpoint", "pause", PRACTICE)
    scene.tell("paused", **done)


def queued(scene: Scene, number: int) -> None:
    """The correction is allowed, but waits for the practice's endpoint."""
    at_rest = {QUEUED, DELIVERED, CANCELLED}

    def look() -> list[list[dict[str, Any]]] | None:
        found = scene.witness.deliveries(number)
        paused = [one["state"] == QUEUED for one in found if one["endpoint"] == PRACTICE]
        others = [
            one["state"] in at_rest - {QUEUED} for one in found if one["endpoint"] != PRACTICE
        ]
        return [found] if all((paused, *paused, *others)) else None

    deliveries = scene.witness.wait("the corrected letter was not queued for the practice", look)[0]
    for one in deliveries:
        if one["endpoint"] == PRACTICE:
            judge(one, "permit", QUEUED)
        elif one["endpoint"] == DENIED:
            judge(one, "deny", CANCELLED)
        else:
            judge(one, "permit", DELIVERED)
    scene.tell("queued", message=number, control_id=scene.control_id(number), deliveries=deliveries)


def withdrawn(scene: Scene, number: int) -> None:
    """The patient withdraws; what still waits in the queue is cancelled."""
    answer = post(scene, "consent_withdrawn.json")
    message = scene.witness.message(endpoint=PRACTICE_IN)
    deliveries = [one for one in settled(scene, number) if one["endpoint"] == PRACTICE]
    for one in deliveries:
        judge(one, "deny", CANCELLED)
        expect(not one["attempts"], "the withdrawn letter had been sent")
    scene.tell(
        "withdrawn",
        message=message.number,
        control_id=scene.control_id(number),
        status=answer["status"],
        milliseconds=float(answer["ms"]),
        deliveries=deliveries,
    )


def resumed(scene: Scene) -> None:
    """The endpoint is sent to again, and nothing follows."""
    before = scene.witness.received("practice")
    done = scene.cast.operator("endpoint", "resume", PRACTICE)
    undone = dict(scene.witness.store.reader.counts().deliveries)
    expect(not undone, f"there are deliveries left: {undone}")
    after = scene.witness.received("practice")
    expect(len(before) == len(after), "the practice got something after the withdrawal")
    scene.tell("resumed", **done, undone=undone, received_since=len(after) - len(before))


def worklist(scene: Scene) -> None:
    """What needs a person."""
    items = scene.cast.operator("worklist", may_fail=True)
    expect(not items, f"{len(items)} things need a person")
    status = scene.witness.status()
    expect(status["status"] == "ok", f"the status is not ok: {', '.join(status['warnings'])}")
    scene.tell("worklist", items=items, messages=status["messages_ever"], status=status["status"])


def audited(scene: Scene) -> None:
    """The audit log tells one story."""
    reader = scene.witness.store.reader
    scene.witness.wait(
        "audit events were not numbered", lambda: not reader.counts().unnumbered or None
    )
    report = scene.cast.operator("audit", "verify", may_fail=True)
    expect(report["ok"], "the audit log does not agree with itself")
    scene.tell("audited", **report)
