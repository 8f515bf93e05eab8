"""The client against Getty's stand-in over HTTP: good days, pages, windows, refusals, and downloads that are never asked for twice."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from include.clients.exchange import Patience
from include.clients.getty import AssetUsage, Credentials, Wire, note, notes_in
from include.clients.getty.errors import (
    AllowanceUsedUp,
    AmbiguousDownload,
    KeyRefused,
    LinkExpired,
    NotEnabled,
    NotFound,
    Refused,
    Throttled,
    UserNeeded,
)
from include.errors import ColophonError, ConfigurationError, RejectedData, TransientError
from sandbox.getty.app import USER, USER_PASSWORD
from sandbox.getty.library import EDITORIAL_PROSE, id_of
from sandbox.getty.licences import MANAGED_PROSE
from tests.clients.getty_account import DOWNLOAD, THREE_YEARS, TODAY, TOMORROW, Account, account_on

NOTE = "colophon:1001/-/cover"
LIGHTHOUSE = id_of(0)
COUNTRIES, HISTORY, CREATIVE = "GET /v3/countries", "GET /v3/downloads", "GET /v3/search/images/creative"


@pytest.fixture(scope="module")
def running() -> Iterator[Account]:
    with account_on() as account:
        yield account


@pytest.fixture
def getty(running: Account) -> Account:
    running.call("reset", {})
    running.waits.seconds.clear()
    return running


def license_it(client, asset_id=LIGHTHOUSE, notes=NOTE):
    return client.create_download(asset_id, product_type="premiumaccess", product_id="5101", notes=notes)


# --- what there is


def test_a_search_tells_all_that_a_choice_needs(getty):
    [page] = getty.client().search_creative("lighthouse sea", orientations=["vertical"], exclude_editorial_use_only=True)
    assert page.total == len(page.images) > 5
    image = page.images[0]
    assert (image.id, image.license_model, image.asset_family, image.orientation) == (LIGHTHOUSE, "royaltyfree", "creative", "Vertical")
    assert image.allowed_use is not None
    assert (image.allowed_use.editorial_use_only, image.allowed_use.usage_restrictions) == (False, ())
    assert [option.product_id for option in image.largest_downloads or ()] == ["5101"]
    assert "lighthouse" in (image.keywords or ())
    assert image.size("comp")
    assert image.territory_restrictions is None, "not told is not worldwide"


def test_territories_come_with_a_search_and_never_with_an_image_by_its_id(getty):
    client = getty.client()
    found = [
        one for page in client.search_creative("galaxy kitchen orchard railway book") for one in page.images if one.territory_restrictions
    ]
    assert found
    again = client.image(found[0].id)
    assert again is not None
    assert (again.searched, again.territory_restrictions) == (False, None)
    assert again.credit_line


def test_editorial_images_tell_their_restrictions(getty):
    found = [one for page in getty.client().search_editorial("flood", sort_order="newest") for one in page.images]
    assert {one.allowed_use.editorial_use_only for one in found if one.allowed_use} == {True}
    managed = [one for one in found if one.license_model == "rightsmanaged"]
    assert managed
    assert managed[0].allowed_use
    assert managed[0].allowed_use.usage_restrictions == (EDITORIAL_PROSE,)
    assert managed[0].largest_downloads == (), "no agreement covers it"


@pytest.mark.parametrize("size", [1, 10, 60, 100])
def test_pages_of_every_size_give_everything_once(getty, size):
    pages = list(getty.client().search_creative("sea", page_size=size))
    ids = [image.id for page in pages for image in page.images]
    assert len(ids) == len(set(ids)) == pages[0].total
    assert getty.asked(CREATIVE) == len(pages) == -(-len(ids) // size)


def test_a_page_size_that_getty_does_not_have_is_not_asked_for(getty):
    with pytest.raises(ConfigurationError, match="pages of 40"):
        list(getty.client().search_creative("sea", page_size=40))
    assert getty.asked("token") == 0


def test_invalid_page_is_the_end_of_the_list(getty):
    """The list got shorter while it was read."""
    pages = getty.client().search_creative("sea", page_size=6)
    seen = [next(pages)]
    getty.fault(status=400, code="InvalidPage", on=CREATIVE)
    assert [*seen, *pages] == seen
    getty.fault(status=400, code="InvalidParameterValue", on=CREATIVE)
    with pytest.raises(Refused) as raised:
        next(getty.client().search_creative("sea"))
    assert raised.value.code == "InvalidParameterValue"


def test_a_search_without_a_hit_has_one_empty_page(getty):
    [page] = getty.client().search_creative("zeppelin")
    assert (page.total, page.images) == (0, ())


def test_hundreds_of_ids_are_asked_for_a_hundred_at_a_time(getty):
    ids = [id_of(number) for number in range(120)] + [str(number) for number in range(130)]
    found = list(getty.client().images(ids))
    assert getty.asked("GET /v3/images") == len(found) == 3
    assert {one.id for part in found for one in part.images} == set(ids[:120]) - {id_of(6), id_of(27)}
    assert {one for part in found for one in part.not_found} == {*ids[120:], id_of(6), id_of(27)}
    assert not any(part.unanswered for part in found)


def test_an_image_that_is_gone_is_none_and_a_wrong_address_is_an_error(getty):
    client = getty.client()
    assert client.image(id_of(6)) is None
    getty.fault(status=404)
    with pytest.raises(NotFound):
        client.image(LIGHTHOUSE)


def test_similar_images_and_the_same_series(getty):
    client = getty.client()
    similar = {image.id for page in client.similar(LIGHTHOUSE) for image in page.images}
    series = {image.id for page in client.same_series(LIGHTHOUSE) for image in page.images}
    assert series < similar
    assert series == {id_of(21), id_of(42), id_of(63)}


# --- what we licensed


def test_four_hundred_days_of_history_are_fourteen_requests(getty):
    list(getty.client().downloads(TODAY - timedelta(days=400), TODAY))
    assert getty.asked(HISTORY) == 14
    list(getty.client().purchases(TODAY - timedelta(days=400), TODAY))
    assert getty.asked("GET /v3/purchased-assets") == 14


@pytest.mark.parametrize("size", [1, 100])
def test_the_history_is_told_once_each_oldest_first(getty, size):
    getty.turn(license={"asset_id": id_of(3), "notes": "on the edge of two windows", "days_ago": 1065})
    rows = [row for page in getty.client().downloads(THREE_YEARS, TOMORROW, page_size=size) for row in page]
    assert len(rows) == 23
    assert len({row.asset_id for row in rows}) == 21
    assert sum(row.notes == "on the edge of two windows" for row in rows) == 1
    months = [row.downloaded_at for row in rows if row.downloaded_at]
    assert len(months) == 23
    assert months[0] < months[10] < months[-1]
    tied = [found for row in rows for found in notes_in(row.notes)]
    assert len(tied) == 18
    assert {row.notes for row in rows if not notes_in(row.notes)} == {None, "for the spring catalogue", "on the edge of two windows"}


def test_without_company_downloads_only_our_own_are_seen(getty):
    mine = [row for page in getty.client(company=False).downloads(THREE_YEARS, TOMORROW) for row in page]
    assert {row.by for row in mine} == {"ada.lq"}
    assert len(mine) == 20


def test_one_images_history_has_its_notes_beside_the_rest(getty):
    rows = getty.client().download_history(id_of(5))
    assert [row.asset_id for row in rows] == [id_of(5)] * 2
    assert {found.work_id for row in rows for found in notes_in(row.notes)} == {1009, 1010}


def test_purchases_lead_to_orders_that_tell_no_terms(getty):
    client = getty.client()
    bought = [row for page in client.purchases(THREE_YEARS, TOMORROW) for row in page]
    assert len(bought) == 4
    newest = client.order(bought[-1].order_id)
    assert newest.asset_ids == (bought[-1].asset_id,)
    assert newest.invoice_number
    assert (newest.project_title or "").endswith(MANAGED_PROSE)
    assert bought[-1].license_model == "rightsmanaged"
    with pytest.raises(NotFound) as raised:
        client.order("../../countries")
    assert raised.value.code in {"OrderNotFound", ""}


def test_products_tell_allowance_and_end_of_the_agreement(getty):
    premium, _, ended = getty.client().products()
    assert (premium.downloads_remaining, premium.note_required, premium.status) == (42, True, "active")
    assert premium.expires_at
    assert premium.expires_at.date() == TODAY + timedelta(days=75)
    assert ended.status == "inactive"


def test_what_is_not_enabled_for_the_key_is_told_and_not_tried_again(getty):
    getty.turn(disable=["purchases", "orders", "usage", "changes"])
    client = getty.client()
    for ask in (
        lambda: list(client.purchases(TODAY, TOMORROW)),
        lambda: client.order("900100000"),
        lambda: client.report_usage([AssetUsage(LIGHTHOUSE, 1, TODAY)], today=TODAY),
        client.channels,
    ):
        with pytest.raises(NotEnabled, match="representative"):
            ask()
    assert getty.waits.seconds == []


# --- tokens


def test_a_token_is_used_again_until_it_nears_its_end(getty):
    now = [1000.0]
    client = getty.client(clock=lambda: now[0])
    client.customer()
    client.products()
    now[0] += 1800 - 301
    client.customer()
    assert getty.asked("token") == 1
    now[0] += 2
    client.customer()
    assert getty.asked("token") == 2


@pytest.mark.parametrize("seconds", [600, 1800])
def test_expires_in_may_be_text(getty, seconds):
    getty.turn(token={"seconds": seconds, "text": True})
    now = [0.0]
    client = getty.client(clock=lambda: now[0])
    client.customer()
    now[0] = seconds - 301
    client.customer()
    assert getty.asked("token") == 1


def test_a_refused_token_is_renewed_once(getty):
    client = getty.client()
    client.customer()
    getty.turn(expire_tokens=True)
    client.customer()
    assert (getty.asked("token"), getty.asked("GET /v3/customers/current")) == (2, 3)
    getty.fault(status=401, on="GET /v3/customers/current")
    with pytest.raises(KeyRefused):
        client.customer()
    assert getty.asked("token") == 3, "one more, and no other"
    assert getty.waits.seconds == []


def test_a_user_gets_tokens_by_password_and_renews_them_by_refresh_token(getty):
    user = Credentials(getty.stand_in.key, getty.stand_in.secret, USER, USER_PASSWORD)
    getty.turn(user_needed=True)
    with pytest.raises(UserNeeded, match="user name and password"):
        license_it(getty.client())
    now = [0.0]
    client = getty.client(credentials=user, clock=lambda: now[0])
    assert license_it(client).asset_id == LIGHTHOUSE
    now[0] = 1700
    license_it(client)
    assert getty.stats["licences"] == 2
    [refresh] = getty.stand_in.state.refresh
    assert getty.client(credentials=Credentials(user.key, user.secret, refresh_token=refresh)).customer().name == "Ada Quill"
    getty.stand_in.state.refresh.clear()
    now[0] = 9999
    client.customer()  # the refresh token is no longer good: back to the password


def test_wrong_keys_say_so_without_showing_them(getty):
    wrong = getty.client(credentials=Credentials("wrong-key", "wrong-secret"))
    for ask in (wrong.countries, wrong.customer):
        with pytest.raises(KeyRefused) as raised:
            ask()
        assert "wrong" not in str(raised.value)


def test_many_threads_share_one_token(getty):
    client = getty.client()
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: client.customer().name, range(16)))) == 1
    assert getty.asked("token") == 1


# --- bad days


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_passes_is_tried_again_with_growing_delay(getty, status):
    getty.fault(status=status, times=2, on=COUNTRIES)
    assert getty.client().countries()
    first, second = getty.waits.seconds
    assert 0.375 <= first <= 0.5 < 0.75 <= second <= 1.0


def test_throttling_of_the_older_gateway_is_no_refusal(getty):
    client = getty.client()
    getty.fault(throttled="Account Over Queries Per Second Limit", times=1)
    assert client.countries()
    getty.fault(throttled="Account Over Rate Limit", on=COUNTRIES)
    with pytest.raises(Throttled) as raised:
        client.countries()
    assert raised.value.daily
    assert raised.value.retry_after == 3600
    assert len(getty.waits.seconds) == 1, "a limit per day is left to the scheduler"


def test_endless_throttling_ends_as_a_transient_error(getty):
    getty.fault(status=429)
    with pytest.raises(TransientError, match="too many requests") as raised:
        getty.client().countries()
    assert raised.value.retry_after is None


def test_a_plain_403_is_never_tried_again(getty):
    getty.fault(status=403, on=COUNTRIES)
    with pytest.raises(NotEnabled):
        getty.client().countries()
    assert getty.waits.seconds == []


@pytest.mark.parametrize("fault", [{"not_json": True}, {"empty": True}, {"drop": "before"}, {"drop": "middle"}, {"drop": "after"}])
def test_a_broken_answer_is_asked_for_again_where_nothing_was_done(getty, fault):
    getty.fault(**fault, on=HISTORY, times=1)
    if "empty" in fault:  # an empty body is an answer in itself, and not this one's
        with pytest.raises(TransientError, match="the reply is empty"):
            list(getty.client().downloads(TODAY - timedelta(days=20), TOMORROW))
        return
    assert len(list(getty.client().downloads(TODAY - timedelta(days=20), TOMORROW))) == 1
    assert len(getty.waits.seconds) == 1


def test_slow_answers_are_given_up(getty):
    getty.fault(slow=5, on=COUNTRIES, times=1)
    assert getty.client(timeout=1.5).countries()
    assert len(getty.waits.seconds) == 1


# --- licensing


def test_a_licence_is_one_download_with_our_note(getty):
    client = getty.client()
    link = license_it(client, notes=note(1001, "", "cover"))
    file = io.BytesIO(b"something older and much longer than nothing")
    fetched = client.fetch(link, file)
    assert file.getvalue().startswith(b"\xff\xd8\xff")
    assert fetched.filename == f"GettyImages-{LIGHTHOUSE}.jpg"
    assert fetched.bytes == fetched.bytes_promised == len(file.getvalue())
    newest = max(client.download_history(LIGHTHOUSE), key=lambda row: str(row.downloaded_at))
    assert [str(one) for one in notes_in(newest.notes)] == ["colophon:1001/-/cover"]
    stats = getty.stats
    assert (stats["licences"], stats["downloads_remaining"]["5101"], stats["mutations"]) == (1, 41, {DOWNLOAD: 1})
    assert stats["credentials_at_delivery"] == 0


@pytest.mark.parametrize(
    ("fault", "licences"),
    [
        ({"drop": "before"}, 0),
        ({"drop": "middle"}, 1),
        ({"drop": "after"}, 1),
        ({"status": 500}, 0),
        ({"status": 503}, 0),
        ({"not_json": True}, 1),
        ({"empty": True}, 1),
    ],
)
def test_a_download_of_unknown_end_is_sent_once_and_says_so(getty, fault, licences):
    client = getty.client()
    client.customer()
    getty.fault(**fault, on=DOWNLOAD, times=1)
    with pytest.raises(AmbiguousDownload, match="nobody knows") as raised:
        license_it(client)
    assert "download history" in raised.value.todo
    stats = getty.stats
    assert stats["licences"] == licences
    assert stats["requests"].get(DOWNLOAD, 0) <= 1
    assert getty.waits.seconds == []
    written = [row for row in client.download_history(LIGHTHOUSE) if row.notes == NOTE]
    assert len(written) == licences, "the history tells what happened"


def test_a_slow_download_request_is_not_sent_again(getty):
    getty.fault(slow=3, on=DOWNLOAD, times=1)
    with pytest.raises(AmbiguousDownload):
        license_it(getty.client(timeout=1.5))


@pytest.mark.parametrize("fault", [{"status": 429}, {"throttled": True}])
def test_a_throttled_download_was_not_done(getty, fault):
    getty.fault(**fault, on=DOWNLOAD, times=1)
    with pytest.raises(Throttled):
        license_it(getty.client())
    assert getty.stats["licences"] == 0
    assert getty.waits.seconds == [], "whoever asked decides when to ask again"


def test_no_token_no_download(getty):
    getty.fault(status=503, on="token")
    with pytest.raises(TransientError):
        license_it(getty.client())
    assert getty.asked(DOWNLOAD) == 0


def test_an_unreachable_host_was_never_asked():
    wire = Wire(Credentials("k", "s"), address="http://127.0.0.1:9", tokens="http://127.0.0.1:9/token", patience=Patience(tries=1))
    with pytest.raises(TransientError) as raised:
        wire.once("POST", "/v3/downloads/images/1", token=False)
    assert getattr(raised.value, "sent", True) is False


def test_refused_downloads_say_why(getty):
    client = getty.client()
    getty.turn(allowance=0)
    with pytest.raises(AllowanceUsedUp) as raised:
        license_it(client)
    assert raised.value.code == "OverageLimitReached"
    with pytest.raises(NotFound) as gone:
        license_it(client, id_of(6))
    assert gone.value.code == "ImageNotFound"
    with pytest.raises(KeyRefused, match="agreement covers"):
        license_it(client, id_of(18))
    with pytest.raises(RejectedData, match="without our note"):
        license_it(client, notes=" ")
    with pytest.raises(KeyRefused):
        client.create_download(LIGHTHOUSE, product_type="premiumaccess", product_id="4077", notes=NOTE)
    with pytest.raises(ConfigurationError, match="is no number"):
        client.create_download(LIGHTHOUSE, product_type="premiumaccess", product_id="x", notes=NOTE)
    assert getty.stats["licences"] == 0


@pytest.mark.parametrize("fault", [{"drop": "before"}, {"drop": "middle"}, {"status": 500}])
def test_a_broken_delivery_begins_anew(getty, fault):
    client = getty.client()
    link = license_it(client)
    getty.fault(**fault, on="delivery", times=1)
    file = io.BytesIO()
    assert client.fetch(link, file).bytes == len(file.getvalue())
    assert len(getty.waits.seconds) == 1
    assert getty.stats["licences"] == 1


def test_a_delivery_without_a_length_says_that_nothing_was_checked(getty):
    getty.turn(no_length=True)
    client = getty.client()
    assert client.fetch(license_it(client), io.BytesIO()).bytes_promised is None


def test_after_a_day_the_address_is_no_longer_good(getty):
    client = getty.client()
    link = license_it(client)
    getty.turn(expire_links=True)
    with pytest.raises(LinkExpired, match="24 hours"):
        client.fetch(link, io.BytesIO())


def test_the_delivery_host_gets_no_credentials_even_from_netrc(getty, tmp_path, monkeypatch):
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1\nlogin me\npassword hidden\n")
    monkeypatch.setenv("NETRC", str(netrc))
    client = getty.client()
    assert client.fetch(license_it(client), io.BytesIO()).bytes
    assert getty.stats["credentials_at_delivery"] == 0


# --- uses and changes


def test_the_same_uses_are_reported_once(getty):
    client = getty.client()
    uses = [AssetUsage(LIGHTHOUSE, 2, TODAY), AssetUsage(id_of(1), 1, date(2026, 1, 5))]
    first = client.report_usage(uses, today=TODAY)
    again = client.report_usage(uses[::-1], today=TODAY)
    assert (first.processed, first.invalid, first.known_before) == (2, (), False)
    assert (again.id, again.known_before) == (first.id, True)
    assert getty.stats["usage_batches"] == 1


def test_a_report_cut_after_it_was_taken_counts_once(getty):
    getty.fault(drop="after", on="PUT /v3/usage-batches/{id}", times=1)
    assert getty.client().report_usage([AssetUsage(LIGHTHOUSE, 1, TODAY)], today=TODAY).known_before
    assert getty.stats["usage_batches"] == 1


def test_unknown_assets_spoil_the_batch_and_are_named(getty):
    told = getty.client().report_usage([AssetUsage(LIGHTHOUSE, 1, TODAY), AssetUsage("123", 1, TODAY)], today=TODAY)
    assert (told.processed, told.invalid) == (0, ("123",))


@pytest.mark.parametrize(
    "uses",
    [[], [AssetUsage("1", 1, TOMORROW)], [AssetUsage("1", 0, TODAY)], [AssetUsage("1", 1, TODAY)] * 1001],
)
def test_what_getty_would_refuse_is_not_sent(getty, uses):
    with pytest.raises(RejectedData):
        getty.client().report_usage(uses, today=TODAY)
    assert getty.asked("token") == 0


@pytest.mark.parametrize("casing", ["live", "samples", "yaml"])
def test_changes_come_again_until_they_are_confirmed(getty, casing):
    getty.turn(casing=casing)
    client = getty.client()
    [channel] = client.channels()
    first = client.pull_changes(channel.id, most=3)
    assert client.pull_changes(channel.id) == first
    assert [(one.lifecycle, one.asset_type) for one in first.changes] == [("delete", None), ("delete", None), ("update", "Image")]
    assert client.confirm_changes(first.id)
    assert [one.lifecycle for one in client.pull_changes(channel.id).changes] == ["new"]


def test_an_empty_channel_gives_none_and_a_second_confirmation_false(getty):
    client = getty.client()
    found = client.pull_changes(301)
    getty.fault(drop="after", on="DELETE /v3/asset-changes/change-sets/{id}", times=1)
    assert client.confirm_changes(found.id) is False, "it was done, the answer was lost, the second try finds nothing"
    assert client.pull_changes(301) is None
    assert getty.stats["changes_waiting"] == 0


# --- secrets


def test_no_secret_reaches_a_message_a_repr_or_the_log(getty, caplog):
    caplog.set_level(logging.DEBUG)
    user = Credentials(getty.stand_in.key, getty.stand_in.secret, USER, USER_PASSWORD)
    client = getty.client(credentials=user)
    link = license_it(client)
    said = [repr(user), repr(link), repr(client), repr(client._wire), repr(client._wire._token)]
    faults = [
        {"status": 401},
        {"status": 403},
        {"status": 429},
        {"status": 500},
        {"drop": "before"},
        {"drop": "middle"},
        {"not_json": True},
    ]
    for fault in faults:
        getty.fault(**fault)
        for ask in (
            client.products,
            lambda: license_it(client),
            lambda: client.fetch(link, io.BytesIO()),
            getty.client(credentials=user).customer,
        ):
            try:
                ask()
            except ColophonError as raised:
                said.append(f"{raised} {raised!r} {raised.__cause__!r}")
        getty.call("faults", {"getty": None})
    said += [record.getMessage() for record in caplog.records if not record.name.startswith("httpx")]
    secrets = [user.secret, USER_PASSWORD, user.key, *getty.stand_in.state.tokens, *getty.stand_in.state.refresh]
    assert not [secret for secret in secrets if secret in "\n".join(said)]
    assert link.uri.rpartition("/")[2] not in "\n".join(said)
