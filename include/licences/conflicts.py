"""Where a title and the terms of its image do not fit: sold where it may not be used, an edition or a format that is not licensed, more
copies than may be printed, editorial images on covers. What nobody has told is a matter of its own (`terms`), and never passes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date

from include.licences import terms as reading
from include.licences.cases import Case, Edition, PrintRun
from include.licences.horizon import Found, nearest
from include.rights.held import name_of
from include.titles import identifiers

SHOWN = 8  # countries in a sentence; the rest is a number
LONGEST_SUBJECT = 160


def find(case: Case, runs: Sequence[PrintRun], today: date, horizons: Collection[int]) -> Iterator[Found]:
    """All that does not fit."""
    if case.row.withdrawn_at is not None:
        return  # nothing of it may be used: the rest does not matter
    yield from _territories(case, today)
    yield from _editions(case)
    yield from _formats(case)
    yield from _print_runs(case, runs, today, horizons)
    yield from _editorial(case)
    yield from _releases(case)
    yield from _terms(case)


def _territories(case: Case, today: date) -> Iterator[Found]:
    allowed = case.terms.territories
    if allowed is None:
        return
    todo = "Extend the licence to these countries, choose another image for them, or stop the sale there."
    for edition in case.editions():
        due = edition.published if edition.published and edition.published > today else None
        if not edition.rights.known:
            message = f"It may be used in {_countries(allowed)} only, and Consonance does not say where {edition.named} is for sale."
            enter = "Enter the sales rights in Consonance."
            yield Found(
                "territory", f"product {edition.id} unknown", message, enter, work_id=edition.work_id, product_id=edition.id, due=due
            )
        elif beyond := sold_in(edition) - allowed:
            message = (
                f"{edition.named} is for sale in {_countries(beyond)}, where the image may not be used: "
                f"its licence is for {_countries(allowed)}."
            )
            yield Found("territory", _subject(f"product {edition.id}", beyond), message, todo,
                        work_id=edition.work_id, product_id=edition.id, due=due)  # fmt: skip
    for campaign in case.campaigns:
        if campaign.ends < today:
            continue
        if not campaign.territories:
            message = f"It may be used in {_countries(allowed)} only, and nobody has said where the campaign {campaign.name} runs."
            enter = "Write `territories` in config/campaigns.toml."
            yield Found("territory", f"campaign {campaign.id} unknown", message, enter, work_id=case.work_id, due=campaign.starts)
        elif beyond := frozenset(campaign.territories) - allowed:
            message = f"The campaign {campaign.name} runs in {_countries(beyond)}, where the image may not be used."
            yield Found("territory", _subject(f"campaign {campaign.id}", beyond), message, todo, work_id=case.work_id, due=campaign.starts)


def sold_in(edition: Edition) -> frozenset[str]:
    """Countries in which it is for sale, as far as Consonance says: where it is and is not, it is not."""
    rights = edition.rights
    everywhere = rights.worldwide or (not rights.sold_in and bool(rights.not_sold_in))  # only exceptions: for sale elsewhere, for caution
    return frozenset(identifiers.countries() if everywhere else rights.sold_in) - frozenset(rights.not_sold_in)


def _editions(case: Case) -> Iterator[Found]:
    if case.terms.new_editions:
        return
    said = case.terms["new_editions"].known
    for edition in case.others:
        what = "new editions need a licence of their own" if said else "nobody has said whether other editions may have it"
        message = f"{edition.named} is an edition that the licence does not serve: {what}."
        todo = "License the image for it, or tie the licence to it if it is covered; resolve this if the edition has another image."
        yield Found(
            "edition", f"product {edition.id}", message, todo, work_id=edition.work_id, product_id=edition.id, due=edition.published
        )


def _formats(case: Case) -> Iterator[Found]:
    allowed = case.terms["formats"].shown()
    for edition in case.editions("cover", "interior", ""):
        if edition.format and case.terms.allows_format(edition.format) is False:
            message = f"{edition.named} is {_a(edition.format)}, and the image may be used for {allowed} only."
            todo = "Extend the licence to this format, or give the edition another image."
            yield Found("format", f"product {edition.id} {edition.format}", message, todo, work_id=edition.work_id, product_id=edition.id,
                        due=edition.published)  # fmt: skip
    for campaign in case.campaigns:
        if forbidden := [name for name in campaign.formats if case.terms.allows_format(name) is False]:
            message = f"The campaign {campaign.name} is for {', '.join(forbidden)}, and the image may be used for {allowed} only."
            todo = "Extend the licence, or give the campaign another image."
            subject = f"campaign {campaign.id} {' '.join(sorted(forbidden))}"
            yield Found("format", subject, message, todo, work_id=case.work_id, due=campaign.starts)


def _print_runs(case: Case, runs: Sequence[PrintRun], today: date, horizons: Collection[int]) -> Iterator[Found]:
    """Copies of all runs of the editions together, since a limit holds for all of them."""
    limit = case.terms.print_run
    if limit is None:
        return
    editions = [one for one in case.editions("cover", "interior", "") if one.format == "print"]
    mine = sorted((run for run in runs if any(run.prints(one) for one in editions)), key=lambda run: (run.day or date.max, run.name))
    printed, todo = 0, "Extend the licence to the copies that are to be printed, or print fewer."
    for run in mine:
        edition = next(one for one in editions if run.prints(one))
        day = run.day or today
        printed += run.quantity or 0
        if run.quantity is None:
            if day < today or (threshold := nearest((day - today).days, horizons)) is None:
                continue
            message = f"{limit:,} copies may be printed, and Consonance does not tell how many {run.name} of {edition.named} has."
            ask = "Compare the order with the limit by hand, then resolve this."
            subject = f"product {edition.id} {run.day or ''} {run.name} unknown"[:LONGEST_SUBJECT]
            yield Found("print-run", subject, message, ask, threshold, edition.work_id, edition.id, run.day)
        elif printed > limit:
            message = f"With {run.name} of {edition.named} {printed:,} copies are printed, and the licence is for {limit:,}."
            subject = f"product {edition.id} {run.day or ''} {printed} of {limit}"
            yield Found("print-run", subject, message, todo, work_id=edition.work_id, product_id=edition.id, due=run.day)


def _editorial(case: Case) -> Iterator[Found]:
    roles = sorted({one.role for one in case.serves} & {"cover", "promotion"})
    if case.terms.editorial_only and (roles or case.campaigns):
        used = " and ".join(roles) if roles else "promotion"
        message = f"It is for editorial use only, and is used as {used}."
        yield Found("editorial", used, message, "Replace the image: no release allows this use.", work_id=case.work_id)
    for role in sorted({one.role for one in case.serves if one.role}):
        if case.terms.allows_use(role) is False:
            message = f"It may be used for {case.terms['use'].shown()} only, and is used as {role}."
            yield Found(
                "editorial", f"used as {role}", message, "Extend the licence to this use, or replace the image.", work_id=case.work_id
            )


def _releases(case: Case) -> Iterator[Found]:
    if any(one.role != "interior" for one in case.serves) and (words := reading.unreleased(case.terms)):
        message = f"The agency says of its releases: {words}"
        todo = "Find out whether people and property on it are released for this use, and say so on the licence's page."
        yield Found("releases", "", message, todo, work_id=case.work_id)


def _terms(case: Case) -> Iterator[Found]:
    """What nobody has told, what does not agree, and prose that nobody has read."""
    row = case.row
    why = reading.gaps(case.terms, model=row.model, roles={one.role for one in row.serves})
    if why:
        todo = "Look into the agreement or the invoice, and say it on the licence's page, in config/agreements, or with a sheet of terms."
        yield Found("terms", "", " ".join(why), todo, work_id=case.work_id)


# --- words


def _subject(about: str, countries: Iterable[str]) -> str:
    """The countries themselves, so that another one is another matter; a digest where they are too many."""
    codes = " ".join(sorted(countries))
    told = f"{about} in {codes}"
    return told if len(told) <= LONGEST_SUBJECT else f"{about} in {codes.count(' ') + 1} {hashlib.sha256(codes.encode()).hexdigest()[:16]}"


def _countries(codes: Collection[str]) -> str:
    names = [name_of(code) or code for code in sorted(codes)]
    if len(names) > SHOWN:
        return f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more countries"
    return ", ".join(names) or "no country"


def _a(format: str) -> str:
    return {"print": "a printed book", "ebook": "an e-book", "audio": "an audiobook"}[format]
