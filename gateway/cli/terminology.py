"""`gateway terminology …`: questions about codes, answered from packages and catalogues.

https://hl7.org/fhir/R4/terminology-service.html. Exit codes: 0 yes, 1 no, 2 usage or undecided;
what is missing to decide is said in words.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from gateway.cli.code_sources import (
    CatalogueFolder,
    Config,
    PackageFiles,
    PackagesFolder,
    terminology_of,
)
from gateway.cli.output import Json, note, show, table

if TYPE_CHECKING:
    from rich.console import Console

    from profiles.issue import Issue
    from profiles.terminology import Expansion, LookedUp, Terminology, Validated

System = Annotated[
    str,
    typer.Argument(metavar="SYSTEM", help="URL of the code system, or its OID."),
]
Code = Annotated[str, typer.Argument(metavar="CODE")]
Version = Annotated[
    str, typer.Option("--version", help="Version of the code system; default the newest there is.")
]
Language = Annotated[
    str, typer.Option("--language", help="BCP 47, such as de: displays in this language.")
]
Partial = Annotated[
    bool, typer.Option("--partial", help="List what is there, where something is missing.")
]
_EXIT = {"yes": 0, "no": 1, "undecided": 2}


def validate_code(
    system: System,
    code: Code,
    *,
    value_set: Annotated[
        str, typer.Option("--value-set", help="Canonical URL; else the code system alone.")
    ] = "",
    version: Version = "",
    display: Annotated[str, typer.Option("--display", help="Is this a display of it?")] = "",
    package: PackageFiles = None,
    packages: PackagesFolder = None,
    terminology: CatalogueFolder = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say whether a code is valid, and if not, why. Exit code 0 yes, 1 no, 2 undecided or usage."""
    found = terminology_of(config, package or (), packages, terminology)
    answer = found.validate_code(
        value_set, system=_uri(found, system), code=code, version=version, display=display
    )
    if answer.outcome == "undecided":
        _undecided(answer.issues, as_json=as_json)
    show(answer.parameters(), as_json=as_json, human=lambda out: _say(out, answer))
    raise typer.Exit(_EXIT[answer.outcome])


