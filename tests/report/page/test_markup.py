"""What is written into the page is escaped unless it says that it is HTML."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costspan.report.page.markup import Markup, element, filled, joined


def test_text_is_escaped_and_markup_is_not():
    assert element("p", "<b>", element("b", "&")) == "<p>&lt;b&gt;<b>&amp;</b></p>"


def test_an_attribute_is_escaped_and_may_be_left_out():
    written = element("td", title='"><script>', data_value=0, class_=None, hidden=True, id=False)

    assert written == '<td title="&quot;&gt;&lt;script&gt;" data-value="0" hidden></td>'


def test_an_element_without_an_end():
    assert element("rect", width=3) == '<rect width="3"/>'


def test_a_template_is_filled_once():
    assert filled("<p>$one</p>", one="$two <i>") == "<p>$two &lt;i&gt;</p>"
    assert filled("<p>$one</p>", one=Markup("<i>$two</i>")) == "<p><i>$two</i></p>"


@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\x85", "\ud800", "\uffff"])
def test_what_no_page_can_show_is_replaced(character: str):
    assert joined(f"a{character}b") == "a\ufffdb"


class Heard(HTMLParser):
    """Every tag, and the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags += [tag, *(value for _, value in attributes)]

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=40))
def test_a_parser_reads_back_what_was_written(text: str):
    heard = Heard()
    heard.feed(element("p", text, title=text))
    heard.close()

    assert heard.text == text.replace("\uffff", "\ufffd").replace("\ufffe", "\ufffd")
    assert heard.tags == ["p", heard.text]
