"""Every example of docs/api.md does what the document says, one after the other."""

from __future__ import annotations

import re
from pathlib import Path

DOCUMENT = Path(__file__).parents[3] / "docs" / "api.md"
BLOCK = re.compile(r"```http\n(.*?)```", re.DOTALL)
ANSWER = re.compile(r"\nHTTP/1\.1 (\d{3})\n(.*)\Z", re.DOTALL)


def examples():
    """(method, address, headers, body, status, expected headers) of each example."""
    for block in BLOCK.findall(DOCUMENT.read_text("utf-8")):
        status, expected = ANSWER.search(block).groups()
        head, _, body = block[: ANSWER.search(block).start()].strip().partition("\n\n")
        first, *headers = head.splitlines()
        method, _, address = first.partition(" ")
        yield method, address, read(headers), body, int(status), read(expected.splitlines())


def read(lines):
    return dict(line.split(": ", 1) for line in lines if line)


def named(text, known):
    for name, value in known.items():
        text = text.replace(name, value)
    return text


def test_the_examples_do_what_they_say(klinikum):
    known = {}
    done = 0
    for method, address, headers, body, status, expected in examples():
        place, content = named(address, known).removeprefix("/fhir"), named(body, known)
        answer = klinikum.request(method, place, headers=headers, content=content.encode())
        assert answer.status_code == status, (method, address, answer.text)
        assert expected.items() <= {name: answer.headers.get(name) for name in expected}.items()
        if status == 201 and method == "POST":
            kind, name = answer.headers["location"].split("/")[-4:-2]
            known["{" + kind + "}"] = name
        done += 1

    assert done > 10
