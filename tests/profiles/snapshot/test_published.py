"""Generated snapshots say what published ones say; where they do not, the cause is known."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from profiles.snapshot.__main__ import compared, main

PACKAGES = Path(
    os.environ.get("GATEWAY_PACKAGES", Path(__file__).parents[3] / "../shared/packages")
)
GERMAN = PACKAGES / "de"
CORE = PACKAGES / "r4-core"

CLOSED = "the published snapshot closes a type slicing that base and differential leave open"
TYPES_LOST = "the published snapshot has lost the types of an extension's value[x]"
SLICE_MINIMUM = "the published slice has inherited min from the unsliced element"
RESLICING_LOST = "the published snapshot has lost the slicing of a slice that is sliced again"
NOT_PURE = "what circulates as core 4.0.1 has later elements here, also in the differential"
LIMITS_LOST = "core's derived primitive types do not repeat the limits of their base"
SLICE_WITHOUT_SLICING = "core names a slice on an element that is not sliced"
OLDER_FORM = "core's publisher wrote it in another form, or walked where nothing is constrained"

#: Last part of the canonical URL → why the two differ.
KNOWN = {
    "ISiKAtemfrequenz": CLOSED,
    "ISiKBlutdruck": CLOSED,
    "ISiKGCS": CLOSED,
    "ISiKHerzfrequenz": CLOSED,
    "ISiKKoerpergewicht": CLOSED,
    "ISiKKoerpergroesse": CLOSED,
    "ISiKKoerpertemperatur": CLOSED,
    "ISiKKopfumfang": CLOSED,
    "ISiKSauerstoffsaettigung": CLOSED,
    "KBV_PR_EAU_Condition_ICD": CLOSED,
    "KBV_PR_EAU_Condition_AU": TYPES_LOST,
    "KBV_PR_ERP_Medication_Ingredient": TYPES_LOST,
    "KBV_PR_ERP_Medication_PZN": TYPES_LOST,
    "KBV_PR_FOR_Organization": TYPES_LOST,
    "KBV_PR_FOR_Patient": TYPES_LOST,
    "KBV_PR_FOR_Practitioner": TYPES_LOST,
    "KBV_PR_EAU_Composition": SLICE_MINIMUM,
    "IHE.BasicAudit.SAMLaccessTokenUse.Comprehensive": RESLICING_LOST,
    "EvidenceVariable": NOT_PURE,
    "ResearchStudy": NOT_PURE,
    "picoelement": NOT_PURE,
    "code": LIMITS_LOST,
    "id": LIMITS_LOST,
    "markdown": LIMITS_LOST,
    "positiveInt": LIMITS_LOST,
    "unsignedInt": LIMITS_LOST,
    "catalog": SLICE_WITHOUT_SLICING,
    "familymemberhistory-genetic": SLICE_WITHOUT_SLICING,
    "bp": OLDER_FORM,
    "clinicaldocument": OLDER_FORM,
    "elementdefinition-de": OLDER_FORM,
    "provenance-relevant-history": OLDER_FORM,
}
#: StructureDefinitions of the collection with a differential and a published snapshot.
COUNT = 1724
EQUAL = 1678

pytestmark = [
    pytest.mark.samples,
    pytest.mark.skipif(not GERMAN.is_dir(), reason="GATEWAY_PACKAGES not found"),
]


@cache
def everything():
    return compared(sorted(GERMAN.glob("*.tgz")), core=CORE)


def test_more_than_98_of_100_are_equal_where_everything_needed_is_there():
    found = everything()
    equal = sum(one.equal for one in found)
    possible = sum(not one.reason for one in found)

    assert len(found) == COUNT
    assert equal >= EQUAL
    assert equal / possible > 0.98


def test_every_difference_has_a_known_cause():
    differing = {
        one.url.rpartition("/")[2] for one in everything() if not one.equal and not one.reason
    }

    assert differing - set(KNOWN) == set()


def test_what_is_not_among_the_packages_is_named():
    reasons = [one.reason for one in everything() if one.reason]

    assert len(reasons) == 14
    assert all("there is no" in one or " is there as " in one for one in reasons)


def test_the_command_sums_up_by_package(capsys):
    file = GERMAN / "de.gematik.isik-terminplanung-3.1.1.tgz"
    base = GERMAN / "de.gematik.isik-basismodul-3.1.1.tgz"
    german = GERMAN / "de.basisprofil.r4-1.4.0.tgz"

    assert main([str(file), str(base), str(german)]) == 0
    shown = capsys.readouterr().out
    assert "de.gematik.isik-terminplanung@3.1.1: 10 of 10 equal" in shown
    assert main([str(GERMAN / "absent.tgz")]) == 2
