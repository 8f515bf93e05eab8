"""Cloudinary's stand-in as a service: who may enter, what it refuses, what it keeps, what it shows."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudinary import uploader
from cloudinary.utils import api_sign_request
from PIL import Image, ImageCms

from sandbox.catalogue import Catalogue
from sandbox.cloudinary.app import Cloudinary
from sandbox.cloudinary.environment import Account
from sandbox.faults import Faults
from tests.clients.cloudinary_library import KEY, SECRET, TODAY, Library, jpeg, served


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory):
    with served(tmp_path_factory.mktemp("cloudinary")) as library:
        yield library


@pytest.fixture
def library(running: Library):
    running.reset()
    yield running
    running.reset()


def _posted(library: Library, fields: dict[str, Any], *, action: str = "upload", data: bytes | None = None, **more: Any) -> httpx.Response:
    files = {"file": ("a.jpg", data if data is not None else jpeg())} if action == "upload" else None
    return library.http.post(f"/cloudinary/v1_1/lantern-quill/image/{action}", data=fields, files=files, **more)


def _signed(secret: str = SECRET, algorithm: str = "sha1", **fields: Any) -> dict[str, Any]:
    whole = {"timestamp": str(int(time.time())), **fields}
    return whole | {"signature": api_sign_request(whole, secret, algorithm), "api_key": KEY}


# --- who may enter


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_signed_upload_is_taken(library, algorithm):
    answer = _posted(library, _signed(algorithm=algorithm, public_id="a", tags="x,y", context="k=a\\=b|l=c&d"))
    assert answer.status_code == 200
    assert answer.json()["etag"] == hashlib.md5(jpeg()).hexdigest()
    signed = {"public_id": "a", "version": answer.json()["version"]}
    assert answer.json()["signature"] == api_sign_request(signed, SECRET, "sha1", 1)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (_signed("wrong", public_id="a"), 401),
        (_signed(public_id="a") | {"public_id": "b"}, 401),
        (_signed(public_id="a") | {"tags": "smuggled"}, 401),
        (_signed(public_id="a&tags=x"), 400),
        (_signed(public_id="a") | {"api_key": "1"}, 401),
        ({"public_id": "a"}, 401),
        (_signed(public_id="a", timestamp="1315060510"), 400),
        (_signed(public_id="a", unheard_of="1"), 400),
    ],
)
def test_an_upload_that_is_not_rightly_signed_is_refused(library, fields, status):
    answer = _posted(library, fields)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert library.stats()["mutations"] == {}
    assert SECRET not in answer.text


def test_a_parameter_can_not_be_smuggled_through_an_ampersand(library):
    fields = _signed(context="a=1&tags=x")
    assert _posted(library, fields | {"context": "a=1", "tags": "x"}).status_code == 401


def test_admin_requests_need_the_key(library):
    assert library.admin("ping").json() == {"status": "ok"}
    assert library.admin("ping", secret="wrong").status_code == 401
    assert library.http.get("/cloudinary/v1_1/lantern-quill/ping").status_code == 401
    assert library.http.get("/cloudinary/v1_1/nowhere/ping").status_code == 401
    assert library.admin("resources/image/upload/none").status_code == 404
    assert library.admin("people").status_code == 404
    assert library.admin("ping?colour=red").status_code == 400


def test_the_hours_allowance(library):
    library.switch(limit=2, reset_seconds=600)
    answers = [library.admin("ping") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 420]
    assert [answer.headers["x-featureratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[0].headers["x-featureratelimit-reset"].endswith("GMT")
    assert answers[0].headers["x-request-id"]
    assert "Rate Limit Exceeded" in answers[2].json()["error"]["message"]


# --- the first day


def test_the_first_day_is_the_same_every_time_and_draws_nothing(tmp_path):
    accounts = [Account("lantern-quill", "1", "s")]
    made = [Cloudinary(Catalogue(1, 200, TODAY), accounts, tmp_path / str(turn), Faults()) for turn in range(2)]
    assert made[0].covers == made[1].covers
    assert not any("etag" in held.now.content.__dict__ for held in made[0].main.assets.values())
    first, second = ({id: (held.asset_id, held.now.version) for id, held in one.main.assets.items()} for one in made)
    assert first == second


def test_seeds_have_every_kind_and_state(library):
    told = library.http.get("/sandbox/cloudinary").json()
    states = {(one["kind"], one["status"]) for one in told["covers"]}
    assert states >= {(kind, state) for kind in ("front", "full") for state in ("approved", "pending", "rejected")}
    assert ("series", "approved") in states
    assert len({one["work"] for one in told["covers"] if one["work"]}) == 12
    assert {one["defect"] for one in told["covers"]} == {"", "cmyk", "no-profile", "small"}
    assert len(told["assets"]) == len(told["covers"])


@pytest.mark.parametrize(
    ("defect", "mode", "profiled", "width"),
    [("", "RGB", True, 1200), ("cmyk", "CMYK", True, 1200), ("no-profile", "RGB", False, 1200), ("small", "RGB", True, 400)],
)
def test_planted_covers_are_real_pictures(library, defect, mode, profiled, width):
    cover = next(one for one in library.stand_in.covers if one.kind == "front" and one.status == "approved" and one.defect == defect)
    answer = library.http.get(f"/cloudinary/lantern-quill/image/upload/{cover.public_id}.jpg")
    image = Image.open(BytesIO(answer.content))
    assert (image.format, image.mode, image.width, "icc_profile" in image.info) == ("JPEG", mode, width, profiled)
    if profiled:
        ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"]))
    told = library.admin(f"resources/image/upload/{cover.public_id}?media_metadata=true").json()
    assert told["etag"] == hashlib.md5(answer.content).hexdigest() == answer.headers["etag"].strip('"')
    assert told["image_metadata"]["Colorspace"] == mode


def test_a_person_brings_and_decides_about_covers(library):
    isbn = next(one.isbn for one in library.stand_in.covers if one.kind == "front" and one.status == "approved")
    [made] = library.switch(upload={"isbn": isbn, "kind": "front", "colour": "cmyk", "width": 600, "height": 900})["assets"]
    assert (made["public_id"], made["status"], made["metadata"]) == (f"covers/{isbn}", "pending", {"kind": "front", "isbn": isbn})
    assert library.admin(f"resources/image/upload/covers/{isbn}").json()["width"] == 600
    for word, status in (("approve", "approved"), ("reject", "rejected"), ("pending", "pending")):
        assert library.switch(**{word: made["public_id"]})["assets"][0]["status"] == status
    [work] = library.switch(upload={"work": 1001, "kind": "full", "status": "approved"})["assets"]
    assert (work["status"], work["metadata"]) == ("approved", {"work": "1001", "kind": "full"})
    [series] = library.switch(upload={"series": "Quill Lives", "seed": 9})["assets"]
    assert series["metadata"] == {"series": "Quill Lives", "kind": "series"}
    assert library.http.post("/sandbox/cloudinary", json={"approve": "none"}).status_code == 404
    assert library.http.post("/sandbox/cloudinary", json={"upload": {"kind": "spine"}}).status_code == 400
    assert library.http.post("/sandbox/cloudinary", json={"shout": 1}).status_code == 400


def test_reset_brings_the_first_day_back(library):
    before = library.http.get("/sandbox/cloudinary").json()
    library.switch(upload={"isbn": "9781915000019"}, reject=library.cover())
    library.fault(status=500)
    _posted(library, _signed(public_id="a"))
    library.reset()
    assert library.http.get("/sandbox/cloudinary").json() == before
    assert library.stats()["requests"] == {}
    assert library.http.get("/sandbox/faults").json() == {}
    assert list(library.stand_in.folder.iterdir()) == []


# --- what is kept


def test_listings_go_on_after_rows_come_and_go(library):
    rows, cursor = [], ""
    while True:
        page = library.admin(f"resources/image/moderations/manual/approved?max_results=3&next_cursor={cursor}").json()
        rows += [row["public_id"] for row in page["resources"]]
        library.switch(upload={"public_id": f"new/{len(rows)}", "status": "approved", "metadata": {}, "kind": "front"})
        cursor = page.get("next_cursor", "")
        if not cursor:
            break
    assert sorted(rows) == sorted(one.public_id for one in library.stand_in.covers if one.status == "approved")
    assert library.admin("resources/image?next_cursor=made-up").status_code == 400
    assert library.admin("resources/image?max_results=501").status_code == 400


def test_rows_have_only_what_was_asked_for(library):
    plain = library.admin("resources/image/upload?max_results=1").json()["resources"][0]
    asked = library.admin("resources/image/upload?max_results=1&tags=true&metadata=true&moderations=true").json()["resources"][0]
    assert set(asked) - set(plain) == {"tags", "metadata", "moderation", "moderation_kind", "moderation_status"}
    few = library.admin("resources/image/upload?max_results=1&fields=version,moderation_status").json()["resources"][0]
    assert set(few) == {"asset_id", "public_id", "version", "moderation_status"}
    assert "etag" not in asked


def test_only_backed_up_versions_are_listed(library):
    for backup in ("0", "1", "0"):
        assert _posted(library, _signed(public_id="a", backup=backup)).status_code == 200
    found = library.admin("resources/image/upload/a?versions=true").json()
    assert len(found["versions"]) == 1
    assert int(found["versions"][0]["version"]) < found["version"]
    assert "versions" not in library.admin("resources/image/upload/a").json()


def test_what_is_no_picture_is_refused(library):
    assert _posted(library, _signed(public_id="a"), data=b"no picture").json() == {"error": {"message": "Invalid image file"}}
    assert _posted(library, _signed(public_id="a", allowed_formats="png")).status_code == 400
    assert _posted(library, _signed(public_id="a?b")).status_code == 400
    assert library.admin("resources/image/upload/a").status_code == 404


def test_masters_of_other_kinds_are_taken(library, tmp_path):
    us: dict[str, Any] = {"cloud_name": "lantern-quill", "api_key": KEY, "api_secret": SECRET, "upload_prefix": library.address}
    tiff, sound = tmp_path / "art.tif", tmp_path / "reading.mp3"
    Image.new("CMYK", (30, 40)).save(tiff)
    sound.write_bytes(b"ID3 sound")
    assert uploader.upload(tiff, public_id="art", resource_type="auto", timeout=5, **us)["format"] == "tif"
    assert uploader.upload(sound, public_id="reading", resource_type="auto", timeout=5, **us)["resource_type"] == "video"
    assert uploader.upload(b"text", filename="a.txt", public_id="a.txt", resource_type="auto", timeout=5, **us)["resource_type"] == "raw"
    jpg = library.http.get("/cloudinary/lantern-quill/image/upload/w_15/art.jpg")
    assert Image.open(BytesIO(jpg.content)).size == (15, 20)
    assert library.http.get("/cloudinary/lantern-quill/video/upload/reading").content == b"ID3 sound"


def test_chunks_out_of_order_are_refused(library):
    fields = _signed(public_id="a")
    headers = {"X-Unique-Upload-Id": "x" * 16, "Content-Range": "bytes 50-99/100"}
    assert _posted(library, fields, data=b"0" * 50, headers=headers).status_code == 400
    assert _posted(library, fields, data=b"0" * 49, headers=headers | {"Content-Range": "bytes 0-49/100"}).status_code == 400
    first = _posted(library, fields, data=b"0" * 50, headers=headers | {"Content-Range": "bytes 0-49/100"})
    assert first.json() == {"done": False, "bytes": 50, "kind": "upload", "resource_type": "image", "public_id": "a"}


A_TO_B = [{"external_id": "a", "value": "A"}, {"external_id": "b", "value": "B"}]
ABOVE_1_TO_9 = [{"type": "greater_than", "value": 1}, {"type": "less_than", "value": 9, "equals": True}]


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ({"type": "string", "validation": {"type": "strlen", "min": 2, "max": 3}}, "ab", "abcd"),
        ({"type": "integer", "validation": {"type": "and", "rules": ABOVE_1_TO_9}}, "9", "10"),
        ({"type": "integer"}, "-4", "four"),
        ({"type": "date"}, "2026-11-21", "21.11.2026"),
        ({"type": "enum", "datasource": {"values": A_TO_B[:1]}}, "a", "A"),
        ({"type": "set", "datasource": {"values": A_TO_B}}, '["a","b"]', '["a","c"]'),
    ],
)  # fmt: skip
def test_fields_take_what_they_say(library, field, good, bad):
    assert library.admin("metadata_fields", "POST", json={"external_id": "x", "label": "X", **field}).status_code == 200
    assert _posted(library, _signed(public_id="good", metadata=f"x={good}")).status_code == 200
    assert _posted(library, _signed(public_id="bad", metadata=f"x={bad}")).status_code == 400
    assert library.admin("resources/image/upload/bad").status_code == 404


def test_fields_are_for_good(library):
    assert library.admin("metadata_fields", "POST", json={"external_id": "isbn", "label": "ISBN", "type": "string"}).status_code == 409
    assert library.admin("metadata_fields/isbn", "PUT", json={"type": "integer"}).status_code == 400
    assert library.admin("metadata_fields", "POST", json={"label": "Group", "type": "string", "group": "a"}).status_code == 400
    assert library.admin("metadata_fields/none").status_code == 404
    mandatory = {"external_id": "m", "label": "M", "type": "string", "mandatory": True}
    assert library.admin("metadata_fields", "POST", json=mandatory).status_code == 400
    assert library.admin("metadata_fields", "POST", json=mandatory | {"default_value": "yes"}).status_code == 200
    assert _posted(library, _signed(public_id="a")).json()["metadata"] == {"m": "yes"}


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("", 23), ('metadata.kind="full"', 5), ("metadata.kind=full AND moderation_status=approved", 2), ("moderation_status:pending", 6),
        ("-moderation_status:approved", 9), ("NOT tags=series", 22), ("(tags=series OR width<500) AND format:jpg", 2),
        ("width:[400 TO 600]", 1),
        ("public_id:series/*", 1), ('created_at>"2026-10-31"', 1), ("uploaded_at<1h", 23), ("metadata.none:x", 0), ("quill", 1),
    ],
)  # fmt: skip
def test_search_expressions(library, expression, count):
    answer = library.admin("resources/search", "POST", json={"expression": expression, "max_results": 0}).json()
    assert (answer["total_count"], answer["resources"]) == (count, [])


@pytest.mark.parametrize("expression", ["metadata.isbn:*", "(tags=a", "AND", "folder:cov*", "width:[400]"])
def test_expressions_that_can_not_be_read(library, expression):
    assert library.admin("resources/search", "POST", json={"expression": expression}).status_code == 400


def test_usage_by_all_three_forms(library):
    days = [library.admin(path).json()["date_requested"] for path in ("usage/01-11-2026", "usage/2026-11-01", "usage?date=2026-11-01")]
    assert days == ["2026-11-01T00:00:00Z"] * 3
    assert library.admin("usage/2026-13").status_code == 400


# --- delivery


@pytest.mark.parametrize(
    ("steps", "size"),
    [
        ("w_100", (100, 150)), ("h_90", (60, 90)), ("c_scale,w_0.5", (600, 900)), ("c_fit,h_90,w_90", (60, 90)),
        ("c_limit,h_9000,w_5000", None), ("c_limit,h_90,w_90", (60, 90)), ("c_fill,h_90,w_90", (90, 90)),
        ("c_pad,b_black,h_90,w_200", (200, 90)),
        ("c_lpad,h_2000,w_2000", (2000, 2000)), ("c_mfit,h_90,w_90", (1200, 1800)), ("c_crop,g_north,h_50,w_70", (70, 50)),
        ("c_thumb,g_center,h_40,w_40", (40, 40)), ("ar_1:1,c_fill,w_50", (50, 50)), ("c_fill,dpr_2.0,h_40,w_30", (60, 80)),
        ("c_fill,h_90,w_90/c_scale,w_30", (30, 30)), ("w_50/e_grayscale/q_auto,f_auto", (50, 75)), ("a_90,w_40", (60, 40)),
    ],
)  # fmt: skip
def test_variants_have_the_size_that_they_say(library, steps, size):
    answer = library.http.get(f"/cloudinary/lantern-quill/image/upload/{steps}/v1/{library.cover()}.jpg")
    if size is None:
        assert answer.status_code == 400
        assert "5000" in answer.headers["x-cld-error"]
        return
    assert (Image.open(BytesIO(answer.content)).size, answer.headers["content-type"]) == (size, "image/jpeg")


@pytest.mark.parametrize(
    ("steps", "extension", "format"),
    [("w_9", "png", "PNG"), ("w_9,f_webp", "jpg", "WEBP"), ("w_9", "webp", "WEBP"), ("", "png", "PNG"), ("w_9,f_tif", "jpg", "TIFF")],
)
def test_variants_have_the_format_that_is_asked_for(library, steps, extension, format):
    path = "/".join(filter(None, ("image/upload", steps, f"{library.cover()}.{extension}")))
    assert Image.open(BytesIO(library.http.get(f"/cloudinary/lantern-quill/{path}").content)).format == format


def test_quality_changes_the_bytes(library):
    sizes = [
        len(library.http.get(f"/cloudinary/lantern-quill/image/upload/q_{level},w_300/{library.cover()}.jpg").content) for level in (90, 20)
    ]
    assert sizes[0] > sizes[1]


@pytest.mark.parametrize("steps", ["c_squeeze,w_9", "w_0", "q_101,w_9", "t_none", "w_9,f_xcf"])
def test_transformations_that_are_none_are_refused_with_a_reason(library, steps):
    answer = library.http.get(f"/cloudinary/lantern-quill/image/upload/{steps}/{library.cover()}.jpg")
    assert answer.status_code in {400, 404}
    assert answer.headers["x-cld-error"]


def test_variants_are_listed_until_a_new_version_comes(library):
    id = library.cover()
    library.http.get(f"/cloudinary/lantern-quill/image/upload/w_9/{id}.jpg")
    assert [one["transformation"] for one in library.admin(f"resources/image/upload/{id}").json()["derived"]] == ["w_9"]
    library.switch(upload={"public_id": id, "metadata": {}})
    assert library.admin(f"resources/image/upload/{id}").json()["derived"] == []


def test_what_was_rejected_is_gone_and_what_is_pending_is_shown(library):
    for status, code in (("approved", 200), ("pending", 200), ("rejected", 404)):
        assert library.http.get(f"/cloudinary/lantern-quill/image/upload/{library.cover(status)}.jpg").status_code == code


def test_strict_environments_want_named_or_signed_transformations(library):
    library.admin("transformations", "POST", json={"name": "thumb", "transformation": "c_fill,h_9,w_9"})
    library.switch(strict=True)
    codes = {
        steps: library.http.get(f"/cloudinary/lantern-quill/image/upload/{steps}{library.cover()}.jpg").status_code
        for steps in ("", "t_thumb/", "w_9/", "s--AAAAAAAA--/w_9/")
    }
    assert codes == {"": 200, "t_thumb/": 200, "w_9/": 401, "s--AAAAAAAA--/w_9/": 401}


def test_access_windows_open_and_close(library):
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    rules = {
        200: [
            [],
            [{"access_type": "anonymous"}],
            [{"access_type": "token"}, {"access_type": "anonymous", "end": (now + hour).isoformat()}],
        ],
        401: [[{"access_type": "token"}], [{"access_type": "anonymous", "start": int((now + hour).timestamp())}]],
    }
    for code, several in rules.items():
        for one in several:
            library.admin(f"resources/image/upload/{library.cover()}", "POST", json={"access_control": one}).raise_for_status()
            assert library.http.get(f"/cloudinary/lantern-quill/image/upload/{library.cover()}.jpg").status_code == code
    for bad in (
        [{"access_type": "GB"}],
        [{"access_type": "anonymous", "country": "GB"}],
        "no json",
        [{"access_type": "token", "key": "a-b"}],
    ):
        assert library.admin(f"resources/image/upload/{library.cover()}", "POST", json={"access_control": bad}).status_code == 400


def test_faults_are_refused_that_are_none(library):
    for wanted in ({"status": 200}, {"explode": True}, {"status": 500, "colour": "red"}, {"status": 500, "slow": 1}):
        assert library.http.post("/sandbox/faults", json={"cloudinary": wanted}).status_code == 400
    library.fault(status=503, only="delivery", retry_after=2)
    answer = library.http.get(f"/cloudinary/lantern-quill/image/upload/{library.cover()}.jpg")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert library.admin("ping").status_code == 200


def test_another_day_is_another_set_of_versions_of_the_same_covers(tmp_path: Path):
    made = [
        Cloudinary(Catalogue(1, 60, day), [Account("a", "1", "s")], tmp_path / day.isoformat(), Faults())
        for day in (TODAY, date(2027, 1, 5))
    ]
    assert [one.public_id for one in made[0].covers] == [one.public_id for one in made[1].covers]
    assert {held.now.version for held in made[0].main.assets.values()} != {held.now.version for held in made[1].main.assets.values()}


def test_a_library_of_many_titles_is_filled_at_once(library):
    assert library.switch(fill=100)["filled"] == 100
    start = time.process_time()
    page = library.admin("resources/image/moderations/manual/approved?max_results=500&metadata=true").json()["resources"]
    assert time.process_time() - start < 3
    assert len({row["metadata"]["isbn"] for row in page if "isbn" in row["metadata"]}) >= 100
    etags = {library.admin(f"resources/image/upload/{row['public_id']}").json()["etag"] for row in page[:20]}
    assert len(etags) == 20
