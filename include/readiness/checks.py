"""Consonance's published checks of a product, by their own names and in their own order.

Source: consonance.app/docs/check-meanings. Each is read from the catalogue mirror; where Consonance's own page would say passed, so
do we. A check that can't be read, or makes no sense for a form, is not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from include.feeds import codelists
from include.feeds.onix.collateral import front_cover
from include.feeds.plain import plain
from include.titles.model import Product

SMALLEST_COVER = 650  # pixels on the longest side, as in the feed's rule `cover-small`
SHORT, DESCRIPTION, BIOGRAPHY = "02", "03", "12"  # List 153
_UNKNOWN_FORMS = {"", "00"}  # List 150: 00 is undefined

Verdict = tuple[bool | None, str]
"""Passed, failed or (None) not asked, and the sentence."""


@dataclass(frozen=True, slots=True)
class Published:
    """A check as Consonance names it. `code` is ours, for programs."""

    code: str
    name: str
    todo: str
    read: Callable[[Product], Verdict]


CHECKS: list[Published] = []


def _check(name: str, todo: str) -> Callable[[Callable[[Product], Verdict]], Callable[[Product], Verdict]]:
    def declare(read: Callable[[Product], Verdict]) -> Callable[[Product], Verdict]:
        CHECKS.append(Published(name.lower().replace(" ", "-"), name, todo, read))
        return read

    return declare


def verdicts(product: Product) -> Iterator[tuple[Published, bool | None, str]]:
    """Every check with its verdict and sentence."""
    for check in CHECKS:
        passed, message = check.read(product)
        yield check, passed, message


@_check("Approved cover is present", "Add the front cover in Consonance and approve it.")
def _cover(product: Product) -> Verdict:
    return (True, "There is an approved cover") if front_cover(product.work, product.resources) else (False, "There is no approved cover")


@_check("Contributor is present", "Add the contributors to the work.")
def _contributor(product: Product) -> Verdict:
    count = len(product.work.contributors)
    if not count:
        return False, "There is no contributor"
    return True, "There is one contributor" if count == 1 else f"There are {count} contributors"


@_check("Price is present", "Enter a price.")
def _price(product: Product) -> Verdict:
    return (True, "At least one price is present") if product.prices else (False, "There are no prices")


@_check("Publication date is present", "Enter the publication date.")
def _date(product: Product) -> Verdict:
    if product.publication_date is None:
        planned = f"; {product.planned_date} is planned" if product.planned_date else ""
        return False, f"There is no publication date{planned}"
    return True, f"The publication date is {product.publication_date}"


@_check("Publishing status is present", "Choose the publishing status.")
def _status(product: Product) -> Verdict:
    if not product.publishing_status:
        return False, "There is no publishing status"
    return True, f"The publishing status is {codelists.label(64, product.publishing_status) or product.publishing_status}"


@_check("Sales rights are present", "Say where the product may be sold.")
def _rights(product: Product) -> Verdict:
    known = product.sold_worldwide or product.sold_in or product.not_sold_in
    return (True, "Sales rights are present") if known else (False, "There are no sales rights")


@_check("Series present", "Add the work to its series.")
def _series(product: Product) -> Verdict:
    names = [one.title for one in product.work.collections if one.title]
    return (True, f"Belongs to series {'; '.join(names)[:200]}") if names else (False, "There is no series")


@_check("Approved cover resolution is adequate", f"Replace the cover by one of at least {SMALLEST_COVER} pixels.")
def _resolution(product: Product) -> Verdict:
    cover = front_cover(product.work, product.resources)
    if cover is None:
        return False, "There is no approved cover"
    if not (cover.width and cover.height):
        return None, "Consonance does not tell the cover's resolution"
    longest = max(cover.width, cover.height)
    return longest >= SMALLEST_COVER, f"The cover's resolution is {cover.width} × {cover.height} pixels"


@_check("Product form is present", "Choose the product form.")
def _form(product: Product) -> Verdict:
    if product.form in _UNKNOWN_FORMS:
        return False, 'Product form is set to "Unknown"'
    return True, f'The product form is "{codelists.label(150, product.form) or product.form}"'


@_check("Product form code is not deprecated", "Choose another product form.")
def _current_form(product: Product) -> Verdict:
    if product.form in _UNKNOWN_FORMS:
        return None, "There is no product form"
    code = codelists.codes(150).get(product.form)
    name = code.label if code else product.form
    if code is None:
        return False, f'The product form "{name}" is not in ONIX'
    return not code.deprecated, f'"{name}" is {"" if code.deprecated else "not "}deprecated in ONIX'


@_check("Word count is present", "Enter the word count.")
def _words(product: Product) -> Verdict:
    if product.form.startswith("A"):
        return None, "A recording has no word count"
    return (True, f"The word count is {product.words}") if product.words else (False, "There is no word count")


@_check("Page count is present", "Enter the number of pages.")
def _pages(product: Product) -> Verdict:
    if not product.form.startswith("B"):
        return None, "Only a printed book needs a page count"
    count = product.pages_total or product.pages
    return (True, f"The page count is {count}") if count else (False, "There is no page count")


@_check("Only one short description is present", "Delete the short descriptions that are not wanted.")
def _one_short(product: Product) -> Verdict:
    texts = _texts(product, SHORT)
    if len(texts) > len({readers for _, readers in texts}):
        return False, "There is more than one short description"
    return (True, "There is only one short description") if texts else (None, "There is no short description")


@_check("Biographical note is present", "Write a biographical note for the work or a contributor.")
def _biography(product: Product) -> Verdict:
    known = _texts(product, BIOGRAPHY) or any(one.biography.strip() for one in product.work.contributors)
    return (True, "There is a biographical note") if known else (False, "There is no biographical note")


@_check("Main description is present", "Write the main description.")
def _description(product: Product) -> Verdict:
    known = _texts(product, DESCRIPTION)
    return (True, "There is a main description") if known else (False, "There is no main description")


@_check("Short description is present", "Write the short description.")
def _short(product: Product) -> Verdict:
    return (True, "There is a short description") if _texts(product, SHORT) else (False, "There is no short description")


def _texts(product: Product, type_: str) -> set[tuple[str, tuple[object, ...]]]:
    """What is said in texts of one type (List 153): each wording once for the same audiences (List 154) and language."""
    return {
        (words, (text.audiences, text.language))
        for text in (*product.texts, *product.work.texts)
        if text.type == type_ and (words := plain(text))
    }
