"""Titles as Hypothesis makes them: codes that exist, everything else as hostile as it may be."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from include.titles.model import Collection, Contributor, Language, Price, Product, Related, Resource, Subject, Text, Work

WORDS = st.one_of(
    st.sampled_from([
        "",
        "Plain",
        " a\n b ",
        "<b>&amp;</b>",
        "]]>",
        "ירח",
        "𠮷野",
        "é\u0301",
        "\u2028",
        "\xa0",
        "a\x00b",
        "\ud800",
        "\x85",
    ]),
    st.text(max_size=30),
)
DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31)) | st.dates(date(2024, 1, 1), date(2028, 12, 31)) | st.none()
COUNTRIES = st.lists(st.sampled_from(["GB", "US", "DE", "AT", "IE", "FR", "CH", "JP"]), max_size=6).map(tuple)
ISBNS = st.sampled_from(["", "9780306406157", "979-12-3456-789-6", "x", "978 0 306 40615 7", "97803064061５7"])
AMOUNTS = st.decimals(Decimal("-1"), Decimal("99999"), places=4, allow_nan=False, allow_infinity=False)

contributors = st.builds(
    Contributor,
    sequence=st.integers(-1, 5),
    role=st.sampled_from(["A01", "B06", "A12"]),
    person_name=WORDS,
    names_before_key=WORDS,
    key_names=WORDS,
    inverted_name=WORDS,
    corporate_name=WORDS,
    isni=st.sampled_from(["", "0000 0001 2103 2683", "x"]),
    orcid=st.sampled_from(["", "https://orcid.org/0000-0002-1825-0097", "-"]),
    biography=WORDS,
    languages_from=st.lists(st.sampled_from(["ger", "fre"]), max_size=3).map(tuple),
)
subjects = st.builds(
    Subject, scheme=st.sampled_from(["10", "12", "93", "94", "20", "24"]), code=WORDS, description=WORDS, main=st.booleans()
)
texts = st.builds(
    Text,
    type=st.sampled_from(["02", "03", "06", "12"]),
    body=WORDS,
    html=st.booleans(),
    audiences=st.lists(st.sampled_from(["00", "03"]), max_size=3).map(tuple),
    language=st.sampled_from(["", "eng"]),
    author=WORDS,
    source=WORDS,
    starts=DAYS,
    ends=DAYS,
)
resources = st.builds(
    Resource,
    id=st.integers(1, 9),
    url=st.sampled_from(["", "https://x.example/a b.jpg", "http://[::1]/%zz", "https://e.org/é?<>\"'", "ftp://x"]) | st.text(max_size=12).map("https://e.org/{}".format),
    caption=WORDS,
    width=st.none() | st.integers(0, 9000),
    updated=DAYS,
)  # fmt: skip
prices = st.builds(
    Price,
    amount=AMOUNTS,
    currency=st.sampled_from(["GBP", "EUR"]),
    type=st.sampled_from(["01", "02"]),
    starts=DAYS,
    ends=DAYS,
)
works = st.builds(
    Work,
    id=st.integers(1, 99),
    title=WORDS,
    subtitle=WORDS,
    reference=WORDS,
    doi=WORDS,
    imprint=WORDS,
    edition_number=st.sampled_from(["", "2", "002", "0", "²", "first"]),
    edition_statement=WORDS,
    original_title=WORDS,
    contributor_statement=WORDS,
    contributors=st.lists(contributors, max_size=3).map(tuple),
    collections=st.lists(st.builds(Collection, title=WORDS, subtitle=WORDS, part=WORDS, issn=WORDS, year=WORDS), max_size=2).map(tuple),
    subjects=st.lists(subjects, max_size=5).map(tuple),
    audiences=st.lists(st.sampled_from(["01", "05"]), max_size=3).map(tuple),
    audience_description=WORDS,
    languages=st.lists(st.builds(Language, role=st.sampled_from(["01", "02"]), code=st.sampled_from(["eng", "ger"])), max_size=3).map(
        tuple
    ),
    texts=st.lists(texts, max_size=4).map(tuple),
    resources=st.lists(resources, max_size=2).map(tuple),
)


def products() -> st.SearchStrategy[Product]:
    return st.builds(
        Product,
        id=st.integers(1, 10**9),
        work=works,
        isbn=ISBNS,
        gtin=st.just(""),
        internal_reference=WORDS,
        title_prefix=WORDS,
        title_without_prefix=WORDS,
        full_title=WORDS,
        form=st.sampled_from(["", "BB", "BC", "AJ"]),
        form_details=st.sampled_from([(), ("B105", "B105")]),
        form_description=WORDS,
        publishing_status=st.sampled_from(["", "00", "01", "02", "03", "04", "06", "07", "09", "11", "13"]),
        availability=st.sampled_from(["", "", "10", "20", "46"]),
        publication_date=DAYS,
        planned_date=DAYS,
        embargo_date=DAYS,
        out_of_print_date=DAYS,
        height_mm=st.none() | AMOUNTS,
        weight_g=st.none() | AMOUNTS,
        pages=st.none() | st.integers(-5, 10**6),
        prices=st.lists(prices, max_size=4).map(tuple),
        texts=st.lists(texts, max_size=2).map(tuple),
        related=st.lists(st.builds(Related, relation=st.sampled_from(["06", "13"]), isbn=ISBNS), max_size=3).map(tuple),
        sold_worldwide=st.sampled_from([None, True, False]),
        sold_in=COUNTRIES,
        not_sold_in=COUNTRIES,
    )
