"""ICD-10-GM from the metadata files; all codes and texts are invented."""

import pytest

from profiles.issue import NotConformant
from profiles.packages import open_packages
from profiles.terminology import Terminology
from profiles.terminology.loaders import ICD_10_GM, icd_metadata
from profiles.terminology.store import build_store, open_store


def row(level, place, marked, title, *, first="Q10", **more):
    plain = marked.rstrip("-*!").rstrip(".")
    fields = [level, place, "X", "04", first, marked, plain, plain.replace(".", ""), title]
    fields += ["", "", ""]
    fields += [more.get("p295", "P"), "P", *["U"] * 5, more.get("sex", "9"), "9"]
    fields += ["9999", "9999", "9", "N", "J", "N", "N"]
    return ";".join(fields)


CODES = [
    row("3", "N", "Q10.-", 'Zwickel "klein"', p295="V"),
    row("4", "N", "Q10.1-", "Zwickel: rechts", p295="V"),
    row("5", "T", "Q10.11", "Zwickel: rechts: schwer", sex="W"),
    row("3", "T", "Q11*", "Zwackel bei Zwickel", p295="O"),
    row("3", "T", "Q99!", "Anderswo", first="Q90", p295="Z"),
]


@pytest.fixture
def folder(tmp_path):
    for name, lines in {
        "kodes": CODES,
        "gruppen": ["Q10;Q14;04;Zwickel"],
        "kapitel": ["04;Erfundene Leiden", "19;Weitere"],
    }.items():
        path = tmp_path / f"icd10gm2025syst_{name}.txt"
        path.write_text("".join(f"{one}\r\n" for one in lines), encoding="utf-8")
    return tmp_path


def test_codes_groups_and_chapters_make_one_hierarchy(folder):
    build_store(folder / "icd.db", icd_metadata(folder / "icd10gm2025syst_kodes.txt"))
    with_metadata = Terminology(open_packages([]), stores=[open_store(folder / "icd.db")])
    found = with_metadata.lookup(ICD_10_GM, "Q10.11")
    assert (found.version, found.display) == ("2025", "Zwickel: rechts: schwer")
    assert found.parents == ("Q10.1",)
    assert ("SexCode", "W") in {(one.code, one.value) for one in found.properties}
    assert with_metadata.subsumption(ICD_10_GM, "IV", "Q10.11").outcome == "subsumes"
    assert with_metadata.subsumption(ICD_10_GM, "Q10-Q14", "Q11").outcome == "subsumes"
    assert with_metadata.lookup(ICD_10_GM, "XIX").display == "Weitere"
    assert with_metadata.lookup(ICD_10_GM, "Q10").abstract
    star = with_metadata.lookup(ICD_10_GM, "Q11")
    assert ("usage", "*") in {(one.code, one.value) for one in star.properties}
    assert with_metadata.lookup(ICD_10_GM, "Q99").parents == ()


def test_another_file_is_refused_with_its_line(folder):
    path = folder / "icd10gm2025syst_kodes.txt"
    path.write_text(f"{CODES[0]}\nA;B\n", encoding="utf-8")
    with pytest.raises(NotConformant, match=r"_kodes\.txt, line 2: this is no row"):
        build_store(folder / "icd.db", icd_metadata(path))
    assert not (folder / "icd.db").exists()
    with pytest.raises(NotConformant, match="no year"):
        icd_metadata(path.rename(folder / "kodes.txt"))
