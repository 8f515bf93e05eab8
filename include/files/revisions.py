"""Which revision a file's name says it is, and which day: `v2.1`, `rev 02`, `2nd pass`, `FINAL2`, `21Nov2026`.

A revision has a number that orders it (`Clues.rank`): 3 → 30000, 2.1 → 20001. "3 final" comes after 3 and before 4, "3.1 final" with
3.1 and before 3.2 (of two with one rank the final one is the newer). A bare "final" comes
after every number, "final 2" after "final". A download's "(2)" and a second edition are no revisions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from include.files.isbns import MASK
from include.files.model import rank

FINAL = 900_000_000  # rank of a bare "final": above 89,999 numbered revisions
_FINAL_WITHIN = 9_999  # "3 final" within 3

_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6}
_STAGE = r"(?:page[\s_.-]*)?(?:pass(?:es)?|proofs?|draft|drafts|revise[sd]?|revisions?|round)(?:[\s_.-]*pages)?"
_EDGE = r"(?:^|(?<=[\W_\d]))"  # a word begins: after a digit, too ("9780306406157v2")
_END = r"(?![A-Za-z\d])"
_NUMBER = r"0*(?P<major>\d{1,3})(?:[._](?P<minor>\d{1,3})(?:\.\d+)*)?"

_NUMBERED = (
    re.compile(rf"(?i){_EDGE}v(?:er(?:sion)?[\s_.-]*|[.]?)0*(?P<major>\d{{1,3}})(?:\.(?P<minor>\d{{1,3}})(?:\.\d+)*)?(?!\d)"),
    re.compile(rf"(?i){_EDGE}(?:rev(?:ision|ised|ise|isi)?)[\s_.-]*{_NUMBER}{_END}"),
    re.compile(rf"(?i){_EDGE}r0*(?P<major>\d{{1,2}})(?:\.(?P<minor>\d{{1,3}}))?{_END}"),
    re.compile(rf"(?i){_EDGE}(?P<major>\d{{1,2}})(?:st|nd|rd|th)[\s_.-]*{_STAGE}{_END}"),
    re.compile(rf"(?i){_EDGE}(?P<word>{'|'.join(_ORDINALS)})[\s_.-]*{_STAGE}{_END}"),
    re.compile(rf"(?i){_EDGE}(?:pass|proofs?|drafts?|round)[\s_.#-]*0*(?P<major>\d{{1,2}})(?:\.(?P<minor>\d{{1,3}}))?{_END}"),
)
_FINALS = re.compile(r"(?i)(?:^|(?<=[\W_\d]))finals?(?:[\s_.-]*(?:v(?:er(?:sion)?)?[\s_.-]*)?0*(\d{1,2})(?![A-Za-z\d]))?(?![A-Za-z])")
_LETTER = re.compile(r"(?i)(?:^|(?<=[\W_]))rev[\s_.-]*(?P<letter>[A-H])$")
# Printers' `JobTitle_Page_Rev`: three or more digits, or p012, so that no month and no chapter is taken for a page.
_PAGE_REV = re.compile(r"(?i)^(?P<job>.*[a-z\u241f].*?)_p?(?P<page>0\d{2,3}|[1-9]\d{2})_r?0*(?P<rev>[1-9]\d?)$")

_MONTHS = {
    name: number for number, name in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1)
}
_MONTH = (
    r"(?P<m>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_Y, _S = r"(?P<y>(?:19|20)\d\d)", r"[-_. /]"
_DATES = (
    re.compile(rf"(?<!\d){_Y}({_S})(?P<mm>\d\d?)\2(?P<d>\d\d?)(?!\d)"),
    re.compile(rf"(?<!\d){_Y}(?P<mm>\d\d)(?P<d>\d\d)(?:[T_-]?(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?)?(?!\d)"),
    re.compile(rf"(?i)(?<!\d)(?P<d>\d\d?)(?:st|nd|rd|th)?{_S}?(?:of )?{_MONTH}{_S}?(?P<y>(?:(?:19|20)\d\d)|\d\d)(?!\d)"),
    re.compile(rf"(?i)(?<![a-z]){_MONTH}{_S}?(?P<d>\d\d?)(?:st|nd|rd|th)?,?{_S}{_Y}(?!\d)"),
    re.compile(rf"(?<!\d)(?P<a>\d\d?)({_S})(?P<b>\d\d?)\2{_Y}(?!\d)"),
    re.compile(rf"(?<!\d)(?P<a>\d\d)(?P<b>\d\d){_Y}(?!\d)"),
)


@dataclass(frozen=True, slots=True)
class Revision:
    """`text` as the ledger shows it ("" if the name says none), `rank` as it is ordered, `page` of a printer's single page."""

    text: str = ""
    rank: int = 0
    page: str = ""
    rest: str = ""


