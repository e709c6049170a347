"""Resources in memory with just enough of FHIR's transaction rules for a practice.

https://hl7.org/fhir/R4/http.html#trules; conditional requests by identifier or tag.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

Resource = dict[str, Any]


class Refused(Exception):
    """The whole transaction is refused."""

    def __init__(self, code: str) -> None:
        """Carry the issue type."""
        super().__init__(code)
        self.code = code


class Memory:
    """What a practice has stored, by `Type/id`, and by identifier."""

    def __init__(self) -> None:
        """Begin empty."""
        self._resources: dict[str, Resource] = {}
        self._named: dict[tuple[str, str, str], list[str]] = {}

    def __len__(self) -> int:
        """Return how many resources there are."""
        return len(self._resources)

    def read(self, key: str) -> Resource | None:
        """Return a resource by Type/id."""
        return self._resources.get(key)

    def search(self, kind: str, query: Mapping[str, list[str]]) -> Resource:
        """Return a searchset of a type, by `identifier` and `_id` where given."""
        keys = [key for key in self._resources if key.startswith(f"{kind}/")]
        if "identifier" in query:
            keys = self._by_identifier(kind, query["identifier"][0])
        if "_id" in query:
            keys = [key for key in keys if key == f"{kind}/{query['_id'][0]}"]
        entries = [{"fullUrl": key, "resource": self._resources[key]} for key in keys]
        return {"resourceType": "Bundle", "type": "searchset", "total": len(keys), "entry": entries}

    def transaction(self, bundle: Any) -> Resource:
        """Store a transaction whole, or raise Refused and store nothing."""
        if not isinstance(bundle, dict) or bundle.get("type") != "transaction":
            raise Refused("structure")
        planned = [self._plan(entry) for entry in bundle.get("entry", [])]
        became = {full: key for full, key, _, _ in planned if full}
        self._resolve([resource for _, _, resource, _ in planned], became)
        answers = []
        for _, key, resource, status in planned:
            if resource is not None:
                self._keep(key, _exchange(copy.deepcopy(resource), became))
            version = self._resources.get(key, {}).get("meta", {}).get("versionId", "1")
            location = f"{key}/_history/{version}"
            answers.append({"response": {"status": status, "location": location}})
        return {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}

    def _plan(self, entry: Any) -> tuple[str, str, Resource | None, str]:
        """Return full URL, Type/id, what to store (None: nothing) and the status."""
        try:
            request, full = entry["request"], entry.get("fullUrl", "")
            method, url = request["method"], request["url"]
            if method == "DELETE":
                return full, url, None, "204"
            resource = entry["resource"]
            list(_names("", resource))
            if method == "POST":
                return self._create(full, resource, request.get("ifNoneExist", ""))
            if method == "PUT":
                return self._update(full, resource, url)
        except (KeyError, TypeError, AttributeError) as error:
            raise Refused("structure") from error
        raise Refused("not-supported")

    def _create(
        self, full: str, resource: Resource, condition: str
    ) -> tuple[str, str, Resource | None, str]:
        kind = resource["resourceType"]
        known = self._condition(kind, condition) if condition else []
        if known:
            return full, known[0], None, "200"
        return full, f"{kind}/{uuid.uuid4()}", resource, "201"

    def _update(
        self, full: str, resource: Resource, url: str
    ) -> tuple[str, str, Resource | None, str]:
        kind, _, condition = url.partition("?")
        if condition:
            known = self._condition(kind, condition)
            key = known[0] if known else f"{kind}/{resource.get('id') or uuid.uuid4()}"
        else:
            key = url
            if key != f"{resource['resourceType']}/{resource.get('id')}":
                raise Refused("value")
        return full, key, resource, "200" if key in self._resources else "201"

    def _condition(self, kind: str, condition: str) -> list[str]:
        query = parse_qs(condition.rpartition("?")[2])
        if set(query) not in ({"identifier"}, {"_tag"}):
            raise Refused("not-supported")
        known = self._by_identifier(kind, next(iter(query.values()))[0])
        if len(known) > 1:
            raise Refused("multiple-matches")
        return known

    def _resolve(self, value: Any, became: dict[str, str]) -> None:
        """Find what conditional references (`Patient?identifier=…`) mean, before storing."""
        if isinstance(value, list):
            for each in value:
                self._resolve(each, became)
        elif isinstance(value, dict):
            reference = value.get("reference")
            if isinstance(reference, str) and "?" in reference:
                kind, _, condition = reference.partition("?")
                known = self._condition(kind, condition)
                if not known:
                    raise Refused("not-found")
                became[reference] = known[0]
            for each in value.values():
                self._resolve(each, became)

    def _by_identifier(self, kind: str, token: str) -> list[str]:
        system, bar, value = token.rpartition("|")
        if bar:
            return list(self._named.get((kind, system, value), ()))
        found = (keys for name, keys in self._named.items() if (name[0], name[2]) == (kind, value))
        return [key for keys in found for key in keys]

    def _keep(self, key: str, resource: Resource) -> None:
        kind, _, identity = key.partition("/")
        former = self._resources.get(key, {})
        version = int(former.get("meta", {}).get("versionId", "0")) + 1
        resource["id"] = identity
        resource.setdefault("meta", {})["versionId"] = str(version)
        for name in _names(kind, former):
            self._named[name].remove(key)
        for name in _names(kind, resource):
            self._named.setdefault(name, []).append(key)
        self._resources[key] = resource


def _names(kind: str, resource: Resource) -> Iterator[tuple[str, str, str]]:
    """Name a resource by its identifiers and its tags: what conditional requests look for."""
    given = resource.get("identifier", [])
    for identifier in given if isinstance(given, list) else [given]:
        yield kind, identifier.get("system", ""), identifier.get("value", "")
    for tag in resource.get("meta", {}).get("tag", ()):
        yield kind, tag.get("system", ""), tag.get("code", "")


def _exchange(value: Any, keys: Mapping[str, str]) -> Any:
    """Exchange references to full URLs for what the entries became."""
    if isinstance(value, list):
        return [_exchange(each, keys) for each in value]
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "reference" and isinstance(inner, str):
                value[name] = keys.get(inner, inner)
            else:
                value[name] = _exchange(inner, keys)
    return value
