"""The writing half of the FHIR interface: workers check, the writer performs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.api.ports import Stored
from gateway.bootstrap.http import HttpGateway, stored
from gateway.pipeline.ports import Transaction
from gateway.pipeline.rest.asked import Call, Check, Checked, Order, Performed
from gateway.pipeline.rest.perform import perform
from gateway.store import exports
from gateway.store.exports import ExportJob
from gateway.store.history import Wanted
from gateway.store.unit import unit_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RestGateway(HttpGateway):
    """Implements all of `gateway.api.ports.Gateway`."""

    #: Checks in a worker process.
    checker: Callable[[Check | Call], asyncio.Future[Checked]]
    #: Called after a commit that let deliveries go.
    released: Callable[[], None]

    async def history(self, wanted: Wanted) -> Sequence[Stored]:
        """Read versions of one resource, of a type or of all, newest first."""
        found = await asyncio.to_thread(self.store.reader.history, wanted)
        return [stored(one) for one in found]

    async def add_export(self, job: ExportJob) -> None:
        """Remember a bulk export; returns after the commit."""
        await asyncio.wrap_future(
            self.store.writer.submit(lambda tx: exports.add(unit_of(tx), job))
        )

    async def export(self, job: str) -> ExportJob | None:
        """Return a bulk export that has not ended."""
        return await asyncio.to_thread(self.store.reader.export, job, self.now())

    async def end_export(self, job: str) -> None:
        """Forget a bulk export; returns after the commit."""
        await asyncio.wrap_future(
            self.store.writer.submit(lambda tx: exports.end(unit_of(tx), job))
        )

    async def check(self, asked: Check | Call) -> Checked:
        """Understand and validate what a caller sent."""
        return await self.checker(asked)

    async def perform(self, order: Order) -> Performed:
        """Perform writes, all or none; returns after the commit."""
        site = self.site()

        def job(tx: Transaction) -> Performed:
            return perform(tx, order, site)

        performed = await asyncio.wrap_future(self.store.writer.submit(job))
        if performed.released:
            self.released()
        return performed
