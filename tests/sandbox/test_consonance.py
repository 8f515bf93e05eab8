"""Consonance's stand-in, asked over HTTP as a client asks it."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import build_client_schema, build_schema, get_introspection_query, parse, validate

from sandbox.consonance.tenant import SDL
from tests.sandbox import by_hand
from tests.sandbox.by_hand import Seen
from tests.sandbox.conftest import KEY, TODAY, Server

PRODUCTS = """
query Products($after: Int!) {
  products(productSearch: {after: $after}) {
    __typename id isbn { isbn13 } fullTitle subtitle onix21ProductFormCode inHouseFormat { name }
    onixPublishingStatusCode publicationDate %s
    prices { currencyCode onixPriceTypeCode onixPriceTypeQualifierCode amount amountWithCurrencyCode effectiveFrom effectiveTo }
    isForSaleWorldwide forSaleCountryCodes notForSaleCountryCodes
    contributions { contributor { id name ... on Person { biographicalNote } } }
    short: marketingTexts(variantIn: [SHORT_DESCRIPTION]) { externalText } %s
    work { id title imprint { name } subjectCodes { __typename code } bisacs supportingResources { url height aspectRatio %s } }
    ... on PhysicalBookProduct { mainContentPageCount productHeight(unit: MM) productWidth(unit: MM) }
  }
}
"""
FULL = PRODUCTS % (
    "onixProductAvailabilityCode",
    "main: marketingTexts(variantIn: [MAIN_DESCRIPTION]) { externalText } biography: marketingTexts(variantIn: [BIOGRAPHICAL_NOTE]) { id }",
    "productIds",
)
SEEN = PRODUCTS % ("", "", "")


def _seen(product: dict[str, Any], description: str, biography: bool, covers: list[dict[str, Any]]) -> Seen:
    sides = [max(cover["height"], cover["height"] * cover["aspectRatio"]) for cover in covers]
    work = product["work"]
    return Seen(
        id=product["id"],
        isbn=(product["isbn"] or {}).get("isbn13") or "",
        title=product["fullTitle"] or "",
        form=(product["onix21ProductFormCode"] or "").strip("_"),
        format=(product["inHouseFormat"] or {}).get("name") or "",
        status=(product["onixPublishingStatusCode"] or "").strip("_"),
        availability=(product.get("onixProductAvailabilityCode") or "").strip("_"),
        published=by_hand.day(product["publicationDate"]),
        contributors=len(product["contributions"]),
        biography=biography or any(one["contributor"].get("biographicalNote") for one in product["contributions"]),
        prices=by_hand.prices_of(product["prices"]),
        worldwide=product["isForSaleWorldwide"],
        for_sale=set(product["forSaleCountryCodes"] or ()),
        not_for_sale=set(product["notForSaleCountryCodes"] or ()),
        bisac=work["bisacs"],
        thema=[subject["code"] for subject in work["subjectCodes"] if subject["__typename"] == "Thema"],
        description=description,
        short="".join(text["externalText"] for text in product["short"]),
        pages=product.get("mainContentPageCount"),
        height=product.get("productHeight"),
        width=product.get("productWidth"),
        longest_side=max(sides, default=None),
        words=[product["fullTitle"] or "", product["subtitle"] or "", description],
    )


def _found(products: list[Seen]) -> set[tuple[int, str, str]]:
    isbns = [product.isbn for product in products]
    return {(product.id, *defect) for product in products for defect in by_hand.defects(product, TODAY, isbns)}


def _published(server: Server) -> set[tuple[int, str, str]]:
    return {(one["product_id"], one["code"], one["scope"].get("currency", "")) for one in server.control("defects").json()}


def test_full_tenant_shows_exactly_the_planted_defects_through_graphql_alone(full: Server) -> None:
    products = [
        _seen(
            product,
            "".join(text["externalText"] for text in product["main"]),
            bool(product["biography"]),
            [cover for cover in product["work"]["supportingResources"] if product["id"] in cover["productIds"]],
        )
        for product in full.all_products(FULL)
    ]
    assert len(products) == len(list(full.catalogue.products()))
    assert len(_published(full)) > 60
    assert _found(products) == _published(full)


def test_evidenced_tenant_shows_exactly_the_planted_defects_through_graphql_and_rest(evidenced: Server) -> None:
    records = {record["id"]: record for record in evidenced.all_records()}
    products = []
    for product in evidenced.all_products(SEEN):
        texts = {text["code"]: text["external_text"] for text in records[product["id"]]["marketingtexts"]}
        products.append(_seen(product, texts.get("01", ""), "13" in texts, product["work"]["supportingResources"]))
    assert _found(products) == _published(evidenced)


def test_paging_gives_every_title_once_in_the_order_of_ids(full: Server) -> None:
    ids = [product["id"] for product in full.all_products("query ($after: Int) { products(productSearch: {after: $after}) { id } }")]
    assert ids == sorted(set(ids)) == [product.id for product in full.catalogue.products()]
    works: list[int] = []
    while page := full.data("query ($a: Int) { works(workSearch: {after: $a}) { id } }", a=works[-1] if works else None)["works"]:
        assert len(page) <= 100
        works += [work["id"] for work in page]
    assert works == list(range(1001, 1201))


def test_searches(full: Server) -> None:
    product = next(product for product in full.catalogue.products() if product.prefix and product.is_print)
    found = full.data(
        "query ($i: String) { products(productSearch: {isbn13Eq: $i}) { id titlePrefix isbn { isbn10 isbnWithDashes } } }", i=product.isbn
    )["products"]
    assert [(one["id"], one["titlePrefix"]) for one in found] == [(product.id, product.prefix)]
    assert found[0]["isbn"]["isbnWithDashes"].replace("-", "") == product.isbn
    day = product.publication_date
    for search in (
        f'{{isbn13In: ["{product.isbn}", "9780306406157"]}}',
        f"{{idEq: {product.id}}}",
        f'{{titleEq: "{product.full_title}", publicationDateEq: "{day}"}}',
        f'{{titleCont: "{(product.title or "").upper()}", onix21ProductFormCodeIn: [{product.form}]}}',
        f'{{publicationDateLteq: "{day}", publicationDateGteq: "{day}", titlePrefixPresent: "1"}}',
    ):
        assert product.id in [one["id"] for one in full.data(f"{{ products(productSearch: {search}) {{ id }} }}")["products"]], search
    unassigned = full.data("{ products(productSearch: {isbn13Assigned: false}) { isbn { isbn13 } } }")["products"]
    assert unassigned
    assert all(one["isbn"] is None for one in unassigned)
    imprint = full.data("{ works(workSearch: {imprintIdIn: [11]}) { imprint { id } } }")["works"]
    assert {work["imprint"]["id"] for work in imprint} == {11}
    sterling = full.data(
        "{ works(productSearch: {onix21ProductFormCodeIn: [AC]}) { products(productSearch: {onix21ProductFormCodeIn: [AC]}) {"
        " prices(priceSearch: {currencyCodeIn: [GBP], onixPriceTypeCodeIn: [_02]}) { currencyCode } } } }"
    )["works"]
    assert sterling
    assert {one["currencyCode"] for work in sterling for p in work["products"] for one in p["prices"]} == {"GBP"}


def test_contracts_are_read_by_id_and_lead_to_the_work(full: Server) -> None:
    read = "{ contract(contractSearch: {idEq: 501001}) { contractName signedDate deliveryDates { dateDue } work { id } } }"
    contract = full.data(read)["contract"]
    assert contract["work"]["id"] == 1001
    assert full.data("{ work(workSearch: {contractIdEq: 501001}) { id } }")["work"] == {"id": 1001}
    assert full.data("{ contract(contractSearch: {idEq: 99}) { id } work(workSearch: {idEq: 1}) { id } }") == {
        "contract": None,
        "work": None,
    }


def test_every_leaf_that_takes_no_argument_can_be_read(full: Server) -> None:
    """Each field of each type that hangs on a work answers something its type allows."""
    everything = _selection(build_schema(SDL.read_text()), "Work", 3)
    works = full.data(f"query ($a: Int) {{ works(workSearch: {{after: $a}}) {everything} }}", a=1170)["works"]
    assert len(works) == 30
    assert any(work["productionRuns"] for work in works)


def _selection(schema: Any, name: str, depth: int) -> str:
    """All fields of a type, down to a depth; of an interface, the fields of all its types."""
    from graphql import GraphQLInterfaceType, get_named_type, is_leaf_type

    type_ = schema.type_map[name]
    parts = ["__typename"]
    for field_name, field in type_.fields.items():
        of = get_named_type(field.type)
        if is_leaf_type(of):
            parts.append(field_name)
        elif depth > 1 and not (name != "Work" and of.name == "Work"):
            parts.append(f"{field_name} {_selection(schema, of.name, depth - 1)}")
    if isinstance(type_, GraphQLInterfaceType):
        for possible in schema.get_possible_types(type_):
            own = [one for one, field in possible.fields.items() if one not in type_.fields and is_leaf_type(get_named_type(field.type))]
            parts.append(f"... on {possible.name} {{ __typename {' '.join(own)} }}")
    return "{ " + " ".join(parts) + " }"


def test_introspection_gives_a_schema_to_check_operations_against(evidenced: Server, full: Server) -> None:
    for server, query, fits in ((full, FULL, True), (evidenced, SEEN, True), (evidenced, FULL, False)):
        schema = build_client_schema(server.data(get_introspection_query()))  # type: ignore[arg-type]
        assert (validate(schema, parse(query)) == []) is fits


@pytest.mark.parametrize(
    "query",
    [
        "{ products { onixProductAvailabilityCode } }",
        "{ works { supportingResources { productIds } } }",
        "{ works { marketingTexts(variantIn: [MAIN_DESCRIPTION]) { id } } }",
        "{ works { products { prices { currency { code } } } } }",
        "{ works { products { isbn { isbnWithSpaces } } } }",
        'mutation { createMarketingText(input: {workId: 1001, externalTextMarkdown: "x"}) { marketingText { id } } }',
    ],
)
def test_evidenced_tenant_refuses_what_nobody_has_seen(evidenced: Server, full: Server, query: str) -> None:
    refused = evidenced.ask(query).json()
    assert "data" not in refused
    assert refused["errors"][0]["message"].startswith(("Cannot query field", "Value '"))
    assert "errors" not in full.ask(query).json()


@pytest.mark.parametrize("query", ["{ products { duration } }", "{ nothing }", "{ products(first: 5) { id } }", "{", "query" + "{a" * 5000])
def test_what_is_in_no_schema_is_refused_by_both(evidenced: Server, full: Server, query: str) -> None:
    for server in (evidenced, full):
        assert server.ask(query).json()["errors"]


def test_wrong_keys_get_401(full: Server) -> None:
    assert full.ask("{ works { id } }", key="wrong").status_code == 401
    assert full.http.post("/graphql", json={"query": "{ works { id } }"}).status_code == 401
    assert full.rest(key="wrong").status_code == 401
    assert full.rest(key=f'"{KEY}"').status_code == 200
    assert full.http.get("/api/v4/products.json", headers={"Authorization": f"Bearer {KEY}"}).status_code == 401


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"query": 5}', b'{"query": "{a}", "variables": []}', b"\xff\xfe", b"[" * 100_000])
def test_broken_bodies_get_400(full: Server, body: bytes) -> None:
    assert full.http.post("/graphql", content=body, headers={"Authorization": f"Bearer {KEY}"}).status_code == 400


def test_a_huge_body_gets_413(full: Server) -> None:
    assert full.http.post("/graphql", content=b" " * 5_000_000, headers={"Authorization": f"Bearer {KEY}"}).status_code == 413


def test_bad_variables_are_errors_in_a_200(full: Server) -> None:
    for variables in ({"s": "yesterday"}, {"s": 20261121}, {"s": ["2026-11-21"]}):
        answer = full.ask("query ($s: ISO8601Date) { works(workSearch: {changedSince: $s}) { id } }", **variables)
        assert answer.status_code == 200
        assert answer.json()["errors"]


def test_rest_and_graphql_tell_the_same(full: Server) -> None:
    records = {record["id"]: record for record in full.all_records()}
    products = full.all_products(FULL)
    assert list(records) == [product["id"] for product in products]
    for product in products:
        record = records[product["id"]]
        assert record["full_title"] == product["fullTitle"]
        assert record["isbn"].replace("-", "") == ((product["isbn"] or {}).get("isbn13") or "No ISBN")
        assert record["pub_date"] == product["publicationDate"]
        assert record["publishing_status"] == ((product["onixPublishingStatusCode"] or "").strip("_") or None)
        assert record["product_form"] == product["onix21ProductFormCode"]
        assert record["extents"]["main_content_page_count"] == product.get(
            "mainContentPageCount", record["extents"]["main_content_page_count"]
        )
        assert record["imprint"] == product["work"]["imprint"]["name"]
        assert record["rights_not_available_countries"] == product["notForSaleCountryCodes"]
        assert [f"{one['currency_code']} {one['price_amount']}" for one in record["prices"]] == [
            p["amountWithCurrencyCode"] for p in product["prices"]
        ]
        texts = {text["code"]: text["external_text"] for text in record["marketingtexts"]}
        assert [texts["01"]] == [text["externalText"] for text in product["main"]] if product["main"] else "01" not in texts
        covers = [one["url"] for one in product["work"]["supportingResources"] if product["id"] in one["productIds"]]
        originals = [
            style["url"] for one in record["supportingresources"] for style in one["style_urls"] if style["style"] == "jpg_rgb_original"
        ]
        assert [url.rpartition("/")[0] for url in covers] == [url.rpartition("/")[0] for url in originals]


def test_rest_envelope_filters_and_pages_beyond_the_end(full: Server) -> None:
    product = next(product for product in full.catalogue.products() if product.isbn and product.publication_date)
    first = full.rest("/api/products.json").json()
    assert (first["current_page"], first["per_page"], len(first["products"])) == (1, 50, 50)
    assert full.rest(page=first["total_pages"] + 1).json()["products"] == []
    for filters in ({"q[isbn_eq]": product.isbn}, {"q[id_eq]": product.id}, {"q[pub_date_eq]": str(product.publication_date)}):
        assert product.id in [one["id"] for one in full.rest(**filters).json()["products"]]
    assert full.rest(**{"q[isbn_eq]": "nothing"}).json()["products"] == []
    assert full.rest(**{"q[anything_eq]": "x"}).status_code == 400
    assert full.rest(page=0).status_code == full.rest(page="x").status_code == 400
