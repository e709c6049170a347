"""ICD-10-GM and OPS in ClaML; all codes and texts are invented."""

import pytest

from profiles.issue import NotConformant
from profiles.packages import open_packages
from profiles.terminology import Strictness, Terminology
from profiles.terminology.loaders import ICD_10_GM, OPS, claml
from profiles.terminology.store import build_store, open_store

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE ClaML SYSTEM "ClaML.dtd">
<ClaML version="2.0.0"><Meta name="lang" value="de"/>
<Title name="ICD-10-GM" version="{version}" date="2024-09-13">Erfundene Klassifikation</Title>
"""
MODIFIERS = """
<Modifier code="S04Q10_4"><SubClass code=".0"/><SubClass code=".1"/></Modifier>
<Modifier code="S04Q10_5"><SubClass code="0"/><SubClass code="1"/></Modifier>
<ModifierClass code=".0" modifier="S04Q10_4" usage="dagger"><SuperClass code="S04Q10_4"/>
  <Rubric kind="preferred"><Label>Mit Ohrensausen</Label></Rubric></ModifierClass>
<ModifierClass code=".1" modifier="S04Q10_4"><SuperClass code="S04Q10_4"/>
  <Rubric kind="preferred"><Label>Ohne Ohrensausen</Label></Rubric></ModifierClass>
<ModifierClass code="0" modifier="S04Q10_5"><Meta name="excludeOnPrecedingModifier"
  value="S04Q10_4 .1"/><Rubric kind="preferred"><Label>Leicht</Label></Rubric></ModifierClass>
<ModifierClass code="1" modifier="S04Q10_5"><Meta name="Para295" value="P"/>
  <Rubric kind="preferred"><Label>Schwer</Label></Rubric></ModifierClass>
"""
CLASSES = """
<Class code="IV" kind="chapter"><SubClass code="Q10-Q14"/>
  <Rubric kind="preferred"><Label>Erfundene Leiden</Label></Rubric></Class>
<Class code="Q10-Q14" kind="block"><SuperClass code="IV"/><SubClass code="Q10"/>
  <Rubric kind="preferred"><Label>Zwickel</Label></Rubric></Class>
<Class code="Q10" kind="category"><Meta name="Infectious" value="N"/><SuperClass code="Q10-Q14"/>
  <ModifiedBy code="S04Q10_4"/><ModifiedBy code="S04Q10_5"/>
  <Rubric kind="preferred"><Label>Zwickelsyndrom</Label></Rubric></Class>
<Class code="Q11" kind="category" usage="aster"><SuperClass code="Q10-Q14"/><SubClass code="Q11.0"/>
  <ModifiedBy code="S04Q10_5" all="false"><ValidModifierClass code="1"/></ModifiedBy>
  <Rubric kind="preferred"><Label xml:lang="de">Zwackel <Term class="italics">major</Term>
  <Reference class="in brackets">Q10.0†</Reference></Label></Rubric>
  <Rubric kind="inclusion"><Label>Zwackelchen</Label></Rubric></Class>
<Class code="Q11.0" kind="category" usage="aster"><SuperClass code="Q11"/>
  <Rubric kind="preferred"><Label>Rechts</Label></Rubric>
  <Rubric kind="preferredLong"><Label>Zwackel: Rechts</Label></Rubric></Class>
<Class code="Q12" kind="category"><SuperClass code="Q10-Q14"/><ExcludeModifier code="S04Q10_5"/>
  <Rubric kind="preferred"><Label>Zwockel</Label></Rubric></Class>
<Class code="Q45" kind="category"><SuperClass code="Q10-Q14"/><ModifiedBy code="S04Q10_5"/>
  <Rubric kind="preferred"><Label>Zweckel</Label></Rubric></Class>
