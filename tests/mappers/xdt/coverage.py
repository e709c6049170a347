"""How much of the sample files becomes FHIR: `python -m tests.mappers.xdt.coverage [NAME…]`.

Per file: what was accepted, where the contents went and what does not hold against the profiles;
then the Feldkennungen most often left over. Lines that frame content (8001 to 8003, 8100, 8200 to
8202) are no contents; the last column counts them as if they were ignored.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mappers import mend
from mappers.base import Context, Mapped
from mappers.dialect import Dialect
from mappers.xdt import FORMAT
from mappers.xdt.batch import pieces, recognises
from mappers.xdt.message import Message
from tests.mappers.declared import errors, resources

SAMPLES = Path(os.environ.get("GATEWAY_SAMPLES", Path(__file__).parents[4] / "shared" / "samples"))
OWN = Path(__file__).parents[2] / "samples" / "xdt"
NAMESPACE = "https://praxis.example/sid"
_FRAMING = frozenset({"8001", "8002", "8003", "8100", "8200", "8201", "8202"})


def files(names: list[str]) -> list[Path]:
    """Files of the family, our own first."""
    folders = [OWN, SAMPLES / "german" / "xdt", *sorted(SAMPLES.glob("xdt-*"))]
    found = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    known = [path for path in found if recognises(path.read_bytes()[:64])]
    return [path for path in known if not names or any(name in str(path) for name in names)]


def translated(data: bytes) -> Iterator[tuple[bytes, Mapped]]:
    """Every message of a file, translated as a gateway does."""
    context = Context(b"key", Dialect(), NAMESPACE, lineage=True)
    for piece in pieces([data]):
        if piece.data:
            mapped = FORMAT.translate(piece.data, context)
            yield piece.data, mapped if mapped.refusal else mend(mapped, piece.data, context)


def main(names: list[str]) -> None:
    """Print the account of every file."""
    write = sys.stdout.write
    total: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for path in files(names):
        for data, mapped in translated(path.read_bytes()):
            if mapped.refusal is not None:
                write(f"{path.name:45} refused {mapped.message_type} {mapped.refusal.location}\n")
                continue
            loss = mapped.loss
            framing = sum(fk in _FRAMING for fk in Message(data).fks)
            bad = [issue.text for one in resources(mapped) for issue in errors(one)]
            found = {
                "fields": loss.fields,
                "mapped": loss.mapped,
                "ignored": loss.ignored,
                "unmapped": len(loss.unmapped),
                "framing": framing,
                "invalid": len(bad),
            }
            total.update(found)
            left.update(place.partition(" FK ")[2] for place, _ in loss.unmapped)
            shown = " ".join(f"{name} {count}" for name, count in found.items())
            write(f"{path.name:45} {mapped.message_type} {shown}\n")
            write("".join(f"    {text}\n" for text in dict.fromkeys(bad)))
    every = total["fields"] or 1
    write(f"\nall {dict(total)}\n")
    write(f"ignored {100 * total['ignored'] / every:.1f} % ")
    write(f"unmapped {100 * total['unmapped'] / every:.1f} % ")
    ignored = total["ignored"] + total["framing"]
    write(f"ignored with framing {100 * ignored / (every + total['framing']):.1f} %\n")
    write("".join(f"  {count:4} FK {fk}\n" for fk, count in left.most_common(60)))


if __name__ == "__main__":
    main(sys.argv[1:])
