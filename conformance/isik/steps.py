"""What each step of the suite does: requests, and questions put to the last answer as FHIRPath."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from conformance.isik.gherkin import Step

#: Address the suite writes for the system under test.
SERVER = "http://fhirserver"
_TYPES = {"json": "application/fhir+json", "xml": "application/fhir+xml"}
#: Evaluates FHIRPath on a body: (expression, body, media type) → items.
Evaluate = Callable[[str, bytes, str], list[Any]]


class Failed(Exception):
    """A step was not answered as it should be."""


@dataclass(slots=True)
class World:
    """One run through a feature: the client, the last answer, what evaluates it."""

    client: httpx.Client
    evaluate: Evaluate
    headers: dict[str, str] = field(default_factory=dict)
    answer: httpx.Response | None = None

    def get(self, url: str, form: str) -> None:
        """Read and expect it to be there, in the form asked for."""
        self.request("GET", url, {"Accept": _TYPES[form]})
        media = self.last().headers.get("content-type", "")
        if self.last().status_code != 200 or _TYPES[form] not in media:
            raise Failed(f"{self.last().status_code} {media}")

    def request(self, method: str, url: str, headers: dict[str, str] | None = None) -> None:
        """Send a request without a body."""
        path = url.removeprefix(SERVER)
        self.answer = self.client.request(method, path, headers={**self.headers, **(headers or {})})

    def last(self) -> httpx.Response:
        """The last answer."""
        if self.answer is None:
            raise Failed("nothing was asked before")
        return self.answer

    def ask(self, expression: str) -> None:
        """Expect an expression to be true of the last answer."""
        answer = self.last()
        # The suite's engine takes texts in double quotes, too, which FHIRPath has no use for.
        expression = re.sub(r'"([^"\']*)"', r"'\1'", expression)
        found = self.evaluate(expression, answer.content, answer.headers["content-type"])
        if found != [True]:
            raise Failed(f"{expression} → {json.dumps(found, ensure_ascii=False)[:200]}")

    def validate(self, resource: bytes, media: str, type_: str, profile: str = "") -> None:
        """Expect a resource to be valid, by the system's own `$validate`."""
        answer = self.client.post(
            f"/{type_}/$validate",
            params={"profile": profile} if profile else None,
            content=resource,
            headers={"Content-Type": media, "Accept": _TYPES["json"]},
        )
        wrong = [
            one
            for one in answer.json().get("issue", ())
            if answer.status_code != 200 or one["severity"] in ("error", "fatal")
        ]
        if wrong:
            raise Failed(f"{type_}: {wrong[0].get('diagnostics', '')} {wrong[0].get('expression')}")

    def entries(self, type_: str) -> Iterable[dict[str, Any]]:
        """The resources of a type in a Bundle that was answered."""
        url = str(self.last().request.url)
        found = self.client.get(url, headers={"Accept": _TYPES["json"]}).json()
        for entry in found.get("entry", ()):
            if entry["resource"]["resourceType"] == type_:
                yield entry["resource"]


def run(step: Step, world: World) -> None:
    """Run one step. Raises Failed, and LookupError for a step nobody knows."""
    if step.text.startswith(_SAID):
        return
    for pattern, template in _QUESTIONS.items():
        if (match := re.fullmatch(pattern, step.text, re.DOTALL)) is not None:
            world.ask(template.format(*match.groups()))
            return
    for pattern, act in _ACTS.items():
        if (match := re.fullmatch(pattern, step.text, re.DOTALL)) is not None:
            act(world, step, *match.groups())
            return
    raise LookupError(step.text)


def _get(world: World, _: Step, url: str, form: str) -> None:
    world.get(url, form)


def _send(world: World, _: Step, method: str, url: str) -> None:
    world.request(method, url)


def _set_header(world: World, _: Step, name: str, value: str) -> None:
    world.headers[name] = value


def _whole(world: World, _: Step, profile: str) -> None:
    answer = world.last()
    (type_,) = world.evaluate("%resource.type().name", answer.content, _media(answer))
    world.validate(answer.content, _media(answer), str(type_), profile)


def _core(world: World, step: Step, _: str) -> None:
    _whole(world, step, "")


def _each(world: World, _: Step, type_: str, profile: str) -> None:
    for resource in world.entries(type_):
        body = json.dumps(resource).encode()
        world.validate(body, _TYPES["json"], type_, profile)


def _all_of(world: World, step: Step) -> None:
    for line in step.block:
        world.ask(line)


def _code(world: World, _: Step, pattern: str) -> None:
    if not re.fullmatch(pattern, str(world.last().status_code)):
        raise Failed(str(world.last().status_code))


def _media(answer: httpx.Response) -> str:
    return str(answer.headers["content-type"]).partition(";")[0]


#: How steps begin that only tell people something.
_SAID = ("Testbeschreibung:", "Mit den Vorbedingungen:", "TGR find the last request")
_EVALUATES = "FHIR current response body evaluates the FHIRPath"
_MESSAGE = " with error message .*"
_REFERS = "{0}.reference.where($this = '{1}' or $this.endsWith('/{1}'))"

#: Pattern of a step → the FHIRPath that has to be true of the last answer.
_QUESTIONS: dict[str, str] = {
    rf'{_EVALUATES} "(.*)"{_MESSAGE}': "{0}",
    rf"{_EVALUATES} '(.*)'{_MESSAGE}": "{0}",
    r'CapabilityStatement contains interaction "(.*)" for resource "(.*)"': (
        "rest.resource.where(type = '{1}').interaction.where(code = '{0}').exists()"
    ),
    r'CapabilityStatement contains definition of search parameter "(.*)" of type "(.*)"'
    r' for resource "(.*)"': (
        "rest.resource.where(type = '{2}')"
        ".searchParam.where(name = '{0}' and type = '{1}').exists()"
    ),
    r'TGR current response with attribute "\$\.\.(\w+)\.value" matches "(.*)"': (
        "(descendants().{0} | {0}).where($this.toString().matches('^({1})$')).exists()"
    ),
    r'TGR current response contains node "\$\.\.(\w+)"': "{0}.exists()",
    rf'response bundle contains resource with ID "(.*)"{_MESSAGE}': (
        "entry.resource.where(id = '{0}').exists()"
    ),
    rf'bundle does not contain resource "(\w+)" with ID "(.*)"{_MESSAGE}': (
        "entry.resource.ofType({0}).where(id = '{1}').empty()"
    ),
    r'resource has ID "(.*)"': "id = '{0}'",
    rf'element "(\w+)" references resource with ID "(.*)"{_MESSAGE}': f"{_REFERS}.exists()",
    r'element "(\w+)" in all bundle resources references resource with ID "(.*)"': (
        f"entry.resource.all({_REFERS}.exists())"
    ),
}
#: Pattern of a step → what it does with its groups.
_ACTS: dict[str, Callable[..., None]] = {
    r'Get FHIR resource at "(.*)" with content type "(\w+)"': _get,
    r'TGR send empty (\w+) request to "(.*)"': _send,
    r'TGR set default header "(.*)" to "(.*)"': _set_header,
    rf"{_EVALUATES}s:": _all_of,
    r'FHIR current response body is a valid CORE resource and conforms to profile "(.*)"': _core,
    r'FHIR current response body is a valid \S+ resource and conforms to profile "(.*)"': _whole,
    r'Check if current response of resource "(\w+)" is valid \S+ resource and conforms to'
    r' profile "(.*)"': _each,
    r'TGR current response with attribute "\$\.responseCode" matches "(.*)"': _code,
}
