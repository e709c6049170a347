"""What commands share: settings, the store for reading, operations for changing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.domain.region import Region
    from gateway.settings import Settings
    from gateway.store.reader import View


@contextmanager
def looking(config: Path | None) -> Iterator[View]:
    """Lend one consistent snapshot of the store, beside whoever owns it."""
    from gateway.operations.local import reading
    from gateway.settings import load_settings

    with reading(load_settings(config)) as store, store.reader.view() as view:
        yield view


def settings_and_region(config: Path | None) -> tuple[Settings, Region]:
    """Read the settings and the registry in force."""
    from gateway.operations.local import reading, region_of
    from gateway.settings import load_settings

    settings = load_settings(config)
    with reading(settings) as store:
        return settings, region_of(store)


def perform(config: Path | None, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Run an operation in the serving process, or here when there is none."""
    from gateway.operations.local import perform as perform_in
    from gateway.settings import load_settings

    return perform_in(load_settings(config), operation, arguments)
