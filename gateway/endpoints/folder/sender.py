"""Sends messages as files: the wire of an outgoing `folder` endpoint.

Delivered means renamed to its final name in the partner's folder. A resend of the same delivery
places nothing twice (`outbox`), so such an endpoint may be declared idempotent.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from gateway.domain.region import Endpoint
from gateway.domain.transport import (
    Outgoing,
    PartnerRefused,
    PartnerUnavailable,
    PartnerUncertain,
    Sent,
)
from gateway.endpoints.folder import files
from gateway.endpoints.folder.outbox import NotCollected, Outbox
from gateway.endpoints.folder.state import fault
from mappers.parcel import unpack
from profiles.issue import NotConformant

#: Seconds between tidying up.
_TIDY = 3_600.0
#: Answers kept with the delivery: fixed words, never names.
PLACED, PLACED_BEFORE = "placed", "placed-before"


class FolderSender:
    """The exchange folder of one partner."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Prepare; raises NotConformant when there is no folder or its naming makes no names."""
        if endpoint.folder is None:
            raise NotConformant('A folder endpoint needs folder = { path = "…" }.')
        try:
            self._outbox = Outbox(endpoint.folder)
        except ValueError as error:
            raise NotConformant(f"folder.name: {error} is expected.") from error
        self._wait = endpoint.folder.poll / 1_000_000
        # One thread: files get their numbers in the order of their deliveries, and a share that
        # hangs holds up this partner alone.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="folder")
        self._tidied = time.monotonic()

    async def send(self, delivery: Outgoing) -> Sent:
        """Place one message and what goes beside it.

        Raises PartnerUnavailable while the folder cannot be written or the last file under the
        same name was not collected, PartnerUncertain when the share does not answer in time,
        PartnerRefused for a message whose files have no plain names.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(delivery.deadline):
                new = await loop.run_in_executor(self._thread, self._place, delivery)
        except TimeoutError as error:
            raise PartnerUncertain("The folder does not answer in time.") from error
        return Sent(PLACED if new else PLACED_BEFORE, b"")

    async def close(self) -> None:
        """Let the thread end when it has nothing to do any more."""
        self._thread.shutdown(wait=False)

    def _place(self, delivery: Outgoing) -> bool:
        try:
            parcel = unpack(delivery.payload)
            beside = [(one.name, one.data) for one in parcel.attachments]
            done = self._outbox.place(delivery.control_id, parcel.data, beside)
            self._tidy()
        except NotCollected as error:
            raise PartnerUnavailable(
                "The last file was not collected yet.", retry_after=self._wait
            ) from error
        except (OSError, files.Busy, files.Unusual) as error:
            word = fault(error) if isinstance(error, OSError) else "in use"
            raise PartnerUnavailable(f"The folder cannot be written: {word}.") from error
        except (ValueError, NotConformant) as error:
            raise PartnerRefused("A file has no plain name.", codes=("structure",)) from error
        return done

    def _tidy(self) -> None:
        if time.monotonic() - self._tidied > _TIDY:
            self._tidied = time.monotonic()
            self._outbox.forget()
