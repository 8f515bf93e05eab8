"""The client over the real SDK, against the stand-in over HTTP: what is read, what is changed, what becomes of every failure."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cloudinary
import httpx
import pytest

from include.clients.cloudinary import AllowanceUsedUp, AlreadyExists, NotFound
from include.errors import ColophonError, ConfigurationError, LoginRefused, PermanentError, RejectedData, TransientError
from tests.clients.cloudinary_library import OTHER, SECRET, Library, jpeg, served

ROOT = Path(__file__).resolve().parents[2]
ODD = "9781915000019 = a|b & c; Œuvre «é» \"q\" 'x' 100% 日本"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with served(tmp_path_factory.mktemp("cloudinary")) as library:
        yield library


@pytest.fixture
def library(running: Library):
    running.reset()
    yield running
    running.reset()


@pytest.fixture
def client(library):
    return library.client()


# --- reading


def test_everything_about_one_cover(library, client):
    id = library.cover()
    found = client.asset(id, media=True)
    held = library.stand_in.main.any_of(id)
    assert (found.etag, found.bytes, found.version) == (held.now.content.etag, held.now.content.size, held.now.version)
    assert (found.width, found.height, found.format, found.colour_space, found.dpi) == (1200, 1800, "jpg", "RGB", 300)
    assert (found.moderation_status, found.approved, found.folder, found.tags) == ("approved", True, "covers", ("cover",))
    assert found.texts("isbn") == (id.removeprefix("covers/"),)


def test_an_asset_that_is_not_there_is_none(client):
    assert client.asset("covers/none") is None


@pytest.mark.parametrize("status", ["approved", "pending", "rejected"])
def test_a_queue_is_read_to_its_end_page_by_page(library, client, monkeypatch, status):
    monkeypatch.setattr("include.clients.cloudinary.client._PAGE", 2)
    wanted = {one.public_id for one in library.stand_in.covers if one.status == status}
    found = list(client.assets_by_moderation(status))
    assert len(found) == len(wanted)
    assert {one.public_id for one in found} == wanted
    assert {one.moderation_status for one in found} == {status}
    assert library.stats()["requests"]["resources_by_moderation"] == -(-len(wanted) // 2)


def test_a_large_queue_is_few_requests(library, client):
    list(client.assets_by_moderation("approved"))
    assert library.stats()["requests"] == {"resources_by_moderation": 1}


def test_an_asset_that_was_never_in_a_queue_is_not_approved(client):
    placed = client.upload(jpeg(), "plain", moderation="")
    assert placed.moderation == ()
    assert not placed.approved
    assert "plain" not in {one.public_id for one in client.assets_by_moderation("approved")}


def test_covers_are_asked_for_by_the_hundred(library, client):
    ids = [one.public_id for one in library.stand_in.covers]
    assert len(list(client.assets_by_ids([*ids, "none", *(f"no/{n}" for n in range(150))]))) == len(ids)
    assert library.stats()["requests"] == {"resources": 2}


def test_a_server_that_gives_one_page_for_ever_is_found_out(library, client, monkeypatch):
    monkeypatch.setattr(type(library.stand_in.main), "cursor", lambda self, rows, after, most: (rows[:1], "same"))
    with pytest.raises(PermanentError, match="the same page came twice"):
        list(client.assets_by_moderation("approved"))


# --- changing


def test_words_with_every_sign_come_back_as_they_went(client):
    given = {
        "metadata": {"series": ODD, "languages": ("en", "fr"), "revision": 3},
        "context": {"note": ODD, "b": "=|="},
        "tags": ["a b", "é=|"],
    }
    sent = client.upload(jpeg(), "odd/Œuvre é 日本", folder="odd/é", display_name=ODD, **given)
    found = client.asset("odd/Œuvre é 日本")
    for one in (sent, found):
        assert one.metadata == given["metadata"]
        assert one.context == given["context"]
        assert list(one.tags) == given["tags"]
        assert (one.folder, one.display_name) == ("odd/é", ODD)


@pytest.mark.parametrize("value", ["ends in \\", "a\\|b", "a\\=b"])
def test_a_backslash_that_the_encoding_would_eat_is_refused(library, client, value):
    with pytest.raises(RejectedData, match="backslash"):
        client.upload(jpeg(), "odd", context={"note": value})
    assert library.stats()["mutations"] == {}


def test_a_new_version_starts_pending_again_and_the_old_one_is_kept(library, client):
    id = library.cover()
    before = client.asset(id)
    data = jpeg()
    placed = client.place(data, id, metadata={"kind": "front"})
    after = client.asset(id)
    assert placed.new
    assert (before.approved, after.approved, after.moderation_status) == (True, False, "pending")
    assert (after.asset_id, after.bytes) == (before.asset_id, len(data))
    assert [one.version for one in library.stand_in.main.any_of(id).versions] == [before.version, after.version]


def test_the_same_bytes_are_not_sent_again(library, client, tmp_path):
    file = tmp_path / "cover.jpg"
    file.write_bytes(jpeg())
    assert client.place(file, "one").new
    assert not client.place(jpeg(), "one").new
    assert library.stats()["mutations"] == {"upload": 1}
    assert client.place(jpeg(61), "one").new


@pytest.mark.parametrize("fault", [{"drop": True}, {"drop_before": True}, {"status_after": 500}, {"not_json": True}, {"status": 503}])
def test_an_upload_that_got_no_answer_makes_one_asset_and_one_version(library, client, fault):
    library.fault(**fault, only="upload", times=1)
    placed = client.place(jpeg(), "one", tags=["a"])
    found = client.asset("one")
    assert placed.new
    assert (found.etag, found.tags) == (placed.asset.etag, ("a",))
    assert library.stats()["mutations"] == {"upload": 1}


def test_overwrite_off_leaves_what_is_there(client):
    first = client.upload(jpeg(), "one")
    assert client.upload(jpeg(80), "one", overwrite=False).version == first.version


def test_an_address_is_fetched_by_cloudinary(library, client):
    id = library.cover()
    original = client.asset(id)
    assert client.upload(original.url, "copy").etag == original.etag
    with pytest.raises(RejectedData, match="Error in loading"):
        client.upload(library.address + "/lantern-quill/image/upload/none.jpg", "copy2")
    with pytest.raises(RejectedData, match="no address"):
        client.upload("/etc/hostname", "copy3")


def test_a_large_file_goes_in_chunks(library, client, tmp_path):
    file = tmp_path / "large.jpg"
    file.write_bytes(jpeg() + b"\0" * 95_000)
    placed = client.place(file, "large", chunk_size=10_000, large=50_000, tags=["large"])
    assert (placed.asset.bytes, placed.asset.tags, placed.asset.moderation_status) == (file.stat().st_size, ("large",), "pending")
    assert library.stats()["requests"]["upload"] == -(-file.stat().st_size // 10_000)
    assert library.stats()["mutations"] == {"upload": 1}


@pytest.mark.parametrize("fault", [{"drop": True}, {"drop_before": True}, {"status": 502}])
def test_a_chunk_that_got_lost_is_sent_again(library, client, fault):
    data = jpeg() + b"\0" * 40_000
    library.fault(**fault, only="upload", times=2)
    assert client.place(data, "large", chunk_size=10_000, large=20_000).asset.bytes == len(data)
    assert library.stats()["mutations"] == {"upload": 1}


def test_a_last_chunk_whose_answer_got_lost_makes_no_second_version(library, client):
    data = jpeg() + b"\0" * 5_000
    library.fault(drop=True, only="upload", times=1)
    placed = client.place(data, "large", chunk_size=len(data), large=1)
    assert placed.new
    assert library.stats()["mutations"] == {"upload": 1}


# --- fields and addresses


@pytest.mark.parametrize(
    ("metadata", "words"),
    [({"kind": "spine"}, "not in its datasource"), ({"isbn": "12"}, "isbn"), ({"colour": "red"}, "colour"), ({"revision": 0}, "revision")],
)
def test_values_that_a_field_does_not_take_are_one_records_matter(library, client, metadata, words):
    with pytest.raises(RejectedData, match=words) as raised:
        client.upload(jpeg(), "one", metadata=metadata)
    assert "HTTP 400" in str(raised.value)
    assert client.asset("one") is None


def test_addresses_lead_to_the_picture(library, client):
    asset = client.asset(library.cover())
    assert httpx.get(client.url(asset), trust_env=False).content == library.stand_in.main.any_of(asset.public_id).now.content.read()
    assert client.url(asset).endswith(f"/v{asset.version}/{asset.public_id}.jpg")
    secret = client.upload(jpeg(), "secret", type="authenticated")
    assert httpx.get(client.url(secret), trust_env=False).status_code == 401
    for steps in ("", "c_fill,h_10,w_20"):
        assert httpx.get(client.url(secret, steps, signed=True), trust_env=False).status_code == 200
    until = datetime.now(UTC) + timedelta(minutes=5)
    assert httpx.get(client.download_link(secret, until), trust_env=False).status_code == 200
    assert httpx.get(client.download_link(secret, until - timedelta(hours=1)), trust_env=False).status_code == 401


@pytest.mark.parametrize(
    ("delivery", "address"),
    [
        ("", "https://res.cloudinary.com/lantern-quill/image/upload/v3/a/b.jpg"),
        ("https://res.cloudinary.com/lantern-quill/", "https://res.cloudinary.com/lantern-quill/image/upload/v3/a/b.jpg"),
        ("https://images.example.com", "https://images.example.com/image/upload/v3/a/b.jpg"),
        ("https://images.example.com/lantern-quill", "https://images.example.com/lantern-quill/image/upload/v3/a/b.jpg"),
        ("http://127.0.0.1:9/x/lantern-quill", "http://127.0.0.1:9/x/lantern-quill/image/upload/v3/a/b.jpg"),
    ],
)
def test_addresses_of_every_kind_of_delivery(library, delivery, address):
    from include.clients.cloudinary import Asset

    client = library.client(library.account(delivery=delivery))
    assert client.url(Asset("a/b", version=3, format="jpg")) == address


# --- what goes wrong


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, PermanentError), (401, LoginRefused), (403, PermanentError), (404, NotFound), (409, AlreadyExists), (413, PermanentError),
        (418, PermanentError), (420, AllowanceUsedUp), (429, AllowanceUsedUp), (423, TransientError), (500, TransientError),
        (502, TransientError), (503, TransientError), (504, TransientError), (520, TransientError),
    ],
)  # fmt: skip
def test_every_status_has_its_class_on_the_admin_side(library, client, status, kind):
    library.fault(status=status, message=f"the server's words {SECRET}")
    with pytest.raises(kind) as raised:
        client.ping()
    assert f"HTTP {status}: the server's words ***" in str(raised.value)
    assert (type(raised.value) in {AllowanceUsedUp, TransientError}) == isinstance(raised.value, TransientError)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RejectedData), (401, LoginRefused), (403, PermanentError), (404, NotFound), (409, AlreadyExists), (413, PermanentError),
        (420, AllowanceUsedUp), (423, TransientError), (499, PermanentError), (500, TransientError), (502, TransientError),
    ],
)  # fmt: skip
def test_every_status_has_its_class_on_the_upload_side(library, client, status, kind):
    library.fault(status=status)
    with pytest.raises(kind, match=f"HTTP {status}"):
        client.upload(jpeg(), "one")


@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"status": 423}, {"status": 504}, {"not_json": True}, {"drop_before": True}, {"drop": True}]
)
def test_a_passing_fault_is_tried_again(library, client, fault):
    library.fault(**fault, times=2)
    assert client.asset(library.cover()).approved


def test_time_outs_bound_admin_requests_and_uploads(library):
    client = library.client(timeout=0.3, upload_timeout=0.3)
    library.fault(slow=1)
    for doing in (client.ping, lambda: client.upload(jpeg(), "one")):
        start = datetime.now(UTC)
        with pytest.raises(TransientError, match=r"within 0\.3 seconds"):
            doing()
        assert datetime.now(UTC) - start < timedelta(seconds=30)
    while library.stats()["requests"] != {"ping": 3, "upload": 1}:  # else late ones are counted in the next test
        time.sleep(0.05)


def test_nobody_there_and_a_page_for_people(library, client):
    with pytest.raises(TransientError, match="nobody listens"):
        library.client(library.account(api="http://127.0.0.1:9")).ping()
    with pytest.raises(ConfigurationError, match="not Cloudinary's API"):
        library.client(library.account(api=library.address.removesuffix("/cloudinary"))).ping()
    library.fault(not_json=True)
    with pytest.raises(TransientError, match="HTTP 502, and the answer is no JSON"):
        client.ping()


def test_wrong_credentials_and_a_wrong_cloud(library):
    for account, words in (
        (library.account(secret="wrong"), "Check cloud name, API key and API secret"),
        (library.account("nowhere"), "Check the cloud name"),
    ):
        with pytest.raises(LoginRefused, match=words):
            library.client(account).ping()
    with pytest.raises(LoginRefused, match="signature was refused"):
        library.client(library.account(secret="wrong")).upload(jpeg(), "one")


def test_the_hours_allowance_is_watched(library, client):
    library.switch(limit=3, reset_seconds=600)
    client.ping()
    assert (client.allowance.limit, client.allowance.remaining) == (3, 2)
    client.ping()
    client.ping()
    with pytest.raises(AllowanceUsedUp, match="0 of 3 admin requests") as raised:
        client.ping()
    assert 500 < raised.value.retry_after < 700
    assert library.stats()["requests"] == {"ping": 3}
    assert client.upload(jpeg(), "one").public_id == "one"  # uploads are not in it


def test_an_allowance_that_others_used_up_is_told_with_the_time_it_comes_back(library, client):
    library.switch(limit=100, reset_seconds=600)
    client.ping()
    library.switch(limit=100, used=100, reset_seconds=600)
    with pytest.raises(AllowanceUsedUp, match="HTTP 420") as raised:
        client.ping()
    assert 500 < raised.value.retry_after < 700
    assert library.waits == []


def test_a_short_wait_for_the_allowance_is_waited_for(library):
    library.switch(limit=2, reset_seconds=3)
    now = [datetime.now(UTC)]
    client = library.client(now=lambda: now[0])
    client._caller.sleep = lambda seconds: (
        library.waits.append(seconds),
        library.switch(limit=9),
        now.__setitem__(0, now[0] + timedelta(seconds=9)),
    )
    for _ in range(3):
        client.ping()
    assert len(library.waits) == 1
    assert 1 <= library.waits[0] < 6


def test_some_requests_are_left_to_others(library):
    library.switch(limit=100, used=88, reset_seconds=600)
    client = library.client(reserve=20)
    client.ping()
    client.ping()
    with pytest.raises(AllowanceUsedUp, match="10 of 100"):
        client.ping()


def test_a_field_that_somebody_else_changes_passes_in_seconds(library, client):
    library.fault(status=420, message="metadata field is already updating", times=1)
    client.fields()
    assert library.waits == [5.0]


# --- accounts and secrets


def test_two_accounts_in_one_process_never_mix(library, monkeypatch):
    monkeypatch.setattr(cloudinary.config(), "cloud_name", "nobody")
    monkeypatch.setattr(cloudinary.config(), "oauth_token", "a-token-of-the-process")
    monkeypatch.setattr(cloudinary.config(), "upload_prefix", "http://127.0.0.1:9")
    monkeypatch.setattr(cloudinary.config(), "upload_preset", "preset")
    before = dict(cloudinary.config().__dict__)
    clouds = ("lantern-quill", "other")
    clients = {cloud: library.client(library.account(cloud)) for cloud in clouds}
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        cloud = clouds[number % 2]
        barrier.wait(100)
        for turn in range(5):
            id = f"{cloud}/{number}-{turn}"
            assert clients[cloud].upload(jpeg(40 + turn), id, tags=[cloud]).url.startswith(f"{library.address}/{cloud}/")
            assert clients[cloud].asset(id).tags == (cloud,)
            assert f"/{cloud}/image/upload/" in clients[cloud].url(clients[cloud].asset(id), "w_9", signed=True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    for cloud in clouds:
        found = clients[cloud].assets_by_ids(f"{cloud}/{number}-{turn}" for number in range(8) for turn in range(5))
        assert [one.tags for one in found] == [(cloud,)] * 20
    assert dict(cloudinary.config().__dict__) == before


def test_variables_of_the_process_change_nothing(library):
    """The SDK fills its configuration from the environment when it is imported."""
    program = """
