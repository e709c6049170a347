"""`gateway terminology load | list | remove`: catalogues the region has a licence for, on disk."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.code_sources import CatalogueFolder, Config, region_or_none
from gateway.cli.output import Json, fail, progress_wanted, show, table

if TYPE_CHECKING:
    from profiles.terminology.store import Catalogue, Progress, StoreFolder

_COLUMNS = ("system", "version", "name", "content", "concepts", "bytes", "file")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What was said on the command line."""

    files: list[Path]
    version: str
    url: str
    name: str
    encoding: str
    delimiter: str
    columns: dict[str, str]

    @property
    def file(self) -> Path:
        if len(self.files) != 1:
            fail("this catalogue is one file", code=2)
        return self.files[0]

    def needed(self, option: str) -> str:
        value = str(getattr(self, option))
        if not value:
            fail(f"--{option} is needed for this catalogue", code=2)
        return value


Kind = Annotated[str, typer.Argument(metavar="KIND", help="What is loaded, see below.")]
Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="As published, unpacked.")]
Version = Annotated[str, typer.Option("--version", help="Where the files do not say it.")]
Url = Annotated[str, typer.Option("--url", help="URL of the code system (kbv, table).")]
Name = Annotated[
    str, typer.Option("--name", help="Key table (kbv), title (table), edition (snomed).")
]
Encoding = Annotated[
    str, typer.Option("--encoding", help="Character set of a table, such as iso8859-15.")
]
Delimiter = Annotated[str, typer.Option("--delimiter", help="Between columns (pzn, table).")]
Column = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        help="MEANING=COLUMN (pzn, table): code, display, definition, parent, inactive, "
        "text.LANGUAGE, or a property; repeatable.",
    ),
]


