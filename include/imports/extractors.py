"""From a cell to a value: small named functions, each of which says what is wrong with what it can't read.

A cell is what the sheet has: text, a number, a date, nothing. A value is what the ledger keeps as JSON: text, a list of texts; dates in
ISO 8601, amounts as decimals in text. Nothing is guessed: a date in a form that the mapping does not name is refused, and so is an ISBN
of which the spreadsheet has thrown digits away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from unicodedata import category, normalize

from include.imports.days import written
from include.imports.subject_codes import SCHEMES, Scheme
from include.titles import codelists, identifiers

Cell = str | int | float | bool | datetime | date | time | timedelta | None
Value = str | list[str]

EARLIEST, LATEST = date(1900, 1, 1), date(2100, 12, 31)
_SERIALS = (20_000, 80_000)  # Excel's days since 1899-12-30: from 1954 to 2119; what lies beyond is more likely another number
SERIAL_ZERO = date(1899, 12, 30)
DIGITS = 15  # that a number of a spreadsheet has
_DIGITS = 19  # as many before or behind the decimal mark are nobody's price, extent or number
_LONGEST_MESSAGE = 400
UNCALCULATED = "#UNCALCULATED!"
"""Stands for a formula that the sheet has no value of: a program wrote it, and nobody opened the sheet since."""
_FAULTS = frozenset({"#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"})
_SPACES = re.compile(r"[\s\u00a0\u2007\u202f]+")
_SCIENTIFIC = re.compile(r"^[+-]?\d+(?:[.,]\d*)?[eE][+-]?\d+$")
_WHOLE_FLOAT = re.compile(r"^(\d+)[.,]0+$")
_FORMULA_TEXT = re.compile(r'^="(.*)"$', re.DOTALL)
_LISTED = re.compile(r"[;|\n]+")
_AROUND_MONEY = re.compile(r"^[^\d.,(\-−+]+|[^\d.,)\-−]+$")
_UNSEEN = re.compile("[\u00ad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]")  # pasted along: no title has them, nobody sees them
_CODE = re.compile(r"^_?([0-9A-Z]{2})\b")
_DOI = re.compile(r"^10\.\d{4,9}/\S+$")
_ASIN = re.compile(r"^[A-Z0-9]{10}$")

# ISO 4217: currencies whose minor unit is not a hundredth.
_NONE = (
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF",
)  # fmt: skip
_THREE = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
EXPONENTS = dict.fromkeys(_NONE, 0) | dict.fromkeys(_THREE, 3)


DOLLAR = "a dollar"
_MARKS: dict[str, tuple[str, ...]] = {
    "£": ("GBP", "EGP", "FKP", "GIP", "SHP"), "€": ("EUR",), "$": (DOLLAR, "ARS", "CLP", "COP", "MXN"), "us$": ("USD",), "a$": ("AUD",),
    "au$": ("AUD",), "c$": ("CAD",), "ca$": ("CAD",), "nz$": ("NZD",), "r$": ("BRL",), "r": ("ZAR",), "¥": ("JPY", "CNY"), "₹": ("INR",),
    "fr": ("CHF",), "sfr": ("CHF",), "kr": ("DKK", "ISK", "NOK", "SEK"), "zł": ("PLN",),
}  # fmt: skip


class Unreadable(Exception):
    """A cell that can't be used: `code` for programs, `message` and `todo` for the sender."""

    def __init__(self, code: str, message: str, todo: str) -> None:
        shorter = message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}…"  # it quotes the cell
        super().__init__(shorter)
        self.code, self.message, self.todo = code, shorter, todo


@dataclass(frozen=True, slots=True)
class Ways:
    """How a column is written: what the mapping says of it, for the extractors."""

    dates: tuple[str, ...] = ("%Y-%m-%d",)
    decimal_mark: str = "."
    values: Mapping[str, str] = field(default_factory=dict)  # folded
    list_number: int = 0  # ONIX code list
    longest: int = 0  # characters
    serial_zero: date = SERIAL_ZERO  # what numbers of days count from; workbooks of old Macs count from 1904-01-01
    codes: Mapping[str, str] = field(default_factory=dict)  # the house's list of subjects, if it has one


