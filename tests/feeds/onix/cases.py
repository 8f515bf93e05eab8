"""What the ONIX tests share: a partner, a house, titles from the plainest to the fullest, EDItEUR's schemas."""

from __future__ import annotations

import io
import json
import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree
from onixcheck import schema

from include.feeds import renderer_for
from include.feeds.record import Header, Record
from include.partners.model import House, Partner
from include.titles.codec import decode_product, decode_work
from include.titles.model import Collection, Contributor, Language, Price, Product, Related, Resource, Subject, Text, Work

DATA = Path(__file__).parents[2] / "data" / "onix"
TODAY = date(2026, 11, 21)
SENT = datetime(2026, 11, 21, 6, 30, 15, tzinfo=UTC)
FLAVOURS = [("3.0", "reference"), ("3.0", "short"), ("3.1", "reference"), ("3.1", "short"), ("2.1", "reference")]


def house(**changes: Any) -> House:
    return House.model_validate({**_toml(DATA / "house.toml"), **changes})


def partner(release: str = "3.0", tags: str = "reference", *, changes: Mapping[str, Any] | None = None, **feed: Any) -> Partner:
    said = _merged(_toml(DATA / "partner.toml"), {"feed": {"release": release, "tags": tags, **feed}})
    return Partner.model_validate(_merged(said, changes or {}))


def title_of(said: Mapping[str, Any]) -> Product:
    """A product from the tables [work] and [product] of a case."""
    work = decode_work(json.dumps(said["work"], default=str).encode())
    return decode_product(json.dumps(said["product"], default=str).encode(), work)


def render(product: Product, to: Partner, today: date = TODAY) -> Record:
    return renderer_for(to, house()).render(product, today)


def message(records: Iterable[Record], to: Partner) -> bytes:
    out = io.BytesIO()
    with renderer_for(to, house()).message(out, Header(7, SENT)) as writer:
        for record in records:
            writer.add(record)
    return out.getvalue()


@cache
def xsd(release: str, tags: str) -> etree.XMLSchema:
    return etree.XMLSchema(file=xsd_path(release, tags))


def xsd_path(release: str, tags: str) -> str:
    path: str = getattr(schema, f"O{release.replace('.', '')}_XSD_{tags.upper()}")
    return path


def assert_valid(xml: bytes, to: Partner) -> etree._Element:
    """The message's root, after validation against EDItEUR's schema for the partner's release and tags."""
    root = etree.fromstring(xml)
    checker = xsd(to.feed.release, to.feed.tags)
    assert checker.validate(root), "\n".join(str(error) for error in checker.error_log)
    return root


def rendered(product: Product, to: Partner, today: date = TODAY) -> etree._Element:
    """The valid Product element of a message with this title alone, without namespaces."""
    root = assert_valid(message([render(product, to, today)], to), to)
    for element in root.iter(etree.Element):
        element.tag = etree.QName(element).localname
    etree.cleanup_namespaces(root)
    return root[1]


def texts(element: etree._Element, path: str) -> list[str]:
    return [found.text or "" for found in element.iterfind(path)]


@cache
def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(under)
    for key, value in over.items():
        both[key] = _merged(both[key], value) if isinstance(value, Mapping) and isinstance(both.get(key), Mapping) else value
    return both


def minimal(**fields: Any) -> Product:
    return Product(**{"id": 1, "work": Work(id=1, title="Alone"), "isbn": "9780306406157", **fields})


AUTHOR = Contributor(
    sequence=2,
    role="A01",
    person_name="Amélie Ó Súilleabháin",
    names_before_key="Amélie",
    key_names="Ó Súilleabháin",
    inverted_name="Ó Súilleabháin, Amélie",
    isni="0000 0001 2103 2683",
    orcid="https://orcid.org/0000-0002-1825-0097",
    biography="<p>Lives in <b>Cork</b>.",
)
COVER = Resource(
    id=5,
    url="https://img.example/covers/9 780é.jpg?x=1&y=2",
    caption="Cover",
    credit="Photo: A",
    copyright="© A",
    filename="9.jpg",
    mime="image/jpeg",
    width=1200,
    height=1800,
    bytes=123456,
    updated=date(2026, 3, 1),
)


