"""XHTML is read through the XML door, with the entities HTML names."""

import pytest

from profiles.issue import NotConformant
from profiles.reading import Limits
from profiles.reading.markup import Tag, read_markup

DIV = '<div xmlns="http://www.w3.org/1999/xhtml"'


def test_elements_and_attributes_come_in_document_order():
    markup = read_markup(f'{DIV} xml:lang="de"><p class="a">x<br/></p><!-- c --><b>y</b></div>')
    assert markup.tags == (
        Tag("div", {"xml:lang": "de"}),
        Tag("p", {"class": "a"}),
        Tag("br", {}),
        Tag("b", {}),
    )
    assert markup.text == "xy"


def test_elements_of_another_namespace_keep_it():
    markup = read_markup(f'{DIV}><svg xmlns="http://www.w3.org/2000/svg"/></div>')
    assert markup.tags[1].name == "{http://www.w3.org/2000/svg}svg"
    assert read_markup("<div/>").tags[0].name == "{}div"


def test_entities_that_html_names_are_characters():
    assert read_markup(f"{DIV}>&auml;&nbsp;&euro;&amp;&lt;&#228;</div>").text == "ä\u00a0€&<ä"
    assert read_markup(f"{DIV}>&amp;auml;</div>").text == "&auml;"


@pytest.mark.parametrize(
    "text",
    ["", "x", "<div>", f"{DIV}>&foo;</div>", f"{DIV}>\ud800</div>", f"<!DOCTYPE div>{DIV}/>"],
)
def test_what_is_no_markup_is_refused(text):
    with pytest.raises(NotConformant):
        read_markup(text)


def test_depth_and_size_are_limited():
    with pytest.raises(NotConformant, match="deeply"):
        read_markup(f"{DIV}><p><b>x</b></p></div>", limits=Limits(xml_depth=2))
    with pytest.raises(NotConformant, match="larger"):
        read_markup(f"{DIV}>{'x' * 100}</div>", limits=Limits(size=100))
