"""A desk for commands when no process serves: the command opens the store itself."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gateway import __version__
from gateway.domain.region import Region
from gateway.endpoints import format_of
from gateway.evidence.parts import Party
from gateway.operations import operation
from gateway.operations.control import ask, socket_path, user_name
from gateway.operations.desk import Desk
from gateway.pipeline.site import Site
from gateway.settings import Settings
from gateway.store import open_store, registry
from gateway.store.keys import Keys, load
from gateway.store.store import Store


def perform(settings: Settings, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Run an operation in the serving process, or here when there is none.

    Raises what the operation raises, and Unavailable when the store belongs to somebody else.
    """
    answer = ask(socket_path(settings.folder), name, arguments)
    if answer is not None:
        return answer
    with open_desk(settings) as desk:
        return operation(name)(desk, arguments)


@contextmanager
def open_desk(settings: Settings) -> Iterator[Desk]:
    """Open the store for writing and lend a desk."""
    keys = load(settings.path(settings.keys.folder))
    store = open_store(settings.store_url, keys)
    try:
        site = site_of(settings, region_of(store), keys)
        yield Desk(settings=settings, store=store, site=lambda: site, by=user_name(os.getuid()))
    finally:
        store.close()


@contextmanager
def reading(settings: Settings) -> Iterator[Store]:
    """Open the store for reading only, beside whoever owns it."""
    keys = load(settings.path(settings.keys.folder))
    store = open_store(settings.store_url, keys, read_only=True)
    try:
        yield store
    finally:
        store.close()


def region_of(store: Store) -> Region:
    """Read the registry in force."""
    with store.reader.view() as view:
        return registry.read(view.db)


def site_of(settings: Settings, region: Region, keys: Keys) -> Site:
    """Prepare a region as the serving process does."""
    return Site.of(
        region,
        namespace=settings.namespace,
        coder=keys.coder,
        observer=observer(settings),
        build=__version__,
        format_of=format_of,
    )


def observer(settings: Settings) -> Party:
    """Name this gateway in audit events."""
    return Party(reference="Device/gateway", address=settings.gateway.base_url)