def load(
    kind: Kind,
    files: Files,
    *,
    version: Version = "",
    url: Url = "",
    name: Name = "",
    encoding: Encoding = "utf-8-sig",
    delimiter: Delimiter = ";",
    column: Column = None,
    terminology: CatalogueFolder = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Load a catalogue into the folder; a new version stands beside the old one.

    KIND is icd-10-gm or ops (ClaML; icd-10-gm also the metadata, …_kodes.txt), loinc (Loinc.csv;
    where they are there, …LinguisticVariant.csv, ComponentHierarchyBySystem.csv, AnswerList.csv),
    snomed (folder of an RF2 snapshot), kbv (key tables), alpha-id, pzn, or table (any CSV). A
    faulty file changes nothing. A serving gateway looks at the folder when it starts.
    """
    asked = _Asked(
        files=files,
        version=version,
        url=url,
        name=name,
        encoding=encoding,
        delimiter=delimiter,
        columns=_columns(column or []),
    )
    if kind not in KINDS:
        fail(f"{kind}: KIND is one of {', '.join(KINDS)}", code=2)
    _check(asked)
    catalogue = KINDS[kind](asked)
    with _progress(catalogue.header.name or kind) as progress:
        path, built = _folder(terminology, config).load(catalogue, progress)
    row = {
        "system": catalogue.header.url,
        "version": catalogue.header.version,
        "concepts": built.concepts,
        "repeated": built.repeated,
        "file": path.name,
    }
    twice = f", {built.repeated} codes were there twice" if built.repeated else ""
    text = f"Loaded {catalogue.header.canonical}: {built.concepts} concepts{twice}."
    show(row, as_json=as_json, human=lambda out: out.print(text))


def list_(
    terminology: CatalogueFolder = None, config: Config = None, as_json: Json = False
) -> None:
    """List the catalogues that are there."""
    from profiles.terminology.store import open_store

    rows = []
    for path in _folder(terminology, config).files():
        store = open_store(path)
        header = store.header
        said = (header.url, header.version, header.name, header.content, store.size)
        rows.append(dict(zip(_COLUMNS, (*said, path.stat().st_size, path.name), strict=True)))
        store.close()
    shown = [list(row.values()) for row in rows]
    show(rows, as_json=as_json, human=lambda out: out.print(table(_COLUMNS, shown)))


def remove(
    system: Annotated[
        str, typer.Argument(metavar="SYSTEM[|VERSION]", help="All its versions without one.")
    ],
    terminology: CatalogueFolder = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Remove a catalogue; a serving gateway keeps it until it starts anew."""
    url, _, version = system.partition("|")
    gone = [one.canonical for one in _folder(terminology, config).remove(url, version)]
    lines = "\n".join(f"Removed {one}." for one in gone)
    show(gone, as_json=as_json, human=lambda out: out.print(lines))


# --- what there is to load


def _claml(url: str) -> Callable[[_Asked], Catalogue]:
    def described(asked: _Asked) -> Catalogue:
        from profiles.terminology import loaders

        if asked.file.suffix.lower() == ".txt" and url == loaders.ICD_10_GM:
            return loaders.icd_metadata(asked.file, version=asked.version, encoding=asked.encoding)
        return loaders.claml(asked.file, url=url, version=asked.version)

    return described


def _loinc(asked: _Asked) -> Catalogue:
    from profiles.terminology.loaders import loinc, loinc_files

    version = asked.needed("version")
    return loinc(loinc_files(asked.files), version=version)


def _snomed(asked: _Asked) -> Catalogue:
    from profiles.terminology.loaders import INTERNATIONAL, snomed_ct

    folder = asked.file
    if not folder.is_dir():
        fail(f"{folder}: this is no folder; unpack the release", code=2)
    return snomed_ct(folder, version=asked.version, edition=asked.name or INTERNATIONAL)


def _kbv(asked: _Asked) -> Catalogue:
    from profiles.terminology.loaders import key_table

    return key_table(asked.file, url=asked.url, table=asked.name, version=asked.version)


def _alpha_id(asked: _Asked) -> Catalogue:
    from profiles.terminology.loaders import alpha_id

    return alpha_id(asked.file, version=asked.needed("version"), encoding=asked.encoding)


def _pzn(asked: _Asked) -> Catalogue:
    from profiles.reading.table_stream import TableForm
    from profiles.terminology.loaders import columns_of, pzn_list

    form = TableForm(delimiter=asked.delimiter, encoding=asked.encoding)
    columns = columns_of({"code": "PZN", **asked.columns})
    return pzn_list(asked.file, columns, version=asked.needed("version"), form=form)


def _table(asked: _Asked) -> Catalogue:
    from profiles.reading.table_stream import TableForm
    from profiles.terminology.concept import Header
    from profiles.terminology.loaders import columns_of, table

    columns = columns_of({"code": "code", **asked.columns})
    header = Header(
        url=asked.needed("url"),
        version=asked.version,
        name=asked.name,
        case_sensitive=True,
        hierarchy_meaning="is-a" if columns.parent else "",
    )
    form = TableForm(delimiter=asked.delimiter, encoding=asked.encoding)
    return table(asked.file, header, columns, form)


KINDS: dict[str, Callable[[_Asked], Catalogue]] = {
    "icd-10-gm": _claml("http://fhir.de/CodeSystem/bfarm/icd-10-gm"),
    "ops": _claml("http://fhir.de/CodeSystem/bfarm/ops"),
    "loinc": _loinc,
    "snomed": _snomed,
    "kbv": _kbv,
    "alpha-id": _alpha_id,
    "pzn": _pzn,
    "table": _table,
}


def _columns(written: list[str]) -> dict[str, str]:
    found = {}
    for one in written:
        meaning, sign, column = one.partition("=")
        if not (meaning and sign and column):
            fail(f"--column {one}: MEANING=COLUMN is expected", code=2)
        found[meaning] = column
    return found


def _check(asked: _Asked) -> None:
    import codecs

    for file in asked.files:
        if not file.exists():
            fail(f"{file}: there is no such file", code=2)
    if len(asked.delimiter) != 1:
        fail("--delimiter is one character", code=2)
    try:
        codecs.lookup(asked.encoding)
    except LookupError:
        fail(f"--encoding {asked.encoding}: there is no such character set", code=2)


def _folder(folder: Path | None, config: Path | None) -> StoreFolder:
    from gateway.settings import find
    from profiles.terminology.store import StoreFolder

    if folder is None:
        region = region_or_none(config)
        folder = region.path("terminology") if region else find(config)
    if folder.exists() and not folder.is_dir():
        fail(f"--terminology {folder}: this is no folder", code=2)
    return StoreFolder(folder)


@contextmanager
def _progress(name: str) -> Iterator[Progress | None]:
    """Show how many records were read, where somebody watches; nobody knows how many will be."""
    if not progress_wanted():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}: {task.completed:,} records"))
    with Bar(*columns, TimeElapsedColumn(), console=Console(file=sys.stderr)) as bar:
        task = bar.add_task(name, total=None)
        yield lambda read: bar.update(task, completed=read)
