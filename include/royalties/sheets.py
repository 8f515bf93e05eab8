"""A PDF of many statements: which pages are whose, by what is printed on every page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from include.errors import RejectedData
from include.royalties.layout import PdfMarks, StatementLayout
from include.royalties.statements import NUMBERLESS, Said, money, reason

_AGAIN = "Export it again from Consonance."
_ASK = "Export the batch again from Consonance, or say on the page whose these pages are."


@dataclass(slots=True)
class Sheets:
    """Pages that belong together, in the order in which they are to be read; `said` by them; why they can go to nobody."""

    pages: list[int] = field(default_factory=list)  # from 0
    said: Said = field(default_factory=Said)
    reasons: list[dict[str, Any]] = field(default_factory=list)

    @property
    def position(self) -> str:
        """`pages 4-6, 9`, as people count."""
        runs: list[list[int]] = []
        for page in sorted(self.pages):
            if runs and runs[-1][1] == page - 1:
                runs[-1][1] = page
            else:
                runs.append([page, page])
        told = ", ".join(str(first + 1) if first == last else f"{first + 1}-{last + 1}" for first, last in runs)
        return f"page {told}" if len(self.pages) == 1 else f"pages {told}"


@dataclass(frozen=True, slots=True)
class _Page:
    number: int
    text: str
    first: bool
    key: str
    place: tuple[int, int] | None  # page 2 of 5


def texts(local: Path) -> list[str]:
    """The text of each page, as it can be read, wherever on the page and in whatever colour. Raises `RejectedData`."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(local)
    except pypdfium2.PdfiumError as bad:
        raise RejectedData("the PDF can't be read", todo=_AGAIN) from bad
    found = []
    try:
        for number in range(len(document)):
            page = document[number]
            lines = page.get_textpage()
            found.append(lines.get_text_range().replace("\r\n", "\n").replace("\r", "\n"))
            lines.close()
            page.close()
    except pypdfium2.PdfiumError as bad:
        raise RejectedData("a page can't be read", where=f"page {len(found) + 1}", todo=_AGAIN) from bad
    finally:
        document.close()
    return found


def draws_nothing(local: Path, page: int) -> bool:
    """Whether a page (from 0) is blank: a program that prints on both sides puts one behind an odd number of pages."""
    import pypdfium2

    with closing(pypdfium2.PdfDocument(local)) as document, closing(document[page]) as one:
        return next(one.get_objects(max_depth=1), None) is None


def layout_of(pages: Sequence[str], layouts: Sequence[StatementLayout]) -> StatementLayout | None:
    """The layout by which most pages are a statement's first; None if no page is, by any of them."""
    known = [(sum(is_first(text, layout.pdf) for text in pages), layout) for layout in layouts if layout.pdf is not None]
    best = max(known, key=lambda one: one[0], default=None)
    return best[1] if best and best[0] else None


def is_first(text: str, marks: PdfMarks | None) -> bool:
    return marks is not None and all(re.search(pattern, text, re.MULTILINE) for pattern in marks.first_page)


def nearest(pages: Sequence[str], layouts: Sequence[StatementLayout]) -> str:
    """Which layout comes nearest to a file that has none, and what it misses, in a sentence."""
    best: tuple[int, str] = (0, "No page has the words of any layout's first page.")
    for layout in layouts:
        wanted = layout.pdf.first_page if layout.pdf else ()
        for text in pages:
            missing = [pattern for pattern in wanted if not re.search(pattern, text, re.MULTILINE)]
            if (there := len(wanted) - len(missing)) > best[0]:
                best = (there, f"The nearest layout is {layout.id}; no page has all of its words: missing {', '.join(missing)}.")
    return best[1]


def grouped(pages: Sequence[str], layout: StatementLayout) -> Iterator[Sheets]:
    """Pages by statement, in the order in which their first pages come; then the pages that are nobody's, each by itself."""
    marks = layout.pdf
    assert marks is not None  # noqa: S101 - `layout_of` gives no other
    read = [_read(number, text, marks) for number, text in enumerate(pages)]
    groups: dict[str, list[_Page]] = {}
    stray: list[_Page] = []
    latest: dict[str, str] = {}  # what a page says of itself → the statement that it belongs to
    for page in read:
        name = page.key if marks.following != "follow" else "*"
        if page.first and (name or marks.following == "follow"):
            own = name if name not in groups and name != "*" else f"{name}#{page.number}"
            latest[name] = own
            groups[own] = [page]
        elif name and (before := latest.get(name)):
            groups[before].append(page)
        else:
            stray.append(page)
    found_later = [page for page in stray if page.key and page.key in latest]  # a page that came before its first page
    for page in found_later:
        groups[latest[page.key]].append(page)
    twice = {name.partition("#")[0] for name in groups if "#" in name and marks.following == "number"}
    for name, own_pages in groups.items():
        sheets = _sheets(own_pages, layout, marks)
        if name.partition("#")[0] in twice:
            sheets.reasons.append(reason("number-twice", "two statements of this file bear one number", sheets.position, _ASK))
        yield sheets
    for page in stray:
        if page not in found_later:
            yield _nobody(page)


