"""The exported files: one PDF of many statements, one CSV of many payees' rows, or a ZIP of either, and what goes wrong with them."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sandbox.files.paper import A4, BOLD, ITALIC, Paper
from sandbox.statements.cast import Statement

ROWS = 14  # lines of a statement on one page
HEADER = (
    "Payee number", "Payee", "Statement", "Period", "Contract", "Work", "ISBN", "Channel", "Units", "Net receipts", "Rate", "Royalty",
    "Payable", "Currency", "Batch total",
)  # fmt: skip
DEFECTS = (
    "interleaved", "order", "missing-page", "nobody", "scan", "picture", "bookmarks", "attachment", "fields", "shared", "hidden", "layers",
    "encrypted", "broken", "beyond",
)  # fmt: skip


def pdf(statements: Sequence[Statement], defects: Sequence[str] = ()) -> bytes:
    """One PDF. `defects` of DEFECTS; most of them put names of other payees where nobody sees them."""
    unknown = set(defects) - set(DEFECTS)
    if unknown:
        raise ValueError(f"an export is spoiled by {', '.join(DEFECTS)}")
    pages = [(one, place, of, rows) for one in statements for place, of, rows in _pages(one)]
    if "interleaved" in defects:
        pages = pages[::2] + pages[1::2]
    if "order" in defects:
        pages = pages[::-1]
    if "missing-page" in defects:
        pages = pages[:1] + pages[2:]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "export.pdf"
        paper = Paper(path, A4, "Statements of " + ", ".join(one.payee for one in statements), "Royalties department")
        for number, page in enumerate(pages):
            _page(paper, *page, everybody=statements, defects=defects, number=number)
        if "nobody" in defects:
            paper.text(20, 200, "A note from the royalties department: our offices are closed in August.")
            paper.next()
        if "scan" in defects:
            paper.image(_picture(), 0, 0, *A4)
            paper.next()
        paper.save()
        return _spoiled(path.read_bytes(), statements, defects)


def _pages(one: Statement) -> list[tuple[int, int, tuple[Any, ...]]]:
    of = max(1, -(-len(one.lines) // ROWS))
    return [(page + 1, of, one.lines[page * ROWS : (page + 1) * ROWS]) for page in range(of)]


def _page(
    paper: Paper, one: Statement, place: int, of: int, rows: Any, *, everybody: Sequence[Statement], defects: Sequence[str], number: int
) -> None:
    if "shared" in defects:
        _shared(paper, everybody, number, list(everybody).index(one))
    y = 270
    if place == 1:
        paper.text(20, y, "ROYALTY STATEMENT", 16, BOLD)
        said = [f"Payee: {one.payee}", f"Statement number: {one.number}", f"Period: {one.period}"]
        if one.payee_number:
            said.insert(1, f"Payee number: {one.payee_number}")
        for line in said:
            y -= 7
            paper.text(20, y, line)
    y -= 12
    for line in rows:
        paper.text(20, y, f"Contract: {line.contract}  {line.work}", 9, BOLD)
        paper.text(20, y - 5, f"{line.channel}: {line.units} copies, net receipts {line.net:,}, {line.rate} %, royalty {line.royalty:,}", 9)
        y -= 13
    if place == of:
        if one.note:
            paper.text(20, y, one.note, 9, ITALIC)
            y -= 8
        amount = f"({-one.amount:,})" if one.amount < 0 else f"{one.amount:,}"
        paper.text(20, y, f"Amount payable: {one.currency} {amount}", 11, BOLD)
    paper.text(20, 12, f"Statement {one.number}   Page {place} of {of}", 8)
    others = [other.payee for other in everybody if other.number != one.number]
    if "hidden" in defects and others:
        body = paper.canvas.beginText(20, 400)
        body.setTextRenderMode(3)
        body.textOut(f"See also {others[0]}")
        paper.canvas.drawText(body)
    if "beyond" in defects and others:
        paper.text(20, -400, others[0])
    if "picture" in defects:
        paper.image(_picture(), 20, 30, 160, 140)
    if "bookmarks" in defects:
        paper.canvas.bookmarkPage(f"s{number}")
        paper.canvas.addOutlineEntry(one.payee, f"s{number}")
        paper.canvas.linkURL(f"https://royalties.example/{one.payee_number or number}", (40, 40, 200, 60))
    if "fields" in defects and place == 1:
        paper.canvas.acroForm.textfield(name=f"note {one.payee}", value=f"Checked for {one.number}", x=300, y=700, width=200, height=20)
    paper.next()


def _shared(paper: Paper, everybody: Sequence[Statement], number: int, mine: int) -> None:
    """Forms that hang on every page's resources and are drawn on one: what a print driver does with letterheads."""
    if number == 0:
        for at, one in enumerate(everybody):
            paper.canvas.beginForm(f"head{at}")
            paper.canvas.setFont(ITALIC, 8)
            paper.canvas.drawString(300, 800, f"Prepared for {one.payee}")
            paper.canvas.endForm()
    paper.canvas.doForm(f"head{mine}")


