"""A folder of configuration to change and check."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.cli.app import run
from gateway.configuration import Configuration, load


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What `gateway init` makes."""
    made = tmp_path / "region"
    assert run(["init", str(made)]) == 0
    return made


Change = Callable[..., Configuration]


@pytest.fixture
def changed(folder: Path) -> Change:
    """Replace a text of gateway.toml, or append one, and load the result."""

    def change(old: str = "", new: str = "", *, append: str = "") -> Configuration:
        file = folder / "gateway.toml"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1) + append, encoding="utf-8")
        return load(folder)

    return change
