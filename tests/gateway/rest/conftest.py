"""The whole FHIR interface over a real store and real sockets; checks run in this process."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from dataclasses import replace

import httpx
import pytest

from gateway.api.app import create_app
from gateway.api.ports import Options
from gateway.api.server import Listen, bind, make_server, sockets_of
from gateway.bootstrap.rest import RestGateway
from gateway.domain.client import EVERYTHING, Client
from gateway.domain.region import Organization, Region
from gateway.domain.time import now
from gateway.endpoints import format_of
from gateway.evidence.parts import Party
from gateway.pipeline.rest.check import Checker
from gateway.pipeline.site import Site
from gateway.pipeline.translated import WorkerConfig
from gateway.settings import AlertSettings
from gateway.store import open_store

NAMESPACE = "https://region.example/sid"
#: What the hospital's laboratory system may do.
LABORATORY = ("system/Observation.cruds?category=laboratory", "system/Patient.c")
ORGANIZATIONS = ("klinikum", "praxis", "agentur")


def region():
    """Three organizations; the hospital shares what it stores."""
    made = [
        Organization(
            id=name,
            name=name.title(),
            kind="hospital",
            storage="shared" if name == "klinikum" else "transit",
            token_sha256=(hashlib.sha256(f"token-{name}".encode()).hexdigest(),),
        )
        for name in ORGANIZATIONS
    ]
    clients = [
        Client(
            id=name,
            organization=organization,
            role=role,
            scopes=scopes,
            token_sha256=(hashlib.sha256(f"token-{name}".encode()).hexdigest(),),
        )
        for name, organization, role, scopes in (
            ("pruefer", "agentur", "auditor", EVERYTHING),
            ("labor", "klinikum", "system", LABORATORY),
            ("leser", "klinikum", "system", ("system/*.rs",)),
        )
    ]
    return Region(
        revision=1,
        organizations={one.id: one for one in made},
        clients={one.id: one for one in clients},
        policy={"implicit": "deny"},
    )


@pytest.fixture(scope="session")
def checker(keys):
    """One validator for all tests of a run."""
    config = WorkerConfig(
        region=region(), region_key=b"r" * 32, coder=keys.coder, namespace=NAMESPACE
    )
    return Checker(config)


class Serving:
    """One serving interface: its address, its store, a client an organization."""

    def __init__(self, url, keys, checker, **options):
        self.store = open_store(url, keys, clock=now)
        self.released = 0
        site = Site.of(
            region(),
            namespace=NAMESPACE,
            coder=keys.coder,
            observer=Party(reference="Device/gateway", address="https://gw.example/fhir"),
            build="test",
            format_of=format_of,
        )
        made = Options(
            name="Region",
            base_url="",
            version="0",
            authentication="token",
            cursor_key=b"c" * 32,
            token_key=b"t" * 32,
        )
        self.socket = bind(Listen(host="127.0.0.1", port=0))
        self.base = f"http://{sockets_of([self.socket])[0]}/fhir"
        self.lock = threading.Lock()

        async def check(asked):
            def locked():
                with self.lock:
                    return checker.check(asked)

            return await asyncio.to_thread(locked)

        def release():
            self.released += 1

        self.gateway = RestGateway(
            options=replace(made, base_url=self.base, **options),
            store=self.store,
            intake=None,
            site=lambda: site,
            clock=now,
            alert=AlertSettings(),
            checker=check,
            released=release,
        )
        self.server = make_server(
            create_app(self.gateway), Listen(host="127.0.0.1", port=0, grace=1)
        )
        self.thread = threading.Thread(
            target=lambda: asyncio.run(self.server.serve(sockets=[self.socket])), daemon=True
        )
        self.thread.start()
        self.clients = {}

    def of(self, organization="klinikum"):
        """The client of an organization, on a connection of its own."""
        if organization not in self.clients:
            self.clients[organization] = httpx.Client(
                base_url=self.base,
                headers={"Authorization": f"Bearer token-{organization}"},
                trust_env=False,
                timeout=60,
            )
        return self.clients[organization]

    def events(self, least=0):
        """Every audit event, oldest first, once `least` stand in the log."""
        end = time.monotonic() + 30
        while True:
            with self.store.reader.evidence() as log:
                found = log.events(limit=10_000)
            if len(found) >= least or time.monotonic() > end:
                return [one["event"] for one in found]
            time.sleep(0.05)

    def close(self):
        for client in self.clients.values():
            client.close()
        self.server.should_exit = True
        self.thread.join(30)
        self.store.close()


@pytest.fixture
def serve(store_url, keys, checker):
    """Serve an empty store with some options."""
    opened = []

    def start(**options):
        made = Serving(store_url, keys, checker, **options)
        opened.append(made)
        return made

    yield start
    for one in opened:
        one.close()


@pytest.fixture
def serving(serve):
    """An interface with default options."""
    return serve()


@pytest.fixture
def klinikum(serving):
    """The hospital's client."""
    return serving.of("klinikum")
