"""The catalogue: the same for the same seed, realistic, and defective only where it says so."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest
from stdnum import isni as stdnum_isni
from stdnum import issn as stdnum_issn

from sandbox.catalogue import Catalogue
from sandbox.catalogue.chance import isni, issn
from sandbox.catalogue.night import edit_product, night
from sandbox.catalogue.planted import PLANTS

TODAY = date(2026, 11, 21)
# No public page shows a field of Consonance for the duration of audio; `schema-invalid` is what a renderer gets wrong.
PLANTABLE = {
    "isbn-missing", "isbn-invalid", "isbn-duplicate", "title-missing", "contributor-missing", "form-missing", "form-unknown",
    "publishing-status-missing", "publication-date-missing", "status-date-conflict", "availability-conflict", "price-missing", "price-zero",
    "price-overlap", "price-gap", "tax-mismatch", "rights-missing", "rights-overlap", "rights-unknown-country", "subject-bisac-missing",
    "subject-bisac-invalid", "subject-thema-missing", "description-missing", "short-description-missing", "short-description-long",
    "biography-missing", "pages-missing", "measures-missing", "cover-missing", "cover-small", "text-illegal",
}  # fmt: skip


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(1, 200, TODAY)


def test_same_seed_and_day_give_the_same_titles() -> None:
    assert list(Catalogue(7, 60, TODAY).works()) == list(Catalogue(7, 60, TODAY).works())
    assert list(Catalogue(7, 60, TODAY).works()) != list(Catalogue(8, 60, TODAY).works())


def test_one_work_alone_is_the_same_as_among_all() -> None:
    whole = {work.id: work for work in Catalogue(3, 90, TODAY).works()}
    alone = Catalogue(3, 90, TODAY)
    assert all(alone.work(id) == whole[id] for id in (1090, 1001, 1044))


def test_a_publisher_of_some_size_and_variety(catalogue: Catalogue) -> None:
    works, products = list(catalogue.works()), list(catalogue.products())
    assert len(works) == 200
    assert 400 <= len(products) <= 520
    formats = Counter(product.format for product in products)
    assert all(formats[name] >= 4 for name in ("Hardback", "Paperback", "ePub", "PDF", "Audio download", "Audio CD"))
    assert len({work.imprint for work in works}) >= 5
    assert len({membership.series.id for work in works for membership in work.memberships}) >= 8
    assert {product.status for product in products} >= {"02", "04", "07", "08", "11"}
    assert any(product.isbn and product.isbn.startswith("979") for product in products)
    assert any(work.contract.signed is None for work in works)
    assert any(not product.exportable for product in products)
    assert any(product.announcement_date and product.announcement_date > TODAY for product in products)
    rights = {(product.worldwide, bool(product.for_sale), bool(product.not_for_sale)) for product in products}
    assert len(rights) >= 3
    assert {"The", "A"} < {product.prefix for product in products}
    names = "".join(one.contact.name for work in works for one in work.contributions)
    assert any("\u0590" <= letter <= "\u05ff" for letter in names)  # Hebrew
    assert any("\u0600" <= letter <= "\u06ff" for letter in names)  # Arabic
    assert any("\u4e00" <= letter <= "\u9fff" for letter in names)  # Chinese and Japanese
    assert any(letter in names for letter in "éøŁñ")


def test_dated_prices_follow_each_other_and_most_have_none(catalogue: Catalogue) -> None:
    dated = [price for product in catalogue.products() for price in product.prices if price.starts or price.ends]
    assert 10 < len(dated) < 300
    assert all(isinstance(price.amount, Decimal) for price in dated)


def test_ids_of_people_and_series_have_valid_check_digits() -> None:
    assert all(stdnum_isni.is_valid(isni(number)) for number in range(200))
    assert all(stdnum_issn.is_valid(issn(number)) for number in range(200))


def test_every_plantable_code_is_planted_a_few_times(catalogue: Catalogue) -> None:
    defects = catalogue.defects()
    assert {defect.code for defect in defects} == PLANTABLE
    assert max(Counter(plant.code for plant in PLANTS).values()) <= 7
    assert len({defect.product_id for defect in defects}) == len(defects)
    assert max(Counter(defect.work_id for defect in defects).values()) <= 2


def test_a_defect_that_a_tenant_cannot_show_is_neither_planted_nor_published() -> None:
    seen = Catalogue(1, 200, TODAY, "evidenced")
    assert {defect.code for defect in seen.defects()} == PLANTABLE - {"availability-conflict"}
    assert not any(product.availability == "10" and product.status == "04" for product in seen.products())


def test_sixty_titles_have_room_for_every_code_and_as_many_clean_works() -> None:
    catalogue = Catalogue(1, 60, TODAY)
    assert {defect.code for defect in catalogue.defects()} == PLANTABLE
    assert sum(not catalogue.is_planted(id) for id in catalogue.work_ids()) >= 28


def test_a_small_catalogue_has_only_whole_defects() -> None:
    for titles in range(1, 12):
        catalogue = Catalogue(1, titles, TODAY)
        assert len(list(catalogue.works())) == titles
        assert Counter(defect.code for defect in catalogue.defects())["isbn-duplicate"] in {0, 2}
        assert all(catalogue.product(defect.product_id) for defect in catalogue.defects())


def test_products_are_found_by_isbn_whatever_became_of_them(catalogue: Catalogue) -> None:
    for product in catalogue.products():
        if product.isbn:
            assert product in catalogue.products_by_isbn([product.isbn])
    pair = [defect for defect in catalogue.defects() if defect.code == "isbn-duplicate"]
    assert {product.id for product in catalogue.products_by_isbn([pair[0].isbn or ""])} == {defect.product_id for defect in pair}
    assert catalogue.products_by_isbn(["9780306406157", "", "x", "978" * 50]) == []


def test_search_by_date_gives_what_changed_its_siblings_and_some_more(catalogue: Catalogue) -> None:
    before = {product.id for product in catalogue.products(changed_since=TODAY)}
    work = next(work for work in catalogue.works() if len(work.products) > 1 and work.products[0].id not in before)
    edit_product(catalogue, work.products[0].id, {"subtitle": "Revised"})
    after = {found.id for found in catalogue.products(changed_since=TODAY)}
    assert after - before == {sibling.id for sibling in work.products}
    assert before, "it over-reports"


def test_a_night_changes_what_it_says_and_nothing_else(catalogue: Catalogue) -> None:
    before = {product.id: (product, work.texts) for work in catalogue.works() for product in work.products}
    changes = night(catalogue, 12, seed=5)
    after = {product.id: (product, work.texts) for work in catalogue.works() for product in work.products}
    assert {id for id in before if before[id] != after[id]} == {change.product_id for change in changes}
    assert {change.what for change in changes} == {"price", "publication_date", "description"}
    assert {change.work_id for change in changes}.isdisjoint({defect.work_id for defect in catalogue.defects()})
    assert night(Catalogue(1, 200, TODAY), 12, seed=5) == changes
    assert night(Catalogue(1, 200, TODAY), 12, seed=6) != changes


def test_edits_deletions_additions_and_a_reset(catalogue: Catalogue) -> None:
    start = [product.id for product in catalogue.products()]
    edit_product(catalogue, 10011, {"prices": {"GBP/02": "12.34", "AUD/02": None}, "publication_date": "2027-01-05", "status": "02"})
    product = catalogue.product(10011)
    assert product is not None
    assert [price.amount for price in product.prices if (price.currency, price.type) == ("GBP", "02")] == [Decimal("12.34")]
    assert product.publication_date == date(2027, 1, 5)
    catalogue.delete_product(10011)
    catalogue.delete_work(1005)
    new = catalogue.add_work()
    ids = [product.id for product in catalogue.products()]
    assert 10011 not in ids
    assert not any(id // 10 == 1005 for id in ids)
    assert ids[-1] == new.products[-1].id
    assert sum(count for _, count in catalogue.product_count_by_work()) == len(ids)
    catalogue.reset()
    assert [product.id for product in catalogue.products()] == start


@pytest.mark.parametrize(
    "members",
    [{"id": 1}, {"prices": "no"}, {"prices": {"GBP": 1}}, {"publication_date": "tomorrow"}, {"height_mm": "tall"}, {"for_sale": "GB"}],
)
def test_an_edit_that_makes_no_sense_is_refused_and_changes_nothing(catalogue: Catalogue, members: dict[str, object]) -> None:
    before = catalogue.product(10011)
    with pytest.raises(ValueError):
        edit_product(catalogue, 10011, members)
    assert catalogue.product(10011) == before


def test_a_hundred_thousand_titles_are_made_only_when_asked_for() -> None:
    catalogue = Catalogue(1, 100_000, TODAY)
    last = catalogue.work(101_000)
    assert last is not None
    assert catalogue.work(101_001) is None
    isbn = last.products[-1].isbn
    assert isbn is not None
    assert catalogue.products_by_isbn([isbn]) == [last.products[-1]]
    assert len(list(zip(range(200), catalogue.products(after=1_000_000), strict=False))) == 200
    assert len(catalogue.defects()) == len(Catalogue(1, 200, TODAY).defects())


def test_statuses_follow_the_day() -> None:
    for days in (0, 1, 400):
        catalogue = Catalogue(1, 120, TODAY + timedelta(days=days))
        planted = {defect.product_id for defect in catalogue.defects()}
        for product in catalogue.products():
            if product.id in planted or product.publication_date is None:
                continue
            distance = (product.publication_date - catalogue.today).days
            assert not (product.status == "02" and distance < -14)
            assert not (product.status == "04" and distance > 14)
