"""The shape of the code: direction of imports, budgets, one door for each risky library."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("gateway", "mappers", "profiles", "conformance")
FILE_LINES = 500
FUNCTION_LINES = 50
#: Half of all files and functions stay far below the hard limits.
FILE_MEDIAN = 250
FUNCTION_MEDIAN = 15

#: Raw library → the only places that may import it.
DOORS: dict[str, tuple[str, ...]] = {
    "httpx": ("gateway/endpoints/http_client.py", "conformance/isik/"),
    "lxml.etree": ("profiles/reading/",),
    "lxml": ("profiles/reading/",),
    "xml": ("profiles/reading/xml_positions.py",),
    "logging": ("gateway/domain/log.py",),
    "requests": (),
    "urllib.request": (),
    "pickle": ("gateway/pipeline/",),
    "fhir": ("mappers/r4.py",),
    "structlog": ("gateway/domain/log.py",),
    "psycopg": ("gateway/store/",),
    "sqlite3": ("gateway/store/", "profiles/terminology/store/"),
    "sqlalchemy": ("gateway/store/",),
}
#: Call → the only places that may make it.
CALLS: dict[str, tuple[str, ...]] = {
    "json.loads": ("profiles/reading/", "conformance/"),
    "json.load": ("profiles/reading/", "conformance/"),
    "logging.getLogger": (),
    "eval": (),
    "exec": (),
}
#: Migrations are lists of tables, written once and never changed.
_MIGRATIONS = "gateway/store/migrations/versions/"
VAGUE = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}


def _sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


SOURCES = list(_sources())


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _allowed(path: Path, doors: tuple[str, ...]) -> bool:
    return any(_name(path).startswith(door) for door in doors)


@cache
def _imported(path: Path) -> frozenset[str]:
    return frozenset(_imports(_tree(path)))


@cache
def _called(path: Path) -> tuple[tuple[str, int], ...]:
    """Every call: what is called, as written, and its line."""
    return tuple(
        (ast.unparse(node.func), node.lineno)
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
    )


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _median(values: list[int]) -> int:
    return sorted(values)[len(values) // 2]


def test_imports_point_inwards_and_every_module_has_a_layer():
    script = str(Path(sys.executable).parent / "lint-imports")
    done = subprocess.run([script], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("library", sorted(DOORS))
def test_a_raw_library_is_imported_only_at_its_door(library):
    found = [
        _name(path)
        for path in SOURCES
        if not _allowed(path, DOORS[library])
        and any(one == library or one.startswith(f"{library}.") for one in _imported(path))
    ]

    assert found == []


@pytest.mark.parametrize("call", sorted(CALLS))
def test_a_risky_call_is_made_only_at_its_door(call):
    found = [
        f"{_name(path)}:{line}"
        for path in SOURCES
        if not _allowed(path, CALLS[call])
        for called, line in _called(path)
        if called == call
    ]

    assert found == []


def test_no_file_is_longer_than_the_budget():
    lengths = {_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}

    assert {name: length for name, length in lengths.items() if length > FILE_LINES} == {}
    assert _median(list(lengths.values())) <= FILE_MEDIAN


def test_no_function_is_longer_than_the_budget():
    lengths = {
        f"{_name(path)}:{node.name}": _length(node)
        for path in SOURCES
        if not _name(path).startswith(_MIGRATIONS)
        for node in _functions(_tree(path))
    }

    assert {name: length for name, length in lengths.items() if length > FUNCTION_LINES} == {}
    assert _median(list(lengths.values())) <= FUNCTION_MEDIAN


def test_every_file_says_what_it_is():
    assert [_name(path) for path in SOURCES if not ast.get_docstring(_tree(path))] == []


def test_names_say_something():
    assert [_name(path) for path in SOURCES if path.stem in VAGUE] == []


def test_nothing_is_left_for_later():
    marks = ("TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error")
    found = [
        f"{_name(path)}: {mark}"
        for path in SOURCES
        for mark in marks
        if mark in path.read_text(encoding="utf-8")
    ]

    assert found == []


def test_importing_a_package_has_no_side_effect_on_files_or_network():
    script = (
        "import socket, builtins, sys\n"
        "def refuse(*a, **k): raise SystemExit('network at import')\n"
        "socket.socket.connect = refuse\n"
        "import gateway, mappers, profiles, gateway.settings, gateway.pipeline, gateway.consent\n"
    )

    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
