"""Reading Consonance: all pages, nothing twice, and what happens when it misbehaves."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from include.clients.exchange import Patience
from include.errors import CapabilityMissing, ConfigurationError, LoginRefused, PermanentError, TransientError
from tests.clients.tenant import KEY, Reply, client_of

OK_EMPTY = Reply(200, json.dumps({"data": {"works": []}}).encode())


def all_of(pages):
    return [row for page in pages for row in page]


def errors(message, *, path=None, code=None, data=None):
    error = {"message": message} | ({"path": path} if path else {}) | ({"extensions": {"code": code}} if code else {})
    return Reply(200, json.dumps({"errors": [error], "data": data}).encode())


# --- paging


@pytest.mark.parametrize("page", [1, 2, 3, 5, 1000])
def test_every_product_is_read_once_whatever_the_page_size(tenant, client, page):
    tenant.page = page
    assert [row["id"] for row in all_of(client.products())] == sorted(tenant.products)


def test_reading_goes_on_after_an_id(tenant, client):
    assert [row["id"] for row in all_of(client.works(after=3))] == [4, 5]


def test_only_what_changed_is_asked_for(tenant, client):
    tenant.edit("works", 4, "2026-02-02", title="New")
    assert [row["id"] for row in all_of(client.works(changed_since=date(2026, 2, 1)))] == [4]
    assert all("changedSince" not in variables for query, variables in tenant.queries if "workIds" in query)


def test_an_empty_catalogue_has_no_pages(tenant, client):
    tenant.works.clear()
    assert list(client.works()) == []


def test_ids_alone_are_cheap(tenant, client):
    assert [id for page in client.product_ids() for id in page] == sorted(tenant.products)
    query, _ = tenant.queries[-1]
    assert "isbn" not in query


def test_a_server_that_ignores_after_is_found_out(tenant, client):
    tenant.heeds_after = False
    with pytest.raises(PermanentError, match="asked for products after id 104, the server gave none above it"):
        list(client.products())
    assert sum("query products(" in query for query, _ in tenant.queries) == 2, "it gives up at the first repetition"


def test_rows_that_come_again_are_read_once(tenant, client):
    client.schema()
    row = {"id": 1, "title": "One"}
    pages = [[row, row], [row, {"id": 2, "title": "Two"}], []]
    tenant.answers = [Reply(200, json.dumps({"data": {"works": page}}).encode()) for page in pages]
    assert [one["id"] for one in all_of(client.works())] == [1, 2]


@pytest.mark.parametrize("works", [None, {}, "all", 7])
def test_a_page_that_is_no_list_is_an_error(tenant, client, works):
    client.schema()
    tenant.answers = [Reply(200, json.dumps({"data": {"works": works}}).encode())]
    with pytest.raises(TransientError, match="works is not a list"):
        list(client.works())


def test_one_title_by_id(client):
    assert client.work(3)["title"] == "The Tides of 3"
    assert client.product(104)["work"]["id"] == 2
    assert client.work(999) is None


def test_amounts_are_decimals_not_floats(client):
    assert client.product(104)["prices"][0]["amount"] == Decimal("9.99")


# --- patience


def test_429_waits_as_long_as_it_says(tenant, client, waits):
    client.schema()
    tenant.answers = [Reply(429, headers={"Retry-After": "7"}), Reply(429, headers={"Retry-After": "2.5"})]
    assert len(all_of(client.works())) == 5
    assert waits.seconds == [7.0, 2.5]


def test_retry_after_may_be_a_date(tenant, address, waits):
    noon = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
    client = client_of(address, waits, now=lambda: noon)
    client.schema()
    dates = ("Fri, 01 May 2026 12:00:30 GMT", "Fri, 01 May 2026 11:00:00 GMT", "soon")
    tenant.answers = [Reply(503, headers={"Retry-After": text}) for text in dates]
    list(client.works())
    assert waits.seconds[:2] == [30.0, 0.0]
    assert 2 <= waits.seconds[2] <= 4, "what can't be read is not obeyed: our own delay"


def test_a_long_retry_after_is_left_to_the_scheduler(tenant, client, waits):
    client.schema()
    tenant.answers = [Reply(429, headers={"Retry-After": "3600"})]
    with pytest.raises(TransientError) as raised:
        list(client.works())
    assert raised.value.retry_after == 3600
    assert waits.seconds == []


def test_delays_grow_and_are_bounded(tenant, address, waits):
    client = client_of(address, waits, patience=Patience(tries=6, first=1, longest=5))
    client.schema()
    tenant.answers = [Reply(500)] * 6
    with pytest.raises(TransientError, match="HTTP 500"):
        list(client.works())
    assert len(waits.seconds) == 5
    for waited, most in zip(waits.seconds, (1, 2, 4, 5, 5), strict=True):
        assert 0.75 * most <= waited <= most


@pytest.mark.parametrize(
    "broken",
    [
        Reply(200, b'{"data": {"works": ['),
        Reply(200, b"<html>Log in</html>"),
        Reply(200, b""),
        Reply(200, b"\xff\xfe\x00"),
        Reply(200, b'{"data": {"works": [{"id": NaN}]}}'),
        Reply(200, b"[" * 200_000),
        Reply(200, b'{"data": null}'),
        Reply(200, b"[]"),
        Reply(200, b"9" * 10_000),
        Reply(502),
        Reply(0),
        Reply(200, b"not gzip", {"Content-Encoding": "gzip"}),
    ],
)
def test_a_broken_reply_is_asked_for_again(tenant, client, waits, broken):
    client.schema()
    tenant.answers = [broken]
    assert len(all_of(client.works())) == 5
    assert len(waits.seconds) == 1


def test_what_stays_broken_is_a_transient_error(tenant, client):
    client.schema()
    tenant.answers = [Reply(200, b"{") for _ in range(4)]
    with pytest.raises(TransientError, match="not valid JSON"):
        list(client.works())


def test_a_slow_reply_is_given_up_even_if_it_dribbles(tenant, address):
    client = client_of(address, timeout=0.3, patience=Patience(tries=1))
    tenant.answers = [Reply(200, b" " * 100, dribble=0.05)]
    with pytest.raises(TransientError, match=r"no full answer within 0.3 seconds"):
        client.schema()


def test_a_compressed_reply_is_measured_unpacked(tenant, address):
    client = client_of(address, most_bytes=100_000)
    tenant.answers = [Reply(200, gzip.compress(b" " * 10_000_000), {"Content-Encoding": "gzip"})]
    with pytest.raises(PermanentError, match="larger than 100,000 bytes"):
        client.schema()


def test_a_compressed_reply_is_read(tenant, client):
    client.schema()
    tenant.answers = [Reply(200, gzip.compress(b'{"data": {"works": []}}'), {"Content-Encoding": "gzip"})]
    assert list(client.works()) == []


def test_a_huge_reply_is_refused(tenant, address):
    client = client_of(address, most_bytes=100_000)
    tenant.answers = [Reply(200, b" " * 200_000)]
    with pytest.raises(PermanentError, match="larger than 100,000 bytes"):
        client.schema()


def test_nobody_listens(waits):
    with pytest.raises(TransientError, match="no answer"):
        client_of("http://127.0.0.1:9", waits, patience=Patience(tries=2)).schema()
    assert len(waits.seconds) == 1


# --- errors


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_is_told_at_once(tenant, client, waits, status):
    tenant.answers = [Reply(status)]
    with pytest.raises(LoginRefused, match="key was refused") as raised:
        client.schema()
    assert KEY not in str(raised.value)
    assert waits.seconds == []


def test_the_real_check_of_the_key(address):
    with pytest.raises(LoginRefused):
        client_of(address, key="x" * 32).schema()


@pytest.mark.parametrize("key", ["", "two words", "kéy", "line\nbreak", "x" * 5 + "\x00"])
def test_a_key_that_http_forbids_never_reaches_the_wire(address, key):
    with pytest.raises(ConfigurationError) as raised:
        client_of(address, key=key)
    assert not key or key not in str(raised.value)


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (errors("Field 'x' doesn't exist on type 'Work'", path=["query works", "works", "x"]), PermanentError, "works.x: Field 'x'"),
        (errors("Timeout on Work.contributions"), TransientError, "Timeout"),
        (errors("boom", code="INTERNAL_SERVER_ERROR"), TransientError, "boom"),
        (errors("no", code="UNAUTHENTICATED"), LoginRefused, "no"),
        (errors("half", data={"works": [{"id": 1}]}), PermanentError, "half"),
        (Reply(200, b'{"errors": "all wrong"}'), PermanentError, "all wrong"),
        (Reply(200, b'{"errors": [7, null, {"message": null}]}'), PermanentError, "an error without a message"),
        (Reply(404), ConfigurationError, "404"),
        (Reply(302, headers={"Location": "https://login.example/?token=abc"}), ConfigurationError, "moved to https://login.example"),
        (Reply(422), PermanentError, "422"),
    ],
)
def test_errors_are_honest(tenant, client, reply, kind, words):
    client.schema()
    tenant.answers = [reply] * 4
    with pytest.raises(kind) as raised:
        list(client.works())
    assert type(raised.value) is kind
    assert words in str(raised.value)
    assert "token=abc" not in str(raised.value)


def test_errors_never_repeat_the_key(tenant, client):
    client.schema()
    tenant.answers = [errors(f"key {KEY} has no access")]
    with pytest.raises(PermanentError) as raised:
        list(client.works())
    assert KEY not in repr(raised.value)


def test_an_address_that_is_none():
    with pytest.raises(ConfigurationError, match="not an http"):
        client_of("ftp://web.consonance.app")


def test_netrc_does_not_replace_the_key(tenant, client, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert client.work(1)["id"] == 1


# --- what the tenant offers


def test_all_is_there(client):
    found = {one.operation: one for one in client.capabilities(["SHORT_DESCRIPTION"])}
    needed = {name: one for name, one in found.items() if not one.instead}
    assert set(needed) == {"work", "works", "work_ids", "product", "products", "product_ids"}
    assert all(one.ok and not one.missing and "catalogue_sync" in one.flows for one in needed.values())
    assert not any(one.fatal for one in found.values())


def test_what_a_tenant_lacks_is_left_out_or_told(tenant, client):
    tenant.sdl = tenant.sdl.replace("  fullTitle: String\n", "").replace("  subtitle: String\n", "")
    capability = client.capability("products")
    assert not capability.ok
    assert capability.missing == ("Product.fullTitle",)
    assert "Product.subtitle" in capability.left_out
    with pytest.raises(CapabilityMissing, match=r"Product\.fullTitle"):
        list(client.products())
    assert len(all_of(client.works())) == 5, "what needs nothing of it goes on"


# --- REST


def test_rest_pages_are_complete_and_few_at_once(tenant, address):
    client = client_of(address, concurrency=3)
    tenant.page = 1
    assert [row["id"] for row in all_of(client.rest_products())] == sorted(tenant.rest)
    assert 1 < tenant.most_at_once <= 3


def test_rest_products_by_id(client, tenant):
    assert [row["id"] for row in client.rest_products_of([104, 999, 102])] == [102, 104]


def test_rest_may_be_off(tenant, client):
    assert client.rest_answers()
    tenant.rest_on = False
    assert not client.rest_answers()


def test_a_reader_that_stops_early_leaves_no_threads(tenant, client):
    import threading

    tenant.page = 1
    pages = client.rest_products()
    next(pages)
    next(pages)
    pages.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("consonance")]