def _picture() -> io.BytesIO:
    from PIL import Image, ImageDraw

    image = Image.new("L", (600, 800), 255)
    ImageDraw.Draw(image).text((40, 40), "ROYALTY STATEMENT", fill=0)
    found = io.BytesIO()
    image.save(found, "PNG")
    found.seek(0)
    return found


def _spoiled(content: bytes, statements: Sequence[Statement], defects: Sequence[str]) -> bytes:
    """What is done to the file as a whole, with pikepdf: attachments, layers, shared resources, a password."""
    if "broken" in defects:
        return content[: len(content) // 2]
    if not {"attachment", "shared", "layers", "encrypted"} & set(defects):
        return content
    import pikepdf

    with pikepdf.open(io.BytesIO(content)) as file:
        if "attachment" in defects:
            listing = "\n".join(f"{one.payee};{one.number};{one.amount}" for one in statements)
            file.attachments["batch.csv"] = listing.encode()
        if "shared" in defects:
            one = pikepdf.Dictionary()
            for page in file.pages:
                for name, form in page.resources.get("/XObject", pikepdf.Dictionary()).items():
                    one[name] = form
            for page in file.pages:
                page.resources["/XObject"] = one
                page.obj["/PieceInfo"] = pikepdf.Dictionary(Batch=pikepdf.Dictionary(Private=pikepdf.String(statements[-1].payee)))
        if "layers" in defects:
            group = file.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.OCG, Name=pikepdf.String("Draft")))
            file.Root["/OCProperties"] = pikepdf.Dictionary(OCGs=pikepdf.Array([group]), D=pikepdf.Dictionary(OFF=pikepdf.Array([group])))
        out = io.BytesIO()
        password = pikepdf.Encryption(owner="owner", user="user") if "encrypted" in defects else False
        file.save(out, encryption=password, **({} if password else {"deterministic_id": True}))
        return out.getvalue()


def csv_rows(statements: Sequence[Statement]) -> bytes:
    """Rows of all, one payee's after another's. The last column says what the whole batch comes to: it is nobody's business."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(HEADER)
    total = sum(one.amount for one in statements)
    for one in statements:
        for line in one.lines:
            writer.writerow([
                one.payee_number, one.payee, one.number, one.period, line.contract, line.work, line.isbn, line.channel, line.units,
                line.net, line.rate, line.royalty, line.royalty, one.currency, total,
            ])  # fmt: skip
    return out.getvalue().encode("utf-8-sig")


def zipped(members: Sequence[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, (2026, 7, 20, 9, 0, 0)), content)
    return out.getvalue()


def make(statements: Sequence[Statement], kind: str, defects: Sequence[str] = ()) -> tuple[str, bytes]:
    """Name and bytes. `kind`: pdf, csv, zip (a PDF for each statement), zip-csv (one CSV in it)."""
    made: Mapping[str, Any] = {
        "pdf": lambda: ("statements.pdf", pdf(statements, defects)),
        "csv": lambda: ("statements.csv", csv_rows(statements)),
        "zip": lambda: ("statements.zip", zipped([(f"{one.payee} {one.number}.pdf", pdf([one], defects)) for one in statements])),
        "zip-csv": lambda: ("statements.zip", zipped([("batch/rows.csv", csv_rows(statements))])),
    }
    if kind not in made:
        raise ValueError(f"statements are exported as {', '.join(made)}")
    return made[kind]()  # type: ignore[no-any-return]
