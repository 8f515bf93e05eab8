"""ONIX as one partner wants it: what every composite needs to know besides the title."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from include.feeds.onix.tags import Tags
from include.feeds.onix.text import flow
from include.partners.model import Contact, Feed, House, Partner
from include.titles.model import Product


class Flavour:
    """Partner, house and tag style in one hand, with the small elements that many composites share."""

    def __init__(self, partner: Partner, house: House) -> None:
        self.partner: Partner = partner
        self.feed: Feed = partner.feed
        self.house: House = house
        self.x = Tags(short=partner.feed.tags == "short")
        self.newer = partner.feed.release == "3.1"
        self._substitutions = partner.feed.substitutions
        self._isbn_wanted = "{isbn}" in partner.feed.record_reference
        self._reference = partner.feed.record_reference

    def swap(self, code_list: str, code: str) -> str:
        """The partner's code for ours; "" where the partner file says to leave it out."""
        table = self._substitutions.get(code_list)
        return table.get(code, code) if table else code

    def swapped(self, code_list: str, codes: tuple[str, ...]) -> tuple[str, ...]:
        """The partner's codes for ours, each once, in order."""
        return tuple(dict.fromkeys(code for own in codes if (code := self.swap(code_list, own))))

    def reference(self, product: Product) -> str:
        return self._reference.format(domain=self.house.domain, id=product.id, isbn=isbn13(product) or product.id, work_id=product.work.id)

    def date(self, day: date) -> str:
        return self.x.with_attributes("Date", 'dateformat="00"', f"{day:%Y%m%d}" if day.year >= 1000 else f"{day.year:04d}{day:%m%d}")

    def text(self, name: str, body: str, markup: bool, language: str = "") -> str:
        """An element of EDItEUR's type Flow: XHTML with textformat 05, or plain."""
        content, xhtml = flow(body, markup)
        attributes = 'textformat="05"' if xhtml else ""
        if language:
            attributes = f'{attributes} language="{language}"'.strip()
        return self.x.with_attributes(name, attributes, content)

    def contacts(self, *roles: str) -> list[Contact]:
        return [contact for contact in self.house.contacts if contact.role in roles]


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
