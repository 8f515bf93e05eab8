"""What authors, agents and solicitors write: manuscripts, questionnaires, permissions, letters, statements."""

from __future__ import annotations

import textwrap
from datetime import timedelta
from pathlib import Path
from xml.sax.saxutils import escape

from sandbox.catalogue import words
from sandbox.files import prose, zips
from sandbox.files.order import Order
from sandbox.files.paper import A4, BOLD, ITALIC, REGULAR, Paper

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "application/vnd.openxmlformats-officedocument"
_PACKAGE = "application/vnd.openxmlformats-package"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

Block = tuple[str, str]  # Heading1 or Normal, text


def manuscript(order: Order) -> list[Block]:
    """Title page and chapters, some 300 words to a page."""
    roll = order.roll
    found = [("Title", order.title), ("Normal", order.author), ("Normal", f"Draft of {order.made:%d %B %Y}")]
    for chapter in range(1, max(2, (order.pages or 24) // 8) + 1):
        found.append(("Heading1", f"{chapter}. {prose.chapter_title(roll)}"))
        found += [("Normal", prose.paragraph(roll, 6)) for _ in range(24)]
    return found


def questionnaire(order: Order) -> list[Block]:
    roll = order.roll
    lead = order.work.contributions[0].contact if order.work.contributions else None
    answers = [
        ("Title of the book", order.title),
        ("ISBN (if you know it)", order.isbn or "not known yet"),
        ("Our reference", order.work.reference),
        ("Your name as it shall be printed", lead.name if lead else order.author),
        ("Where do you live?", roll.choice(words.PLACES)),
        ("Your book in one sentence", prose.sentence(roll)),
        ("Your book in two hundred words", " ".join(prose.paragraph(roll) for _ in range(4))),
        ("About you", lead.biography if lead and lead.biography else prose.paragraph(roll)),
        ("Who should read it?", prose.sentence(roll)),
        ("Books it may be compared with", f"{prose.chapter_title(roll)}; {prose.chapter_title(roll)}"),
        ("Reviewers whom you know", roll.choice(words.REVIEWERS)),
        ("Images, quotations or maps that need permission", roll.choice(("None", "Two photographs, one map", "An epigraph of four lines"))),
    ]
    return [("Title", "Author questionnaire")] + [row for ask, said in answers for row in (("Heading1", ask), ("Normal", said))]


def permission(order: Order) -> list[Block]:
    roll = order.roll
    what = roll.choice(("the photograph", "the map", "the epigraph", "the extract of 180 words"))
    grant = (
        f"We grant the non-exclusive right to reproduce {what} “{prose.chapter_title(roll)}” in all editions, in English, throughout "
        f"the world, for a fee of £{roll.randrange(40, 400, 10)}.00."
    )
    return [
        ("Title", "Permission to reproduce"),
        ("Normal", f"{order.made:%d %B %Y}"),
        ("Normal", f"To Lantern & Quill Publishing, about {order.title} by {order.author}"),
        ("Normal", f"ISBN {order.isbn}" if order.isbn else f"Reference {order.work.reference}"),
        ("Normal", grant),
        ("Normal", f"Credit line: © {order.made.year} {roll.choice(words.ORGANISATIONS)}"),
        ("Normal", f"{roll.choice(words.GIVEN)} {roll.choice(words.FAMILY)}, Permissions"),
    ]  # fmt: skip


def letter(order: Order) -> list[Block]:
    roll = order.roll
    news = (
        f"Our client, {order.author}, confirms the reversion of {roll.choice(('audio', 'serial', 'translation'))} rights in {order.title} "
        f"unless a licence is signed by {order.made + timedelta(days=180):%d %B %Y}."
    )
    return [
        ("Title", f"{roll.choice(words.FAMILY)} & {roll.choice(words.FAMILY)}, Solicitors"),
        ("Normal", f"{order.made:%d %B %Y}"),
        ("Normal", f"Contract {order.work.contract.id}: {order.work.contract.name}"),
        ("Normal", news),
        ("Normal", "Yours faithfully"),
    ]  # fmt: skip


def sell_sheet(order: Order) -> list[Block]:
    roll = order.roll
    return [
        ("Title", order.title),
        ("Normal", f"{order.author}. {order.work.imprint}"),
        ("Normal", f"ISBN {order.isbn}" if order.isbn else order.work.reference),
        ("Heading1", "Why it sells"),
        ("Normal", prose.paragraph(roll, 4)),
        ("Heading1", "Campaign"),
        ("Normal", prose.paragraph(roll, 3)),
    ]


def statement(order: Order) -> list[tuple[str, ...]]:
    """Rows of a royalty statement: they add up to the penny."""
    roll = order.roll
    rows: list[tuple[str, ...]] = [("Royalty statement", f"to {order.made:%Y-%m-%d}"), ("Contract", str(order.work.contract.id)),
                                   ("Title", order.title), ("Payee", order.author), ("",)]  # fmt: skip
    rows.append(("ISBN", "Format", "Territory", "Copies", "Rate %", "Royalty GBP"))
    total = 0
    for product in order.work.products:
        for territory in ("Home", "Export"):
            copies, rate = roll.randint(3, 900), roll.choice((8, 10, 12, 25))
            pence = copies * rate * roll.randrange(700, 1900, 10) // 100
            total += pence
            rows.append((product.isbn or "", product.format or "", territory, str(copies), str(rate), f"{pence / 100:.2f}"))
    rows.append(("Total", "", "", "", "", f"{total / 100:.2f}"))
    return rows


BLOCKS = {"manuscript": manuscript, "questionnaire": questionnaire, "permission": permission, "letter": letter, "promotional": sell_sheet}


def docx(order: Order, path: Path) -> None:
    body = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t xml:space="preserve">{escape(said)}</w:t></w:r></w:p>'
        for style, said in BLOCKS[order.kind](order)
    )
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{id}"{default}><w:name w:val="{name}"/><w:rPr><w:sz w:val="{size}"/></w:rPr></w:style>'
        for id, name, size, default in (
            ("Normal", "Normal", 24, ' w:default="1"'), ("Title", "Title", 48, ""), ("Heading1", "heading 1", 32, ""),
        )
    )  # fmt: skip
    main = f"{_OFFICE}.wordprocessingml"
    members = [
        ("[Content_Types].xml", _types({"/word/document.xml": f"{main}.document.main+xml", "/word/styles.xml": f"{main}.styles+xml"})),
        ("_rels/.rels", _rels({"officeDocument": "word/document.xml"})),
        ("docProps/core.xml", _core(order)),
        ("word/_rels/document.xml.rels", _rels({"styles": "styles.xml"}, core=False)),
        ("word/document.xml", f'<w:document xmlns:w="{_W}"><w:body>{body}<w:sectPr/></w:body></w:document>'),
        ("word/styles.xml", f'<w:styles xmlns:w="{_W}">{styles}</w:styles>'),
    ]
    zips.write(path, [(name, (_HEAD + content).encode()) for name, content in members], order.stamp)


