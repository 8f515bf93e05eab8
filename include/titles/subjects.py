"""Subjects: which scheme of List 27 a code is in, and which subject of a scheme is the main one."""

from __future__ import annotations

from collections.abc import Sequence

from include.titles.model import Subject

PROPRIETARY = "24"
SCHEMES = {"BISAC": "10", "BIC": "12", "Thema": "93", "Dewey": "01", "NUR": "32", "InHouseSubject": PROPRIETARY}
_QUALIFIERS = {
    "93": {"1": "94", "2": "95", "3": "96", "4": "97", "5": "98", "6": "99"},
    "12": {"1": "13", "2": "14", "3": "15", "4": "16", "5": "17"},
}
_WITH_MAIN = frozenset({"10", "12", "93"})


def subject_of(kind: str, code: str, description: str = "", *, main: bool = False) -> Subject:
    """A subject of Consonance's type `kind`. Qualifiers of Thema and BIC start with a digit and are schemes of their own."""
    scheme = SCHEMES.get(kind, PROPRIETARY)
    return Subject(_QUALIFIERS.get(scheme, {}).get(code[:1], scheme), code, description, main)


def one_main_each(subjects: Sequence[Subject]) -> tuple[Subject, ...]:
    """One main subject in each of BISAC, BIC and Thema: the first that says so, else the first. Others have none.

    Consonance's lists are ordered by priority. The same code twice in a scheme is given once.
    """
    mains: dict[str, str] = {}
    for subject in [*(one for one in subjects if one.main), *subjects]:
        if subject.scheme in _WITH_MAIN:
            mains.setdefault(subject.scheme, subject.code)
    once = dict.fromkeys((one.scheme, one.code) for one in subjects)
    described = {(one.scheme, one.code): one.description for one in reversed(subjects) if one.description}
    return tuple(Subject(scheme, code, described.get((scheme, code), ""), mains.get(scheme) == code) for scheme, code in once)
