"""Which title a row is about: by the mapping's keys, best first, and only where they agree."""

from __future__ import annotations

from dataclasses import dataclass

from include.imports.fields import FIELDS
from include.imports.known import Known, Title
from include.imports.mapping import Mapping
from include.imports.rows import Row
from include.titles.model import Work

NAMES = {"isbn": "ISBN", "reference": "reference", "product_id": "product ID", "work_id": "work ID"}


@dataclass(frozen=True, slots=True)
class About:
    """The edition and the work that a row means. Neither: a title that Consonance lacks; a work alone: a new edition of it, or a row
    about the work itself."""

    title: Title | None = None
    work: Work | None = None
    new: bool = False


def about(row: Row, known: Known, mapping: Mapping) -> About:
    """What the row is about; problems are noted in the row, and then nothing is meant for sure."""
    if not row.keys:
        if not row.bad:
            names = " or ".join(NAMES[key] for key in mapping.key if key in mapping.columns)
            row.wrong("no-key", "nothing says which title this is", f"Fill in {names}.")
        return About()
    titles, works = _edition(row, known), _works(row, known)
    if row.bad:
        return About()
    title = titles[0] if titles else None
    work = title.work if title else works[0] if works else None
    if title and works and title.work.id not in {one.id for one in works}:
        row.wrong("keys-disagree", f"the edition belongs to “{title.work.title}”, the work named is “{works[0].title}”", "Correct one.")
        return About()
    if title:
        return About(title, title.work)
    if row.isbn:
        return About(None, work, new=True)
    if work is None:
        given = ", ".join(f"{NAMES[key]} {value}" for key, value in row.keys.items())
        row.wrong("unknown-key", f"Consonance has nothing with {given}", "Correct it, or fill in the ISBN of a new title.")
        return About()
    return About(_only_edition(row, work, known), work)


def _edition(row: Row, known: Known) -> list[Title]:
    found: dict[int, Title] = {}
    if row.isbn:
        living = [title for title in known.isbns.get(row.isbn, []) if not title.deleted]
        if len(living) > 1:
            row.wrong(
                "isbn-twice", f"{len(living)} editions in Consonance have the ISBN {row.isbn}", "Mend it in Consonance.", field="isbn"
            )
        elif not living and known.isbns.get(row.isbn):
            todo = "Ask for it in Consonance, or take the row out."
            row.wrong("deleted", f"the edition with ISBN {row.isbn} was deleted in Consonance", todo, field="isbn")
        found |= {title.product.id: title for title in living}
    if number := row.keys.get("product_id"):
        title = known.products.get(int(number))
        if title is None or title.deleted:
            row.wrong("unknown-key", f"Consonance has no product {number}", "Copy the number from Consonance.", field="product_id")
        elif row.isbn and title.product.isbn != row.isbn:
            has = title.product.isbn or "no ISBN"
            row.wrong("keys-disagree", f"product {number} has {has} in Consonance, the row says {row.isbn}", "Correct one.", field="isbn")
        else:
            found[title.product.id] = title
    return list(found.values())


def _works(row: Row, known: Known) -> list[Work]:
    found: list[Work] = []
    if reference := row.keys.get("reference"):
        ids = known.references.get(reference.casefold(), [])
        if len(ids) > 1:
            row.wrong("reference-twice", f"{len(ids)} works have the reference {reference}", "Name the edition by ISBN.", field="reference")
        found += [known.work_rows[id][0] for id in ids if id in known.work_rows]
    if number := row.keys.get("work_id"):
        if int(number) not in known.work_rows:
            row.wrong("unknown-key", f"Consonance has no work {number}", "Copy the number from Consonance.", field="work_id")
        else:
            work = known.work_rows[int(number)][0]
            if found and found[0].id != work.id:
                row.wrong("keys-disagree", f"reference and work ID mean “{found[0].title}” and “{work.title}”", "Correct one.")
            found.append(work)
    return found


def _only_edition(row: Row, work: Work, known: Known) -> Title | None:
    """A row that names the work only may speak of its edition where there is just one."""
    of_product = [name for name in row.fields if FIELDS[name].level == "product"]
    editions = known.works.get(work.id, [])
    if len(editions) == 1:
        return editions[0]
    if of_product or row.prices:
        what = ", ".join([*(FIELDS[name].label for name in of_product), *(price.name for price in row.prices)])
        row.wrong("which-edition", f"“{work.title}” has {len(editions)} editions, and {what} is one edition's", "Fill in the ISBN.")
    return None
