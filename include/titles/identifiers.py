"""Identifiers and codes of the trade: checked, and brought into one form.

Every `x(text)` gives the normal form, or "" where `text` is not a valid x: callers keep the raw value beside it and the
feed's gates say what is wrong. Check digits are python-stdnum's, countries, currencies and languages pycountry's.
"""

from __future__ import annotations

import re
from functools import cache

import pycountry
from stdnum import ean as _ean
from stdnum import isbn as _isbn
from stdnum import isni as _isni
from stdnum.exceptions import ValidationError

from include.titles import codelists

WORLD = "WORLD"  # List 49
REST_OF_WORLD = "ROW"  # List 49

_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u2212\ufeff\u200b]+")
_ISBN_PREFIX = re.compile(r"^(?:urn:)?isbn(?:-1[03])?:?", re.IGNORECASE)
_ORCID_PREFIX = re.compile(r"^https?://orcid\.org/", re.IGNORECASE)
_ISNI_PREFIX = re.compile(r"^(?:https?://(?:www\.)?isni\.org/(?:isni/)?|isni:?)", re.IGNORECASE)

# ISO 639-2 has two codes for twenty languages; List 74 wants the bibliographic one.
_BEYOND_639 = frozenset({"und", "mul", "mis", "zxx"})


def _compact(text: str) -> str:
    return _SEPARATORS.sub("", text).upper()


def _ascii_digits(text: str, last: str = "") -> bool:
    """Only 0-9 (str.isdigit also says yes to Arabic-Indic digits), the last one perhaps X."""
    body = text[:-1] if last and text[-1:] == last else text
    return body.isascii() and body.isdigit()


def isbn13(text: str) -> str:
    """Thirteen digits. A valid ISBN-10 is converted (978); hyphens, spaces and an `ISBN` or `urn:isbn:` in front are taken off.

    "" if the check digit is wrong, the length is not 10 or 13, or a 13-digit number is not in 978 or 979.
    """
    digits = _ISBN_PREFIX.sub("", _compact(text))
    if len(digits) == 13:
        return digits if is_isbn13(digits) else ""
    if len(digits) != 10 or not _ascii_digits(digits, last="X"):
        return ""
    try:
        valid: str = _isbn.validate(digits, convert=True)
    except ValidationError:
        return ""
    return valid


def is_isbn13(text: str) -> bool:
    """Exactly thirteen digits, 978 or 979, with the right check digit; no hyphens."""
    if len(text) != 13 or not _ascii_digits(text) or not text.startswith(("978", "979")):
        return False
    # The same law as stdnum's, written out because a full feed asks it a hundred thousand times.
    digits = [ord(character) - 48 for character in text]
    return (sum(digits[0::2]) + 3 * sum(digits[1::2])) % 10 == 0


def isbn10(text: str) -> str:
    """The ISBN-10 of a 978 ISBN, without hyphens; "" for 979 and for what is not valid."""
    whole = isbn13(text)
    if not whole.startswith("978"):
        return ""
    ten: str = _isbn.compact(_isbn.to_isbn10(whole))
    return ten


def hyphenated(text: str) -> str:
    """As printed on the book: 978-0-306-40615-7. "" if it is not a valid ISBN."""
    whole = isbn13(text)
    if not whole:
        return ""
    printed: str = _isbn.format(whole)
    return printed


def gtin(text: str) -> str:
    """GTIN-8, -12, -13 or -14 (digits only)."""
    digits = _compact(text)
    if len(digits) not in {8, 12, 13, 14} or not _ascii_digits(digits):
        return ""
    try:
        valid: str = _ean.validate(digits)
    except ValidationError:
        return ""
    return valid


def isni(text: str) -> str:
    """Sixteen characters, digits but the last that may be X (ISO 27729); a URL or `ISNI` in front is taken off."""
    return _mod_11_2(_compact(_ISNI_PREFIX.sub("", text.strip())))


def orcid(text: str) -> str:
    """Sixteen characters as in ISNI, without hyphens; a URL in front is taken off.

    ORCIDs are ISNIs out of the block 0000 0001 5000 0007 to 0000 0003 5000 0001, and of 0009 since 2022.
    """
    valid = _mod_11_2(_compact(_ORCID_PREFIX.sub("", text.strip())))
    in_block = "000000015000000" <= valid[:15] <= "000000035000000" or valid.startswith("0009")
    return valid if in_block else ""


def _mod_11_2(digits: str) -> str:
    if len(digits) != 16 or not _ascii_digits(digits, last="X"):
        return ""
    try:
        valid: str = _isni.validate(digits)
    except ValidationError:
        return ""
    return valid


@cache
def countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes in force."""
    return frozenset(country.alpha_2 for country in pycountry.countries)


def is_country(code: str) -> bool:
    return code in countries()


@cache
def _languages() -> dict[str, str]:
    """Two-letter, terminological and bibliographic codes, each to the bibliographic one."""
    known = {code: code for code in _BEYOND_639}
    known |= {code: code for code in codelists.codes(74)}
    for language_ in pycountry.languages:
        code = getattr(language_, "bibliographic", language_.alpha_3)
        if code in codelists.codes(74):
            for alias in (code, language_.alpha_3, getattr(language_, "alpha_2", code)):
                known[alias] = code
    return known


def language(text: str) -> str:
    """ISO 639-2/B code as List 74 has it: `de`, `deu` and `GER` all give `ger`."""
    return _languages().get(text.strip().lower(), "")


@cache
def _currencies() -> frozenset[str]:
    return frozenset(unit.alpha_3 for unit in pycountry.currencies)


def is_currency(code: str) -> bool:
    """ISO 4217."""
    return code in _currencies()
