"""Text as ONIX carries it: one line in data elements, XHTML of EDItEUR's subset (or plain) in texts, nothing that XML forbids.

The subset is `ONIX_XHTML_Subset.xsd`, the same in ONIX 2.1, 3.0 and 3.1. What comes from people's editors is parsed as
HTML, however broken, and written anew: known elements in places where the subset has them, everything else gives way to
its own content, and what is not text at all (scripts, styles, forms) goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from lxml import etree, html

from include.errors import RejectedData
from include.files.characters import ILLEGAL

untidy = re.compile(r"[&<>\t\n\r]|  |^ | \Z").search
"""Finds what keeps a value from being sent as it stands: markup, line breaks, spaces at an end or two together."""
_SPACE = re.compile(r"[ \t\n\r]+")
_PARAGRAPHS = re.compile(r"[ \t]*\r?\n[ \t]*(?:\r?\n[ \t]*)+|\u2029")
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|&(?:#\d+|#x[0-9A-Fa-f]+|[A-Za-z]\w*);")
_CACHED = 20_000  # characters; the products of a work share its texts, and huge ones are rare


def escaped(value: str) -> str:
    """A value for a data element: XML-escaped, on one line, since EDItEUR's `dt.NonEmptyString` allows no line break."""
    if untidy(value):
        return _SPACE.sub(" ", value).strip(" ").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return value


def attribute(value: str) -> str:
    return escaped(value).replace('"', "&quot;")


def refuse_illegal(text: str, where: str) -> None:
    """Raises `RejectedData` for a character that XML 1.0 can't hold, not even as a reference."""
    if bad := ILLEGAL.search(text):
        near = ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text[max(0, bad.start() - 20) : bad.end() + 20])
        raise RejectedData(
            f"the character U+{ord(bad.group()):04X} is not allowed in XML, near {near!r}",
            where=where,
            todo="Remove it from the text in Consonance.",
        )


def looks_like_markup(text: str) -> bool:
    return bool(_MARKUP.search(text))


def flow(body: str, markup: bool) -> tuple[str, bool]:
    """A text's content, and whether it is XHTML (textformat 05) or plain (06).

    Plain text of several paragraphs becomes XHTML too: line breaks mean nothing in plain ONIX text.
    Raises `RejectedData` for what no parser reads and for characters that XML forbids.
    """
    if markup:
        content = _sanitised(body) if len(body) <= _CACHED else _sanitised.__wrapped__(body)
        return content, "<" in content
    if "\n" not in body and "\u2029" not in body:
        return escaped(body), False
    paragraphs = [text for part in _PARAGRAPHS.split(body.strip()) if (text := escaped(part))]
    if len(paragraphs) < 2:
        return "".join(paragraphs), False
    return "".join(f"<p>{text}</p>" for text in paragraphs), True


@lru_cache(maxsize=512)
def _sanitised(body: str) -> str:
    refuse_illegal(body, "text")
    if not body.strip():
        return ""
    parser = html.HTMLParser(huge_tree=True)
    try:
        root = html.fragment_fromstring(body, create_parent="div", parser=parser)
    except (etree.LxmlError, ValueError) as bad:
        raise RejectedData(f"the text can't be read as HTML: {bad}", where="text", todo="Mend its markup in Consonance.") from bad
    for error in parser.error_log.filter_from_fatals():  # the parser stops there, without raising, and the rest would be lost
        raise RejectedData(f"the text can't be read as HTML: {error.message}", where="text", todo="Mend its markup in Consonance.")
    return "".join(_flow(root, 0)).strip()


_INLINE = frozenset("em strong i b sub sup cite q code small big tt abbr acronym dfn kbd samp var".split())  # noqa: SIM905
_PARAGRAPH = frozenset(["p", "h1", "h2", "h3", "h4", "h5", "h6", "address"])
_BOX = frozenset("div section article main header footer aside figure figcaption center details summary body html fieldset form".split())  # noqa: SIM905
_NOT_TEXT = frozenset(
    (  # noqa: SIM905
        "rp script style head title template noscript iframe object embed applet svg math audio video canvas img picture input "
        "select option button textarea link meta base param source track map area"
    ).split()
)
_TABLE = frozenset(["table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption"])
_BLOCK = _PARAGRAPH | _BOX | _TABLE | frozenset("ul ol li dl dt dd blockquote pre hr".split())  # noqa: SIM905
_DEEPEST = 60
_HREF = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x20\"<>]+", re.IGNORECASE)


def _text(value: str | None) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", " ") if value else ""


def _tag(node: html.HtmlElement) -> str:
    """The element's name, or "" for comments and processing instructions, and for what is not text."""
    name = node.tag
    return name if isinstance(name, str) and name not in _NOT_TEXT else ""


def _flow(node: html.HtmlElement, depth: int) -> Iterator[str]:
    """Content where blocks and inlines may mix."""
    yield _text(node.text)
    for child in node:
        if _tag(child):
            yield from _flowing(child, depth + 1)
        yield _text(child.tail)


def _flowing(node: html.HtmlElement, depth: int) -> Iterator[str]:
    tag = _tag(node)
    if depth > _DEEPEST:
        yield _text("".join(_words(node)))
    elif tag in _PARAGRAPH:
        yield from _wrapped(tag, node, _inline(node, depth))
    elif tag in {"ul", "ol"}:
        yield from _wrapped(tag, node, _items(node, {"li"}, "li", depth))
    elif tag == "dl":
        yield from _wrapped(tag, node, _items(node, {"dt", "dd"}, "dd", depth))
    elif tag == "blockquote":
        yield from _wrapped(tag, node, _blocks(node, depth))
    elif tag == "table":
        yield from _table(node, depth)
    elif tag == "pre":
        yield from _wrapped(tag, node, _preformatted(node))
    elif tag == "hr":
        yield "<hr/>"
    elif tag == "div" and not any(_tag(child) in _BLOCK for child in node):
        yield from _wrapped("p", node, _inline(node, depth))
    elif tag in _BLOCK:
        yield from _flow(node, depth)
    else:
        yield from _in_line(node, depth)


