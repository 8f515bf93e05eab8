"""Covers beside the feed: one that can't go along now stops neither the record nor the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import select

from include.errors import ConfigurationError, TransientError
from include.ledger.models import EventRow
from include.titles.model import Resource
from tests.deliveries.desk import isbn, product


class Pictures(ThreadingHTTPServer):
    """Gives a JPEG for every address, or the status set for it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Picture)
        self.answers: dict[str, int] = {}
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Picture(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        out = BytesIO()
        Image.new("RGB", (700, 900), (hash(path) % 255, 20, 60)).save(out, "JPEG")
        status = self.server.answers.get(path, 200)  # type: ignore[attr-defined]
        self.send_response(status)
        self.send_header("Content-Type", "image/jpeg")
        self.end_headers()
        self.wfile.write(out.getvalue() if status == 200 else b"")

    def log_message(self, *what: object) -> None:
        """Silent."""


@pytest.fixture
def pictures() -> Iterator[Pictures]:
    server = Pictures()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def covered(pictures, number, name="", **changes):
    one = product(number, **changes)
    return replace(one, resources=(Resource(number, f"{pictures.url}/{name or number}", width=700, height=900),))


def covers(desk, built):
    return [file.name for file in desk.row(built).files if file.role == "cover"]


def left_out(desk):
    with desk.ledger.read() as session:
        return session.scalars(select(EventRow.subject).where(EventRow.what == "cover left out")).all()


def test_each_record_travels_with_its_cover(desk, pictures):
    desk.put(covered(pictures, 1), covered(pictures, 2))
    assert covers(desk, desk.night("meridian")) == [f"{isbn(1)}.jpg", f"{isbn(2)}.jpg"]


def test_a_cover_that_changes_alone_goes_with_its_record(desk, pictures):
    desk.put(covered(pictures, 1), covered(pictures, 2))
    desk.night("meridian")
    desk.put(covered(pictures, 2, "two"))
    built = desk.night("meridian")
    assert (built.records, covers(desk, built)) == (1, [f"{isbn(2)}.jpg"])


def test_a_cover_that_can_not_be_fetched_now_goes_the_next_night_and_stops_nobody(desk, pictures):
    desk.put(*(covered(pictures, number) for number in range(1, 6)))
    pictures.answers["/3"] = 503
    built = desk.night("meridian")
    assert (built.records, len(covers(desk, built))) == (5, 4)
    assert isbn(3) in left_out(desk)[0]
    pictures.answers.clear()
    built = desk.night("meridian")
    assert (built.records, covers(desk, built)) == (1, [f"{isbn(3)}.jpg"])
    assert desk.night("meridian").records == 0


def test_an_image_server_that_is_down_stops_the_build_to_be_tried_again(desk, pictures):
    desk.put(covered(pictures, 1), covered(pictures, 2))
    pictures.answers |= {"/1": 503, "/2": 503}
    with pytest.raises(TransientError):
        desk.build("meridian")


def test_a_cover_that_is_no_image_is_left_out_without_its_secret(desk, pictures):
    desk.put(covered(pictures, 1, "one?X-Amz-Signature=topsecret"), covered(pictures, 2))
    pictures.answers["/one"] = 404
    assert len(covers(desk, desk.night("meridian"))) == 1
    assert "topsecret" not in "".join(left_out(desk))


def test_two_records_of_one_isbn_bring_one_cover(desk, pictures, flavoured):
    partner = flavoured(
        "meridian", feed={"completeness": {"profile": "wholesale", "drop": ["isbn-duplicate", "isbn-missing", "isbn-invalid"]}}
    )
    desk.put(covered(pictures, 1), replace(covered(pictures, 2), isbn=isbn(1)), replace(covered(pictures, 3), isbn="../etc"))
    built = desk.night(partner)
    assert built.records >= 2
    assert covers(desk, built) == [f"{isbn(1)}.jpg"]


def test_a_mask_that_names_something_unknown_is_said(desk, pictures, flavoured):
    desk.put(covered(pictures, 1))
    with pytest.raises(ConfigurationError, match="covers"):
        desk.build(flavoured("meridian", feed={"covers": {"by": "file", "name": "{ean}.jpg"}}))


def test_a_title_that_leaves_brings_no_cover(desk, pictures):
    desk.put(covered(pictures, 1), covered(pictures, 2))
    desk.night("meridian")
    desk.delete(2)
    built = desk.night("meridian")
    assert (built.records, covers(desk, built)) == (1, [])
