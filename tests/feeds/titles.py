"""What the tests of the gates share: a house, partners, and titles that nothing is wrong with."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from include.feeds.record import Reason
from include.partners.model import House, Partner
from include.titles.model import Collection, Contributor, Language, Price, Product, Resource, Subject, Text, Work

TODAY = date(2026, 11, 21)
PROFILES = ("house", "retail", "bibliographic", "wholesale", "library")

HOUSE = House.model_validate({
    "sender": {"name": "Lantern & Quill", "gln": "5030670000012"},
    "publisher": "Lantern & Quill",
    "domain": "com.lanternandquill.books",
    "taxes": [
        {"country": "GB", "forms": ["B", "E"], "rate_code": "Z", "percent": 0},
        {"country": "GB", "forms": ["A"], "rate_code": "S", "percent": 20},
        {"country": "DE", "forms": ["B", "E", "A"], "rate_code": "R", "percent": 7},
    ],
})

WORK = Work(
    id=10,
    title="The Tide Clock",
    imprint="Lantern Fiction",
    contributors=(
        Contributor(1, "A01", person_name="Ana Lima", names_before_key="Ana", key_names="Lima", biography="Ana Lima lives by the sea."),
        Contributor(2, "B06", person_name="Jo Ek", names_before_key="Jo", key_names="Ek"),
    ),
    collections=(Collection("Harbour Stories", part="2"),),
    subjects=(
        Subject("10", "FIC019000", main=True),
        Subject("10", "FIC000000"),
        Subject("93", "FBA", main=True),
        Subject("12", "FA"),
        Subject("20", "", "tides; clocks"),
    ),
    languages=(Language("01", "eng"),),
    texts=(Text("02", "A short one."), Text("03", "<p>A <em>long</em> one.</p>", html=True), Text("12", "She writes.")),
    resources=(Resource(7, "https://example.com/c.jpg", width=1000, height=1500),),
)

PRINT = Product(
    id=100,
    work=WORK,
    isbn="9780306406157",
    title_prefix="The",
    title_without_prefix="Tide Clock",
    full_title="The Tide Clock",
    subtitle="A Novel",
    form="BC",
    format="Paperback",
    publishing_status="04",
    publication_date=date(2026, 1, 15),
    height_mm=Decimal(198),
    width_mm=Decimal(129),
    weight_g=Decimal("250.5"),
    pages=320,
    prices=(
        Price(Decimal("9.99"), "GBP", "02"),
        Price(Decimal("14.99"), "USD", "01"),
        Price(Decimal("12.99"), "EUR", "02"),
    ),
    sold_worldwide=True,
)
EBOOK = replace(PRINT, id=101, isbn="9791220200370", form="ED", pages=None, height_mm=None, width_mm=None)
AUDIO = replace(EBOOK, id=102, isbn="9780306406164", form="AJ", duration_minutes=540)


def partner(profile: str = "house", **feed: Any) -> Partner:
    """A partner with one British market; `feed` changes its feed."""
    market = {
        "countries": ["GB", "IE"],
        "supplier": {"role": "02", "name": "Northgate", "gln": "5013546000019"},
        "prices": [{"currency": "GBP", "type": "02", "territory": ["GB"]}],
    }
    return Partner.model_validate({
        "id": "northgate",
        "name": "Northgate Distribution",
        "addressee": {"name": "Northgate Distribution", "gln": "5013546000019"},
        "transport": {"protocol": "sftp", "connection": "partner_northgate", "folder": "/inbox"},
        "feed": {"markets": [market], "completeness": {"profile": profile}, **feed},
    })


def of_work(product: Product = PRINT, **changes: Any) -> Product:
    return replace(product, work=replace(product.work, **changes))


def days(number: int) -> date:
    return TODAY + timedelta(days=number)


def gbp(amount: str, starts: int | None = None, ends: int | None = None, *, type: str = "02") -> Price:
    """A sterling price; days are counted from today."""
    return Price(Decimal(amount), "GBP", type, starts=None if starts is None else days(starts), ends=None if ends is None else days(ends))


def codes(reasons: list[Reason]) -> list[str]:
    return [reason.code for reason in reasons]
