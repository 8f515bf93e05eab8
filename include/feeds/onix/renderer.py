"""Renders titles as ONIX 3.0 and 3.1 for one partner, under reference names or short tags."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import BinaryIO

from include.feeds.onix import collateral, days, supply
from include.feeds.onix.collateral import collateral_detail
from include.feeds.onix.descriptive import descriptive_detail, identifiers
from include.feeds.onix.flavour import Flavour
from include.feeds.onix.message import OnixWriter, encode, encode_record, epilogue, header_of, prologue
from include.feeds.onix.publishing import publishing_detail
from include.feeds.onix.related import related_material
from include.feeds.onix.supply import product_supply
from include.feeds.record import Header, MessageWriter, Record
from include.partners.model import House, Partner
from include.titles.model import Product

VERSION = 1
"""Count it up whenever the same title would come out differently: every record is then looked at again."""

_HOUSE = {"publisher", "domain", "country_of_publication", "city_of_publication", "language", "audience", "contacts", "taxes"}
_MAY_BE_EMPTY = {2: "CollateralDetail", 5: "RelatedMaterial"}  # composites whose content is all optional


def flavour_digest(partner: Partner, house: House, version: int) -> str:
    """Digest of all that shapes a record besides its title. Who it is addressed to and who sends it stand in the header alone."""
    said = {
        "version": version,
        "test": partner.test,
        "name": partner.name,
        "feed": partner.feed.model_dump(mode="json"),
        "house": house.model_dump(mode="json", include=_HOUSE),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


class OnixRenderer:
    """ONIX 3.0 and 3.1. See `include.feeds.record.Renderer`.

    Blocks are counted as EDItEUR counts them: P1 the identifiers and DescriptiveDetail, P2 CollateralDetail,
    P4 PublishingDetail, P5 RelatedMaterial, P6 ProductSupply. Colophon has nothing to say in 3, 7 and 8.
    """

    reusable = True

    def __init__(self, partner: Partner, house: House) -> None:
        self._f = Flavour(partner, house)
        self._encoding = partner.feed.encoding
        self.flavour = flavour_digest(partner, house, VERSION)
        self.label = f"ONIX {partner.feed.release} {partner.feed.tags}"

    def render(self, product: Product, today: date) -> Record:
        """The full record. Raises `RejectedData` for text that XML or the message can't hold."""
        notification = days.TEST if self._f.partner.test else days.notification(product, today)
        numbers, blocks = self._content(product, today)
        body = self._product(product, notification, numbers, blocks)
        return Record(
            product_id=product.id,
            isbn=product.isbn,
            reference=self._f.reference(product),
            notification=notification,
            body=body,
            digest=hashlib.sha256(body).hexdigest(),
            stable_until=days.stable_until(product, today, self._days_of_change(product)),
            blocks=_digests(numbers, blocks),
        )

    def block_update(self, product: Product, today: date, blocks: tuple[int, ...]) -> Record:
        """NotificationType 04 with these blocks; `digest` and `blocks` are those of the full record that it brings about.

        An empty block is sent empty, which takes it away at the receiver. Where ONIX can't say so (ProductSupply),
        the full record goes.
        """
        full = self.render(product, today)
        numbers, content = self._content(product, today)
        chosen = {number: content.get(number) or self._emptied(number) for number in sorted(set(blocks))}
        if not all(chosen.values()):
            return full
        notification = days.TEST_UPDATE if self._f.partner.test else days.UPDATE
        return replace(full, notification=notification, body=self._product(product, notification, numbers, chosen))

    def message(self, out: BinaryIO, header: Header) -> MessageWriter:
        feed = self._f.partner.feed
        start = prologue(feed.release, feed.tags, self._encoding) + encode(header_of(self._f, header), self._encoding)
        nothing = encode(self._f.x.empty("NoProduct"), self._encoding)
        return OnixWriter(out, start, epilogue(feed.tags, self._encoding), nothing)

    def _content(self, product: Product, today: date) -> tuple[str, dict[int, str]]:
        """The identifiers, and the blocks that are not empty, by number and in the order of the message."""
        f = self._f
        blocks = {
            1: descriptive_detail(f, product),
            2: collateral_detail(f, product, today),
            4: publishing_detail(f, product),
            5: related_material(f, product),
            6: product_supply(f, product, today),
        }
        return identifiers(f, product), {number: text for number, text in blocks.items() if text}

    def _product(self, product: Product, notification: str, numbers: str, blocks: Mapping[int, str]) -> bytes:
        x, reference = self._f.x, self._f.reference(product)
        text = x.of("Product", x("RecordReference", reference), x.code("NotificationType", notification), numbers, *blocks.values())
        return encode_record(text, self._encoding, f"{product.isbn or 'product'} ({reference})")

    def _emptied(self, number: int) -> str:
        name = _MAY_BE_EMPTY.get(number)
        return self._f.x.empty(name) if name else ""

    def _days_of_change(self, product: Product) -> Iterator[date]:
        yield from supply.days_of_change(self._f, product)
        yield from collateral.days_of_change(self._f, product)


def _digests(numbers: str, blocks: Mapping[int, str]) -> dict[str, str]:
    return {
        f"P{number}": hashlib.sha256((numbers + text if number == 1 else text).encode("utf-8", "surrogatepass")).hexdigest()
        for number, text in blocks.items()
    }
