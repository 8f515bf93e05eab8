"""What ends before it is needed: a licence or its agreement soon, or before a publication, a reprint or a campaign.

A threshold is a number of days (house `[licences].horizons`, 180/90/60/30/0). Of those that have been passed only the nearest counts:
whoever looks for the first time 40 days before gets one flag, that of 60 days.

    licence ends     ─▶ days until its last day                            after that day ─▶ `expired`
    it ends before   ─▶ days until publication, delivery of the reprint, start of the campaign
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from include.licences.cases import Case, PrintRun
from include.licences.terms import GONE
from include.partners.licensing import Campaign

ALWAYS = -1
"""Threshold of a cause that knows no days."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that somebody must act on. `subject` tells two of the same cause apart, and changes with the day that it is about, so that
    a date that moved is a matter of its own."""

    cause: str
    subject: str
    message: str
    todo: str
    threshold: int = ALWAYS
    work_id: int = 0
    product_id: int = 0
    due: date | None = None


def nearest(days: int, horizons: Collection[int]) -> int | None:
    """The smallest threshold that has been reached with so many days left; None: none yet."""
    return min((one for one in horizons if days <= one), default=None)


def find(case: Case, runs: Sequence[PrintRun], today: date, horizons: Collection[int]) -> Iterator[Found]:
    """All that ends too soon for a licence."""
    yield from _withdrawn(case)
    if case.row.withdrawn_at is not None:
        return  # nothing of it may be used: no date matters any more
    yield from _end(case, today, horizons)
    yield from _begins(case, today, horizons)
    ends = case.terms.ends
    if ends is None:
        return
    yield from _publications(case, ends, today, horizons)
    yield from _reprints(case, ends, runs, today, horizons)
    yield from _campaigns(case, ends, today, horizons)


def _withdrawn(case: Case) -> Iterator[Found]:
    if (at := case.row.withdrawn_at) is not None:
        message = f"The agency took the image back on {at.date()}."
        todo = (
            "Stop using it: replace it in every edition that is printed or delivered from now on, and ask the agency what may be sold off."
        )
        yield Found("withdrawn", f"withdrawn {at.date()}", message, todo, work_id=case.work_id, due=at.date())
    elif case.terms["availability"].value == GONE:
        message = "The agency no longer shows the image, and has not said that it was withdrawn."
        yield Found("withdrawn", "not shown", message, "Ask the agency whether it may still be used.", work_id=case.work_id)


def _end(case: Case, today: date, horizons: Collection[int]) -> Iterator[Found]:
    terms, row = case.terms, case.row
    if terms.perpetual:
        return
    ends, agreement = terms.ends, terms.agreement_ends
    if ends is None:
        if agreement is not None and (threshold := nearest((agreement - today).days, horizons)) is not None:
            named = row.agreement or "it was taken under"
            message = f"The agreement {named} {_when(agreement, today)}, and nobody has said how long it may be used."
            todo = "Find out whether its use goes on after that, and say so on the licence's page."
            yield Found("agreement", f"agreement until {agreement}", message, todo, threshold, case.work_id, due=agreement)
        return
    if ends < today:
        message = f"Its use ended on {ends}."
        yield Found(
            "expired",
            f"until {ends}",
            message,
            "Renew it or replace the image; until then it must not be used.",
            work_id=case.work_id,
            due=ends,
        )
        return
    threshold = nearest((ends - today).days, horizons)
    if threshold is None:
        return
    if agreement == ends:
        message = f"Its use {_when(ends, today)}, with the agreement {row.agreement or 'it was taken under'}."
        todo = "Renew the agreement, license the image by itself, or replace it."
        yield Found("agreement", f"agreement until {ends}", message, todo, threshold, case.work_id, due=ends)
    else:
        message = f"Its use {_when(ends, today)}."
        yield Found("expiry", f"until {ends}", message, "Renew it, or replace the image by then.", threshold, case.work_id, due=ends)


def _begins(case: Case, today: date, horizons: Collection[int]) -> Iterator[Found]:
    """Editions that come out before the licence begins."""
    starts = case.terms.starts
    if starts is None or starts <= today:
        return
    for edition in case.editions():
        day = edition.published
        if day is None or not day < starts:
            continue
        if (threshold := nearest((day - today).days, horizons)) is not None:
            message = f"{edition.named} is published on {day}, and the licence begins on {starts}, after that."
            todo = "Ask for an earlier start, or publish later."
            yield Found(
                "publication", f"product {edition.id} {day} before {starts}", message, todo, threshold, edition.work_id, edition.id, day
            )


def _publications(case: Case, ends: date, today: date, horizons: Collection[int]) -> Iterator[Found]:
    for edition in case.editions():
        day = edition.published
        if day is None or not ends < day or day < today:
            continue
        if (threshold := nearest((day - today).days, horizons)) is not None:
            message = f"{edition.named} is published on {day}, and the licence ends on {ends}, before that."
            todo = "Renew it beyond the publication, or choose another image."
            yield Found("publication", f"product {edition.id} {day}", message, todo, threshold, edition.work_id, edition.id, day)


def _reprints(case: Case, ends: date, runs: Sequence[PrintRun], today: date, horizons: Collection[int]) -> Iterator[Found]:
    editions = case.editions("cover", "interior", "")
    for run in runs:
        day = run.day
        if day is None or not ends < day or day < today:
            continue
        edition = next((one for one in editions if run.prints(one)), None)
        if edition is None or (threshold := nearest((day - today).days, horizons)) is None:
            continue
        message = f"{run.name} of {edition.named} is to be delivered on {day}, and the licence ends on {ends}, before that."
        todo = "Renew it before the run is ordered, print with another image, or print earlier."
        subject = f"product {edition.id} {day} {run.name}"[:160]
        yield Found("reprint", subject, message, todo, threshold, edition.work_id, edition.id, day)


def _campaigns(case: Case, ends: date, today: date, horizons: Collection[int]) -> Iterator[Found]:
    for campaign in case.campaigns:
        if not ends < campaign.ends or campaign.ends < today:
            continue
        if (threshold := nearest((campaign.starts - today).days, horizons)) is not None:
            when = "before it starts" if ends < campaign.starts else "while it runs"
            message = (
                f"The campaign {campaign.name} runs from {campaign.starts} to {campaign.ends}, and the licence ends on {ends}, {when}."
            )
            todo = "Renew it until the campaign ends, or give the campaign another image."
            subject = f"campaign {campaign.id} {campaign.starts} {campaign.ends}"
            yield Found("campaign", subject, message, todo, threshold, case.work_id, due=_due(campaign, ends))


def _due(campaign: Campaign, ends: date) -> date:
    return min(max(campaign.starts, ends), campaign.ends)


def _when(day: date, today: date) -> str:
    return f"ends on {day}" if day >= today else f"ended on {day}"