def _inline(node: html.HtmlElement, depth: int) -> Iterator[str]:
    """Content where only inlines may stand; a block in it leaves its words, set off by spaces."""
    yield _text(node.text)
    for child in node:
        if _tag(child):
            yield from _in_line(child, depth + 1)
        yield _text(child.tail)


def _in_line(node: html.HtmlElement, depth: int) -> Iterator[str]:
    tag = _tag(node)
    if depth > _DEEPEST:
        yield _text("".join(_words(node)))
    elif tag == "br":
        yield "<br/>"
    elif tag in _INLINE:
        yield from _wrapped(tag, node, _inline(node, depth))
    elif tag == "a" and _HREF.fullmatch(node.get("href", "").strip()) and not _inside(node, "a"):
        yield f'<a href="{attribute(node.get("href", ""))}">'
        yield from _inline(node, depth)
        yield "</a>"
    elif tag == "rt":  # ruby: the reading in brackets, which every receiver can show
        yield f"({''.join(_inline(node, depth))})"
    elif tag in {"bdo", "bdi", "span"} and _direction(node):
        yield from _wrapped("bdo" if tag == "bdo" else "span", node, _inline(node, depth))
    elif tag in _BLOCK:
        yield " "
        yield from _inline(node, depth)
        yield " "
    else:
        yield from _inline(node, depth)


def _items(node: html.HtmlElement, kinds: set[str], stray: str, depth: int) -> Iterator[str]:
    """List items; whatever stands between them becomes one."""
    if node.text and node.text.strip():
        yield f"<{stray}>{_text(node.text)}</{stray}>"
    for child in node:
        tag = _tag(child)
        if tag in kinds:
            content = "".join(_inline(child, depth + 1) if tag == "dt" else _flow(child, depth + 1))
            yield f"<{tag}{_direction(child)}>{content}</{tag}>"
        elif tag and (content := "".join(_flowing(child, depth + 1))).strip():
            yield f"<{stray}>{content}</{stray}>"
        if child.tail and child.tail.strip():
            yield f"<{stray}>{_text(child.tail)}</{stray}>"


def _blocks(node: html.HtmlElement, depth: int) -> Iterator[str]:
    """Content where only blocks may stand; loose inlines between them become paragraphs."""
    loose = [_text(node.text)]
    for child in node:
        tag = _tag(child)
        if tag in _BLOCK:
            yield from _paragraph(loose)
            loose = []
            block = "".join(_flowing(child, depth + 1))
            yield block if tag not in _BOX and tag not in {"li", "dt", "dd", "td", "th", "tr"} else "".join(_paragraph([_flat(block)]))
        elif tag:
            loose.extend(_in_line(child, depth + 1))
        loose.append(_text(child.tail))
    yield from _paragraph(loose)


def _paragraph(parts: list[str]) -> Iterator[str]:
    if (content := "".join(parts)).strip():
        yield f"<p>{content}</p>"


def _flat(block: str) -> str:
    """Words of a block without its markup, for places too odd to keep it."""
    return re.sub(r"<[^>]*>", " ", block)


def _table(node: html.HtmlElement, depth: int) -> Iterator[str]:
    """Caption and rows, row groups not kept; a table without rows leaves its content."""
    rows = [row for row in node.iter("tr") if next(row.iterancestors("table"), None) is node]
    rendered = "".join(_row(row, depth + 1) for row in rows)
    if not rendered:
        yield from _flow(node, depth)
        return
    captions = ["".join(_inline(caption, depth + 1)) for caption in node.iterchildren("caption")]
    caption = f"<caption>{captions[0]}</caption>" if captions else ""
    yield f"<table{_direction(node)}>{caption}{rendered}</table>"


def _row(row: html.HtmlElement, depth: int) -> str:
    cells = [
        f"<{cell.tag}{_span(cell, 'rowspan')}{_span(cell, 'colspan')}>{''.join(_flow(cell, depth + 1))}</{cell.tag}>"
        for cell in row.iterchildren("td", "th")
    ]
    return f"<tr>{''.join(cells)}</tr>" if cells else ""


def _preformatted(node: html.HtmlElement) -> Iterator[str]:
    yield _text("".join(_words(node)))


def _words(node: html.HtmlElement) -> Iterator[str]:
    """All text below a node, without walking down by recursion."""
    skipped = {child for child in node.iter() if not _tag(child)}
    skipped |= {below for child in skipped for below in child.iterdescendants()}
    for child in node.iter():
        if child not in skipped and child.text:
            yield child.text
        if child is not node and child.tail and child.getparent() not in skipped:
            yield child.tail


def _wrapped(tag: str, node: html.HtmlElement, content: Iterator[str]) -> Iterator[str]:
    """The element, unless it would be empty."""
    text = "".join(content)
    if text.strip() or tag == "q":
        yield f"<{tag}{_direction(node)}>{text}</{tag}>"
    elif text:
        yield " "


def _direction(node: html.HtmlElement) -> str:
    value = (node.get("dir") or "").lower()
    return f' dir="{value}"' if value in {"ltr", "rtl"} else ""


def _span(cell: html.HtmlElement, name: str) -> str:
    value = cell.get(name, "")
    return f' {name}="{value}"' if value.isascii() and value.isdigit() and 1 < int(value[:4]) <= 1000 else ""


def _inside(node: html.HtmlElement, tag: str) -> bool:
    return any(True for _ in node.iterancestors(tag))
