"""The OpenAPI document names every address there is, and nothing else."""

from __future__ import annotations

import httpx
from starlette.routing import Route

from gateway.api.app import ROUTES


def document(serving):
    answer = httpx.get(serving.base.removesuffix("/fhir") + "/openapi.json", trust_env=False)
    assert answer.status_code == 200
    return answer.json()


def test_it_has_every_address_and_method(serving):
    paths = document(serving)["paths"]

    routes = {one.path: (one.methods or set()) - {"HEAD"} for one in ROUTES}
    assert all(isinstance(one, Route) for one in ROUTES)
    assert {path: {m.upper() for m in found} for path, found in paths.items()} == routes


def test_every_varying_part_of_an_address_is_described(serving):
    found = document(serving)

    assert found["openapi"].startswith("3.1")
    for path, operations in found["paths"].items():
        for operation in operations.values():
            named = {one["name"] for one in operation["parameters"]}
            assert named == {
                part[1:-1] for part in path.replace("$", "/").split("/") if "{" in part
            }
            assert operation["responses"]["default"]["content"]
    ids = [one["operationId"] for found in found["paths"].values() for one in found.values()]
    assert len(set(ids)) == len(ids)