def take(stem: str, *, pages: bool = False) -> Revision:
    """The revision of a name without its extension and dates; `rest` is the name with `MASK` in its place. `pages`: a printer's
    `JobTitle_Page_Rev` may be meant."""
    rest, major, minor, at = stem, 0, 0, -1
    for pattern in _NUMBERED:
        for match in pattern.finditer(rest):
            number = _ORDINALS.get((match.groupdict().get("word") or "").lower()) or int(match.groupdict().get("major") or 0)
            if at < 0:
                major, minor, at = number, int(match.groupdict().get("minor") or 0), match.start()
        rest = pattern.sub(lambda match: MASK * len(match.group()), rest)
    finals = list(_FINALS.finditer(stem))
    rest = _FINALS.sub(lambda match: MASK * len(match.group()), rest)
    if finals:
        own = max(int(match.group(1) or 0) for match in finals)
        if at >= 0 and at < finals[0].start():
            text = f"{major}.{minor}" if minor else str(major)
            return Revision(f"{text} final", rank(text) if minor else rank(text) + _FINAL_WITHIN, rest=rest)
        number = own or (major if at >= 0 else len(finals))
        return Revision("final" if number < 2 else f"final {number}", FINAL + number, rest=rest)
    if at >= 0:
        text = f"{major}.{minor}" if minor else str(major)
        return Revision(text, rank(text), rest=rest)
    if letter := _LETTER.search(rest):
        text = letter["letter"].upper()
        return Revision(text, rank(str(ord(text) - ord("A") + 1)), rest=rest[: letter.start()])
    if pages and (page := _PAGE_REV.match(rest)) and not 1900 <= int(page["page"]) <= 2100:
        return Revision(page["rev"], rank(page["rev"]), page["page"], page["job"])
    return Revision(rest=rest)


def dates(text: str) -> tuple[tuple[date, ...], str]:
    """All days that a text names without doubt, in order, and the text with `MASK` in place of whatever looks like a date.

    03-04-2026 may be either day and is none; 21-11-2026 can only be one, and 11-21-2026, too.
    """
    found: dict[int, date] = {}

    def replaced(match: re.Match[str]) -> str:
        told = _date(match)
        if told is None:
            return match.group()
        if told is not _DOUBTFUL:
            found[match.start()] = told
        return MASK * len(match.group())

    for pattern in _DATES:
        text = pattern.sub(replaced, text)
    return tuple(found[place] for place in sorted(found)), text


_DOUBTFUL = date.min


def _date(match: re.Match[str]) -> date | None:
    """The day, `_DOUBTFUL` for one of two, None for no day at all."""
    got = match.groupdict()
    year = int(got["y"]) + (2000 if len(got["y"]) == 2 else 0)
    if got.get("a"):
        first, second = int(got["a"]), int(got["b"])
        days = {day for day in (_day(year, second, first), _day(year, first, second)) if day}
        return None if not days else days.pop() if len(days) == 1 else _DOUBTFUL
    month = _MONTHS[got["m"][:3].lower()] if got.get("m") else int(got["mm"])
    return _day(year, month, int(got["d"]))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if 1950 <= year <= 2100 else None
    except ValueError:
        return None
