"""ISBNs in a text that nobody wrote for programs: a file's name, a folder, a field of metadata.

An ISBN-13 begins with 978 or 979 (979-0 is printed music: ISMN) and is written in one piece, as prefix and rest, or in its groups with
one separator throughout; with several separators only as the ISBN agency would set it. An ISBN-10 is taken where it stands alone and is
no telephone number, no time stamp, and no other number that says what it is. Digits beside digits are never an ISBN.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stdnum import isbn as _isbn

from include.titles.identifiers import hyphenated, is_isbn13, isbn13

MASK = "\u241f"  # stands where a number was taken out, so that its neighbours do not grow together

_SEP = r"[-\u2010-\u2015\u2212 _.\u00a0]"
_THIRTEEN = re.compile(rf"(?<!\d)97[89](?:{_SEP}?\d){{10}}(?!\d)")
_TEN = re.compile(rf"(?<![\dA-Za-z])\d(?:{_SEP}?\d){{8}}{_SEP}?[\dXx](?![\dA-Za-z])")
_CUED_TEN = re.compile(rf"(?i)(?<=isbn)[^\dA-Za-z]*(?:10[^\dA-Za-z]+)?(\d(?:{_SEP}?\d){{8}}{_SEP}?[\dX])(?!\d)")
# "ISBN13", "isbn-10:" are words, not digits of the number.
_CUE = re.compile(r"(?i)(isbn)[\W_]*1[03](?=[\W_]*97[89]|[\W_]+\d|\d{9}[\dx](?!\d))")
_OTHER_NUMBER = re.compile(
    r"(?i)(?:\+|(?<![a-z])(?:tel|telephone|phone|ph|mob|mobile|cell|fax|call|order|invoice|inv|po|job|ticket|ref|no|nr|id|account|acct|vat|epoch))"
    r"[\W_]*$"
)
_HEX_BEFORE, _HEX_AFTER = re.compile(r"(?i)[0-9a-f]+$"), re.compile(r"(?i)[0-9a-f]+")
_STAMP = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])$")  # YYYYMMDDHH


@dataclass(frozen=True, slots=True)
class Found:
    """`isbns` as ISBN-13 in order; `wrong` as they stand, without separators; `rest` is the text with `MASK` in their places."""

    isbns: tuple[str, ...]
    wrong: tuple[str, ...]
    rest: str


def find(text: str) -> Found:
    """All ISBNs of a text; each once. Never raises."""
    good: dict[int, str] = {}
    wrong: dict[int, str] = {}
    text = _CUE.sub(r"\1 ", text)

    def thirteen(match: re.Match[str]) -> str:
        written, digits = match.group(), re.sub(r"\D", "", match.group())
        if digits.startswith("9790") or not _shaped(written, digits) or _in_a_hash(match):
            return written
        (good if is_isbn13(digits) else wrong)[match.start()] = digits
        return MASK * len(written)

    def ten(match: re.Match[str]) -> str:
        written = match.group(match.lastindex or 0)
        digits = re.sub(r"[^\dXx]", "", written).upper()
        cued = match.re is _CUED_TEN
        valid = isbn13(digits)
        if not cued and not (valid and _alone(written, digits, match.string[: match.start()])):
            return match.group()
        if valid:
            good[match.start()] = valid
        else:
            wrong[match.start()] = digits
        return MASK * len(match.group())

    rest = _THIRTEEN.sub(thirteen, text)
    rest = _CUED_TEN.sub(ten, rest)
    rest = _TEN.sub(ten, rest)
    return Found(_in_order(good), _in_order(wrong), rest)


def _in_order(found: dict[int, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found[place] for place in sorted(found)))


def _shaped(written: str, digits: str) -> bool:
    """Whether thirteen digits are set apart as an ISBN is: "978 2026 1121 01" is not."""
    groups = re.findall(r"\d+", written)
    if len(groups) == 1:
        return True
    separators = set(re.findall(r"\D", written))
    if len(separators) == 1:
        sizes = [len(group) for group in groups]
        if sizes in ([3, 10], [12, 1], [3, 9, 1]) or (len(sizes) == 5 and sizes[0] == 3 and sizes[-1] == 1):
            return True
    return groups == re.findall(r"\d+", _isbn.format(digits))


def _in_a_hash(match: re.Match[str]) -> bool:
    """Whether the digits are part of a long hexadecimal number."""
    before = _HEX_BEFORE.search(match.string[: match.start()])
    after = _HEX_AFTER.match(match.string[match.end() :])
    beside = (before.group() if before else "") + (after.group() if after else "")
    return len(beside) >= 8 and any(character.isdigit() for character in beside)


def _alone(written: str, digits: str, before: str) -> bool:
    """Whether ten characters without the word ISBN are one: in a piece, or in an ISBN's own groups."""
    if _OTHER_NUMBER.search(before) or _STAMP.match(digits):
        return False
    groups = re.findall(r"[\dXx]+", written)
    if len(groups) == 1:
        return True
    printed = hyphenated(digits).split("-")[1:]  # without 978; its last group is the check digit of thirteen
    return len(groups) == 4 and len(set(re.findall(r"[^\dXx]", written))) == 1 and [len(g) for g in groups] == [len(g) for g in printed]
