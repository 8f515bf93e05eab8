"""Text from people's editors becomes EDItEUR's XHTML subset, whatever it was."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from include.errors import RejectedData
from include.feeds.onix.text import escaped, flow, refuse_illegal
from include.titles.model import Text, Work
from tests.feeds.onix.cases import assert_valid, message, minimal, partner, render


@pytest.mark.parametrize(
    ("given_", "want"),
    [
        ("<p>One</p><p>Two</p>", "<p>One</p><p>Two</p>"),
        ("<p>unclosed <em>too", "<p>unclosed <em>too</em></p>"),
        ("a<script>alert(1)</script>b<style>p{}</style><iframe src=x>c</iframe>", "ab"),
        ("<p onclick='x()' class='y' style='z'>text</p>", "<p>text</p>"),
        ("<a href='javascript:x()'>bad</a> <a href='https://e.org/?a=1&b=2' target=_blank>good</a>", 'bad <a href="https://e.org/?a=1&amp;b=2">good</a>'),
        ("x &lt;b&gt; &amp;amp; &nbsp;&eacute;&copy;", "x &lt;b&gt; &amp;amp; \xa0é©"),
        ("<ul>stray<li>one<li>two</ul>", "<ul><li>stray</li><li>one</li><li>two</li></ul>"),
        ("<blockquote>loose<p>block</p>tail</blockquote>", "<blockquote><p>loose</p><p>block</p><p>tail</p></blockquote>"),
        ("<div>one</div><div>two</div>", "<p>one</p><p>two</p>"),
        ("<font color=red><u>plain</u></font>", "plain"),
        ("<p><br>a<br/>b</p><hr>", "<p><br/>a<br/>b</p><hr/>"),
        ("<table><thead><tr><th>h<tbody><tr><td colspan=2>c</table>", '<table><tr><th>h</th></tr><tr><td colspan="2">c</td></tr></table>'),
        ("<table><caption>only a caption", "only a caption"),
        ("<ruby>紅<rp>(</rp><rt>hóng</rt><rp>)</rp></ruby>", "紅(hóng)"),
        ("<p dir=rtl>שלום</p>", '<p dir="rtl">שלום</p>'),
        ("<p>  </p><p></p><ul></ul>", ""),
        ("<!-- note --><?php echo 1 ?>", ""),
        ("<h2>Head</h2>text", "<h2>Head</h2>text"),
        ("<b><p>wrapped</p></b>", "<p>wrapped</p>"),
        ("<dl><dt>t<dd>d</dl>", "<dl><dt>t</dt><dd>d</dd></dl>"),
    ],
)  # fmt: skip
def test_markup_is_written_anew_in_the_subset(given_: str, want: str) -> None:
    assert flow(given_, markup=True)[0] == want


def test_markup_that_comes_to_plain_words_is_plain() -> None:
    assert flow("just &amp; words", markup=True) == ("just &amp; words", False)


def test_plain_text_keeps_its_paragraphs_as_xhtml() -> None:
    assert flow("One\r\n\r\nTwo & <three>\nfour", markup=False) == ("<p>One</p><p>Two &amp; &lt;three&gt; four</p>", True)


def test_one_plain_paragraph_stays_plain() -> None:
    assert flow(" One\nline ", markup=False) == ("One line", False)


def test_data_elements_stand_on_one_line() -> None:
    assert escaped("  a\r\n\tb  & <c> ]]>") == "a b &amp; &lt;c&gt; ]]&gt;"


@pytest.mark.parametrize("bad", ["\x00", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_what_xml_forbids_is_refused_with_its_place(bad: str) -> None:
    with pytest.raises(RejectedData, match=f"U\\+{ord(bad):04X}.*near"):
        refuse_illegal(f"some text {bad} here", "9780306406157")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "us-ascii"])
@pytest.mark.parametrize("bad", ["\x00", "\x08", "\ud800", "\ufffe", "\uffff"])
def test_no_encoding_lets_a_forbidden_character_through(encoding: str, bad: str) -> None:
    with pytest.raises(RejectedData, match="not allowed in XML"):
        render(minimal(work=Work(id=1, title=f"A {bad} title")), partner(encoding=encoding))


@pytest.mark.parametrize("reference", ["&#8;", "&#x1f;"])
def test_a_reference_to_a_forbidden_character_is_refused_too(reference: str) -> None:
    with pytest.raises(RejectedData, match="not allowed in XML"):
        render(minimal(work=Work(id=1, title="T", texts=(Text("03", f"<p>a{reference}</p>", html=True),))), partner())


def test_deep_nesting_costs_no_stack() -> None:
    content, _ = flow("<div><b><ul><li>" * 400 + "deep<script>x</script> down", markup=True)
    assert "deep down" in content


def test_what_the_parser_would_drop_is_refused() -> None:
    with pytest.raises(RejectedData, match="depth"):
        flow("<div><b><ul><li>" * 3000 + "deep", markup=True)


_TAGS = st.sampled_from(
    (  # noqa: SIM905
        "p b em i ul ol li dl dt dd blockquote table tr td th thead caption pre div span a br hr h1 ruby rb rt rp q script u"
    ).split()
)
_PIECE = st.one_of(
    _TAGS.map(lambda tag: f"<{tag}>"),
    _TAGS.map(lambda tag: f"</{tag}>"),
    st.sampled_from(["<a href='https://e.org'>", "<td rowspan=3>", "<p dir=RTL>", "&lt;", "&", "<", "<!--", "-->", "]]>", "<![CDATA["]),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=6),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(_PIECE, max_size=25).map("".join))
def test_any_tag_soup_becomes_valid_or_is_refused(soup: str) -> None:
    to = partner()
    product = minimal(work=Work(id=1, title="T", texts=(Text("03", soup, html=True),)))
    try:
        record = render(product, to)
    except RejectedData:
        return
    assert_valid(message([record], to), to)
    to21 = partner("2.1")
    assert_valid(message([render(product, to21)], to21), to21)


@settings(max_examples=80, deadline=None)
@given(st.lists(_PIECE, max_size=15).map("".join))
def test_cleaning_twice_changes_nothing(soup: str) -> None:
    try:
        once, xhtml = flow(soup, markup=True)
    except RejectedData:
        return
    etree.fromstring(f"<x>{once}</x>")
    assert flow(once, markup=True) == (once, xhtml)
