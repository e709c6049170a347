"""One serving process: store, workers, listeners, HTTP, delivery, from start to stop.

The event loop carries sockets only; translation runs in worker processes, everything that touches
the store in its writer thread or in reader threads.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from random import SystemRandom
from typing import Any

from gateway import __version__
from gateway.api.app import create_app
from gateway.api.ports import Options
from gateway.api.server import Listen, bind, make_server
from gateway.bootstrap.folders import Folders
from gateway.bootstrap.listeners import Listeners
from gateway.bootstrap.rest import RestGateway
from gateway.bootstrap.search_parameters import search_parameters
from gateway.domain.delivery import DeliveryState
from gateway.domain.log import log
from gateway.domain.region import Endpoint
from gateway.domain.time import SECOND, Clock, now
from gateway.domain.transport import Sender
from gateway.endpoints import connection_type, format_of
from gateway.identity.names import particles
from gateway.operations import operation
from gateway.operations.control import Control, socket_path
from gateway.operations.desk import Desk
from gateway.operations.local import observer
from gateway.pipeline.deliver import Deliver
from gateway.pipeline.intake import Intake
from gateway.pipeline.ports import Settled, Transaction
from gateway.pipeline.site import Site
from gateway.pipeline.translated import Limits, WorkerConfig
from gateway.pipeline.validate import Validation
from gateway.pipeline.workers import WorkerPool
from gateway.settings import Settings
from gateway.store import open_store
from gateway.store.keys import Keys, load
from gateway.store.store import Store, sqlite_path
from profiles.issue import GatewayError, NotConformant, Unavailable
from profiles.r4 import facts

_log = log("process")

#: Seconds between looks at the registry and at what expired.
REGISTRY_INTERVAL = 1.0
EXPIRY_INTERVAL = 5.0
#: Seconds a thread keeps the interpreter when another one waits.
SWITCH_INTERVAL = 0.001
#: Allocations between collections: messages make few cycles.
GC_THRESHOLDS = (50_000, 20, 100)
#: Deliveries expired in one transaction.
EXPIRY_BATCH = 500


@dataclass(slots=True)
class Process:
    """The parts of one process; `run` is its life."""

    settings: Settings
    #: False for `gateway work`: no listeners, no HTTP, only what is stored already.
    listens: bool = True
    #: Other processes of the group listen at the same addresses.
    shares_ports: bool = False
    #: Takes the commands of operators.
    controls: bool = True
    clock: Clock = now
    #: Called once everything listens, with HTTP address and MLLP ports.
    started: Callable[[str, dict[str, int]], None] = lambda _address, _ports: None
    _site: Site | None = None
    _paused: frozenset[str] = frozenset()
    _revoked: frozenset[str] = frozenset()
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _broken: bool = False

    async def run(self) -> int:
        """Serve until SIGTERM or SIGINT; return 1 when a part broke.

        Raises Unavailable when the store cannot be opened or another process owns it, NotConformant
        when the registry cannot be served, OSError when an address is taken.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        async with AsyncExitStack() as closing:
            await self._serve(closing)
        return int(self._broken)

    def stop(self) -> None:
        """End `run` in an orderly way."""
        self._stop.set()

    async def _serve(self, closing: AsyncExitStack) -> None:
        settings = self.settings
        keys = load(settings.path(settings.keys.folder))
        store = open_store(settings.store_url, keys, clock=self.clock)
        closing.push_async_callback(asyncio.to_thread, store.close)
        site = self._site = self._prepare(store, keys)
        if not site.region.endpoints:
            raise NotConformant("The registry is empty: `gateway apply` registers a region first.")
        pool = WorkerPool(_worker_config(settings, site, keys), processes=_workers(settings))
        await pool.start()
        closing.push_async_callback(pool.stop)
        deliver = self._deliver(store)
        intake = Intake(
            pool=pool,
            writer=store.writer,
            reader=store.reader,
            site=site,
            digest=keys.digest,
            clock=self.clock,
            enqueued=deliver.wake,
        )
        await deliver.recover(alone=sqlite_path(settings.store_url) is not None)
        await intake.start()
        closing.push_async_callback(intake.stop)
        tasks = [
            self._task(deliver.run(self._stop)),
            self._task(self._expire(store, deliver)),
            self._task(self._retain(store)),
        ]
        closing.push_async_callback(_finish, tasks, self._stop)
        if self.controls:
            await self._open_control(store, deliver, closing)
        folders = Folders(intake, keys.digest)
        listeners = Listeners(
            settings.mllp, intake, folders, store.writer, self.clock, self.shares_ports
        )
        if self.listens:
            closing.push_async_callback(listeners.stop)
            await listeners.follow(site)
            address = await self._open_http(store, intake, keys, closing, pool, deliver)
            self.started(address, dict(listeners.ports()))
        tasks.append(self._task(self._watch(store, keys, intake, listeners, deliver)))
        _settle_down()
        await self._stop.wait()
        _log.info("stopping")

    # parts ---------------------------------------------------------------------------
    def _prepare(self, store: Store, keys: Keys) -> Site:
        self._paused = store.reader.paused()
        self._revoked = store.reader.revoked()
        region = store.reader.region()
        # Before a worker process meets packages or profiles that are not there.
        Validation.of(region, self.settings.packages, self.settings.catalogues)
        return Site.of(
            region,
            namespace=self.settings.namespace,
            coder=keys.coder,
            observer=observer(self.settings),
            build=__version__,
            format_of=format_of,
        )

    def _present(self) -> Site:
        if self._site is None:
            raise Unavailable("The gateway is starting.")
        return self._site

    def _deliver(self, store: Store) -> Deliver:
        return Deliver(
            writer=store.writer,
            site=self._present,
            paused=lambda: self._paused,
            open_sender=_open_sender,
            clock=self.clock,
            random=SystemRandom(),
            monotonic=time.monotonic,
        )

    async def _open_http(
        self,
        store: Store,
        intake: Intake,
        keys: Keys,
        closing: AsyncExitStack,
        pool: WorkerPool,
        deliver: Deliver,
    ) -> str:
        """Serve HTTP in the background; return the address."""
        settings, http = self.settings, self.settings.http
        host, _, port = http.listen.rpartition(":")
        listen = Listen(
            host=host.strip("[]"),
            port=int(port),
            certificate=str(settings.path(http.certificate)) if http.certificate else "",
            key=str(settings.path(http.key)) if http.key else "",
            ca=str(settings.path(http.ca)) if http.ca else "",
            certificate_required=settings.security.authentication == "mtls",
            max_header=http.max_header,
            header_timeout=http.header_timeout / SECOND,
        )
        gateway = RestGateway(
            options=_options(settings, keys),
            store=store,
            intake=intake,
            site=self._present,
            clock=self.clock,
            alert=settings.alert,
            revoked=lambda: self._revoked,
            checker=pool.check,
            released=deliver.wake,
        )
        server = make_server(create_app(gateway), listen)
        bound: socket.socket = bind(listen, shared=self.shares_ports)
        serving = self._task(server.serve(sockets=[bound]))

        async def stop_http() -> None:
            server.should_exit = True
            await asyncio.gather(serving, return_exceptions=True)

        closing.push_async_callback(stop_http)
        return ":".join(str(part) for part in bound.getsockname()[:2])

    async def _open_control(self, store: Store, deliver: Deliver, closing: AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()

        def changed() -> None:
            # A pause or revocation holds from the moment its command returns.
            self._paused = store.reader.paused()
            self._revoked = store.reader.revoked()
            _wake(loop, deliver)

        def desk(by: str) -> Desk:
            return Desk(
                settings=self.settings, store=store, site=self._present, by=by, changed=changed
            )

        control = Control(socket_path(self.settings.folder), operation, desk)
        await control.start()
        closing.push_async_callback(control.stop)

    # timers --------------------------------------------------------------------------
    async def _watch(
        self, store: Store, keys: Keys, intake: Intake, listeners: Listeners, deliver: Deliver
    ) -> None:
        """Follow what `apply`, `endpoint pause` and other processes changed."""
        while True:
            await asyncio.sleep(REGISTRY_INTERVAL)
            try:
                paused = await asyncio.to_thread(store.reader.paused)
                self._revoked = await asyncio.to_thread(store.reader.revoked)
                region = await asyncio.to_thread(store.reader.region)
                if paused != self._paused:
                    self._paused = paused
                    deliver.wake()
                if region.revision == self._present().region.revision:
                    continue
                site = await asyncio.to_thread(self._prepare, store, keys)
                self._site = site
                intake.configure(site, _worker_config(self.settings, site, keys))
                deliver.wake()
                if self.listens:
                    await listeners.follow(site)
                _log.info("registry_followed", revision=region.revision)
            except GatewayError as error:
                _log.error("registry_not_followed", reason=error.text)

    async def _expire(self, store: Store, deliver: Deliver) -> None:
        """End deliveries nobody consented to in time; put back what dead processes left."""
        while True:
            try:
                await asyncio.wrap_future(store.writer.submit(partial(expire, self._present())))
                await deliver.recover(alone=False)
            except Unavailable:
                _log.warning("expiry_postponed")
            await asyncio.sleep(EXPIRY_INTERVAL)

    async def _retain(self, store: Store) -> None:
        """Delete what is past its time, where the operator wants the process to do that."""
        interval = self.settings.retention.interval / SECOND
        while interval:
            await asyncio.sleep(interval)
            try:
                from gateway.store import retention

                await asyncio.to_thread(retention.run, store, self._present())
            except Unavailable:
                _log.warning("retention_postponed")

    def _task(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        """A part that breaks ends the process: half a gateway is worse than none."""
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("part_failed", error=type(error).__name__)
            self._broken = True
            self._stop.set()


def expire(site: Site, tx: Transaction) -> int:
    """End waiting deliveries whose time is over, with their evidence; return how many."""
    from gateway.pipeline.disclose import state_row

    due = tx.deliveries(
        state={DeliveryState.WAITING_FOR_CONSENT}, expires_before=tx.now, limit=EXPIRY_BATCH
    )
    rows = [
        Settled(d.id, d.fence, DeliveryState.EXPIRED, "no-consent-in-time", tx.now) for d in due
    ]
    if rows:
        refused = set(tx.settle(rows))
        tx.add_audit(
            [
                state_row(site, delivery, row, (), tx.now)
                for delivery, row in zip(due, rows, strict=True)
                if delivery.id not in refused
            ]
        )
    return len(rows)


async def _finish(tasks: list[asyncio.Task[Any]], stop: asyncio.Event) -> None:
    """Let delivery finish what is on the wire; timers just end."""
    stop.set()
    deliver, *timers = tasks
    for task in timers:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    del deliver


def _settle_down() -> None:
    """Everything made so far lives as long as the process: collect it never again.

    The loop and the writer's thread take turns in small steps, so that a socket need not wait for
    a whole batch. Tables are read now: later there may be no descriptor left to open a file.
    """
    particles()
    facts("search")
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def _wake(loop: asyncio.AbstractEventLoop, deliver: Deliver) -> None:
    loop.call_soon_threadsafe(deliver.wake)


def _open_sender(endpoint: Endpoint) -> Sender:
    sender: Sender = connection_type(endpoint.connection_type).make_sender(endpoint)
    return sender


def _workers(settings: Settings) -> int:
    return settings.pipeline.workers or max((os.cpu_count() or 2) - 1, 1)


def _worker_config(settings: Settings, site: Site, keys: Keys) -> WorkerConfig:
    pipeline = settings.pipeline
    return WorkerConfig(
        region=site.region,
        region_key=keys.region,
        coder=keys.coder,
        namespace=settings.namespace,
        labels=settings.labels,
        packages=settings.packages,
        catalogues=settings.catalogues,
        limits=Limits(pipeline.message_timeout / SECOND, pipeline.worker_memory),
    )


def _options(settings: Settings, keys: Keys) -> Options:
    http = settings.http
    return Options(
        name=settings.gateway.name,
        base_url=settings.gateway.base_url.rstrip("/"),
        version=__version__,
        authentication=settings.security.authentication,
        cursor_key=keys.digest(b"cursor"),
        token_key=keys.digest(b"access token"),
        token_lifetime=settings.security.token_lifetime / SECOND,
        issuers=settings.issuer,
        max_body=http.max_body,
        held=http.held,
        body_timeout=http.body_timeout / SECOND,
        request_timeout=http.request_timeout / SECOND,
        concurrency=http.concurrency,
        failed_logins=http.failed_logins,
        page=http.page,
        parameters=search_parameters(settings.packages),
        validation=http.validation,
        create_on_update=http.create_on_update,
        origins=http.origins,
    )
