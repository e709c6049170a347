"""The worker processes: translation off the event loop, one message's fault its own.

Jobs of one key go to one process and come back in order, so order per patient survives. A process
that dies or overruns its time costs the message it was working on; the others are sent again.
"""

from __future__ import annotations

import asyncio
import pickle
import socket
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from typing import Any

from gateway.domain.log import log
from gateway.pipeline.acknowledge import answered
from gateway.pipeline.refusal import failed
from gateway.pipeline.rest.asked import Call, Check, Checked
from gateway.pipeline.rest.check import too_costly
from gateway.pipeline.translated import Job, Translated, WorkerConfig
from gateway.pipeline.worker import LENGTH, Answered
from profiles.issue import Unavailable

_log = log("workers")

#: Seconds a process has to start and to compile a configuration.
START_SECONDS = 60.0
#: Deaths before the first answer after which waiting jobs are given back.
FALSE_STARTS = 3
#: Seconds between such deaths and the next start.
START_PAUSE = 1.0
#: Times a job is sent again after its process died without overrunning its time.
SECOND_CHANCES = 1


@dataclass(slots=True)
class _Waiting:
    job: Job | Check | Call
    done: asyncio.Future[Any]
    #: Processes that died while it was at the head.
    deaths: int = 0


class WorkerPool:
    """A fixed number of worker processes; used from one event loop."""

    def __init__(self, config: WorkerConfig, *, processes: int = 1) -> None:
        """Describe the pool; `start` starts the processes."""
        self._workers = [_Worker(config) for _ in range(processes)]

    async def start(self) -> None:
        """Start the processes and wait until each has compiled the configuration.

        Raises Unavailable when a process cannot work with it.
        """
        for worker in self._workers:
            await worker.start()
        await asyncio.gather(*(worker.ready() for worker in self._workers))

    async def stop(self) -> None:
        """End the processes; jobs still waiting are given back as Unavailable."""
        for worker in self._workers:
            worker.stop()

    def configure(self, config: WorkerConfig) -> None:
        """Translate every job submitted from now on with another configuration."""
        for worker in self._workers:
            worker.configure(config)

    def submit(self, job: Job, key: bytes = b"") -> asyncio.Future[Translated]:
        """Queue a job at once; jobs with an equal key are translated in the order submitted.

        The future raises Unavailable when no process can be started.
        """
        return self._workers[hash(key) % len(self._workers)].submit(job)

    def check(self, asked: Check | Call) -> asyncio.Future[Checked]:
        """Queue what a caller of the FHIR interface sent, where the least is waiting.

        The future raises Unavailable when no process can be started.
        """
        return min(self._workers, key=len).submit(asked)

    def __len__(self) -> int:
        """How many jobs are not done."""
        return sum(map(len, self._workers))

    def processes(self) -> tuple[int, ...]:
        """Return the process ids that run now."""
        return tuple(pid for worker in self._workers if (pid := worker.pid))


class _Worker(asyncio.Protocol):
    """One slot: its process, what it was sent, and what it owes."""

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._answers = Answered()
        self._waiting: deque[_Waiting] = deque()
        #: Answers to configurations that are still to come, before those to jobs.
        self._configurations: deque[int] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._overrun = False
        self._stopped = False
        self._false_starts = 0
        self._ready: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None and self._transport else 0

    def __len__(self) -> int:
        return len(self._waiting)

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._ready = self._ready or loop.create_future()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = _spawn(theirs.fileno())
        ours.setblocking(False)  # noqa: FBT003 - the socket's own signature
        self._transport, _ = await loop.create_connection(lambda: self, sock=ours)
        self._received.clear()
        self._answers = Answered()
        self._overrun = False
        self._configurations.clear()
        self._send_configuration(before=0)
        for waiting in self._waiting:
            self._send(waiting.job)

    async def ready(self) -> None:
        if self._ready is not None:
            await self._ready

    def stop(self) -> None:
        self._stopped = True
        if self._transport is not None:
            self._transport.abort()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._give_back()

    def configure(self, config: WorkerConfig) -> None:
        self._config = config
        if self._transport is not None:
            self._send_configuration(before=len(self._waiting))

    def submit(self, job: Job | Check | Call) -> asyncio.Future[Any]:
        waiting = _Waiting(job, asyncio.get_running_loop().create_future())
        if self._stopped:
            waiting.done.set_exception(Unavailable("The gateway is stopping."))
            return waiting.done
        self._waiting.append(waiting)
        if self._transport is not None:
            self._send(job)
            if len(self._waiting) == 1:
                self._restart_timer()
        return waiting.done

    def _send(self, value: object) -> None:
        if self._transport is not None:
            body = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
            self._transport.write(LENGTH.pack(len(body)) + body)

    def _send_configuration(self, *, before: int) -> None:
        self._configurations.append(before)
        self._send(self._config)
        self._restart_timer()

    # asyncio.Protocol -----------------------------------------------------------------
    def data_received(self, data: bytes) -> None:
        """Settle every whole answer."""
        received = self._received
        received += data
        start = 0
        while len(received) - start >= LENGTH.size:
            end = start + LENGTH.size + LENGTH.unpack_from(received, start)[0]
            if len(received) < end:
                break
            self._settle(self._answers.read(received[start + LENGTH.size : end]))
            start = end
        if start:
            del received[:start]
            self._restart_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """The process ended: the head is to blame, everything behind it goes again."""
        del exc
        self._transport = None
        self._stop_timer()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._stopped:
            return
        _log.warning("worker_died", overrun=self._overrun, waiting=len(self._waiting))
        self._blame()
        task = asyncio.ensure_future(self._again())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _settle(self, answer: Any) -> None:
        if answer is None:
            self._configurations.popleft()
            self._false_starts = 0
            if self._ready is not None and not self._ready.done():
                self._ready.set_result(None)
            return
        waiting = self._waiting.popleft()
        if not waiting.done.done():
            waiting.done.set_result(answer)

    def _blame(self) -> None:
        """Quarantine the head when it overran its time or met a second death."""
        if self._configurations and self._configurations[0] == 0 and not self._overrun:
            self._false_starts += 1
            if self._false_starts >= FALSE_STARTS:
                self._give_back()
            return
        if not self._waiting:
            return
        head = self._waiting[0]
        head.deaths += 1
        if self._overrun or head.deaths > SECOND_CHANCES:
            self._waiting.popleft()
            reason = "time-limit" if self._overrun else "worker-died"
            if isinstance(head.job, Check | Call):
                if not head.done.done():
                    head.done.set_result(too_costly())
            elif not head.done.done():
                endpoint = self._config.region.endpoints[head.job.endpoint]
                head.done.set_result(answered(failed(head.job, reason), head.job, endpoint))

    async def _again(self) -> None:
        if self._false_starts:
            await asyncio.sleep(START_PAUSE)
        if not self._stopped:
            await self.start()

    def _give_back(self) -> None:
        error = Unavailable("No worker process can be started.")
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done.done():
                waiting.done.set_exception(error)

    def _restart_timer(self) -> None:
        """The head has its time from now on."""
        self._stop_timer()
        if self._waiting or self._configurations:
            seconds = START_SECONDS if self._configurations else self._config.limits.seconds
            self._timer = asyncio.get_running_loop().call_later(seconds, self._kill)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _kill(self) -> None:
        self._overrun = not self._configurations
        if self._process is not None:
            self._process.kill()


def _spawn(descriptor: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own module, fixed arguments
        [sys.executable, "-m", "gateway.pipeline.worker", str(descriptor)],
        pass_fds=(descriptor,),
        stdin=subprocess.DEVNULL,
    )
