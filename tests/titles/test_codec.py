import json
import time
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.titles import codec
from include.titles.model import Collection, Contributor, Language, Price, Product, Related, Resource, Subject, Text, Work

words = st.text(max_size=12)
codes = st.lists(words, max_size=3).map(tuple)
dates = st.none() | st.dates()
money = st.decimals(allow_nan=False, allow_infinity=False)


def _of(kind: type, **named: st.SearchStrategy) -> st.SearchStrategy:
    """Every field of the class, from its type: a field added to the model is tried without touching this test."""
    known = {"str": words, "int": st.integers(), "bool": st.booleans(), "tuple[str, ...]": codes, "date | None": dates}
    known |= {
        "int | None": st.none() | st.integers(),
        "Decimal": money,
        "Decimal | None": st.none() | money,
        "bool | None": st.none() | st.booleans(),
    }
    known["tuple[int, ...]"] = st.lists(st.integers(), max_size=2).map(tuple)
    for part in (Collection, Contributor, Language, Price, Related, Resource, Subject, Text):
        known[f"tuple[{part.__name__}, ...]"] = st.deferred(lambda part=part: st.lists(_of(part), max_size=2).map(tuple))
    known["Work"] = st.deferred(lambda: _of(Work))
    return st.builds(kind, **{field.name: named.get(field.name, known[str(field.type)]) for field in fields(kind)})


@given(_of(Work))
@settings(max_examples=60)
def test_a_work_comes_back_as_it_was(work: Work) -> None:
    assert codec.decode_work(codec.encode_work(work)) == work


@given(_of(Product))
@settings(max_examples=60)
def test_a_product_comes_back_as_it_was(product: Product) -> None:
    assert replace(codec.decode_product(codec.encode_product(product), product.work), work=product.work) == product


WORK = Work(id=7, title="Tide & Time")
PRODUCT = Product(
    id=9,
    work=WORK,
    isbn="9780306406157",
    publication_date=date(2026, 3, 1),
    height_mm=Decimal("198.00"),
    prices=(Price(Decimal("9.90"), "GBP", "02"), Price(Decimal("12.50"), "USD", "01", starts=date(2026, 1, 1))),
    sold_in=("GB", "IE"),
    exportable=False,
)


def test_the_bytes_are_canonical() -> None:
    written = codec.encode_product(PRODUCT)
    assert written == (
        b'{"exportable":false,"height_mm":"198.00","id":9,"isbn":"9780306406157",'
        b'"prices":[{"amount":"9.90","currency":"GBP","type":"02"},{"amount":"12.50","currency":"USD","starts":"2026-01-01","type":"01"}],'
        b'"publication_date":"2026-03-01","sold_in":["GB","IE"]}'
    )
    assert codec.digest(written) == codec.digest(codec.encode_product(replace(PRODUCT, work=Work(id=8, title="Another"))))


def test_money_keeps_its_places() -> None:
    assert str(codec.decode_product(codec.encode_product(PRODUCT), WORK).prices[0].amount) == "9.90"


def test_text_that_utf_8_refuses_is_kept() -> None:
    work = Work(id=1, title="broken \ud800 \x00 pair")
    assert codec.decode_work(codec.encode_work(work)) == work


def test_a_product_has_only_its_own_contributors() -> None:
    author, narrator = Contributor(1, "A01", person_name="Ada"), Contributor(2, "E07", person_name="Ben", product_ids=(10,))
    work = replace(WORK, contributors=(author, narrator))
    content = codec.encode_product(PRODUCT)
    assert codec.decode_product(content, work).work.contributors == (author,)
    assert codec.decode_product(codec.encode_product(replace(PRODUCT, id=10)), work).work is work


def test_false_is_told_from_unknown() -> None:
    assert codec.decode_product(codec.encode_product(replace(PRODUCT, sold_worldwide=False)), WORK).sold_worldwide is False
    assert codec.decode_product(codec.encode_product(PRODUCT), WORK).sold_worldwide is None


def test_defaults_are_left_out() -> None:
    assert json.loads(codec.encode_work(WORK)) == {"id": 7, "title": "Tide & Time"}


@pytest.mark.long
def test_100_000_products_decode_in_seconds() -> None:
    text = Text(type="03", body="<p>" + "A long and winding description. " * 40 + "</p>", html=True)
    product = replace(PRODUCT, prices=PRODUCT.prices * 3, texts=(text, text), related=(Related("06", "9780306406157"),) * 3)
    content = codec.encode_product(product)
    began = time.perf_counter()
    for _ in range(100_000):
        codec.decode_product(content, WORK)
    took = time.perf_counter() - began
    print(f"\n100,000 products of {len(content)} bytes decoded in {took:.1f} s")
    assert took < 15