def maximal(**fields: Any) -> Product:
    """A title with everything that the model holds."""
    work = Work(
        id=9,
        title="The Lantern-Maker’s Daughter",
        subtitle="A novel",
        reference="LQ-9",
        doi="https://doi.org/10.5555/lq9",
        imprint_id=1,
        imprint="Lantern Fiction",
        edition_number="2",
        edition_statement="Revised & enlarged",
        edition_types=("REV", "REV", "ENL"),
        original_title="Die Tochter des Laternenmachers",
        contributor_statement="Amélie Ó Súilleabháin, translated by 山田 太郎",
        contributors=(
            AUTHOR,
            Contributor(2, "B06", "山田 太郎", languages_from=("ger", "ger"), languages_to=("eng",)),
            Contributor(3, "B01", corporate_name="Society of Lamps & Co."),
            Contributor(4, "A12"),
        ),
        collections=(Collection("Lamps of Europe", "Northern series", "3", "1234-5679", "2024"), Collection("Night Books")),
        subjects=(
            Subject("10", "FIC014000", "FICTION / Historical"),
            Subject("10", "FIC019000", "FICTION / Literary", main=True),
            Subject("93", "FBA"),
            Subject("94", "1DDR"),
            Subject("20", "", "lanterns"),
            Subject("20", "", "Cork; sea"),
            Subject("12", "FA", main=True),
            Subject("24", "X1", "House shelf"),
        ),
        audiences=("01", "05"),
        audience_description="Adult readers",
        languages=(Language("01", "eng"), Language("02", "ger"), Language("01", "eng")),
        texts=(
            Text("02", "Short & sweet."),
            Text("03", "<p>Long <em>text</em><br>with a break", html=True, language="eng", audiences=("00", "03", "00")),
            Text("06", "“Luminous.”", author="J. Doe", source="The Times", starts=date(2026, 1, 1), ends=date(2027, 1, 1)),
            Text("06", "“Gone.”", ends=date(2020, 1, 1)),
            Text("12", "First.\n\nSecond."),
            Text("04", "<ol><li>One</li></ol>", html=True),
            Text("30", "An abstract"),
        ),
        resources=(COVER,),
    )
    said: dict[str, Any] = {
        "id": 101,
        "work": work,
        "isbn": "9780306406157",
        "doi": "10.5555/lq9.pb",
        "internal_reference": "LQ9-PB",
        "title_prefix": "The",
        "title_without_prefix": "Lantern-Maker’s Daughter",
        "form": "BC",
        "form_details": ("B105", "B105"),
        "form_description": "Paperback with flaps",
        "accessibility": ("04", "85"),
        "publishing_status": "02",
        "publication_date": date(2027, 3, 1),
        "announcement_date": date(2026, 9, 1),
        "embargo_date": date(2027, 2, 25),
        "out_of_print_date": date(2040, 1, 1),
        "height_mm": Decimal("198.0"),
        "width_mm": Decimal("129.5"),
        "thickness_mm": Decimal(22),
        "weight_g": Decimal("250.00"),
        "pages": 320,
        "pages_front": 12,
        "pages_back": 8,
        "pages_total": 340,
        "words": 90000,
        "duration_minutes": 600,
        "prices": (
            Price(Decimal("10.99"), "GBP", "02", starts=date(2027, 7, 1)),
            Price(Decimal("9.99"), "GBP", "02", starts=date(2027, 1, 1), ends=date(2027, 6, 30)),
            Price(Decimal("14.95"), "USD", "01"),
            Price(Decimal("12.00"), "EUR", "02"),
        ),
        "related": (Related("06", "9791234567896"), Related("06", "9791234567896"), Related("13", "978-0-306-40615-7"), Related("03", "x")),
        "sold_worldwide": True,
        "not_sold_in": ("US", "CA"),
    }
    return Product(**{**said, **fields})
