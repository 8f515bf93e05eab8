"""Every flavour is valid, and the same content stands under both tag styles."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from include.feeds.onix.tags import SHORT
from include.titles.model import Contributor, Price, Product, Related, Text, Work
from tests.feeds.onix.cases import FLAVOURS, assert_valid, maximal, message, minimal, partner, render, rendered, texts, xsd_path

_XS = "{http://www.w3.org/2001/XMLSchema}"

TITLES: dict[str, Callable[[], Product]] = {
    "minimal": minimal,
    "without ISBN": lambda: minimal(isbn=""),
    "with a bad ISBN": lambda: minimal(isbn="978-X"),
    "maximal": maximal,
    "979": lambda: maximal(isbn="979-12-3456-789-6"),
    "audio": lambda: maximal(form="AJ", form_details=("A103",), accessibility=()),
    "e-book": lambda: maximal(form="ED", form_details=("E101", "E200"), publishing_status="04", publication_date=date(2020, 2, 29)),
    "deleted": lambda: maximal(publishing_status="11", availability="46"),
    "out of print": lambda: maximal(publishing_status="07", prices=()),
    "cancelled": lambda: maximal(publishing_status="01"),
    "sold nowhere": lambda: maximal(sold_worldwide=False, sold_in=(), not_sold_in=()),
    "sold everywhere": lambda: maximal(not_sold_in=()),
    "sold in a few": lambda: maximal(sold_worldwide=False, sold_in=("GB", "DE", "US"), not_sold_in=("US",)),
    "refused everywhere": lambda: maximal(sold_worldwide=None, sold_in=(), not_sold_in=("GB",)),
    "free": lambda: maximal(prices=(Price(Decimal(0), "GBP", "02"),)),
    "right to left": lambda: maximal(
        title_prefix="", title_without_prefix="מגדל הלבנה", work=Work(
            id=3, title="ירח", contributors=(Contributor(1, "A01", "نجيب محفوظ"),),
            texts=(Text("03", '<p dir="rtl">שלום <bdo dir="ltr">World</bdo>', html=True, language="heb"),)),
    ),
    "Chinese": lambda: minimal(work=Work(id=4, title="紅樓夢", texts=(Text("03", "<ruby>紅<rt>hóng</rt></ruby> 𠮷", html=True),))),
    "huge": lambda: minimal(work=Work(id=5, title="T" * 5000, texts=(Text("03", "<p>" + "word <b>& word</b> " * 20_000, html=True),))),
    "hostile": lambda: minimal(
        work=Work(
            id=6,
            title="  A\n\ttitle  <b>&amp;</b> ]]> ",
            imprint="\r\n",
            contributors=(Contributor(1, "A01", " ", key_names="<x>"), Contributor(1, "A01", "\t")),
            texts=(
                Text("03", "<script>x</script><p>a<ul>b<li>c<table>d<tr>e<td>f</table></p></div>&nbsp;&bogus;<![CDATA[x]]>", html=True),
                Text("02", "   "),
                Text("06", "<!-- -->", html=True),
            ),
        ),
        related=(Related("06", ""),),
        prices=(Price(Decimal("1E+3"), "GBP", "02"), Price(Decimal("9.999"), "GBP", "02")),
        height_mm=Decimal("-1"),
        width_mm=Decimal("1E+2"),
        pages=0,
        publication_date=date(1, 1, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("release", "tags"), FLAVOURS)
@pytest.mark.parametrize("territory", ["countries", "world_with_exceptions"])
def test_every_title_is_valid_in_every_flavour(release: str, tags: str, territory: str) -> None:
    to = partner(release, tags, territory=territory, texts=("02", "03", "04", "05", "06", "10", "12", "30"))
    form = {"2.1": {"accessibility": ()}}.get(release, {})
    records = [render(replace(make(), id=number, **form), to) for number, make in enumerate(TITLES.values(), 1)]
    assert_valid(message(records, to), to)


@pytest.mark.parametrize("release", ["3.0", "3.1"])
@pytest.mark.parametrize("title", TITLES)
def test_short_tags_say_the_same_as_reference_names(release: str, title: str) -> None:
    product = TITLES[title]()
    long, short = rendered(product, partner(release)), rendered(product, partner(release, "short"))
    reference = {tag: name for name, tag in SHORT.items()}
    for element in short.iter(etree.Element):
        element.tag = reference.get(element.tag, element.tag)
    assert etree.tostring(short) == etree.tostring(long)


@pytest.mark.parametrize("release", ["3.0", "3.1"])
def test_short_tags_are_those_of_the_schema(release: str) -> None:
    schema = etree.parse(xsd_path(release, "reference"))
    known = {}
    for element in schema.getroot().iterfind(f"{_XS}element"):
        for attribute in element.iter(f"{_XS}attribute"):
            if attribute.get("name") == "shortname":
                known[element.get("name")] = next(attribute.iter(f"{_XS}enumeration")).get("value")
    later = {"MarketReference", "StreetAddress", "PostalCode"} if release == "3.0" else set()
    assert {name: tag for name, tag in SHORT.items() if name not in later} == {name: known.get(name) for name in SHORT if name not in later}


def test_every_name_that_is_written_has_a_short_tag() -> None:
    folder = Path("include/feeds/onix")
    written: set[str] = set()
    for path in folder.glob("*.py"):
        if "21" not in path.name and path.name != "tags.py":
            written |= set(re.findall(r'x(?:\.code|\.of|\.empty|\.with_attributes)?\(\s*"([A-Z]\w+)"', path.read_text(encoding="utf-8")))
    assert written <= set(SHORT)
    assert len(written) > 100


def test_nothing_that_31_took_away_is_sent() -> None:
    gone = {"AudienceCode", "Conference", "CurrencyZone", "DateFormat", "PromotionContact", "Reissue", "Gender"}
    for release in ("3.0", "3.1"):
        names = {element.tag for element in rendered(maximal(), partner(release)).iter(etree.Element)}
        assert not names & gone


@pytest.mark.parametrize(("release", "tags"), FLAVOURS)
def test_header_sets_no_defaults(release: str, tags: str) -> None:
    to = partner(release, tags)
    head = message([render(minimal(), to)], to).split(b"roduct>")[0].split(b"eader>")[1]
    assert not re.search(rb"Default|m18[4-9]|m19", head)


def test_31_gives_the_postal_address_for_product_safety_and_30_has_no_place_for_it() -> None:
    def contacts(release: str) -> list[Any]:
        return rendered(minimal(), partner(release)).findall("PublishingDetail/ProductContact")

    assert texts(contacts("3.1")[0], "*") == [
        "10", "Product Safety", "safety@lanternandquill.example", "14 Paternoster Lane", "London", "EC4M 7AB", "GB",
    ]  # fmt: skip
    assert texts(contacts("3.0")[0], "*") == ["10", "Product Safety", "safety@lanternandquill.example"]


def test_market_has_a_reference_from_31_on() -> None:
    assert texts(rendered(maximal(), partner("3.1")), "ProductSupply/MarketReference") == ["GBI"]
    assert not texts(rendered(maximal(), partner("3.0")), "ProductSupply/MarketReference")