"""


def written(folder, text, name="icd.xml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def stored(folder, version="2025", classes=CLASSES, url=ICD_10_GM):
    path = written(folder, HEAD.format(version=version) + MODIFIERS + classes + "</ClaML>")
    target = folder / f"{version}.db"
    build_store(target, claml(path, url=url))
    return open_store(target)


def test_classes_become_concepts_with_hierarchy_and_notation(tmp_path):
    icd = stored(tmp_path)
    assert icd.header.canonical == f"{ICD_10_GM}|2025"
    assert icd.header.name == "Erfundene Klassifikation"
    eleven = icd.concept("Q11")
    assert eleven.display == "Zwackel major"
    assert {(one.code, one.value) for one in eleven.properties} == {
        ("kind", "category"),
        ("usage", "*"),
    }
    assert icd.parents("Q11") == ("Q10-Q14",)
    assert icd.concept("IV").abstract
    right = icd.concept("Q11.0")
    assert (right.display, right.designations[0].value) == ("Zwackel: Rechts", "Rechts")
    assert icd.concept("Q11.01").display == "Zwackel: Rechts: Schwer"
    assert ("Infectious", "N") in {(p.code, p.value) for p in icd.concept("Q10").properties}


def test_modifiers_make_codes_below_leaves(tmp_path):
    icd = stored(tmp_path)
    made = set(icd.codes()) - {"IV", "Q10-Q14", "Q10", "Q11", "Q11.0", "Q12", "Q45"}
    assert made == {
        *("Q10.0", "Q10.00", "Q10.01", "Q10.1", "Q10.11"),
        "Q11.01",
        *("Q45.X0", "Q45.X1"),
    }
    assert icd.concept("Q10.01").display == "Zwickelsyndrom: Mit Ohrensausen: Schwer"
    assert icd.parents("Q10.01") == ("Q10.0",)
    assert icd.concept("Q10.0").abstract
    assert not icd.concept("Q10.01").abstract
    assert ("Para295", "P") in {(p.code, p.value) for p in icd.concept("Q10.01").properties}
    assert ("usage", "†") in {(p.code, p.value) for p in icd.concept("Q10.0").properties}


def test_versions_stand_side_by_side(tmp_path):
    old = stored(tmp_path, "2024")
    new = stored(
        tmp_path,
        "2025",
        CLASSES + '<Class code="Q13" kind="category"><SuperClass code="Q10-Q14"/></Class>',
    )
    found = Terminology(open_packages([]), stores=[old, new])
    assert found.sources.versions(ICD_10_GM) == ("2025", "2024")
    assert found.validate_code(system=ICD_10_GM, code="Q13").outcome == "yes"
    late = found.validate_code(system=ICD_10_GM, code="Q13", version="2024")
    assert (late.outcome, late.reason) == ("no", "unknown-code")
    never = found.validate_code(system=ICD_10_GM, code="Q13", version="2019")
    assert (never.outcome, never.missing) == ("undecided", (f"{ICD_10_GM}|2019",))
    for store in (old, new):
        store.close()


def test_a_store_answers_like_any_code_system(tmp_path):
    found = Terminology(open_packages([]), stores=[stored(tmp_path)])
    everything = f"{ICD_10_GM}?fhir_vs"
    below = f"{ICD_10_GM}?fhir_vs=isa/Q10"
    assert found.member(everything, ICD_10_GM, "Q10.01") is True
    assert found.member(below, ICD_10_GM, "Q10.01") is True
    assert found.member(below, ICD_10_GM, "Q11") is False
    assert found.subsumption(ICD_10_GM, "IV", "Q10.01").outcome == "subsumes"
    assert found.validate_code(system=ICD_10_GM, code="q10").reason == "wrong-case"
    group = found.validate_code(system=ICD_10_GM, code="Q10", strictness=Strictness(abstract=False))
    assert group.reason == "abstract"
    assert [one.code for one in found.expand(everything, filter="schwer ohne").contains] == [
        "Q10.11"
    ]


def test_ops_codes_take_modifiers_at_their_end(tmp_path):
    classes = """<Class code="5-990.4" kind="category"><SuperClass code="5-990"/>
      <ModifiedBy code="S04Q10_5"/><Rubric kind="preferred"><Label>Naht</Label></Rubric></Class>
      <Class code="5-990" kind="category"><SubClass code="5-990.4"/></Class>"""
    ops = stored(tmp_path, classes=classes, url=OPS)
    assert set(ops.codes()) == {"5-990", "5-990.4", "5-990.40", "5-990.41"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<!DOCTYPE ClaML [<!ENTITY a 'b'>]><ClaML/>", "declarations"),
        ("<!-- <a --><!DOCTYPE ClaML [<!ENTITY a 'b'>]><ClaML/>", "declarations"),
        ("<ClaML><Title version='1'>x</ClaML>", "well-formed"),
        ("<ClaML/>", "version"),
        (HEAD.format(version="1") + "<Class code='A'>&lol;</Class></ClaML>", "entities"),
        (HEAD.format(version="1") + "<a>" * 200 + "</a>" * 200 + "</ClaML>", "too deeply"),
        (HEAD.format(version="1") + "</ClaML>", "no concepts"),
        (HEAD.format(version="1") + "<Class kind='category'/></ClaML>", "code"),
        (HEAD.format(version="1") + "<Class code='A'/><Class code='A'/></ClaML>", "twice"),
    ],
)
def test_hostile_documents_are_refused(tmp_path, text, says):
    path = written(tmp_path, text)
    target = tmp_path / "x.db"
    with pytest.raises(NotConformant, match=says):
        build_store(target, claml(path, url=ICD_10_GM))
    assert sorted(tmp_path.iterdir()) == [path]


def test_classes_above_each_other_do_not_hang(tmp_path):
    classes = """<Class code="A" kind="category"><SuperClass code="B"/></Class>
      <Class code="B" kind="category"><SuperClass code="A"/><ModifiedBy code="S04Q10_5"/></Class>"""
    icd = stored(tmp_path, classes=classes)
    found = Terminology(open_packages([]), stores=[icd])
    assert found.subsumption(ICD_10_GM, "A", "B").outcome == "subsumes"
    assert "A0" in set(icd.codes())


FIFTH_FIRST = """<Class code="Q20" kind="category" usage="dagger"><SuperClass code="Q10-Q14"/>
  <Meta name="SexCode" value="W"/><Meta name="Para295" value="V"/>
  <ModifiedBy code="S04Q10_5"/><ModifiedBy code="S04Q10_4"/>
  <Rubric kind="preferred"><Label><Para>Zwuckel</Para><Para>minor</Para></Label></Rubric></Class>
