"""From what a cell says to what it means: exact numbers, checked identifiers, days, codes.

Each extractor takes one cell's text and gives its value, or raises `Unreadable` with what is wrong and what to do. They are run once for
every different text of a column, whatever the number of rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from functools import cache
from zoneinfo import ZoneInfo

import pycountry

from include.files.bounds import printable
from include.sales.periods import last_of_month
from include.sales.readers.workbook import dated
from include.titles.identifiers import countries, is_currency, isbn13

_WIDE = Context(prec=100)
_PLAIN = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?", re.ASCII)
_GROUPED = {  # thousands marked: what follows three digits; also India's 12,34,567
    ".": re.compile(r"[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}(?:\.\d*)?", re.ASCII),
    ",": re.compile(r"[1-9]\d{0,2}(?:\.\d{2,3})*\.\d{3}(?:,\d*)?", re.ASCII),
}
_BLANKS = re.compile(r"[\s\u00a0\u2007\u2009\u202f'’]")  # also Swiss and typographic marks of thousands
_MONEY_SIGNS = re.compile(r"^(?:[A-Z]{3}|[A-Z]{0,2}[$€£¥₹₩])|(?:[A-Z]{3}|[$€£¥₹₩]|kr|zł)$")
_LEDGER = re.compile(r"\d(?:CR|DR|Cr|Dr|cr|dr)\.?$")
_SIGNED = re.compile(r"(?:[A-Z]{3}|[A-Z]{0,2}[$€£¥₹₩])?([-+])")
_MINUS = str.maketrans({"−": "-", "–": "-", "‐": "-", "‑": "-", "﹣": "-", "－": "-"})
_SCIENTIFIC = re.compile(r"(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})")
_AS_AMOUNT = re.compile(r"\d(?:([,.'’\u00a0\u202f])\d{3})(?:\1\d{3}){3}")  # an ISBN with marks of thousands
_ASIN = re.compile(r"B0[0-9A-Z]{8}")
_DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:)?\s*(10\.\d{4,9}/\S+)", re.IGNORECASE)
_SKU = re.compile(r"237\d{10}")  # Ingram's own numbers look like an ISBN-13 and are none
_OFFSET = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})$")
_EXCEL = ("excel", "excel 1904")
_YEARS = range(1990, 2100)  # of reports; 0001 and 9999 are what systems write for "no date"
_MOST = 18  # digits of an amount before the mark: sums of billions of lines still fit


class Unreadable(Exception):
    """A cell that does not say what it should. `code` for programs; `what` is wrong and what `todo` for people."""

    def __init__(self, code: str, what: str, todo: str) -> None:
        super().__init__(what)
        self.code, self.what, self.todo = code, what, todo


def decimal(mark: str) -> Callable[[str], Decimal]:
    """Numbers with this decimal mark, thousands marked or not: `1.234,56`, `(1.23)`, `1.23-`, `£5`, `12 %`.

    The other mark is understood where it can be nothing else: `0,125` and `1,5` are no thousands. `1,234` is what `mark` makes of it.
    """
    other = "," if mark == "." else "."

    def read(text: str) -> Decimal:
        bare, negative = _unsigned(text)
        used = mark
        if not _GROUPED[mark].fullmatch(bare) and other in bare and (mark not in bare or bare.rindex(other) > bare.index(mark)):
            used = other  # no thousands as this mark would have them
        if _GROUPED[used].fullmatch(bare):
            bare = bare.replace("." if used == "," else ",", "")
        bare = bare.replace(",", ".") if used == "," and "." not in bare else bare
        if not _PLAIN.fullmatch(bare):
            raise _number(text, mark)
        value = Decimal(bare)
        return -value if negative else value

    return read


def _unsigned(text: str) -> tuple[str, bool]:
    """Digits and marks, and whether the number is negative: by a minus before or after it, or parentheses around it."""
    bare = _BLANKS.sub("", text).translate(_MINUS)
    if _LEDGER.search(bare):
        raise Unreadable(
            "not-a-number", f"{_shown(text)} is a credit or a debit, and who owes whom is not said", "Ask for amounts with a sign."
        )
    negative = False
    if bare.startswith("(") and bare.endswith(")"):
        bare, negative = bare[1:-1], True
    bare = bare.removesuffix("%")
    if bare.endswith("-"):
        bare, negative = bare[:-1], not negative
    if found := _SIGNED.match(bare):  # before the sign of the currency, or after it
        bare, negative = bare[: found.start(1)] + bare[found.end(1) :], negative != (found[1] == "-")
    return _MONEY_SIGNS.sub("", bare), negative


def _number(text: str, mark: str) -> Unreadable:
    if text.startswith("="):
        return Unreadable("not-a-number", f"{_shown(text)} is a formula without its result", "Open it in Excel, save it, and send that.")
    name = "dot" if mark == "." else "comma"
    return Unreadable(
        "not-a-number", f"{_shown(text)} is no number (decimal mark: {name})", "Correct the cell, or `decimal` of the layout."
    )


def fitting(value: Decimal, places: int, text: str) -> Decimal:
    """With at most `places` digits after the mark, rounded half to even where a spreadsheet computed more. Raises `Unreadable`."""
    if value.adjusted() >= min(_MOST, 38 - places):
        raise Unreadable("too-many-digits", f"{_shown(text)} is larger than any amount of money", "Ask what the number means.")
    return value if -int(value.as_tuple().exponent) <= places else value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, _WIDE)


def whole(mark: str) -> Callable[[str], int]:
    """Units: `12`, `1,200`, `(3)`, `3.0`; never a part of one."""
    number = decimal(mark)

    def read(text: str) -> int:
        value = number(text)
        if value.adjusted() > 15 or value != value.to_integral_value():
            raise Unreadable("not-whole", f"{_shown(text)} is no whole number", "Correct the cell: units are counted in whole ones.")
        return int(value)

    return read


def percent(mark: str, how: str) -> Callable[[str], Decimal]:
    """A percentage of discount: as written, of 100 what is ours (`share`), or a fraction of one."""
    number = decimal(mark)

    def read(text: str) -> Decimal:
        value = number(text)
        if how == "share":
            return 100 - value
        return value * 100 if how == "fraction" else value

    return read


def unquoted(text: str) -> str:
    """A value as a spreadsheet hides it: `'978...`, `="978..."`, in quotation marks."""
    bare = text.strip().strip("\ufeff\u200b\u00a0")
    if bare.startswith("="):
        bare = bare[1:].strip()
    return bare.strip("'\"’‘“”` ").strip()


def identifier(expected: str) -> Callable[[str], str]:
    """`type:value` of what the cell names. ISBNs have thirteen digits and a right check digit; what looks like one and is none keeps its
    text as `proprietary`, for a person to say what it is. A number that lost digits is refused: several books would become one."""

    def read(text: str) -> str:
        bare = unquoted(text)
        if found := _SCIENTIFIC.fullmatch(bare):
            bare = _rescued(found, text)
        bare = re.sub(r"^(\d{9,13})[.,]0+$", r"\1", bare)
        if _AS_AMOUNT.fullmatch(bare):
            bare = re.sub(r"\D", "", bare)
        if len(bare) > 120:
            raise Unreadable("not-an-id", "an identifier of more than 120 characters", "Correct the cell.")
        if expected == "isbn" and not any(character.isdigit() for character in bare):
            return ""  # `Totaal`, `unknown`: no product
        kind, value = _told(bare, expected)
        return f"{kind}:{value}" if value else ""

    return read


def _told(bare: str, expected: str) -> tuple[str, str]:
    if expected in {"asin", "sku", "proprietary"}:
        return expected, bare.upper() if expected == "asin" else bare
    if found := _DOI.fullmatch(bare):
        return "doi", found[1].lower()
    if valid := isbn13(bare) or (isbn13(bare.rjust(10, "0")) if re.fullmatch(r"\d{7,8}[\dXx]", bare) else ""):
        return ("parent-isbn" if expected == "parent-isbn" else "isbn"), valid  # a spreadsheet takes zeros off an ISBN-10
    if expected == "parent-isbn":
        return "parent-isbn", bare
    if _ASIN.fullmatch(bare.upper()):
        return "asin", bare.upper()
    if _SKU.fullmatch(bare):
        return "sku", bare
    return ("doi" if expected == "doi" else "proprietary"), bare


def _rescued(found: re.Match[str], text: str) -> str:
    """`9.780306406157E+12` has all its digits; `9.78031E+12` has lost them for good."""
    digits, power = found[1] + (found[2] or ""), int(found[3])
    if len(digits) == power + 1:
        return digits
    if len(digits) > power + 1 and not digits[power + 1 :].strip("0"):
        return digits[: power + 1]
    raise Unreadable(
        "digits-lost",
        f"{_shown(text)}: a spreadsheet has cut off the number's digits",
        "Ask for the report as the vendor made it, or format the column as text before saving.",
    )


def day(formats: tuple[str, ...], zone: str) -> Callable[[str], tuple[date, date]]:
    """First and last day of what the cell names: a day, or a month where the format has no day. Times with an offset → `zone`."""

    def read(text: str) -> tuple[date, date]:
        bare = unquoted(text)
        for form in formats:
            try:
                found = _day(bare, form, zone)
            except (ValueError, OverflowError, InvalidOperation):
                continue
            if found.year not in _YEARS:
                continue
            if form not in {"iso", *_EXCEL} and not any(mark in form for mark in ("%d", "%j", "%x", "%c", "%D")):
                return found, last_of_month(found)
            if form == "iso" and re.fullmatch(r"\d{4}-\d{2}", bare):
                return found, last_of_month(found)
            return found, found
        wanted = " or ".join("YYYY-MM-DD" if form == "iso" else form for form in formats)
        raise Unreadable("not-a-date", f"{_shown(text)} is no date ({wanted})", "Correct the cell, or `formats` of the layout.")

    return read


def _day(bare: str, form: str, zone: str) -> date:
    if form in _EXCEL:
        if not re.fullmatch(r"\d{4,7}(?:[.,]\d+)?", bare):
            raise ValueError(bare)
        return date.fromisoformat(dated(Decimal(bare.replace(",", ".")), since_1904=form != "excel")[:10])
    if form != "iso":
        moment = datetime.strptime(bare, form)  # noqa: DTZ007 dates of a report have no zone but their source's
        return (moment.astimezone(ZoneInfo(zone)) if moment.tzinfo else moment).date()
    if re.fullmatch(r"\d{4}-\d{2}", bare):
        bare += "-01"
    if len(bare) <= 10:
        return date.fromisoformat(bare)
    moment = datetime.fromisoformat(bare.replace(" ", "T", 1))
    return (moment.astimezone(ZoneInfo(zone)) if _OFFSET.search(bare) and moment.tzinfo else moment).date()


@cache
def _country_names() -> dict[str, str]:
    names = {"uk": "GB", "great britain": "GB", "england": "GB", "usa": "US", "u.s.a.": "US", "russia": "RU", "south korea": "KR"}
    names |= {"czech republic": "CZ", "turkey": "TR", "hong kong sar": "HK", "macau": "MO", "the netherlands": "NL", "ivory coast": "CI"}
    for one in pycountry.countries:
        for name in (one.alpha_3, one.name, getattr(one, "official_name", ""), getattr(one, "common_name", "")):
            if name:
                names.setdefault(str(name).casefold(), one.alpha_2)
    return names


def country(text: str) -> str:
    """ISO 3166-1 alpha-2 of a code or an English name; "" for what is none (`Worldwide`, `Unknown`)."""
    bare = text.strip()
    code = bare.upper()
    if code in countries():
        return code
    return _country_names().get(bare.casefold(), "")


_SIGNS = {"€": "EUR", "£": "GBP", "$": "USD", "US$": "USD", "CA$": "CAD", "C$": "CAD", "A$": "AUD", "AU$": "AUD", "¥": "JPY", "₹": "INR"}


def currency(text: str) -> str:
    """ISO 4217."""
    bare = text.strip().upper()
    code = _SIGNS.get(bare, bare)
    if not is_currency(code):
        raise Unreadable("not-a-currency", f"{_shown(text)} is no currency of ISO 4217", "Correct the cell, or `map` it in the layout.")
    return code


_SIGN_OR_CODE = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])|[A-Z]{0,2}\$|[€£¥₹₩]|zł")
_NAMED_ALIKE = {"$": ("Dollar", "Peso"), "£": ("Pound",), "¥": ("Yen", "Yuan"), "₩": ("Won",)}


def currencies_of(text: str) -> frozenset[str] | None:
    """Which currencies an amount says that it may be in; None where it says nothing of that."""
    found = _SIGN_OR_CODE.search(text)
    if not found:
        return None
    said = found[0]
    if is_currency(said):
        return frozenset({said})
    if said == "zł":
        return frozenset({"PLN"})
    if words := _NAMED_ALIKE.get(said):
        return frozenset(one.alpha_3 for one in pycountry.currencies if any(word in one.name for word in words))
    return frozenset({_SIGNS[said]}) if said in _SIGNS else None


def _shown(text: str) -> str:
    return repr(printable(text)[:60])
