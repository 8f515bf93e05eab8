"""For whom a title is, where Consonance does not say: children's and young adult subjects say it, else the house's default."""

from __future__ import annotations

from include.partners.model import House
from include.titles.model import Work

GENERAL_BY_SCHEME = {"93": (("Y", "02"),), "12": (("Y", "02"),), "10": (("JUV", "02"), ("JNF", "02"), ("YAF", "03"), ("YAN", "03"))}
"""List 27 scheme → beginnings of codes and their List 28 audience: 02 children, 03 young adults. BISAC alone tells them apart."""


def audience_codes(work: Work, house: House) -> tuple[str, ...]:
    """List 28 codes. EDItEUR's strict schema wants them to agree with the main subjects."""
    if work.audiences:
        return work.audiences
    for scheme in ("10", "93", "12"):
        for subject in work.subjects:
            if subject.main and subject.scheme == scheme:
                for beginning, code in GENERAL_BY_SCHEME[scheme]:
                    if subject.code.startswith(beginning):
                        return (code,)
    return (house.audience,)