import sys
from include.clients.cloudinary import Account, Cloudinary
address, secret = sys.argv[1:]
client = Cloudinary(Account("lantern-quill", "314159265358979", secret, api=address, delivery=address + "/lantern-quill"), timeout=5)
asset = next(client.assets_by_moderation("approved"))
print(client.upload(asset.url, "copy").public_id, client.url(asset, signed=True).startswith(address + "/lantern-quill/image/upload/s--"))
"""
    query = (
        "timeout=2&upload_prefix=http://127.0.0.1:9&signature_algorithm=sha256&oauth_token=x&cname=nowhere&upload_preset=p&sign_url=true"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, library.address, SECRET],
        cwd=ROOT,
        env=os.environ | {"CLOUDINARY_URL": f"cloudinary://k:s@nobody/cdn.example.com?{query}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == "copy True\n", done.stderr


def test_no_secret_in_names_errors_or_logs(library, caplog):
    caplog.set_level(logging.DEBUG)
    client = library.client()
    told = [repr(client.account), repr(client), str(client.account)]
    for fault in (
        {"status": 400, "message": f"bad {SECRET} 314159265358979"},
        {"bad_signature": True},
        {"drop_before": True},
        {"not_json": True},
    ):
        library.fault(**fault)
        for doing in (client.ping, lambda: client.upload(jpeg(), "one")):
            with pytest.raises(ColophonError) as raised:
                doing()
            told += [str(raised.value), repr(raised.value), *traceback.format_exception(raised.value)]
        library.http.post("/sandbox/faults", json={"cloudinary": None})
    for words in [*told, caplog.text]:
        assert SECRET not in words
        assert OTHER not in words
        assert "String to sign" not in words


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"secret": ""}, "API secret is empty"),
        ({"key": "a b"}, "API key is empty or holds blanks"),
        ({"api": "api.cloudinary.com"}, "API host is no http"),
        ({"delivery": "https://u:p@images.example.com"}, "delivery address is no http"),
    ],
)
def test_an_account_that_can_not_be_one_says_why(library, given, words):
    with pytest.raises(ConfigurationError, match=words):
        library.account(**given)


@pytest.mark.parametrize("name", ["", "https://x", "a b", "-a"])
def test_a_cloud_name_is_no_address(library, name):
    with pytest.raises(ConfigurationError, match="no cloud name"):
        library.account(name)


def test_a_slow_line_has_the_whole_time_for_sending():
    """urllib3 sends under the time-out for connecting; ten seconds would cut every large upload on a line of 16 Mbit/s."""
    from include.clients.cloudinary.calls import Deadline

    assert Deadline(300, connect=300).clone().connect_timeout > 290
    assert Deadline(300).clone().connect_timeout == 10


def test_a_file_of_many_megabytes_keeps_memory_flat(library, client, tmp_path):
    import tracemalloc

    file = tmp_path / "master.jpg"
    with file.open("wb") as out:
        out.write(jpeg())
        for _ in range(60):
            out.write(bytes(1_000_000))
    client.ping()  # imports
    tracemalloc.start()
    try:
        assert client.place(file, "master", chunk_size=5_000_000, large=5_000_000).asset.bytes == file.stat().st_size
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 60_000_000  # the stand-in lives in this process, too
