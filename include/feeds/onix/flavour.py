"""ONIX as one partner wants it: what every composite needs to know besides the title."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import date
from decimal import Decimal

from include.errors import ConfigurationError
from include.feeds.codelists import NEWEST, codes, is_known
from include.feeds.onix.days import compact
from include.feeds.onix.tags import Tags
from include.feeds.onix.text import flow
from include.partners.model import Contact, Feed, House, Partner
from include.titles.model import Product, Work

_REMEMBERED = 2000  # texts, so that memory stays flat


class Flavour:
    """Partner, house and tag style in one hand, with the small elements that many composites share."""

    def __init__(self, partner: Partner, house: House) -> None:
        self.partner: Partner = partner
        self.feed: Feed = partner.feed
        self.house: House = house
        self.x = Tags(short=partner.feed.tags == "short")
        self.newer = partner.feed.release == "3.1"
        self._substitutions = partner.feed.substitutions
        self._reference = _mask(partner, house)
        self._known: dict[object, str] = {}
        self._work: tuple[Work | None, dict[object, str]] = (None, {})

    def once(self, key: tuple[Hashable, ...], make: Callable[[], str]) -> str:
        """What `make` gives, remembered by `key`: for what comes again in record after record."""
        text = self._known.get(key)
        if text is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            text = self._known[key] = make()
        return text

    def of_work(self, make: Callable[..., str], work: Work, *more: Hashable) -> str:
        """What `make(flavour, work, *more)` gives, remembered until another work comes: its formats follow one another."""
        last, known = self._work
        if last is not work:
            known = {}
            self._work = (work, known)
        key = (make, more)
        text = known.get(key)
        if text is None:
            text = known[key] = make(self, work, *more)
        return text

    def swap(self, code_list: str, code: str) -> str:
        """The partner's code for ours; "" where the partner file says to leave it out."""
        table = self._substitutions.get(code_list)
        return table.get(code, code) if table else code

    def swapped(self, code_list: str, own: tuple[str, ...]) -> tuple[str, ...]:
        """The partner's codes for ours, each once, in order, without those that came after the code lists that it reads."""
        return tuple(dict.fromkeys(code for one in own if (code := self.swap(code_list, one)) and self.reads(code_list, code)))

    def reads(self, code_list: str, code: str) -> bool:
        """Whether the code is no newer than the partner's code-list issue. What is in no issue at all is for the schema gate to say."""
        number, issue = int(code_list), self.feed.code_list_issue
        if issue == NEWEST or self.feed.release == "2.1":
            return True
        return code not in codes(number) or is_known(number, code, issue)

    def reference(self, product: Product) -> str:
        return self._reference.format(domain=self.house.domain, id=product.id, isbn=isbn13(product) or product.id, work_id=product.work.id)

    def date(self, day: date) -> str:
        return self.x.with_attributes("Date", 'dateformat="00"', compact(day))

    def text(self, name: str, body: str, markup: bool, language: str = "") -> str:
        """An element of EDItEUR's type Flow: XHTML with textformat 05, or plain."""
        content, xhtml = flow(body, markup)
        attributes = 'textformat="05"' if xhtml else ""
        if language:
            attributes = f'{attributes} language="{language}"'.strip()
        return self.x.with_attributes(name, attributes, content)

    def contacts(self) -> list[Contact]:
        """The house's contacts in roles that the partner can read (List 198)."""
        return [contact for contact in self.house.contacts if self.reads("198", contact.role)]


def _mask(partner: Partner, house: House) -> str:
    """The mask of record references. Raises `ConfigurationError` for one that does not tell records apart."""
    mask = partner.feed.record_reference
    try:
        some = {mask.format(domain=house.domain, id=number, isbn=number, work_id=0) for number in (1, 2)}
    except (KeyError, IndexError, ValueError, AttributeError):
        some = set()
    if len(some) != 2:
        where, todo = f"partner {partner.id}", "Use {domain}, {id}, {isbn} and {work_id}, with {id} or {isbn} in it."
        raise ConfigurationError(f"feed.record_reference {mask!r} makes no references", where=where, todo=todo)
    return mask


def isbn13(product: Product) -> str:
    """The ISBN as thirteen digits, or "" where the source's value is none."""
    return thirteen(product.isbn)


def thirteen(isbn: str) -> str:
    digits = isbn if len(isbn) == 13 else isbn.replace("-", "").replace(" ", "")
    return digits if len(digits) == 13 and digits.isascii() and digits.isdigit() else ""


def plain_number(value: Decimal) -> str:
    """Without exponent and without zeros at the end: 129.5, not 1.295E+2 or 129.50."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
