"""What can be read safely out of an agency's sentences. Reading only ever narrows a licence; what is not read in full is for a person.

A sentence is settled when one pattern takes all of it. `Full editorial rights UK, US, Ireland, Canada (not Quebec)` is not: who would read
it as four countries would allow what it forbids.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime

from include.licences.model import Source, Term, TermState
from include.sales.extractors import country

_DAYS = ("%Y-%m-%d", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%d.%m.%Y")  # 03/04/2027 could be either month
_DAY = r"(?P<day>\d{4}-\d{2}-\d{2}|\d{1,2} [A-Za-z]{3,9} \d{4}|[A-Za-z]{3,9} \d{1,2}, \d{4}|\d{1,2}\.\d{1,2}\.\d{4})"
_COPIES = r"(?P<copies>\d{1,3}(?:[,. ]\d{3})+|\d+)(?![.,]?\d| ?(?:k|m|mio|mln|million|thousand|tsd)\b)(?: copies)?"  # 10k is not ten
_RUN = re.compile(rf"(?:maximum )?print ?run (?:of )?(?:up to|max(?:imum|\.)?|limited to|at most)? ?{_COPIES}", re.IGNORECASE)
_YEARS = re.compile(r"\b(?P<years>one|two|three|four|five|six|seven|eight|ten|\d{1,2}) years?\b", re.IGNORECASE)
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "ten": 10}
_BETWEEN = re.compile(r"\s*(?:,\s*and|,|;|/|&|\band\b)\s*")


def read(sentences: Sequence[str]) -> tuple[dict[str, Term], tuple[str, ...]]:
    """Terms that these sentences limit, and the sentences that were read in full."""
    found: dict[str, Term] = {}
    settled: list[str] = []
    for sentence in sentences:
        bare = " ".join(sentence.split()).rstrip(".")
        for pattern, make in _PATTERNS:
            match = pattern.fullmatch(bare)
            told = make(match) if match else None
            if told and told[0] not in found:
                found[told[0]] = Term(TermState.KNOWN, told[1], Source.PROSE, reference="usage restrictions", note=sentence)
                settled.append(sentence)
                break
    return found, tuple(settled)


def read_order(words: str, bought: date | None) -> dict[str, Term]:
    """Limits out of the words of an order. They are ours, not the invoice's: they narrow, and the invoice must still say it."""
    found: dict[str, Term] = {}
    if run := _RUN.search(words):
        found["print_run"] = Term(TermState.KNOWN, _whole(run["copies"]), Source.PROSE, reference="order", note=words)
    years = _YEARS.search(words)
    if years and bought:
        number = _NUMBERS.get(years["years"].lower()) or int(years["years"])
        if 0 < number <= 25:
            note = f"{words} (counted from the day of purchase, the earliest that it can have begun)"
            found["ends"] = Term(TermState.KNOWN, _later(bought, number).isoformat(), Source.PROSE, reference="order", note=note)
    return found


def day(text: str) -> date | None:
    """A day in a form that leaves no doubt which number is the month."""
    for form in _DAYS:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None


def countries(text: str) -> list[str]:
    """Alpha-2 codes of a list of countries; none if one of them is not known."""
    found = [country(one.removeprefix("the ").removeprefix("The ")) for one in _BETWEEN.split(text.strip()) if one]
    return sorted(set(found)) if found and all(found) else []


def _only(match: re.Match[str]) -> tuple[str, list[str]] | None:
    found = countries(match["places"])
    return ("territories", found) if found else None


def _ends(match: re.Match[str]) -> tuple[str, str] | None:
    found = day(match["day"])
    return ("ends", found.isoformat()) if found else None


def _whole(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def _later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)


_Reading = Callable[[re.Match[str]], tuple[str, bool | int | str | list[str]] | None]
_PATTERNS: tuple[tuple[re.Pattern[str], _Reading], ...] = (
    (re.compile(r"(?:for )?editorial use only", re.IGNORECASE), lambda match: ("editorial_only", True)),
    (re.compile(r"(?:for |licensed for |available for )?(?:use |sale )?in (?P<places>[^()]+) only", re.IGNORECASE), _only),
    (re.compile(r"(?P<places>[A-Za-z ,&/]+) only", re.IGNORECASE), _only),
    (re.compile(rf"(?:no use|not for use|not available|may not be used) after {_DAY}", re.IGNORECASE), _ends),
    (re.compile(rf"(?:use|licen[cs]e|rights?) (?:ends?|expires?) (?:on )?{_DAY}", re.IGNORECASE), _ends),
    (_RUN, lambda match: ("print_run", _whole(match["copies"]))),
)
