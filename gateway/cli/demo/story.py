"""The story until everything is delivered; each step is compared with what should happen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.cli.demo.expectation import expect
from gateway.cli.demo.stage import EXCHANGE, TOKEN, furnish, records
from gateway.cli.ports import free_ports

if TYPE_CHECKING:
    from gateway.cli.demo.cast import Cast
    from gateway.cli.demo.telling import Teller
    from gateway.cli.demo.witness import Witness

#: What the hospital sends first, in this order.
SENT = (
    "01_admission_a01.hl7",
    "02_laboratory_r01.hl7",
    "03_discharge_a03.hl7",
    "04_discharge_letter_t02.hl7",
)
HOSPITAL, PRACTICE_IN = "klinikum-adt", "praxis-weber-senden"
#: Endpoints the gateway sends to; the patient's consent leaves the last one out.
PRACTICE, CLINIC, DENIED = "praxis-weber", "reha-adt", "sozialberatung"
#: The practice's exchange folder.
FOLDER = "praxis-weber-gdt"
WAITING, QUEUED = "waiting_for_consent", "queued"
DELIVERED, CANCELLED = "delivered", "cancelled_by_consent"
KVNR = "http://fhir.de/sid/gkv/kvid-10"


@dataclass(frozen=True, slots=True)
class Scene:
    """What the steps share."""

    cast: Cast
    teller: Teller
    witness: Witness
    #: Where the hospital and the practice send to.
    mllp: str
    http: str
    #: Messages in the order in which the hospital sent them: control id → number.
    messages: dict[str, int] = field(default_factory=dict)

    def control_id(self, number: int) -> str:
        """Return under which id the hospital sent a message."""
        return next(name for name, known in self.messages.items() if known == number)

    def tell(self, step: str, **facts: Any) -> None:
        """Tell one step."""
        self.teller.step(step, facts)


@contextmanager
def begin(cast: Cast, teller: Teller) -> Iterator[Scene]:
    """Make the region, start everybody, and lend the scene."""
    from gateway.cli.demo.witness import witness

    bodies = {name: cast.place / "logs" / name for name in ("clinic", "desk")}
    exchange = cast.place / EXCHANGE
    for folder in (*bodies.values(), exchange):
        folder.mkdir()
    cast.partner("practice", "practice")
    cast.partner("agency", "practice")
    cast.partner("clinic", "mllp_sink", "--bodies", str(bodies["clinic"]))
    collecting = ("--folder", str(exchange), "--bodies", str(bodies["desk"]))
    cast.partner("desk", "gdt_folder", *collecting)
    cast.command("init", str(cast.place))
    cast.listening()
    http, mllp = free_ports(2)
    partners = {f"{name}_port": port for name, port in cast.ports.items()}
    furnish(cast.place, {"http_port": http, "mllp_port": mllp, **partners})
    applied = cast.command("apply", str(cast.place), "--yes")
    seconds = cast.gateway()
    with witness(cast) as seen:
        scene = Scene(cast, teller, seen, f"127.0.0.1:{mllp}", f"http://127.0.0.1:{http}")
        kinds = [one["kind"] for one in applied["changes"]]
        scene.tell(
            "started",
            folder=str(cast.place),
            store=seen.settings.store_url.partition(":")[0],
            region=seen.settings.gateway.name,
            registered={kind: kinds.count(kind) for kind in dict.fromkeys(kinds)},
            revision=applied["revision"],
            mllp=scene.mllp,
            http=scene.http,
            partners=dict(cast.ports),
            seconds=round(seconds, 2),
        )
        yield scene


def play(scene: Scene) -> None:
    """From the admission until everything allowed is delivered."""
    send(scene, SENT)
    waiting(scene)
    consent(scene)
    decided(scene)
    received_by_practice(scene)
    received_in_folder(scene)
    received_by_clinic(scene)
    received_by_agency(scene)


def send(scene: Scene, files: tuple[str, ...]) -> list[int]:
    """The hospital sends; every message is acknowledged and translated. Return their numbers."""
    paths = [str(records() / name) for name in files]
    *answers, summary = scene.cast.errand("hospital", "--to", scene.mllp, *paths)
    expect(
        summary["accepted"] == len(files) == len(answers),
        f"of {len(files)} messages {summary['accepted']} were accepted",
    )
    acknowledge = scene.witness.store.reader.region().endpoints[HOSPITAL].acknowledge
    numbers = []
    for answer in answers:
        message = scene.witness.message(endpoint=HOSPITAL, control_id=answer["control_id"])
        scene.messages[message.control_id] = message.number
        numbers.append(message.number)
        expect(
            message.answer_code == answer["code"],
            f"{message.control_id} was answered {answer['code']}, "
            f"the store says {message.answer_code}",
        )
        scene.tell(
            "acknowledged",
            message=message.number,
            message_type=message.message_type,
            control_id=message.control_id,
            code=answer["code"],
            milliseconds=float(answer["ms"]),
            acknowledge=str(acknowledge),
        )
        translated(scene, message.number)
    return numbers


def translated(scene: Scene, number: int) -> None:
    """Nothing of a message may be lost: every field is accounted for."""
    report = scene.witness.report(number)
    unmapped = [one["path"] for one in report["unmapped"]]
    kinds = scene.witness.kinds(number)
    fields, mapped, ignored = report["fields"], report["mapped"], report["ignored"]
    expect(
        fields == mapped + ignored + len(unmapped),
        f"of {fields} fields of message {number} only {mapped + ignored + len(unmapped)} "
        "are accounted for",
    )
    proof = scene.witness.provenance(number)
    expect(proof, f"message {number} is stored without Provenance")
    scene.tell(
        "translated",
        message=number,
        message_type=report["message_type"],
        fields=fields,
        mapped=mapped,
        ignored=ignored,
        unmapped=unmapped,
        resources={kind: kinds.count(kind) for kind in dict.fromkeys(kinds)},
        issues=len(report["issues"]),
        **(proof or {}),
    )


def waiting(scene: Scene) -> None:
    """Nobody has consented: everything that has a destination waits, and nobody has anything."""
    destinations = set()
    for control_id, number in scene.messages.items():
        deliveries = scene.witness.deliveries(number)
        destinations |= {one["endpoint"] for one in deliveries}
        for one in deliveries:
            expect(
                one["state"] == WAITING and one["sentence"],
                f"{control_id} for {one['recipient']} should wait for a consent, "
                f"but is {one['state']}",
            )
        scene.tell("decided", message=number, control_id=control_id, deliveries=deliveries)
    expect(
        destinations == {PRACTICE, FOLDER, CLINIC, DENIED},
        f"routes lead to {', '.join(sorted(destinations)) or 'nobody'}",
    )
    seen = scene.witness
    for partner in ("practice", "agency"):
        expect(not seen.received(partner), f"the {partner} got something without a consent")
    for partner in ("clinic", "desk"):
        expect(not seen.noted(partner), f"the {partner} got something without a consent")


def consent(scene: Scene) -> None:
    """The practice posts the patient's consent; its record is linked with the hospital's."""
    answer = post(scene, "consent_given.json")
    message = scene.witness.message(endpoint=PRACTICE_IN)
    records_ = scene.witness.linked(message.patient)
    keepers = {one["organization"] for one in records_}
    shared = [
        {each["value"] for each in one["identifiers"] if each["system"] == KVNR} for one in records_
    ]
    expect(
        {"klinikum", "praxis-weber"} <= keepers,
        "the practice's record of the patient was not linked with the hospital's",
    )
    expect(set.intersection(*shared), "the linked records share no KVNR")
    scene.tell(
        "consented",
        message=message.number,
        status=answer["status"],
        milliseconds=float(answer["ms"]),
        records=records_,
        shared_system=KVNR,
    )


def post(scene: Scene, file: str) -> dict[str, Any]:
    """The practice posts a file of its own."""
    answers = scene.cast.errand(
        "poster",
        "--to",
        f"{scene.http}/inbound/{PRACTICE_IN}",
        "--token-file",
        str(scene.cast.place / "keys" / TOKEN),
        str(records() / file),
    )
    answer = answers[0]
    expect(answer["status"] == 200, f"the practice's POST was answered {answer['status']}")
    return answer


def decided(scene: Scene) -> None:
    """The consent releases what waited, and stops what it does not allow."""
    for control_id, number in scene.messages.items():
        deliveries = settled(scene, number)
        for one in deliveries:
            permitted = one["endpoint"] != DENIED
            judge(one, "permit" if permitted else "deny", DELIVERED if permitted else CANCELLED)
        if deliveries:
            scene.tell("released", message=number, control_id=control_id, deliveries=deliveries)


def settled(scene: Scene, number: int) -> list[dict[str, Any]]:
    """Wait until all deliveries of a message have ended."""
    ended = {DELIVERED, CANCELLED, "dead", "expired", "ambiguous"}

    def look() -> list[list[dict[str, Any]]] | None:
        found = scene.witness.deliveries(number)
        return [found] if all(one["state"] in ended for one in found) else None

    return scene.witness.wait(f"the deliveries of message {number} did not end", look)[0]


def judge(delivery: dict[str, Any], decision: str, state: str) -> None:
    """Compare a delivery and its explanation with what should be."""
    expect(
        (delivery["decision"], delivery["state"]) == (decision, state),
        f"message {delivery['message']} for {delivery['recipient']} should be {decision} and "
        f"{state}, but is {delivery['decision'] or 'undecided'} and {delivery['state']}",
    )
    expect(delivery["sentence"], f"delivery {delivery['delivery']} does not explain itself")


def received_by_practice(scene: Scene) -> None:
    """The practice's FHIR server holds what was sent, the letter's PDF byte for byte."""
    from gateway.cli.demo.proof import letters

    noted = scene.witness.received("practice")
    kinds = list(dict.fromkeys(kind for line in noted for kind in line["resources"]))
    held = scene.witness.held("practice", kinds)
    sent = letters(records() / SENT[-1])
    found = letters(held.get("Binary", []))
    expect(sent and sent == found, "the practice's PDF is not the one the hospital sent")
    people = {one["id"] for one in held.get("Patient", [])}
    expect(len(people) == 1, f"the practice holds {len(people)} patients instead of one")
    received(
        scene,
        PRACTICE,
        transactions=[{"number": one["number"], "status": one["status"]} for one in noted],
        holds={kind: len(held[kind]) for kind in kinds},
        pdf_bytes=[len(one) for one in found],
    )


def received_in_folder(scene: Scene) -> None:
    """The practice's own system collected the letter as GDT, its PDF byte for byte."""
    from gateway.cli.demo.proof import collected

    seen = scene.witness
    due = seen.store.reader.deliveries(endpoint=FOLDER)
    noted = seen.wait(
        f"the practice did not collect {len(due)} records",
        lambda: noted if len(noted := seen.noted("desk")) == len(due) else None,
    )
    received(scene, FOLDER, records=collected(scene, noted, records() / SENT[-1]))


def received_by_clinic(scene: Scene) -> None:
    """The clinic got the original segments, newly addressed, and has acknowledged them."""
    from gateway.cli.demo.proof import forwarded

    seen = scene.witness
    due = seen.store.reader.deliveries(endpoint=CLINIC)
    noted = seen.wait(
        f"the clinic did not note {len(due)} messages",
        lambda: noted if len(noted := seen.noted("clinic")) == len(due) else None,
    )
    told = forwarded(scene, noted)
    received(scene, CLINIC, messages=told)


def received_by_agency(scene: Scene) -> None:
    """The agency got nothing."""
    found = scene.witness.received("agency")
    expect(not found, f"the agency received {len(found)} transactions against the consent")
    received(scene, DENIED)


def received(scene: Scene, endpoint: str, **facts: Any) -> None:
    """Tell what arrived at an endpoint."""
    organization = scene.witness.store.reader.region().endpoints[endpoint].organization
    name = scene.witness.organization(organization)
    known: dict[str, Any] = {
        "transactions": [],
        "holds": {},
        "pdf_bytes": [],
        "messages": [],
        "records": [],
    }
    scene.tell("received", endpoint=endpoint, recipient=name, **(known | facts))