def plain(cell: Cell) -> str:
    """The cell as text, blanks set right, letters composed. Raises `Unreadable` for a formula's error and for control characters."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 10**DIGITS else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    text = normalize("NFC", _SPACES.sub(" ", _UNSEEN.sub("", str(cell)))).strip()
    if text == UNCALCULATED:
        raise Unreadable("formula-error", "the cell holds a formula that was never calculated", "Open the sheet, save it, send it again.")
    if text.upper() in _FAULTS:
        raise Unreadable("formula-error", f"the cell shows {text}", "Mend the formula, or type the value.")
    if any(category(character) in {"Cc", "Cs", "Co"} or character == "\ufffd" for character in text):
        raise Unreadable("characters", "the text holds characters that can't be printed", "Type the text anew.")
    return text


def text(cell: Cell, ways: Ways) -> Value:
    found = _unquoted(plain(cell))
    if isinstance(cell, date | time | timedelta):  # of a title like `March 4` or `24:00`
        raise Unreadable("date-for-text", f"the spreadsheet has made {found} of it", "Format the cell as text and enter it anew.")
    if isinstance(cell, float) and abs(cell) >= 10**DIGITS:
        raise Unreadable("digits-lost", f"the spreadsheet has shortened it to {found}", "Format the cell as text and enter it anew.")
    if ways.longest and len(found) > ways.longest:
        raise Unreadable("too-long", f"{len(found)} characters, {ways.longest} are allowed", "Shorten it.")
    return found


def isbn(cell: Cell, ways: Ways) -> Value:
    """Thirteen digits. Numbers are rescued while they hold all digits: 9780306406157.0, and an ISBN-10 without its zeros."""
    if isinstance(cell, float) and not isinstance(cell, bool):
        if not cell.is_integer():
            raise _no_isbn(repr(cell))
        cell = int(cell)
    shown = _unquoted(plain(cell))
    if _SCIENTIFIC.match(shown):
        return _rescued(shown)
    if whole := _WHOLE_FLOAT.match(shown):
        shown = whole.group(1)
    if found := identifiers.isbn13(shown):
        if found.startswith("9790"):
            raise Unreadable("isbn-wrong", f"{shown} is an ISMN, of printed music, and no ISBN", "Enter the edition's ISBN.")
        return found
    if shown.isascii() and shown.isdigit() and 7 <= len(shown) < 10 and (found := identifiers.isbn13(shown.zfill(10))):
        return found  # an ISBN-10 kept as a number loses its zeros
    raise _no_isbn(shown)


def _rescued(shown: str) -> str:
    """9.780306406157E+12 holds all thirteen digits, 9.78E+12 does not."""
    digits = re.sub(r"\D", "", re.split("[eE]", shown)[0])
    if len(digits) == 13 and (found := identifiers.isbn13(digits)):
        return found
    raise Unreadable(
        "isbn-digits-lost", f"the spreadsheet has shortened the ISBN to {shown}", "Format the column as text and enter the ISBN anew."
    )


def _no_isbn(shown: str) -> Unreadable:
    digits = re.sub(r"[^0-9Xx]", "", shown)
    if len(digits) == 13 and digits.isdigit():
        if not digits.startswith(("978", "979")):
            return Unreadable("isbn-wrong", f"{shown} does not begin with 978 or 979", "Enter the ISBN, not another number.")
        check = -sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(digits[:12])) % 10
        if check == int(digits[12]):
            return Unreadable("isbn-wrong", f"{shown!r} holds more than an ISBN", f"Leave {digits}.")
        return Unreadable("isbn-wrong", f"{shown}: the check digit is wrong (it would be {check})", "Compare the ISBN with your list.")
    if len(digits) == 10:
        return Unreadable("isbn-wrong", f"{shown}: the check digit is wrong", "Compare the ISBN with your list.")
    return Unreadable("isbn-wrong", f"{shown!r} is no ISBN: it has {len(digits)} digits, not 13 or 10", "Enter all digits.")


def day(cell: Cell, ways: Ways) -> Value:
    """A date of the sheet, a text in one of the mapping's forms, or a spreadsheet's number of a day."""
    found: date | None = None
    shown = ""
    if isinstance(cell, datetime):
        found = cell.date()
    elif isinstance(cell, date):
        found = cell
    elif isinstance(cell, int | float) and not isinstance(cell, bool):
        shown = plain(cell)
        if _SERIALS[0] <= cell <= _SERIALS[1] and cell == int(cell):
            found = ways.serial_zero + timedelta(days=int(cell))
    else:
        shown = _unquoted(plain(cell))
        found = written(shown, ways.dates)
    if found is None:
        forms = ", ".join(date(2027, 2, 28).strftime(form) for form in ways.dates)
        raise Unreadable("date-wrong", f"{shown!r} is no date as this sheet writes them", f"Write it like {forms}.")
    if not EARLIEST <= found <= LATEST:
        raise Unreadable("date-range", f"{found.isoformat()} can't be meant", "Check the year.")
    return found.isoformat()


def code(cell: Cell, ways: Ways) -> Value:
    """A code of the ONIX list, as code (`04`, `_04`, 4, `04 Active`), as its heading, or as the mapping's values say."""
    shown = _unquoted(plain(cell))
    known = codelists.names(ways.list_number)
    if (meant := ways.values.get(shown.casefold())) is not None:
        return meant
    if shown.isascii() and shown.isdigit() and len(shown) == 1:
        shown = f"0{shown}"
    if (found := _CODE.match(shown)) and found.group(1) in known:
        return found.group(1)
    for one, heading in known.items():
        if heading.casefold() == shown.casefold():
            return one
    allowed = ", ".join([*ways.values][:6]) or "a code or its heading"
    raise Unreadable("code-unknown", f"{shown!r} is not in ONIX code list {ways.list_number}", f"Use {allowed}.")