def rtf(order: Order, path: Path) -> None:
    def said(text: str) -> str:
        units = text.encode("utf-16-le")
        codes = (int.from_bytes(units[at : at + 2], "little", signed=True) for at in range(0, len(units), 2))
        return "".join(chr(code) if 32 <= code < 128 and chr(code) not in "\\{}" else f"\\u{code}?" for code in codes)

    blocks = "".join(
        f"{{\\b\\fs28 {said(text)}\\par}}\n" if style != "Normal" else f"{said(text)}\\par\n" for style, text in BLOCKS[order.kind](order)
    )
    path.write_bytes((r"{\rtf1\ansi\ansicpg1252\deff0\uc1{\fonttbl{\f0 Georgia;}}\f0\fs24" + "\n" + blocks + "}").encode("ascii"))


def pdf(order: Order, path: Path) -> None:
    paper = Paper(path, A4, f"{order.kind.capitalize()}: {order.title}", order.author)
    y = 267.0
    for style, text in BLOCKS[order.kind](order):
        wide, size, leading = (85, 11, 6.0) if style == "Normal" else (50, 17, 9.0)
        for line in [*textwrap.wrap(text, wide), ""]:
            if y < 30:
                paper.next()
                y = 267.0
            paper.text(25, y, line, size, REGULAR if style == "Normal" else BOLD)
            y -= leading if line else leading / 2
    paper.next()
    paper.save()


