"""Takes messages from files: the wire of an incoming `folder` endpoint.

One poll after the other; nothing relies on notifications, which network shares do not give. What a
file holds is handed on in order, and the file goes where it belongs only after the last answer.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import mappers
from gateway.domain.log import log
from gateway.domain.region import Endpoint
from gateway.domain.time import SECOND
from gateway.endpoints.folder import files, names, notes
from gateway.endpoints.folder.answers import HL7V2, Answered, Answers
from gateway.endpoints.folder.claims import Claim
from gateway.endpoints.folder.inbox import Inbox
from gateway.endpoints.folder.state import fault
from mappers.base import Attachment, Encoded, Piece
from mappers.parcel import pack
from profiles.issue import GatewayError, Issue, NotConformant

_log = log("folder")

#: Seconds that answers may take when the gateway stops; what has none then comes again.
_GRACE = 20.0
#: Bytes of one file's messages that are under way at a time; what they become takes up to forty
#: times as much memory (a day of treatment is many resources).
MOST_BYTES_UNDER_WAY = 1_000_000
#: Bytes of messages taken out of a file at a time.
_PORTION = 250_000
_OUR_FAULT = "Das Gateway kann diese Datei nicht verarbeiten. Bitte sagen Sie der Region Bescheid."


#: Takes one message of an endpoint: (data, format) → its answer, after the commit.
Take = Callable[[bytes, str], Awaitable[Answered]]


class FolderListener:
    """One exchange folder that is looked at again and again."""

    def __init__(self, endpoint: Endpoint, take: Take) -> None:
        """Prepare.

        Raises NotConformant when the endpoint has no folder, NotSupported for an unknown format.
        """
        if endpoint.folder is None:
            raise NotConformant('A folder endpoint needs folder = { path = "…" }.')
        self.endpoint = endpoint
        self._folder = endpoint.folder
        self._format = mappers.format_named(endpoint.format)
        self._take = take
        self._inbox = Inbox(
            self._folder,
            endpoint.max_bytes,
            self._expected,
            time.monotonic,
            lambda: datetime.now(UTC).astimezone(),
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="folder")
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._work: set[asyncio.Task[None]] = set()
        #: Records came and went on: there may be more, look at once.
        self._again = False
        #: What was logged last, so that a state is logged once.
        self._said: tuple[str, int] = ("", 0)

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Look no more, finish what was handed on, leave the rest to others."""
        self._stop.set()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_GRACE):
                if self._task is not None:
                    await self._task
                await asyncio.gather(*self._work, return_exceptions=True)
                await self._do(self._inbox.leave)
        self._thread.shutdown(wait=False)

    async def _run(self) -> None:
        poll = self._folder.poll / SECOND
        while not self._stop.is_set():
            found = await self._look()
            self._again = bool(found)
            for claim in found:
                task = asyncio.create_task(self._pass_on(claim))
                self._work.add(task)
                task.add_done_callback(self._work.discard)
            if self._work:
                await asyncio.wait(self._work, timeout=poll)
            if not self._again:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), poll)

    async def _look(self) -> list[Claim]:
        try:
            found = await self._do(self._inbox.look)
        except (OSError, files.Unusual, files.Busy) as error:
            self._say(fault(error) if isinstance(error, OSError) else "in use or no folder", 0)
            return []
        except Exception as error:  # noqa: BLE001 - the border: the folder is looked at again
            self._say(type(error).__name__, 0)
            return []
        self._say("", self._inbox.refused)
        return found

    def _say(self, reason: str, refused: int) -> None:
        """Log how the folder is, when that has changed; names may be those of patients."""
        if (reason, refused) == self._said:
            return
        before, self._said = self._said, (reason, refused)
        if reason:
            _log.error("folder_unusable", endpoint=self.endpoint.id, reason=reason)
        elif before[0]:
            _log.info("folder_usable", endpoint=self.endpoint.id)
        if refused:
            _log.warning("files_refused", endpoint=self.endpoint.id, count=refused)

    # one record ---------------------------------------------------------------------------
    async def _pass_on(self, claim: Claim) -> None:
        """Hand a record on and put its file where the answers say."""
        try:
            chunks, beside = await self._do(lambda: self._inbox.open(claim))
            await self._settle(claim, await self._received(chunks, beside))
        except files.Unusual as error:
            await self._refuse(claim, str(error))
        except FileNotFoundError:
            _log.warning("claim_lost", endpoint=self.endpoint.id)
            self._inbox.lost(claim)
        except (OSError, files.Busy) as error:
            self._postpone(claim, type(error).__name__)
        except Exception as error:  # noqa: BLE001 - the border: one file's fault stays its own
            _log.error("record_failed", endpoint=self.endpoint.id, error=type(error).__name__)
            await self._refuse(claim, _OUR_FAULT)

    async def _received(self, chunks: Iterator[bytes], beside: dict[str, bytes]) -> Answers:
        """Hand on every message of a file in order; of a large one only some are under way."""
        pieces = self._pieces(chunks)
        under_way: deque[tuple[Awaitable[Answered], int]] = deque()
        answers: list[Answered] = []
        around: list[Issue] = []
        while portion := await self._do(lambda: _portion(pieces)):
            for one in portion:
                around += one.issues
                if not one.issues:
                    data = pack(self._with_files(one.data, beside))
                    under_way.append((self._take(data, self._format.name), len(data)))
            while sum(size for _, size in under_way) > MOST_BYTES_UNDER_WAY:
                answers.append(await under_way.popleft()[0])
        if not (answers or under_way or around):
            under_way.append((self._take(b"", self._format.name), 0))
        return Answers([*answers, *[await one for one, _ in under_way]], tuple(around))

    def _pieces(self, chunks: Iterator[bytes]) -> Iterator[Piece]:
        """The messages of a file; HL7 v2 is taken apart by the intake, with its batches."""
        if self._format.name == HL7V2:
            yield Piece(b"".join(chunks), 0)
        elif self._format.stream is not None:
            yield from self._format.stream(chunks)
        else:
            yield from (Piece(one, 0) for one in self._format.split(b"".join(chunks)))

    def _expected(self, chunks: Iterable[bytes]) -> tuple[str, ...]:
        """Name the files the messages of a file expect beside them."""
        if self._format.beside is None:
            return ()
        named = (self._beside(one.data) for one in self._pieces(iter(chunks)))
        return tuple(dict.fromkeys(name for names_ in named for name in names_))

    def _with_files(self, piece: bytes, beside: dict[str, bytes]) -> Encoded:
        if not beside:
            return Encoded(piece)
        named = dict.fromkeys(map(names.basename, self._beside(piece)))
        found = tuple(Attachment(name, beside[name]) for name in named if name in beside)
        return Encoded(piece, attachments=found)

    def _beside(self, record: bytes) -> tuple[str, ...]:
        """Name the files a record expects; one that cannot be read expects none."""
        if self._format.beside is None:
            return ()
        try:
            return self._format.beside(record)
        except GatewayError:
            return ()

    async def _settle(self, claim: Claim, answers: Answers) -> None:
        if answers.unavailable:
            self._postpone(claim, "unavailable")
            return
        if claim.missing:
            _log.warning("files_missing", endpoint=self.endpoint.id, count=claim.missing)
        wanted = self._folder.answer
        if wanted == "all" or (wanted == "errors" and not answers.good):
            written = answers.acknowledgement(self._format.name)
            await self._do(lambda: self._inbox.answer(claim, written))
        if answers.good:
            await self._do(lambda: self._inbox.stored(claim))
            return
        text = answers.explanation(claim.record.name, _now())
        await self._do(lambda: self._inbox.refuse(claim, text))
        _log.warning("record_refused", endpoint=self.endpoint.id, messages=answers.refused)

    async def _refuse(self, claim: Claim, reason: str) -> None:
        text = notes.refused(claim.record.name, _now(), reason)
        try:
            await self._do(lambda: self._inbox.refuse(claim, text))
        except (OSError, files.Busy, files.Unusual) as error:
            self._postpone(claim, type(error).__name__)

    def _postpone(self, claim: Claim, reason: str) -> None:
        _log.warning("record_postponed", endpoint=self.endpoint.id, reason=reason)
        self._again = False
        self._inbox.postpone(claim)

    async def _do(self, work: Callable[[], files.T]) -> files.T:
        """Touch files in the folder's own thread: a share that hangs holds up nothing else."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _portion(pieces: Iterator[Piece]) -> list[Piece]:
    """Take some messages, at least one while there is any."""
    portion, size = [], 0
    for one in pieces:
        portion.append(one)
        size += len(one.data)
        if size >= _PORTION:
            break
    return portion


def _now() -> str:
    return f"{datetime.now(UTC).astimezone():%d.%m.%Y %H:%M:%S}"