def named(cell: Cell, ways: Ways) -> Value:
    """A text, as the mapping's values name it, if they do."""
    shown = text(cell, ways)
    return ways.values.get(str(shown).casefold(), shown)


def listed(cell: Cell, ways: Ways, scheme: Scheme) -> Value:
    """Codes with `;`, `,`, `|` or new lines between them, once each, in their order. A heading behind a code is left out, commas and all:
    `OCC000000 BODY, MIND & SPIRIT / General` is one code."""
    found, wrong = [], []
    for piece in _LISTED.split(cell if isinstance(cell, str) else plain(cell)):
        headed = False
        for words in filter(None, (_unquoted(plain(part)).split() for part in piece.split(","))):
            code, alone = words[0].upper(), len(words) == 1
            written = code == words[0] or (alone and not headed)  # what is in small letters goes on with a heading, or is one
            why = scheme.why_not(code, ways.codes) if written else f"{' '.join(words)}: no {scheme.name} code looks like this"
            if why and headed and not any(map(str.isdigit, code)):
                continue
            (wrong.append(why) if why else found.append(code))
            headed = headed or not alone
    if wrong:
        raise Unreadable("subject-wrong", "; ".join(wrong), f"Use {scheme.name} codes, `;` between them.")
    if found and all(code[0] in scheme.qualifiers for code in found):
        raise Unreadable("subject-wrong", f"{', '.join(found)}: qualifiers only", f"Put the {scheme.name} subject before them.")
    return list(dict.fromkeys(found))


def bisacs(cell: Cell, ways: Ways) -> Value:
    return listed(cell, ways, SCHEMES["bisac"])


def themas(cell: Cell, ways: Ways) -> Value:
    return listed(cell, ways, SCHEMES["thema"])


def bics(cell: Cell, ways: Ways) -> Value:
    return listed(cell, ways, SCHEMES["bic"])


def nurs(cell: Cell, ways: Ways) -> Value:
    return listed(cell, ways, SCHEMES["nur"])


def doi(cell: Cell, ways: Ways) -> Value:
    shown = re.sub(r"^(?:https?://(?:dx\.)?doi\.org/|doi:)\s*", "", _unquoted(plain(cell)), flags=re.IGNORECASE)
    if not _DOI.match(shown):
        raise Unreadable("doi-wrong", f"{shown!r} is no DOI", "A DOI begins with `10.`, then a slash: 10.1234/abc.")
    return shown


def asin(cell: Cell, ways: Ways) -> Value:
    shown = _unquoted(plain(cell)).upper()
    if not _ASIN.match(shown):
        raise Unreadable("asin-wrong", f"{shown!r} is no ASIN", "An ASIN has ten letters and digits.")
    return shown


def gtin(cell: Cell, ways: Ways) -> Value:
    shown = _unquoted(plain(int(cell) if isinstance(cell, float) and cell.is_integer() else cell))
    if found := identifiers.gtin(shown):
        return found
    raise Unreadable("gtin-wrong", f"{shown!r}: the check digit or the length is wrong", "A GTIN has 8, 12, 13 or 14 digits.")


def number(cell: Cell, ways: Ways) -> Value:
    """A positive number, as decimal text without empty decimals."""
    found = decimal(cell, ways)
    if found < 0:
        raise Unreadable("number-wrong", f"{plain(cell)} is less than nothing", "Enter a positive number.")
    return format(found.normalize(), "f")


def identity(cell: Cell, ways: Ways) -> Value:
    """A number of Consonance's."""
    shown = _unquoted(plain(cell))
    if whole := _WHOLE_FLOAT.match(shown):
        shown = whole.group(1)
    if not (shown.isascii() and shown.isdigit() and len(shown) < _DIGITS and int(shown)):
        raise Unreadable("id-wrong", f"{shown!r} is no number of Consonance's", "Copy it from Consonance, or leave it empty.")
    return str(int(shown))


def currency(cell: Cell, ways: Ways) -> Value:
    shown = _unquoted(plain(cell))
    found = ways.values.get(shown.casefold(), shown.upper())
    if not identifiers.is_currency(found):
        raise Unreadable("currency-unknown", f"{shown!r} is no currency", "Use the three letters of ISO 4217: GBP.")
    return found