<Class code="Q21.1" kind="category" usage="aster"><SuperClass code="Q10-Q14"/>
  <ModifiedBy code="S04Q10_5" all="true"><ValidModifierClass code="1"/></ModifiedBy>
  <Rubric kind="preferred"><Label>Zwickelauge</Label></Rubric></Class>
"""


def test_made_codes_are_what_their_class_is_unless_the_modifier_says_otherwise(tmp_path):
    icd = stored(tmp_path, classes=FIFTH_FIRST)
    assert set(icd.codes()) == {
        *("Q20", "Q20.0", "Q20.00", "Q20.01", "Q20.1", "Q20.11"),
        *("Q21.1", "Q21.11"),
    }
    assert icd.concept("Q20").display == "Zwuckel minor"
    severe = {one.code: one.value for one in icd.concept("Q20.01").properties}
    assert severe == {"kind": "category", "usage": "†", "SexCode": "W", "Para295": "P"}
    assert ("usage", "*") in {(p.code, p.value) for p in icd.concept("Q21.11").properties}


def test_a_fault_is_named_with_its_line(tmp_path):
    text = HEAD.format(version="1") + "<Class code='A' kind='category'/>\n<Class code='A'/></ClaML>"
    with pytest.raises(NotConformant) as caught:
        build_store(tmp_path / "x.db", claml(written(tmp_path, text), url=ICD_10_GM))
    assert caught.value.text.startswith("icd.xml, line 6: ")
    assert caught.value.issues[0].text == caught.value.text