def lookup(
    system: System,
    code: Code,
    *,
    version: Version = "",
    language: Language = "",
    package: PackageFiles = None,
    packages: PackagesFolder = None,
    terminology: CatalogueFolder = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say what is known about a code. Exit code 0; 1 no such code; 2 undecided or usage."""
    from profiles.issue import NotSupported

    found = terminology_of(config, package or (), packages, terminology)
    url = _uri(found, system)
    try:
        answer = found.lookup(url, code, version=version, language=language)
    except NotSupported:
        valid = found.validate_code(system=url, code=code, version=version)
        if valid.outcome != "no":
            _undecided(valid.issues, as_json=as_json)
        _outcome(valid.issues, as_json=as_json, code=1)
    show(answer.parameters(), as_json=as_json, human=lambda out: _tell(out, answer))


def expand(
    value_set: Annotated[
        str, typer.Argument(metavar="VALUESET", help="Canonical URL; SYSTEM?fhir_vs is all codes.")
    ],
    *,
    text: Annotated[
        str, typer.Option("--filter", help="Words in code, display or designation.")
    ] = "",
    offset: Annotated[int, typer.Option("--offset", min=0, help="Codes to pass over.")] = 0,
    count: Annotated[int, typer.Option("--count", min=0, help="Codes to list.")] = 100,
    active: Annotated[bool, typer.Option("--active", help="Leave inactive codes out.")] = False,
    designations: Annotated[
        bool, typer.Option("--designations", help="List all texts of each code.")
    ] = False,
    partial: Partial = False,
    language: Language = "",
    package: PackageFiles = None,
    packages: PackagesFolder = None,
    terminology: CatalogueFolder = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List the codes of a value set, a page at a time. Exit code 0; 2 it cannot be listed."""
    found = terminology_of(config, package or (), packages, terminology)
    expansion = _or_undecided(
        lambda: found.expand(
            value_set,
            filter=text,
            offset=offset,
            count=count,
            active_only=active,
            include_designations=designations,
            display_language=language,
            partial=partial,
        ),
        as_json=as_json,
    )
    timestamp = datetime.now(UTC).isoformat(timespec="seconds")
    resource = expansion.value_set(timestamp)
    show(resource, as_json=as_json, human=lambda out: _list(out, expansion))


def subsumes(
    system: System,
    code_a: Annotated[str, typer.Argument(metavar="CODE_A", help="The more general code.")],
    code_b: Annotated[str, typer.Argument(metavar="CODE_B", help="The more special code.")],
    *,
    version: Version = "",
    package: PackageFiles = None,
    packages: PackagesFolder = None,
    terminology: CatalogueFolder = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say whether code A is or stands above code B. Exit code 0 yes, 1 no, 2 undecided or usage."""
    from profiles.issue import Issue

    found = terminology_of(config, package or (), packages, terminology)
    answer = found.subsumption(_uri(found, system), code_a, code_b, version=version)
    if answer.outcome is None:
        _undecided((Issue("error", "not-found", answer.text),), as_json=as_json)
    show(answer.parameters(), as_json=as_json, human=lambda out: out.print(answer.outcome))
    raise typer.Exit(0 if answer.outcome in {"equivalent", "subsumes"} else 1)


def translate(
    system: System,
    code: Code,
    *,
    concept_map: Annotated[
        str, typer.Option("--map", help="Canonical URL of a ConceptMap; else all that fit.")
    ] = "",
    version: Version = "",
    target: Annotated[str, typer.Option("--target", help="Only codes of this system.")] = "",
    reverse: Annotated[bool, typer.Option("--reverse", help="From target to source.")] = False,
    package: PackageFiles = None,
    packages: PackagesFolder = None,
    terminology: CatalogueFolder = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say where ConceptMaps lead from a code. Exit code 0; 1 nowhere; 2 there is no such map."""
    found = terminology_of(config, package or (), packages, terminology)
    answer = _or_undecided(
        lambda: found.translate(
            concept_map,
            _uri(found, system),
            code,
            reverse=reverse,
            version=version,
            target=_uri(found, target),
        ),
        as_json=as_json,
    )
    columns = ("equivalence", "system", "code", "display", "comment")
    rows = [[getattr(one, column) for column in columns] for one in answer.matches]
    human = table(columns, rows) if rows else answer.message
    show(answer.parameters(), as_json=as_json, human=lambda out: out.print(human))
    raise typer.Exit(0 if answer.result else 1)


def _uri(terminology: Terminology, written: str) -> str:
    """Take OIDs for the URI their NamingSystem or CodeSystem prefers; lists only when it must."""
    return terminology.uri(written) if written.removeprefix("urn:oid:")[:1].isdigit() else written


def _or_undecided(ask: Callable[[], Any], *, as_json: bool) -> Any:
    """Ask; what is not there or cannot be listed leaves the question undecided."""
    from profiles.issue import NotConformant, NotSupported

    try:
        return ask()
    except (NotSupported, NotConformant) as error:
        _undecided(error.issues, as_json=as_json)


def _undecided(issues: tuple[Issue, ...], *, as_json: bool) -> NoReturn:
    _outcome(issues, as_json=as_json, code=2)


def _outcome(issues: tuple[Issue, ...], *, as_json: bool, code: int) -> NoReturn:
    """End with an OperationOutcome, as a terminology server would."""
    from profiles.issue import operation_outcome

    if as_json:
        show(operation_outcome(issues), as_json=True, human=lambda _: None)
    for issue in issues:
        note(f"gateway: {issue.text}")
    raise typer.Exit(code)


def _say(out: Console, answer: Validated) -> None:
    known = " ".join(one for one in (answer.code, answer.display) if one)
    where = f" ({answer.system}{f'|{answer.version}' if answer.version else ''})"
    out.print(f"{answer.outcome}: {known or answer.code}{where}")
    for issue in answer.issues:
        out.print(f"  {issue.text}")


def _tell(out: Console, answer: LookedUp) -> None:
    version = f"|{answer.version}" if answer.version else ""
    rows = [("code", answer.code), ("display", answer.display), ("definition", answer.definition)]
    rows.append(("system", f"{answer.system}{version} {answer.name}".strip()))
    rows.append(("state", "inactive" if answer.inactive else ""))
    rows.append(("", "only groups others" if answer.abstract else ""))
    rows += [("parent", one) for one in answer.parents]
    rows += [("child", one) for one in answer.children]
    rows += [(one.code, one.text) for one in answer.properties]
    rows += [
        (" ".join(filter(None, ("text", one.language, one.use))), one.value)
        for one in answer.designations
    ]
    out.print(table(("", ""), [row for row in rows if row[1]]))


def _list(out: Console, expansion: Expansion) -> None:
    rows = [
        (one.code, one.display, "inactive" if one.inactive else "", one.system)
        for one in expansion.contains
    ]
    out.print(table(("code", "display", "", "system"), rows))
    texts = [
        (one.code, text.language, text.use, text.value)
        for one in expansion.contains
        for text in one.designations
    ]
    if texts:
        out.print(table(("code", "language", "use", "designation"), texts))
    if expansion.missing:
        note(f"gateway: there may be more codes; missing are {', '.join(expansion.missing)}")
    last = expansion.offset + len(expansion.contains)
    if expansion.total is None or expansion.total > last:
        of = "more" if expansion.total is None else expansion.total
        note(f"{expansion.offset + 1} to {last} of {of}; --offset {last} goes on")