def money(cell: Cell, ways: Ways) -> Value:
    """An amount as written; whether it has too many decimals for its currency, `amount_for` says. Beside it a currency may stand, and
    nothing else: `12.99 + VAT` and `99p` are other amounts."""
    if unknown := [mark for mark in _beside(cell) if not _meant_by(mark)]:
        raise Unreadable("price-wrong", f"{plain(cell)!r}: what is {unknown[0]!r}?", "Enter the amount alone, or with its currency.")
    found = decimal(cell, ways)
    if found < 0:
        raise Unreadable("price-wrong", f"{plain(cell)} is less than nothing", "Enter the price.")
    if found.adjusted() > 7:
        raise Unreadable("price-wrong", f"{plain(cell)} can't be a price", "Check the decimal mark.")
    return format(found, "f")


def is_in(cell: Cell, of_currency: str) -> bool:
    """Whether a cell that `money` reads says no other currency than this beside its amount."""
    return all(of_currency in meant or (DOLLAR in meant and of_currency.endswith("D")) for meant in map(_meant_by, _beside(cell)))


def _beside(cell: Cell) -> list[str]:
    """What stands before and behind the amount."""
    return " ".join(_AROUND_MONEY.findall(_unquoted(plain(cell)))).split() if isinstance(cell, str) else []


def _meant_by(mark: str) -> frozenset[str]:
    """The currencies that a mark stands for; none: it is no mark of money."""
    known = _MARKS.get(mark.casefold())
    return frozenset(known or ([mark.upper()] if identifiers.is_currency(mark.upper()) else []))


def amount_for(amount: str, of_currency: str) -> str:
    """The amount with the decimals of its currency: 12.5 GBP is 12.50, 1200 JPY 1200. Raises `Unreadable` for a part of a penny."""
    places = EXPONENTS.get(of_currency, 2)
    unit = Decimal(1).scaleb(-places)
    exact = Decimal(amount)
    if exact != exact.quantize(unit):
        raise Unreadable("price-wrong", f"{amount} {of_currency}: the currency has {places or 'no'} decimals", "Check the price.")
    return format(exact.quantize(unit), "f")


def decimal(cell: Cell, ways: Ways) -> Decimal:
    """A decimal. Numbers of a spreadsheet are taken by the fifteen digits that it shows of them (a sum of 10.99 is not 10.989999999999998);
    a text by the mapping's decimal mark, thousands grouped."""
    if isinstance(cell, float):
        shown = f"{cell:.15g}"
    elif isinstance(cell, int) and not isinstance(cell, bool):
        shown = repr(cell)
    else:
        shown = _AROUND_MONEY.sub("", _unquoted(plain(cell))).strip()
        group = "." if ways.decimal_mark == "," else ","
        whole, mark, rest = shown.partition(ways.decimal_mark)
        if not re.fullmatch(r"[0-9]*", rest) or not re.fullmatch(rf"[-+−]?\d{{1,3}}(?:[{group} ’']\d{{3}})*|[-+−]?\d+", whole or "0"):
            raise _no_number(plain(cell), ways)
        shown = re.sub(r"[^\d+-]", "", whole.replace("−", "-")) + (f".{rest}" if mark else "")
    try:
        found = Decimal(shown)
    except InvalidOperation as bad:
        raise _no_number(plain(cell), ways) from bad
    if not found.is_finite() or (found and not -_DIGITS < found.adjusted() < _DIGITS):
        raise _no_number(plain(cell), ways)
    return found


def _no_number(shown: str, ways: Ways) -> Unreadable:
    return Unreadable("number-wrong", f"{shown!r} is no number as this sheet writes them", f"The decimal mark is `{ways.decimal_mark}`.")


def _unquoted(shown: str) -> str:
    """What people do to keep a spreadsheet from changing a number: '978…, ="978…", “978…”."""
    if formula := _FORMULA_TEXT.match(shown):
        shown = formula.group(1)
    if len(shown) > 1 and shown[0] in "'’‘" and shown[1:2].isalnum() and shown[1:2].isdigit():
        shown = shown[1:]
    if len(shown) > 2 and shown[0] == shown[-1] == '"':
        shown = shown[1:-1]
    return shown.strip()


Extractor = Callable[[Cell, Ways], Value]
EXTRACTORS: dict[str, Extractor] = {
    "text": text, "named": named, "isbn": isbn, "date": day, "code": code, "bisac": bisacs, "thema": themas, "bic": bics, "nur": nurs,
    "doi": doi, "asin": asin, "gtin": gtin, "number": number, "id": identity, "currency": currency, "money": money,
}  # fmt: skip
