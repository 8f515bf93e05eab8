"""The mirror equals Consonance: on good nights, after bad ones, and without saying that something changed when nothing did."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal

import pytest
from sqlalchemy import update

from include.errors import CapabilityMissing, LoginRefused, PermanentError
from include.ledger.models import WorkRow
from include.titles.model import Related
from tests.catalogue.conftest import HOUSE
from tests.clients.tenant import Reply, client_of, isbn, product_row


def refuse_after(tenant, requests):
    """The key stops working after so many requests."""
    tenant.answers = [None] * requests + [Reply(401)] * 50


def heal(tenant):
    tenant.answers = []


def mirror_of(nights):
    return {id: (row.content, row.deleted_at) for rows in (nights.works(), nights.products()) for id, row in rows.items()}


# --- good nights


def test_the_first_sync_mirrors_everything(nights, tenant):
    outcome = nights.night()
    assert nights.living() == (set(tenant.works), set(tenant.products))
    assert outcome.full
    assert (outcome.works, outcome.products) == (7, 14)
    assert outcome.new == outcome.changed == tuple(sorted(tenant.products))
    assert outcome.changed_works == tuple(sorted(tenant.works))
    assert outcome.acquired == (), "the first sync is where we start from, not news"
    assert all(row.acquired_at for row in nights.works().values())
    assert outcome.deleted == outcome.rejected == ()


def test_titles_come_through_whole(nights, tenant):
    nights.night()
    product = nights.product(102)
    assert (product.isbn, product.form, product.publishing_status, product.title_prefix) == (isbn(102), "BC", "04", "The")
    assert product.work.contributors[0].key_names == "Woolf"
    assert product.prices[0].amount == Decimal("9.99")
    assert {text.type: text.body for text in product.texts} == {"02": "Short.", "03": "<p>All about 1.</p>"}, "one by GraphQL, one by REST"
    assert (product.height_mm, product.width_mm) == (Decimal(198), Decimal(129))
    assert product.related == (Related("06", isbn(103)),)
    assert product.resources[0].url == "https://covers.example/1.jpg"


def test_a_second_sync_changes_nothing(nights):
    nights.night("2026-05-01")
    before = mirror_of(nights), {id: row.changed_at for id, row in nights.products().items()}
    outcome = nights.night("2026-05-02")
    assert not outcome.full
    assert not (outcome.new)
    assert not (outcome.changed)
    assert not (outcome.changed_works)
    assert not (outcome.deleted)
    assert not (outcome.acquired)
    assert not (outcome.stages)
    assert (mirror_of(nights), {id: row.changed_at for id, row in nights.products().items()}) == before


def test_syncs_at_the_same_moment_keep_their_news_apart(nights, tenant):
    nights.night()
    assert nights.night().changed == ()
    tenant.edit("works", 2, "2026-05-01", title="Another")
    assert nights.night().changed_works == (2,)
    assert nights.night().changed_works == ()


def test_over_reporting_is_no_change(nights, tenant):
    nights.night("2026-05-01")
    for id in tenant.products:
        tenant.edit("products", id, "2026-05-02")
    outcome = nights.night("2026-05-02")
    assert outcome.products == 14
    assert outcome.changed == ()


def test_an_edit_is_found(nights, tenant):
    nights.night("2026-05-01")
    tenant.edit("products", 105, "2026-05-02", publicationDate="2027-01-01")
    outcome = nights.night("2026-05-02")
    assert outcome.changed == (105,)
    assert outcome.new == ()
    assert nights.products()[105].publication_date == "2027-01-01"
    assert outcome.products == 1, "no more was read than what is said to have changed"


def test_an_edit_of_the_day_before_the_last_sync_is_found(nights, tenant):
    nights.night("2026-05-01")
    tenant.edit("products", 105, "2026-04-30", subtitle="Late on the day before")
    assert nights.night("2026-05-02").changed == (105,)


def test_an_edited_work_changes_its_products(nights, tenant):
    nights.night("2026-05-01")
    tenant.edit("works", 3, "2026-05-02", title="Renamed")
    outcome = nights.night("2026-05-02")
    assert outcome.changed_works == (3,)
    assert outcome.changed == (106, 107)


def test_a_new_title_is_new_and_acquired(nights, tenant):
    nights.night("2026-05-01")
    tenant.add(8, 200, changed="2026-05-02")
    outcome = nights.night("2026-05-02")
    assert (outcome.new, outcome.changed, outcome.changed_works, outcome.acquired) == ((200,), (200,), (8,), (8,))


def test_acquired_means_reaching_a_stage_where_the_house_says_so(nights, tenant):
    nights.house = HOUSE.model_copy(update={"acquired_stages": ("Contracted",)})
    nights.night("2026-05-01")
    assert not any(row.acquired_at for row in nights.works().values())
    tenant.edit("works", 4, "2026-05-02", projectStage="Contracted")
    tenant.add(8, changed="2026-05-02")
    assert nights.night("2026-05-02").acquired == (4,)
    tenant.edit("works", 4, "2026-05-03", projectStage="Delivered")
    tenant.edit("works", 4, "2026-05-03", projectStage="Contracted", subtitle="again")
    assert nights.night("2026-05-03").acquired == (), "a work is acquired once"


def test_a_work_that_reaches_a_stage_is_told(nights, tenant):
    tenant.works[1]["projectStage"] = "In production"
    assert nights.night("2026-05-01").stages == {}
    tenant.edit("works", 2, "2026-05-02", projectStage="In production")
    assert nights.night("2026-05-02").stages == {"production-approved": (2,)}
    tenant.edit("works", 2, "2026-05-03", title="Other")
    assert nights.night("2026-05-03").stages == {}


def test_progress_is_told(nights):
    said = []
    nights.night(on_progress=said.append)
    assert "7 works read" in said
    assert "14 products read" in said


def test_counts_are_plain_json(nights):
    assert json.loads(json.dumps(nights.night().counts()))["products"] == 14


# --- what changedSince does not tell


def test_a_deleted_title_is_marked_the_same_night(nights, tenant):
    nights.night("2026-05-01")
    del tenant.products[104]
    del tenant.works[7], tenant.products[114], tenant.products[115]
    outcome = nights.night("2026-05-02")
    assert not outcome.full
    assert outcome.deleted == (104, 114, 115)
    assert outcome.deleted_works == (7,)
    assert nights.products()[104].deleted_at is not None
    assert nights.living() == (set(tenant.works), set(tenant.products))
    assert nights.night("2026-05-03").deleted == (), "once"


def test_a_title_that_comes_back_lives_again(nights, tenant):
    nights.night("2026-05-01")
    gone = tenant.products.pop(104)
    nights.night("2026-05-02")
    tenant.products[104] = gone
    outcome = nights.night("2026-05-03")
    assert outcome.changed == (104,)
    assert outcome.new == ()
    assert nights.products()[104].deleted_at is None


def test_a_title_that_changed_since_does_not_report_is_found_by_its_id(nights, tenant):
    nights.night("2026-05-01")
    tenant.add(8, 200, changed="2001-01-01")
    outcome = nights.night("2026-05-02")
    assert outcome.new == (200,)
    assert nights.living() == (set(tenant.works), set(tenant.products))


def test_once_a_week_everything_is_read(nights, tenant):
    nights.night("2026-05-01")
    tenant.edit("products", 105, "2001-01-01", subtitle="never reported")
    assert nights.night("2026-05-04").changed == ()
    outcome = nights.night("2026-05-08")
    assert outcome.full
    assert outcome.changed == (105,)


def test_a_full_sync_on_demand(nights, tenant):
    nights.night("2026-05-01")
    tenant.edit("products", 105, "2001-01-01", subtitle="never reported")
    assert nights.night("2026-05-02", full=True).changed == (105,)


def test_another_mapping_reads_everything(nights, tenant):
    nights.night("2026-05-01")
    nights.house = HOUSE.model_copy(update={"accessibility": {"Paperback": ("00",)}})
    outcome = nights.night("2026-05-02")
    assert outcome.full
    assert len(outcome.changed) == 14


def test_an_emptied_service_deletes_nothing(nights, tenant):
    for number in range(10, 50):
        tenant.add(number, 1000 + number)
    nights.night("2026-05-01")
    kept = dict(tenant.products)
    tenant.products.clear()
    with pytest.raises(PermanentError, match=r"no longer has 54 of the mirror's 54 titles: none was marked"):
        nights.night("2026-05-02")
    assert len(nights.living()[1]) == 54
    tenant.products.update(kept)
    assert nights.night("2026-05-03").deleted == (), "once the key is mended, all is well"
    tenant.products.clear()
    assert len(nights.night("2026-05-04", full=True).deleted) == 54, "a person says that it is meant"


# --- bad nights


@pytest.mark.parametrize("requests", range(19))
def test_stopped_anywhere_and_run_again_the_mirror_equals_consonance(nights, tenant, requests):
    """From the first request to the last of a full sync."""
    refuse_after(tenant, requests)
    with contextlib.suppress(LoginRefused):
        nights.night("2026-05-01")
    heal(tenant)
    outcome = nights.night("2026-05-01")
    assert nights.living() == (set(tenant.works), set(tenant.products))
    assert nights.product(102).texts[1].body == "<p>All about 1.</p>"
    if len(nights.syncs()) == 1:
        assert outcome.new == tuple(sorted(tenant.products)), "news of both halves"


def test_a_stopped_sync_goes_on_where_it_stood(nights, tenant):
    refuse_after(tenant, 4)  # schema, REST, two pages of works
    with pytest.raises(LoginRefused):
        nights.night("2026-05-01")
    (stopped,) = nights.syncs()
    assert (stopped.phase, stopped.after, stopped.ended_at) == ("works", 6, None)
    heal(tenant)
    tenant.queries.clear()
    nights.night("2026-05-01")
    assert [variables["after"] for query, variables in tenant.queries if "query works(" in query] == [6, 7]
    (done,) = nights.syncs()
    assert done.phase == "done"


def test_what_changes_while_a_sync_is_stopped_is_found_by_the_next(nights, tenant):
    nights.night("2026-05-01")
    for id in (1, 2, 5):
        tenant.edit("works", id, "2026-05-02", subtitle="changed")
    tenant.page = 1
    refuse_after(tenant, 3)
    with pytest.raises(LoginRefused):
        nights.night("2026-05-02")
    heal(tenant)
    tenant.edit("works", 1, "2026-05-02", subtitle="changed again, after its page was read")
    nights.night("2026-05-02")
    nights.night("2026-05-03")
    assert nights.work(1).subtitle == "changed again, after its page was read"


def test_news_of_a_sync_that_was_given_up_is_not_lost(nights, tenant):
    nights.night("2026-05-01")
    tenant.edit("works", 2, "2026-05-02", projectStage="In production")
    refuse_after(tenant, 2)
    with pytest.raises(LoginRefused):
        nights.night("2026-05-02")
    heal(tenant)
    assert nights.work(2).stage == "In production"
    outcome = nights.night("2026-05-02", full=True)
    assert outcome.sync == 3
    assert outcome.stages == {"production-approved": (2,)}
    assert outcome.changed == (104, 105)
    assert [sync.phase for sync in nights.syncs()] == ["done", "abandoned", "done"]


def test_faults_of_the_night_are_slept_off(nights, tenant):
    ill = [Reply(429, headers={"Retry-After": "3"}), Reply(503), Reply(200, b"{"), Reply(0), Reply(502)]
    tenant.answers = [one for fault in ill for one in (fault, None)]
    nights.night()
    assert nights.living() == (set(tenant.works), set(tenant.products))


def test_a_wrong_key_changes_nothing(nights, address):
    nights.night("2026-05-01")
    before = mirror_of(nights)
    nights.client = client_of(address, key="wrong")
    with pytest.raises(LoginRefused):
        nights.night("2026-05-02")
    assert mirror_of(nights) == before


def test_a_tenant_without_products_is_told_so(nights, tenant):
    tenant.sdl = tenant.sdl.replace("  prices: [Price!]!\n", "")
    with pytest.raises(CapabilityMissing, match=r"Product\.prices"):
        nights.night()


# --- bad data


@pytest.mark.parametrize("bad", [{"id": None}, {"id": 0}, {"id": -5}, {"id": "7"}, {"id": True}, {"id": 1 << 70}, {}, None, "x", 7, []])
def test_a_row_without_an_id_is_set_aside_and_the_rest_goes_on(nights, tenant, bad):
    tenant.products.clear()
    tenant.given["works"] = [[bad, {"id": 1, "title": "Good", "contributions": []}]]
    outcome = nights.night()
    assert set(nights.works()) == {1}
    assert outcome.rejected_count == 1
    assert len(outcome.rejected) == 1


WORK_FIELDS = ("title", "imprint", "contributions", "subjectCodes", "bisacs", "seriesMemberships", "audience", "projectStage")
HOSTILE = [
    None,
    7,
    True,
    "",
    "x",
    [],
    [None],
    [[]],
    {},
    {"id": {}},
    "\ud800\x00",
    -1,
    1 << 80,
    1e300,
    0.1 + 0.2,
    [{"id": None}],
    ["_04"] * 3,
]


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_no_value_of_any_field_stops_a_batch(nights, tenant, value):
    works, products = [], []
    for place, name in enumerate([
        "title",
        "imprint",
        "contributions",
        "subjectCodes",
        "bisacs",
        "seriesMemberships",
        "audience",
        "projectStage",
    ]):
        works.append({"id": place + 1, "title": "T", "contributions": [], name: value})
    plain = {**product_row(1, 1), "work": {"id": 1}, "productHeight": 198, "allowOnixExports": True}
    for place, name in enumerate(sorted(plain.keys() - {"id", "work", "work_id", "changed"})):
        products.append({**plain, "id": place + 1, name: value})
    products.append({**plain, "id": 900, "work": {"id": 1, "supportingResources": value, "products": value}})
    tenant.given = {"works": [works], "products": [products]}
    outcome = nights.night()
    assert outcome.rejected == ()
    assert nights.living()[1] == {row["id"] for row in products}
    for id in nights.products():
        nights.product(id)


def test_a_product_without_a_work_is_set_aside(nights, tenant):
    del tenant.works[3]
    tenant.products[105]["work_id"] = 999
    outcome = nights.night()
    assert {reason.where for reason in outcome.rejected} == {"product 105", "product 106", "product 107"}
    assert len(nights.living()[1]) == 11


def test_a_record_that_went_bad_keeps_its_last_good_state(nights, tenant):
    nights.night("2026-05-01")
    tenant.edit("products", 105, "2026-05-02", work_id=999)
    outcome = nights.night("2026-05-02")
    assert outcome.rejected_count == 1
    assert outcome.deleted == ()
    assert nights.products()[105].deleted_at is None


def test_a_work_younger_than_the_works_page_is_fetched(nights, tenant):
    nights.night("2026-05-01")
    with nights.ledger.session() as session:
        session.execute(update(WorkRow).where(WorkRow.id == 3).values(id=4000))
    tenant.edit("products", 106, "2026-05-02", subtitle="x")
    nights.night("2026-05-02")
    assert 3 in nights.works()


def test_long_and_odd_texts_fit_the_columns(nights, tenant):
    tenant.products[102] |= {"isbn": {"isbn13": "978-not-an-isbn-but-very-long-indeed"}, "fullTitle": "T\x00itle \ud800"}
    tenant.works[1] |= {"imprint": {"id": 1, "name": "x" * 5000}}
    nights.night()
    row = nights.products()[102]
    assert len(row.isbn) == 20
    assert "\x00" not in row.title
    assert nights.product(102).isbn == "978-not-an-isbn-but-very-long-indeed", "the content keeps what the source says"


# --- REST


def test_without_rest_the_rest_is_mirrored(nights, tenant):
    tenant.rest_on = False
    nights.night()
    assert [text.type for text in nights.product(102).texts] == ["02"]


def test_rest_that_falls_silent_does_not_empty_the_texts(nights, tenant):
    nights.night("2026-05-01")
    tenant.rest_on = False
    with pytest.raises(PermanentError, match="filled in texts"):
        nights.night("2026-05-02")
    tenant.rest_on = True
    assert nights.night("2026-05-02").changed == ()


def test_rest_is_left_alone_where_the_connection_says_so(nights, tenant, address):
    nights.client = client_of(address, rest="never")
    nights.night()
    assert tenant.asked["/api/v4/products.json"] == 0


def test_few_changes_ask_rest_for_few_products(nights, tenant):
    nights.night("2026-05-01")
    tenant.asked.clear()
    tenant.edit("products", 105, "2026-05-02", subtitle="x")
    nights.night("2026-05-02")
    assert tenant.asked["/api/v4/products.json"] == 2, "one to see that it answers, one for the product"


def test_rest_alone_gives_a_poorer_mirror(nights, tenant, address):
    nights.client = client_of(address, rest="only")
    outcome = nights.night("2026-05-01")
    assert nights.living() == (set(tenant.works), set(tenant.products))
    assert tenant.asked["/graphql"] == 0
    product = nights.product(102)
    assert (product.isbn, product.form, product.publication_date.isoformat()) == (isbn(102), "BC", "2025-03-01")
    assert outcome.full
    del tenant.rest[104]
    second = nights.night("2026-05-02")
    assert (second.changed, second.deleted) == ((), (104,))


def test_rest_alone_goes_on_after_its_last_page(nights, tenant, address):
    nights.client = client_of(address, rest="only", concurrency=1)
    refuse_after(tenant, 3)
    with pytest.raises(LoginRefused):
        nights.night("2026-05-01")
    assert nights.syncs()[0].after == 3
    heal(tenant)
    nights.night("2026-05-01")
    assert nights.living() == (set(tenant.works), set(tenant.products))
    assert len(nights.syncs()) == 1