def _read(number: int, text: str, marks: PdfMarks) -> _Page:
    key = "" if marks.following == "follow" else _value(text, getattr(marks, marks.following))
    place = re.search(marks.page, text, re.MULTILINE) if marks.page else None
    counted = (int(place[1]), int(place[2])) if place and place[1].isdigit() and place[2].isdigit() else None
    return _Page(number, text, is_first(text, marks), key, counted)


def _value(text: str, pattern: str) -> str:
    found = re.search(pattern, text, re.MULTILINE) if pattern else None
    return " ".join(found[1].split()) if found and found[1] else ""


def _values(text: str, pattern: str) -> list[str]:
    return [" ".join(one[1].split()) for one in re.finditer(pattern, text, re.MULTILINE) if one[1]] if pattern else []


def _nobody(page: _Page) -> Sheets:
    sheets = Sheets([page.number])
    if not page.text.strip():
        what, code = "the page has no text: a scan, or blank; nobody can tell whose it is", "no-text"
    else:
        what, code = "the page does not say whose it is, or names a statement that is not in the file", "nobody"
    sheets.reasons.append(reason(code, what, sheets.position, _ASK))
    return sheets


def _sheets(pages: list[_Page], layout: StatementLayout, marks: PdfMarks) -> Sheets:
    sheets = Sheets([page.number for page in pages])
    sheets.said = _said(pages, layout, marks, sheets)
    where = sheets.position
    numbers = [page.number for page in pages]
    if sorted(numbers) != list(range(min(numbers), max(numbers) + 1)):
        sheets.reasons.append(reason("interleaved", "pages of other statements, or of nobody, lie between its pages", where, _ASK))
    if (marks.number or marks.contract) and not (sheets.said.number or sheets.said.contracts):
        sheets.reasons.append(reason("number-missing", NUMBERLESS, where, _ASK))
    if marks.page:
        _counted(pages, sheets, where)
    if not all(page.text.strip() for page in pages):
        sheets.reasons.append(reason("no-text", "a page has no text: nobody can tell what it shows", where, _ASK))
    return sheets


def _counted(pages: list[_Page], sheets: Sheets, where: str) -> None:
    places = [page.place for page in pages]
    totals = {place[1] for place in places if place}
    if None in places or len(totals) != 1:
        sheets.reasons.append(reason("pages-unnumbered", "a page does not say which page of how many it is", where, _ASK))
        return
    counted, wanted = [place[0] for place in places if place], list(range(1, totals.pop() + 1))
    if sorted(counted) != wanted:
        missing = ", ".join(str(page) for page in wanted if page not in counted)
        what = f"it has page {', '.join(str(page) for page in counted)} of {len(wanted)}" + (
            f": page {missing} is missing" if missing else ""
        )
        sheets.reasons.append(reason("pages-missing", what, where, _ASK))
    elif counted != wanted or [page.number for page in pages] != sorted(page.number for page in pages):
        sheets.reasons.append(reason("pages-order", "its pages are out of order", where, _ASK))


def _said(pages: list[_Page], layout: StatementLayout, marks: PdfMarks, sheets: Sheets) -> Said:
    """What the first page says; other pages may say it again, and must not say anything else."""
    first = next((page for page in pages if page.first), pages[0])
    for what, pattern in (("payee", marks.payee), ("payee number", marks.payee_number), ("number", marks.number), ("period", marks.period)):
        told = {value for page in pages for value in _values(page.text, pattern)}
        if len(told) > 1:
            sheets.reasons.append(reason("says-two", f"its pages name {len(told)} different things as {what}", sheets.position, _ASK))
    whole = "\n".join(page.text for page in pages)
    amount, currency = _payable(whole, layout, marks, sheets)
    return Said(
        payee=_value(first.text, marks.payee),
        payee_number=_value(first.text, marks.payee_number),
        number=_value(first.text, marks.number),
        period=_value(first.text, marks.period),
        contracts=tuple(dict.fromkeys(_values(whole, marks.contract))),
        amount=amount,
        currency=currency[:3],
    )


def _payable(whole: str, layout: StatementLayout, marks: PdfMarks, sheets: Sheets) -> tuple[Decimal | None, str]:
    """Amount and currency, as often as they are printed; two of them are for a person, since one would be lost."""
    printed, currencies = (list(dict.fromkeys(_values(whole, pattern))) for pattern in (marks.amount, marks.currency))
    amounts = {money(one, layout.decimal_point) for one in printed}
    if None in amounts:
        unread = next(one for one in printed if money(one, layout.decimal_point) is None)
        sheets.reasons.append(reason("amount", f"the amount payable, {unread[:40]!r}, is no number", sheets.position, _ASK))
    elif len(amounts) > 1:
        sheets.reasons.append(reason("amount", f"it names {len(amounts)} amounts payable", sheets.position, _ASK))
    if len(currencies) > 1:
        sheets.reasons.append(reason("currencies", f"its amounts are in {len(currencies)} currencies", sheets.position, _ASK))
    single = len(amounts) == 1 and len(currencies) <= 1
    return (amounts.pop() if single else None), (currencies[0] if currencies and single else "")
