"""The bytes of an act where only the store knows them: ids that were found, labels that stay."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.pipeline.documents import dump, load, look
from gateway.pipeline.ports import IndexCoder
from gateway.pipeline.rest.asked import Act
from profiles.search import index_terms


def exchanged(act: Act, ids: Mapping[str, str], coder: IndexCoder) -> Act:
    """Put ids that were found in the place of placeholders."""
    stale = [one for one in ids if one.encode() in act.body]
    if not stale:
        return act
    pattern = re.compile("|".join(map(re.escape, stale)).encode())
    body = pattern.sub(lambda match: ids[match[0].decode()].encode(), act.body)
    return _made_anew(act, body, coder)


def labelled(act: Act, before: bytes, coder: IndexCoder) -> Act:
    """Keep the security labels a resource had: labels are only raised."""
    if b'"security"' not in before:
        return act
    former = look(before).get("meta", {}).get("security", [])
    resource = load(act.body)
    present = resource.get("meta", {}).get("security", [])
    known = {(one.get("system"), one.get("code")) for one in present}
    kept = [one for one in former if (one.get("system"), one.get("code")) not in known]
    if not kept:
        return act
    resource["meta"] = {**resource.get("meta", {}), "security": [*present, *kept]}
    return _made_anew(act, dump(resource), coder)


def _made_anew(act: Act, body: bytes, coder: IndexCoder) -> Act:
    return act._replace(body=body, terms=coder.encode(act.type, index_terms(load(body))))
