"""Days as people write them in a text."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "da", "sv", "nb")
"""No name of a month in one of these is another month's in another one, so that a named month is never a guess."""

_PARTS = re.compile(r"[^\W\d_]+|\d+")
_BETWEEN = re.compile(r"[\s.,/'’º°-]*")
_BESIDE = frozenset({"st", "nd", "rd", "th", "er", "de", "del", "den", "der", "di", "of", "the", "le", "du", "am"})


def written(shown: str, forms: tuple[str, ...]) -> date | None:
    """The day in one of these forms (strptime); where one of them names the month (`%B`, `%b`), in any order and language that names it.
    None where that can't be told."""
    for form in forms:
        try:
            return datetime.strptime(shown, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    if any(name in form for form in forms for name in ("%B", "%b")) and (found := _named(shown)):
        return found
    try:
        moment = datetime.fromisoformat(shown)
    except ValueError:
        return None
    return moment.date() if len(shown) > 10 and "%Y-%m-%d" in forms else None


def _named(shown: str) -> date | None:
    """`4 Sept 2027`, `4th of March, 2027`, `March 4, 2027`, `4. März 2027`: one named month, one year of four digits, one day."""
    if not _BETWEEN.fullmatch(_PARTS.sub("", shown)):
        return None
    parts = [part.casefold() for part in _PARTS.findall(shown)]
    named = [_months()[part] for part in parts if part in _months()]
    numbers = sorted((part for part in parts if part.isdecimal()), key=len)
    if len(named) != 1 or [len(number) > 2 for number in numbers] != [False, True] or len(numbers[1]) != 4:
        return None
    if any(not part.isdecimal() and part not in _months() and part not in _BESIDE for part in parts):
        return None
    try:
        return date(int(numbers[1]), named[0], int(numbers[0]))
    except ValueError:
        return None


@cache
def _months() -> dict[str, int]:
    from babel.dates import get_month_names

    found = {
        name.casefold().rstrip("."): number
        for language in LANGUAGES for width in ("wide", "abbreviated") for context in ("format", "stand-alone")
        for number, name in get_month_names(width, context, language).items()
    }  # fmt: skip
    return found | {"sept": 9}
