"""Narratives: the XHTML subset is accepted, what is active, foreign or empty is refused."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles import narrative as module
from profiles.narrative import html_checks
from profiles.reading import read_json
from profiles.validate.narrative import narrative_issues

SAMPLES = Path(os.environ.get("GATEWAY_SAMPLES", Path(__file__).parents[3] / "../shared/samples"))
EXAMPLES = SAMPLES / "fhir-r4-official-examples"
NAMESPACE = 'xmlns="http://www.w3.org/1999/xhtml"'


def div(content, attributes=""):
    return f"<div {NAMESPACE}{attributes}>{content}</div>"


GOOD = [
    div("Befund unauffällig"),
    div("<p>Herr <b>Größe &amp; Söhne</b>,<br/>Zimmer&nbsp;3</p>"),
    div("<p>&auml;&ndash;&#8364;&hellip;</p>"),
    div("x", ' xml:lang="de" lang="de"'),
    div('<p style="color: #336; padding: 2px" class="rot">x</p>'),
    div("<p style=\"background: url('data:image/png;base64,iVBORw0KGgo=')\">x</p>"),
    div('<p style="background: url(linie.png)">x</p>'),
    div('<table><tbody><tr><td colspan="2">1</td><th>2</th></tr></tbody></table>'),
    div(
        '<a href="https://praxis.example/a?b=1&amp;c=2">x</a><a name="oben"/><a href="#oben">y</a>'
    ),
    div('<a href="Patient/1">x</a><a href="mailto:arzt@praxis.example">y</a>'),
    div('<img src="data:image/png;base64,iVBORw0KGgo=" alt=""/>'),
    div('<img src="#bild1"/>'),
    div("<!-- Notiz -->x<![CDATA[<script>]]>"),
    div("1 > 0"),
    f"\n {div('x')} \n",
    '<h:div xmlns:h="http://www.w3.org/1999/xhtml"><h:p>x</h:p></h:div>',
    div("<ul><li>a</li><li>b<ol><li>c</li></ol></li></ul>"),
]
#: (div, a word of the issue's text)
BAD = [
    (div("<script>alert(1)</script>x"), "scripts"),
    (div("<SCRIPT>alert(1)</SCRIPT>x"), "scripts"),
    (div('<form action="x"><input/></form>x'), "forms"),
    (div('<iframe src="https://a.example"/>x'), "frames"),
    (div('<object data="x"/>x'), "objects"),
    (div("<style>p {color: red}</style>x"), "style sheets"),
    (div('<link rel="stylesheet" href="a.css"/>x'), "base or link"),
    (div('<font color="red">x</font>'), "deprecated"),
    (div("<ins>x</ins>"), "marks of changes"),
    (div('<svg xmlns="http://www.w3.org/2000/svg"/>x'), "subset"),
    (div("<section>x</section>"), "subset"),
    (div('<p onclick="x()">x</p>'), "event"),
    (div("x", ' onload="x()"'), "event"),
    (div('<p bgcolor="red">x</p>'), "attributes"),
    (div('<p xmlns:l="http://www.w3.org/1999/xlink" l:href="x">x</p>'), "attributes"),
    (div('<a href="javascript:alert(1)">x</a>'), "link"),
    (div('<a href=" java&#9;script:alert(1)">x</a>'), "link"),
    (div('<a href="data:text/html,x">x</a>'), "link"),
    (div('<img src="javascript:alert(1)"/>x'), "image"),
    (div('<img src="data:text/html;base64,PHA+"/>x'), "image"),
    (div('<p style="background: url(javascript:alert(1))">x</p>'), "image"),
    (div("<p style=\"background: URL( 'data:text/html,x' )\">x</p>"), "image"),
    (div('<p style="background: url(javascript:x">x</p>'), "image"),
    (div('<p style="width: exp/**/ression(alert(1))">x</p>'), "styles"),
    (div('<p style="width: expression(alert(1))">x</p>'), "styles"),
    (div('<p style="background: u\\72l(x)">x</p>'), "styles"),
    (div(""), "txt-2"),
    (div(" \n\t"), "txt-2"),
    (div("<p> <b/></p>"), "txt-2"),
    (div("<!-- nur ein Kommentar -->"), "txt-2"),
    ("<div>x</div>", "namespace"),
    (f"<p {NAMESPACE}>x</p>", "namespace"),
    (div("<p>x"), "well-formed"),
    (div("<p><b>x</p></b>"), "well-formed"),
    (div("x</div><div>y"), "well-formed"),
    (div("x") + div("y"), "well-formed"),
    (div("x") + "y", "well-formed"),
    (div("a]]>b"), "well-formed"),
    (div('<p class="a" class="b">x</p>'), "well-formed"),
    (div("&unbekannt;"), "well-formed"),
    (div("a & b"), "well-formed"),
    ('<!DOCTYPE div [<!ENTITY e "x">]>' + div("&e;"), "document type"),
    (div("<p>" * 200 + "x" + "</p>" * 200), "too deeply"),
    (div("\ud800"), "well-formed"),
    ("", "well-formed"),
]


@pytest.mark.parametrize("text", GOOD)
def test_what_a_narrative_may_contain_is_accepted(text):
    assert list(narrative_issues({"status": "generated", "div": text}, "Patient.text")) == []
    assert html_checks(text)


@pytest.mark.parametrize(("text", "word"), BAD)
def test_what_a_narrative_may_not_contain_is_refused_where_it_is(text, word):
    issues = list(narrative_issues({"status": "generated", "div": text}, "Patient.text"))
    assert [one.location for one in issues] == ["Patient.text.div"] * len(issues)
    assert any(word in one.text and one.severity == "error" for one in issues)
    assert not html_checks(text)


def test_each_fault_is_named_once():
    text = div('<p onclick="a()" onload="b()">x</p><script/><script/>')
    assert len(list(narrative_issues({"div": text}, "Patient.text"))) == 2


def test_attacks_on_the_parser_are_refused_quickly():
    spaces = " " * 500_000
    attacks = (
        div("<p>" * 1_000_000),
        div("<b>" * 99 + "&nbsp;" * 500_000),
        "<div" * 500_000,
        div(f'<p style="url(x{spaces}y;javascript:{spaces}">'),
        div(f'<p style="{"url(" * 100_000}expression{spaces}(">x</p>'),
    )
    for attack in attacks:
        assert not html_checks(attack)


PIECES = st.lists(
    st.sampled_from(("<p>", "</p>", "<b>", "</b>", "<br/>", "<p/>", "</div>", "<div>", "x", "ä"))
    | st.sampled_from((">", "<", "&amp;", "&nbsp;", "&", "]]>", '"', " ", "\x01", "\ufffe"))
    | st.sampled_from(("<script>", '<p class="a">', '<a href="#x">', "</a>", f"<div {NAMESPACE}>")),
    max_size=12,
)


@given(PIECES)
def test_the_quick_way_accepts_nothing_that_parsing_refuses(pieces):
    text = div("".join(pieces))
    if module._is_plain(text):
        assert list(module._faults(text)) == []


@given(st.text(max_size=40))
def test_any_text_is_judged_not_crashed_on(text):
    html_checks(text)
    html_checks(div(text))


def _narratives(value):
    if isinstance(value, dict):
        if isinstance(value.get("div"), str):
            yield value
        for inner in value.values():
            yield from _narratives(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _narratives(inner)


@pytest.mark.samples
@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="GATEWAY_SAMPLES not found")
def test_the_narratives_of_the_official_examples_are_accepted():
    found = 0
    for file in sorted(EXAMPLES.rglob("*.json")):
        for narrative in _narratives(read_json(file.read_bytes())):
            found += 1
            assert list(narrative_issues(narrative, "text")) == [], file.name
    assert found > 100
