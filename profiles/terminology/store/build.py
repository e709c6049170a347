"""A catalogue into a store: once, in bounded memory, all or nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import orjson

from profiles.issue import NotConformant, Unavailable
from profiles.reading.limits import refused
from profiles.reading.where import Where
from profiles.terminology.concept import Header
from profiles.terminology.store import schema
from profiles.terminology.store.records import (
    Catalogue,
    ConceptRow,
    DesignationRow,
    MemberRow,
    ParentRow,
    PropertyRow,
    Record,
)

#: Records per bulk insert.
_BATCH = 5_000
_MOST_RECORDS = 50_000_000
_LONGEST_CODE = 255
_LONGEST_TEXT = 20_000
#: Told how many records have been read.
Progress = Callable[[int], None]
Row = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Built:
    """What went into a store."""

    concepts: int
    #: Concepts whose code was there already; the first one counts.
    repeated: int


def build_store(path: Path, catalogue: Catalogue, progress: Progress | None = None) -> Built:
    """Write a store; what was at `path` is replaced in one step, or kept when this fails.

    Raises NotConformant for a faulty catalogue (file and line in front), Unavailable when the file
    cannot be written.
    """
    where = Where()
    _forget_unfinished(path)
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with closing(sqlite3.connect(beside, isolation_level=None)) as database:
            built = _fill(database, catalogue, where, progress)
        _settle(beside)
        beside.replace(path)
    except NotConformant as error:
        raise where.named(error) from None
    except (sqlite3.Error, OSError):
        raise Unavailable("the terminology store cannot be written") from None
    finally:
        beside.unlink(missing_ok=True)
    return built


def _forget_unfinished(path: Path) -> None:
    """Delete what a process that was killed left beside the store."""
    for left in path.parent.glob(f"{path.name}.*.new"):
        writer = left.name.removesuffix(".new").rpartition(".")[2]
        if not (writer.isdigit() and _runs(int(writer))):
            left.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _settle(path: Path) -> None:
    """Bring the file to disk before it gets its name."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _fill(
    database: sqlite3.Connection, catalogue: Catalogue, where: Where, progress: Progress | None
) -> Built:
    database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + schema.TABLES)
    database.execute("BEGIN")
    read = offered = 0
    for batch in _batches(_rows(catalogue.records(where))):
        offered += _insert(database, batch)
        read += len(batch)
        if read > _MOST_RECORDS:
            raise refused("the catalogue has too many records", code="too-costly")
        if progress is not None:
            progress(read)
    _finish(database, catalogue.header)
    (concepts,) = database.execute("SELECT count(*) FROM concept").fetchone()
    if not concepts:
        raise refused("the catalogue has no concepts")
    _describe(database, catalogue.header, concepts)
    database.execute("COMMIT")
    database.execute(f"PRAGMA application_id = {schema.APPLICATION}")
    database.execute(f"PRAGMA user_version = {schema.FORMAT}")
    return Built(concepts, offered - concepts)


def _rows(records: Iterable[Record]) -> Iterator[tuple[type, Row]]:
    """Check each record while its reader still stands where it came from."""
    for one in records:
        yield type(one), _checked(_row(one))


def _batches(waiting: Iterator[tuple[type, Row]]) -> Iterator[list[tuple[type, Row]]]:
    while batch := list(islice(waiting, _BATCH)):
        yield batch


def _insert(database: sqlite3.Connection, batch: list[tuple[type, Row]]) -> int:
    """Insert records by kind; returns how many were concepts."""
    rows: dict[type, list[Row]] = {kind: [] for kind in _STATEMENTS}
    for kind, row in batch:
        rows[kind].append(row)
    for kind, statement in _STATEMENTS.items():
        database.executemany(statement, rows[kind])
    return len(rows[ConceptRow])


def _checked(row: Row) -> Row:
    """The first member is a code; no other is longer than a text may be."""
    code = row[0]
    if not code or len(str(code)) > _LONGEST_CODE or str(code) != str(code).strip():
        raise refused("the catalogue has a code that is empty, too long or padded", code="value")
    if any(len(one) > _LONGEST_TEXT for one in row if isinstance(one, str)):
        raise refused("the catalogue has a text that is too long", code="too-costly")
    return row


def _finish(database: sqlite3.Connection, header: Header) -> None:
    for statement in (schema.INDEXES + schema.FINISH).split(";"):
        database.execute(statement)
    if not header.case_sensitive:
        rows = ((code.casefold(), code) for (code,) in database.execute("SELECT code FROM concept"))
        database.executemany("INSERT OR IGNORE INTO folded VALUES (?, ?)", rows)


def _describe(database: sqlite3.Connection, header: Header, concepts: int) -> None:
    names = [name for (name,) in database.execute("SELECT DISTINCT name FROM property")]
    has_hierarchy = database.execute("SELECT 1 FROM parent LIMIT 1").fetchone() is not None
    about = {
        "header": asdict(header),
        "concepts": concepts,
        "properties": sorted(names),
        "hierarchy": has_hierarchy,
    }
    text = orjson.dumps(about).decode()
    database.execute("INSERT INTO about VALUES ('about', ?)", (text,))


def _row(one: Record) -> Row:
    match one:
        case ConceptRow():
            flags = one.inactive * schema.INACTIVE | one.abstract * schema.ABSTRACT
            return (one.code, one.display, one.definition, flags)
        case ParentRow():
            return (one.child, one.parent)
        case PropertyRow():
            return (one.code, one.name, one.value)
        case DesignationRow():
            return (one.code, one.value, one.language, one.use)
        case MemberRow():
            return (one.group, one.code)


_STATEMENTS: dict[type, str] = {
    ConceptRow: "INSERT OR IGNORE INTO concept VALUES (?, ?, ?, ?)",
    ParentRow: "INSERT OR IGNORE INTO parent VALUES (?, ?)",
    PropertyRow: "INSERT OR IGNORE INTO property VALUES (?, ?, ?)",
    DesignationRow: "INSERT INTO designation VALUES (?, ?, ?, ?)",
    MemberRow: "INSERT OR IGNORE INTO member VALUES (?, ?)",
}
