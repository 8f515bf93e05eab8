"""E-books: EPUB 3.3 with a cover, navigation and accessibility metadata, clean by EPUBCheck."""

from __future__ import annotations

from html import escape
from pathlib import Path

from sandbox.files import jackets, prose, zips
from sandbox.files.order import Order
from sandbox.files.pages import printed_isbn

DEFECTS = frozenset({
    "no-accessibility", "late-mimetype", "wrong-isbn", "no-isbn", "no-cover", "no-toc", "no-alt", "missing-file", "invalid", "protected",
})  # fmt: skip
_CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OEBPS/package.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""
_PROTECTED = """<?xml version="1.0" encoding="UTF-8"?>
<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#">
<EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/><CipherData><CipherReference URI="OEBPS/chapter-01.xhtml"/>
</CipherData></EncryptedData></encryption>
"""
_ACCESSIBLE = """
<meta property="schema:accessMode">textual</meta><meta property="schema:accessMode">visual</meta>
<meta property="schema:accessModeSufficient">textual</meta>
<meta property="schema:accessibilityFeature">structuralNavigation</meta><meta property="schema:accessibilityFeature">tableOfContents</meta>
<meta property="schema:accessibilityFeature">alternativeText</meta><meta property="schema:accessibilityFeature">readingOrder</meta>
<meta property="schema:accessibilityHazard">none</meta>
<meta property="schema:accessibilitySummary">Reflowable text with headings and described pictures.</meta>
<meta property="dcterms:conformsTo" id="conformance">EPUB Accessibility 1.1 - WCAG 2.2 Level AA</meta>
<meta property="a11y:certifiedBy" refines="#conformance">Lantern &amp; Quill Publishing</meta>
"""


def epub(order: Order, path: Path) -> None:
    roll, defect = order.roll, order.defect
    isbn = printed_isbn(order)
    identifier = f"urn:isbn:{isbn}" if isbn and defect != "no-isbn" else f"urn:uuid:00000000-0000-4000-8000-{order.work.id:012d}"
    title, author = escape(order.title), escape(order.author)
    chapters = [f"{number}. {prose.chapter_title(roll)}" for number in range(1, 7)]
    cover = "" if defect == "no-cover" else '<item id="cover" href="cover.jpg" media-type="image/jpeg" properties="cover-image"/>'
    names = [f"chapter-{number:02d}.xhtml" for number in range(1, 7)]
    items = "".join(f'<item id="c{n}" href="{name}" media-type="application/xhtml+xml"/>' for n, name in enumerate(names, 1))
    spine = '<itemref idref="title"/>' + "".join(f'<itemref idref="c{n}"/>' for n in range(1, 7))
    navigation = "" if defect == "no-toc" else ' properties="nav"'
    stray = '<item id="lost" href="lost.xhtml" media-type="application/xhtml+xml"/>' if defect == "missing-file" else ""
    package = f"""<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">{identifier}</dc:identifier><dc:title>{title}</dc:title>
<dc:language>en</dc:language><dc:creator>{author}</dc:creator><dc:publisher>Lantern &amp; Quill Publishing</dc:publisher>
<dc:date>{order.made:%Y-%m-%d}</dc:date><meta property="dcterms:modified">{order.made:%Y-%m-%d}T10:30:00Z</meta>
{"" if defect == "no-accessibility" else _ACCESSIBLE}</metadata>
<manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml"{navigation}/>
<item id="style" href="style.css" media-type="text/css"/><item id="picture" href="plate.jpg" media-type="image/jpeg"/>
<item id="title" href="title.xhtml" media-type="application/xhtml+xml"/>{cover}{items}{stray}</manifest>
<spine>{spine}</spine></package>
"""
    links = "".join(f'<li><a href="{name}">{escape(chapter)}</a></li>' for name, chapter in zip(names, chapters, strict=True))
    shown = f"<p>ISBN {isbn}</p>" if isbn else ""
    alt = "" if defect == "no-alt" else ' alt="Circles in the colours of the cover"'
    plate = f'<p><img src="plate.jpg"{alt}/></p>'
    members: list[tuple[str, bytes | Path]] = [
        ("mimetype", b"application/epub+zip"),
        ("META-INF/container.xml", _CONTAINER.encode()),
        ("OEBPS/package.opf", package.encode()),
        ("OEBPS/nav.xhtml", _page("Contents", f'<nav epub:type="toc" id="toc"><h1>Contents</h1><ol>{links}</ol></nav>')),
        ("OEBPS/style.css", b"body { margin: 5%; } h1 { font-size: 1.4em; } img { max-width: 100%; }\n"),
        ("OEBPS/title.xhtml", _page(title, f"<h1>{title}</h1><p>{author}</p>{shown}{plate}")),
        ("OEBPS/plate.jpg", jackets.art(order, (600, 800), "RGB", (0.2, 0.3, 0.4))),
    ]
    if defect == "late-mimetype":
        members.append(members.pop(0))
    if cover:
        members.append(("OEBPS/cover.jpg", jackets.art(order, (1067, 1600), "RGB", (0.7, 0.4, 0.1))))
    for name, chapter in zip(names, chapters, strict=True):
        body = "".join(f"<p>{escape(prose.paragraph(roll, 6))}</p>" for _ in range(12))
        wrong = "<p><b>unclosed</p>" if defect == "invalid" and name == names[1] else ""
        members.append((f"OEBPS/{name}", _page(escape(chapter), f"<section><h1>{escape(chapter)}</h1>{body}{wrong}</section>")))
    if defect == "protected":
        members.append(("META-INF/encryption.xml", _PROTECTED.encode()))
    zips.write(path, members, order.stamp, stored=frozenset({"mimetype"}))


def _page(title: str, body: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" '
        'xmlns:epub="http://www.idpf.org/2007/ops" lang="en" xml:lang="en"><head><meta charset="utf-8"/>'
        f'<title>{title}</title><link rel="stylesheet" type="text/css" href="style.css"/></head><body>{body}</body></html>\n'
    ).encode()
