"""A small region, messages written by hand, and the pipeline over a real store."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from gateway.domain.delivery import DeliveryState
from gateway.domain.message import Arrival
from gateway.domain.region import Endpoint, Identifier, Organization, Practitioner, Region, Route
from gateway.endpoints import format_of
from gateway.evidence.parts import Party
from gateway.pipeline.batch import record_batch
from gateway.pipeline.message import Item
from gateway.pipeline.site import Site
from gateway.pipeline.translate import prepare, translate
from gateway.pipeline.translated import Job, WorkerConfig
from tests.gateway.pipeline.serving import Serving

NAMESPACE = "https://region.example/sid"
LANR = "123456601"
DIALECT = {
    "systems": {"KVNR": "http://fhir.de/sid/gkv/kvid-10"},
    "general_practitioner": ["PD1-4"],
    "consent": {
        "place": "ZEW-1",
        "values": {"J": "permit", "N": "deny"},
        "reference": "ZEW-2",
        "purpose": ["TREAT"],
    },
}


def region(**changes):
    organizations = [
        Organization(id="klinikum", name="Klinikum am Ring", kind="hospital"),
        Organization(
            id="praxis",
            name="Praxis Weber",
            kind="practice",
            identifier=(
                Identifier("https://fhir.kbv.de/NamingSystem/KBV_NS_Base_BSNR", "381234500"),
            ),
        ),
        Organization(id="sozialdienst", name="Sozialdienst", kind="social-agency"),
    ]
    endpoints = [
        incoming("kis"),
        incoming("kis-receipt", acknowledge="on_receipt"),
        incoming("kis-test", mode="test"),
        Endpoint(
            id="pvs",
            organization="praxis",
            connection_type="hl7-fhir-rest",
            direction="in",
            listen="127.0.0.1:1",
        ),
        outgoing("praxis-out", "praxis"),
        outgoing("sozial-out", "sozialdienst"),
    ]
    routes = [
        Route(
            id="aufnahmen",
            criteria="Encounter?class=IMP",
            to=("Patient.generalPractitioner",),
            legal_basis="consent § 73 (1b) SGB V",
            controller="klinikum",
        )
    ]
    fields = {
        "revision": 1,
        "organizations": {o.id: o for o in organizations},
        "endpoints": {e.id: e for e in endpoints},
        "routes": {r.id: r for r in routes},
        "practitioners": (Practitioner(organization="praxis", lanr=LANR),),
        "dialects": {"kis": DIALECT},
        "policy": {"implicit": "deny"},
    }
    return Region(**{**fields, **changes})


def incoming(name, **changes):
    fields = {
        "id": name,
        "organization": "klinikum",
        "connection_type": "hl7v2-mllp",
        "direction": "in",
        "listen": "127.0.0.1:2575",
        "dialect": "kis",
    }
    return Endpoint(**{**fields, **changes})


def outgoing(name, organization, **changes):
    fields = {
        "id": name,
        "organization": organization,
        "connection_type": "hl7-fhir-rest",
        "direction": "out",
        "address": "https://partner.example/fhir",
        "idempotent": True,
    }
    return Endpoint(**{**fields, **changes})


def message(
    *,
    event="A01",
    control="M1",
    time="20260301080000+0100",
    patient="P1",
    kvnr="",
    name="Muster^Anna",
    birth="19800101",
    visit="V1",
    practitioner=LANR,
    consent="",
    status="",
    ack="",
    extra=(),
    processing="P",
):
    """An ADT message as our hospital writes it."""
    identifiers = f"{patient}^^^KLINIKUM^PI"
    if kvnr:
        identifiers += f"~{kvnr}^^^&1.2.276.0.76.4.8&ISO^NI"
    segments = [
        f"MSH|^~\\&|KIS|KLINIKUM|GW|REGION|{time}||ADT^{event}|{control}|{processing}|2.5{ack}",
        f"EVN|{event}|{time}",
        f"PID|1||{identifiers}||{name}^^^^^L||{birth}|F",
    ]
    if practitioner:
        doctor = f"{practitioner}^Weber^Tom^^^Dr. med.^^^LANR&1.2.276.0.76.4.16&ISO^L"
        segments.append(f"PD1||||{doctor}")
    if visit:
        discharged = f"{'|' * 26}{time}" if event == "A03" else ""
        segments.append(f"PV1|1|I|ST1^1^1^KLINIKUM|{'|' * 15}{visit}^^^KLINIKUM^VN{discharged}")
    if consent:
        segments.append(f"ZEW|{consent}|F-{patient}")
    segments += extra
    return ("\r".join(segments) + "\r").encode("ascii")


class World:
    """The pipeline in one process: translate, then record through the store's writer."""

    def __init__(self, store, keys, clock, registered):
        self.store, self.keys, self.clock = store, keys, clock
        self.coder = keys.coder
        self.use(registered)

    def use(self, registered):
        self.region = registered
        self.site = Site.of(
            registered,
            namespace=NAMESPACE,
            coder=self.coder,
            observer=Party(reference="Device/gateway"),
            build="test",
            format_of=format_of,
        )
        self.config = WorkerConfig(
            region=registered,
            region_key=self.keys.region,
            coder=self.coder,
            namespace=NAMESPACE,
            build="test",
        )
        self.prepared = prepare(self.config)

    def item(self, data, *, endpoint="kis", control=None, format="hl7v2", at=None):  # noqa: A002
        """What intake would hand to the writer."""
        wire = self.region.endpoints[endpoint]
        fields = data.split(b"\r")[0].split(b"|")
        named = fields[9].decode() if format == "hl7v2" else ""
        arrival = Arrival(
            endpoint,
            wire.organization,
            named if control is None else control,
            "KIS|KLINIKUM" if format == "hl7v2" else wire.organization,
            format,
            data,
            self.keys.digest(data),
            at or 1_772_000_000_000_000,
            fields[10].decode() if format == "hl7v2" else "P",
        )
        job = Job(
            1, endpoint, format, arrival.control_id, arrival.digest, arrival.received_at, data
        )
        return Item(arrival, translate(job, self.prepared))

    def record(self, *items):
        """Record one batch; inputs may be bytes or items."""
        batch = [self.item(one) if isinstance(one, bytes) else one for one in items]
        return self.do(lambda tx: record_batch(tx, batch, self.site))

    def do(self, job):
        return self.store.writer.submit(job).result(timeout=120)

    def query(self, sql, *values):
        with self.store.reader.view() as view:
            return view.db.query(sql, values)

    def deliveries(self, **criteria):
        return self.do(lambda tx: tx.deliveries(**criteria))

    def states(self):
        return [d.state for d in self.deliveries()]

    def patients(self):
        """Patient identifiers by number: every stored Patient, its local number first."""
        numbers = [
            row[0] for row in self.query("SELECT resource FROM resource WHERE type = 'Patient'")
        ]
        current = self.do(lambda tx: tx.current_by_number(numbers))
        return {n: _local(c.body) for n, c in sorted(current.items())}

    def persons(self):
        """Groups of local numbers that are one person, only real groups."""
        names = self.patients()
        groups = self.do(lambda tx: tx.linked(names))
        return {
            tuple(sorted(names[n] for n in group)) for group in groups.values() if len(group) > 1
        }

    def cases(self):
        """Local numbers of Patients a person has to decide about."""
        names = self.patients()
        return sorted(names[n] for n in self.do(lambda tx: tx.open_identity_cases(names)))

    def content(self):
        """All the store knows, without row numbers: for comparing two ways to the same end."""
        resources = self.query(
            "SELECT resource, type, id, version, recency, source, deleted FROM resource"
            " ORDER BY type, id"
        )
        bodies = self.do(lambda tx: tx.current_by_number([row[0] for row in resources]))
        messages = self.query(
            "SELECT message, control_id, state, reason, answer_code FROM message"
            " ORDER BY control_id, message"
        )
        contents = self.do(lambda tx: tx.contents([row[0] for row in messages]))
        return {
            "resources": [(*row[1:], bodies[row[0]].body) for row in resources],
            "messages": [
                (*row[1:], sorted((c.type, c.id, c.version) for c in contents.get(row[0], [])))
                for row in messages
            ],
            "deliveries": sorted(
                (d.endpoint, d.route, d.state, d.reason, d.control_id, len(d.patients))
                for d in self.deliveries()
            ),
            "persons": self.persons(),
            "cases": self.cases(),
            "audit": self.query(
                "SELECT class, count(*) FROM audit_event GROUP BY class ORDER BY class"
            ),
        }


def _local(body):
    """The number the hospital itself gave."""
    stated = orjson.loads(body)["identifier"]
    return next(i["value"] for i in stated if "/patient/" in i["system"])


@pytest.fixture
def build():
    """Builders: region(**changes), message(**fields), incoming, outgoing, replace."""

    class Build:
        pass

    Build.region = staticmethod(region)
    Build.message = staticmethod(message)
    Build.incoming = staticmethod(incoming)
    Build.outgoing = staticmethod(outgoing)
    Build.replace = staticmethod(_replaced)
    Build.World = World
    Build.State = DeliveryState
    return Build


def _replaced(one, **changes):
    """A changed copy of a frozen dataclass or a NamedTuple."""
    return one._replace(**changes) if hasattr(one, "_replace") else replace(one, **changes)


@pytest.fixture
def world(store, keys, clock):
    """A store with the small region and nothing in it."""
    return World(store, keys, clock, region())


@pytest.fixture(scope="session")
def serving():
    """Runs scenarios with an intake: `serving.run(world, scenario)`."""
    made = Serving()
    yield made
    made.end()
