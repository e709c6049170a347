"""Catalogues of the region in the pipeline: found, and told before anything is taken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.pipeline.catalogues import Catalogues, local
from gateway.pipeline.translate import prepare, translate
from gateway.pipeline.translated import Job
from profiles.issue import NotConformant
from profiles.terminology.concept import Header
from profiles.terminology.store import Catalogue, ConceptRow, StoreFolder

ICD = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"


@pytest.fixture
def folder(tmp_path):
    stores = StoreFolder(tmp_path / "terminology")
    header = Header(url=ICD, version="2026", case_sensitive=True)
    stores.load(Catalogue(header, lambda _where: iter([ConceptRow("Q10.1", "Zwickel")])))
    return stores.path


def prepared(world, catalogues):
    pvs = replace(world.region.endpoints["pvs"], validation="warn")
    region = replace(world.region, endpoints={**world.region.endpoints, "pvs": pvs})
    return prepare(replace(world.config, region=region, catalogues=catalogues))


def told(world, catalogues, code):
    """Whether somebody is told that a diagnosis has a code that is none."""
    condition = (
        b'{"resourceType": "Condition", "id": "1", "subject": {"reference": "Patient/1"},'
        b' "code": {"coding": [{"system": "%s", "code": "%s"}]}}' % (ICD.encode(), code.encode())
    )
    ready = prepared(world, catalogues)
    done = translate(Job(1, "pvs", "fhir_r4", "k", b"d", 0, condition), ready)
    return "Condition.code.coding[0].code" in {one.location for one in done.issues}


def test_a_code_the_catalogue_does_not_have_is_told(world, folder):
    assert told(world, local([folder]), "Q10.2")
    assert not told(world, local([folder]), "Q10.1")
    assert not told(world, Catalogues(), "Q10.2")


def test_a_folder_that_is_not_there_holds_nothing(world, tmp_path):
    assert not told(world, local([tmp_path / "weg"]), "Q10.2")


def test_a_broken_catalogue_is_told_before_anything_is_taken(world, folder):
    (folder / "kaputt.db").write_bytes(b"kaputt")
    with pytest.raises(NotConformant, match=r"kaputt\.db"):
        prepared(world, local([folder]))
