"""`gateway demo`: the main job end to end, told line by line; everything told really happened.

`stage` makes the region's folder, `cast` runs its processes, `witness` reads back what happened,
`story` and `ending` let it happen and compare it with what should, `telling` says it in German.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import Json, fail


def demo(
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep", metavar="DIR", help="Play in this new folder and leave it for looking around."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the main job on sample records: hospital, practice, clinic, agency, consent, evidence.

    Starts a gateway on SQLite and its partners as processes of their own and ends them all.
    Exit code 1: something went otherwise than told.
    """
    from gateway.cli.demo.cast import Cast, interrupts
    from gateway.cli.demo.ending import end
    from gateway.cli.demo.expectation import Deviation
    from gateway.cli.demo.stage import folder
    from gateway.cli.demo.story import begin, play
    from gateway.cli.demo.telling import Teller

    began = time.monotonic()
    teller = Teller(as_json=as_json)
    try:
        with (
            interrupts(),
            folder(keep) as place,
            Cast(place) as cast,
            begin(cast, teller) as scene,
        ):
            play(scene)
            end(scene)
    except Deviation as deviation:
        fail(f"the demo went otherwise than told: {deviation}")
    teller.step(
        "ended", {"seconds": round(time.monotonic() - began, 1), "kept": str(keep) if keep else ""}
    )
