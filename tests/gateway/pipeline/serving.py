"""An intake on a loop of its own, over worker processes that are started once for many tests."""

from __future__ import annotations

import asyncio

from gateway.pipeline.intake import Intake
from gateway.pipeline.workers import WorkerPool


class Serving:
    """Runs scenarios with an intake over a test's world; the workers are real and stay."""

    def __init__(self):
        self._runner = asyncio.Runner()
        self._pool = None

    def run(self, world, scenario):
        """Run `scenario(intake)` in the world as it is now, and return what it returns."""
        return self._runner.run(self._run(world, scenario))

    async def _run(self, world, scenario):
        pool = await self._workers(world)
        intake = Intake(
            pool=pool,
            writer=world.store.writer,
            reader=world.store.reader,
            site=world.site,
            digest=world.keys.digest,
            clock=world.clock,
        )
        await intake.start()
        try:
            return await asyncio.wait_for(scenario(intake), 60)
        finally:
            await intake.stop()

    async def _workers(self, world):
        if self._pool is None:
            self._pool = WorkerPool(world.config, processes=1)
            await self._pool.start()
        else:
            self._pool.configure(world.config)
        return self._pool

    def end(self):
        """End the workers."""
        if self._pool is not None:
            self._runner.run(self._pool.stop())
        self._runner.close()