def statement_pdf(order: Order, path: Path) -> None:
    paper = Paper(path, A4, f"Royalty statement: {order.title}", "Lantern & Quill Publishing")
    y = 265.0
    for row in statement(order):
        places = (25, 62, 102, 130, 150, 185) if len(row) > 2 else (25, 62)
        for place, (x, said) in enumerate(zip(places, row, strict=False)):
            font = BOLD if row[0] in {"Total", "ISBN", "Royalty statement"} else ITALIC if place == 1 else REGULAR
            paper.text(x, y, said, 9, font, "right" if place > 2 else "left")
        y -= 6
    paper.next()
    paper.save()


def statement_xlsx(order: Order, path: Path) -> None:
    def cell(said: str, row: int, column: int) -> str:
        place = f"{'ABCDEF'[column]}{row}"
        number = column > 2 and said.replace(".", "").isdigit()
        return f'<c r="{place}"><v>{said}</v></c>' if number else f'<c r="{place}" t="inlineStr"><is><t>{escape(said)}</t></is></c>'

    rows = "".join(
        f'<row r="{number}">{"".join(cell(said, number, column) for column, said in enumerate(row))}</row>'
        for number, row in enumerate(statement(order), 1)
    )
    main = f"{_OFFICE}.spreadsheetml"
    members = [
        (
            "[Content_Types].xml",
            _types({"/xl/workbook.xml": f"{main}.sheet.main+xml", "/xl/worksheets/sheet1.xml": f"{main}.worksheet+xml"}),
        ),
        ("_rels/.rels", _rels({"officeDocument": "xl/workbook.xml"})),
        ("docProps/core.xml", _core(order)),
        ("xl/_rels/workbook.xml.rels", _rels({"worksheet": "worksheets/sheet1.xml"}, core=False)),
        (
            "xl/workbook.xml",
            f'<workbook xmlns="{_S}" xmlns:r="{_DOCUMENT}"><sheets><sheet name="Statement" sheetId="1" r:id="rId1"/></sheets></workbook>',
        ),
        ("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{_S}"><sheetData>{rows}</sheetData></worksheet>'),
    ]
    zips.write(path, [(name, (_HEAD + content).encode()) for name, content in members], order.stamp)


def _types(parts: dict[str, str]) -> str:
    overrides = "".join(f'<Override PartName="{name}" ContentType="{type_}"/>' for name, type_ in parts.items())
    return (
        f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        f'<Default Extension="rels" ContentType="{_PACKAGE}.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/docProps/core.xml" ContentType="{_PACKAGE}.core-properties+xml"/>{overrides}</Types>'
    )


def _rels(targets: dict[str, str], *, core: bool = True) -> str:
    found = [
        f'<Relationship Id="rId{place}" Type="{_DOCUMENT}/{kind}" Target="{target}"/>'
        for place, (kind, target) in enumerate(targets.items(), 1)
    ]
    if core:
        kind = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"
        found.append(f'<Relationship Id="rId9" Type="{kind}" Target="docProps/core.xml"/>')
    return f'<Relationships xmlns="{_RELATIONS}">{"".join(found)}</Relationships>'


def _core(order: Order) -> str:
    day = f"{order.made:%Y-%m-%d}T10:30:00Z"
    return (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>{escape(order.title)}</dc:title>'
        f"<dc:creator>{escape(order.author)}</dc:creator>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{day}</dcterms:created></cp:coreProperties>'
    )
