"""Approved files on both tenants of the sandbox: what Consonance shows afterwards is read back from it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from PIL import Image

from include.errors import PermanentError, TransientError
from include.files.model import Kind, rank
from include.intake import ladder as ladders
from include.intake.ladder import RECORD, RESOURCE, UNLINKED, WITHDRAWN, Ladder
from include.ledger import title_files
from include.ledger.database import Ledger
from include.ledger.file_rows import TitleFileRow
from include.ledger.models import ProductRow
from include.store import ArtefactStore
from include.store.signed import Signer, bucket_url, opened, token
from tests.clients.tenant import Waits, client_of
from tests.sandbox.conftest import KEY, Server, _serve
from tests.schema import upgraded

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
SECRET = "a long enough secret for tests"
WORK, HARDBACK, PAPERBACK = 1001, 10011, 10012


def picture(colour: str, mode: str = "RGB", format: str = "JPEG", size: tuple[int, int] = (400, 600)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, colour).convert(mode).save(out, format)
    return out.getvalue()


@dataclass
class Desk:
    """One tenant, a ledger with two editions, a store, an address under which the store's pictures can be fetched."""

    server: Server
    ledger: Ledger
    store: ArtefactStore
    client: Any
    signer: Signer
    address: Any = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.address = self.signer.url
        with self.ledger.session() as session:
            for id, isbn in ((HARDBACK, "9781915000019"), (PAPERBACK, "9781915000026")):
                session.add(ProductRow(id=id, work_id=WORK, isbn=isbn, digest="", content=b"{}", first_seen=NOW, changed_at=NOW))

    def ladder(self) -> Ladder:
        return Ladder(self.ledger, self.store, self.client, self.address)

    def file(self, data: bytes, **values: Any) -> int:
        """A version, approved unless `approval` says otherwise."""
        approval = values.pop("approval", "approved")
        kept = self.store.put(BytesIO(data))
        given: dict[str, Any] = {
            "work_id": WORK, "product_id": HARDBACK, "kind": Kind.JACKET, "part": "front cover", "name": "cover.jpg",
            "media_type": "image/jpeg", "bytes": kept.bytes, "sha256": kept.sha256, "review": ("editorial",),
        } | values  # fmt: skip
        given["rank"] = rank(given.get("revision", ""))
        with self.ledger.session() as session:
            row = title_files.attach(session, title_files.NewTitleFile(**given), now=NOW).row
            if approval == "approved":
                title_files.review(session, row.id, "editorial", approval, now=NOW, who="Ada")
            return row.id

    def run(self, **settings: Any) -> dict[int, ladders.Shown]:
        ladder = self.ladder()
        return {id: ladder.settle(id, self.now, **settings) for id in ladder.waiting(**settings)}

    def told(self, file_id: int) -> dict[str, Any]:
        with self.ledger.read() as session:
            row = session.get(TitleFileRow, file_id)
            assert row is not None
            return row.consonance

    def made(self) -> list[dict[str, Any]]:
        """The resources that were added to what Consonance had on its first day, with the editions that show them."""
        query = "query q($id: Int!) { work(workSearch: {idEq: $id}) { supportingResources { id filename caption url height productIds } } }"
        found: list[dict[str, Any]] = self.server.data(query, id=WORK)["work"]["supportingResources"]
        return [one for one in found if one["filename"].partition("-")[0] in {"9781915000019", "9781915000026", "work"}]

    def shown(self, product: int = HARDBACK) -> list[bytes]:
        """What Consonance itself serves as pictures of this edition, its own first-day cover apart."""
        return [self.server.http.get(one["url"]).content for one in self.made() if product in one["productIds"]]

    def mutations(self) -> int:
        return sum(self.server.control("stats").json()["mutations"].values())


@pytest.fixture(scope="module")
def public() -> Iterator[tuple[str, Callable[[Path], None]]]:
    """The signed addresses' application behind a real port, and the way to tell it which store to serve."""
    from colophon.ui.signed import app

    patch = pytest.MonkeyPatch()
    patch.setenv("COLOPHON_SIGNING_KEY", SECRET)
    outer = FastAPI()
    outer.mount("/colophon/signed", app)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(outer, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", lambda root: patch.setenv("COLOPHON_STORE", str(root))
        server.should_exit = True
        thread.join(10)
    patch.undo()


@pytest.fixture(scope="module")
def full() -> Iterator[Server]:
    yield from _serve("full")


@pytest.fixture(scope="module")
def evidenced() -> Iterator[Server]:
    yield from _serve("evidenced")


def desk_at(server: Server, folder: Path, public: tuple[str, Callable[[Path], None]]) -> Iterator[Desk]:
    server.control("reset", {})
    address, serve = public
    serve(folder / "store")
    ledger = Ledger(str(folder / "ledger.sqlite"))
    upgraded(ledger)
    yield Desk(server, ledger, ArtefactStore(str(folder / "store")), client_of(server.url, Waits(), key=KEY), Signer(address, SECRET))
    ledger.dispose()
    server.control("reset", {})


@pytest.fixture
def desk(full: Server, tmp_path: Path, public: Any) -> Iterator[Desk]:
    yield from desk_at(full, tmp_path, public)


@pytest.fixture
def poor(evidenced: Server, tmp_path: Path, public: Any) -> Iterator[Desk]:
    yield from desk_at(evidenced, tmp_path, public)


# --- the tenant that takes pictures


def test_an_approved_cover_is_the_one_that_consonance_shows(desk: Desk) -> None:
    cover = picture("navy")
    id = desk.file(cover)
    (shown,) = desk.run().values()
    assert (shown.as_, shown.new) == (RESOURCE, True)
    assert desk.shown() == [cover], "fetched by Consonance from the signed address"
    assert desk.told(id)["id"] == shown.id


def test_a_second_run_changes_nothing(desk: Desk) -> None:
    desk.file(picture("navy"))
    desk.run()
    before = desk.mutations()
    assert desk.run() == {}
    assert desk.mutations() == before


@pytest.mark.parametrize("approval", ["pending", ""])
def test_what_is_not_approved_is_not_shown(desk: Desk, approval: str) -> None:
    desk.file(picture("navy"), approval=approval)
    assert desk.run() == {}
    assert desk.made() == []


def test_a_newer_version_takes_the_place_once_it_is_approved(desk: Desk) -> None:
    old, new = picture("navy"), picture("maroon")
    first = desk.file(old, revision="1")
    desk.run()
    second = desk.file(new, revision="2", approval="pending")
    assert desk.run() == {}
    assert desk.shown() == [old], "the approved one stays until its successor is approved"
    with desk.ledger.session() as session:
        title_files.review(session, second, "editorial", "approved", now=NOW, who="Ada")
    desk.run()
    assert desk.shown() == [new]
    assert desk.told(first)["as"] == UNLINKED


def test_an_older_version_that_is_current_again_is_shown_again(desk: Desk) -> None:
    old, new = picture("navy"), picture("maroon")
    desk.file(old, revision="1")
    desk.run()
    second = desk.file(new, revision="2")
    desk.run()
    with desk.ledger.session() as session:
        title_files.remove(session, second, now=NOW, who="Ada", note="by mistake")
    desk.run()
    assert desk.shown() == [old]
    assert desk.told(second)["as"] == WITHDRAWN
    assert desk.run() == {}


def test_what_lost_its_approval_is_taken_out(desk: Desk) -> None:
    id = desk.file(picture("navy"))
    desk.run()
    with desk.ledger.session() as session:
        title_files.review(session, id, "editorial", "rejected", now=NOW, who="Ada", note="wrong author")
    (shown,) = desk.run().values()
    assert (shown.as_, desk.made()) == (WITHDRAWN, [])
    assert desk.run() == {}


def test_each_edition_has_its_own(desk: Desk) -> None:
    hard, soft = picture("navy"), picture("maroon")
    desk.file(hard)
    desk.file(soft, product_id=PAPERBACK)
    desk.run()
    assert (desk.shown(HARDBACK), desk.shown(PAPERBACK)) == ([hard], [soft])


@pytest.mark.parametrize(
    ("mode", "format", "media"), [("CMYK", "TIFF", "image/tiff"), ("RGB", "PNG", "image/png"), ("CMYK", "JPEG", "image/jpeg")]
)
def test_masters_become_jpegs_for_consonance(desk: Desk, mode: str, format: str, media: str) -> None:
    desk.file(picture("white", mode, format, (1200, 1800)), name=f"cover.{format.lower()}", media_type=media)
    desk.run()
    (data,) = desk.shown()
    with Image.open(BytesIO(data)) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (1200, 1800))


def test_killed_before_it_was_recorded_makes_no_second_resource(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    cover = picture("navy")
    id = desk.file(cover)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Ladder, "_record", killed)
        with pytest.raises(KeyboardInterrupt):
            desk.run()
    assert desk.told(id) == {}
    (shown,) = desk.run().values()
    assert (shown.as_, len(desk.made())) == (RESOURCE, 1)
    assert desk.shown() == [cover]


WORKER = """
import os, signal, sys
from datetime import UTC, datetime
from include.intake.ladder import Ladder
from include.ledger.database import Ledger
from include.store import ArtefactStore
from include.store.signed import Signer
from tests.clients.tenant import Waits, client_of
from tests.sandbox.conftest import KEY

database, store, consonance, address, secret, place = sys.argv[1:]
if place:
    setattr(Ladder, place, lambda *args, **more: os.kill(os.getpid(), signal.SIGKILL))
ladder = Ladder(Ledger(database), ArtefactStore(store), client_of(consonance, Waits(), key=KEY), Signer(address, secret).url)
for id in ladder.waiting():
    ladder.settle(id, datetime.now(UTC))
"""


def test_a_worker_killed_between_consonance_and_the_record_makes_no_second_resource(desk: Desk, public: Any) -> None:
    cover = picture("navy")
    id = desk.file(cover)
    given = [str(desk.ledger.engine.url.database), desk.store.root, desk.server.url, public[0], SECRET, "_record"]
    path = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
    worker = subprocess.Popen([sys.executable, "-c", WORKER, *given], cwd=ROOT, env=os.environ | {"PYTHONPATH": path})
    assert worker.wait(60) == -signal.SIGKILL
    assert (len(desk.made()), desk.told(id)) == (1, {}), "shown there, and nobody wrote it down"
    (shown,) = desk.run().values()
    assert (shown.as_, len(desk.made())) == (RESOURCE, 1)
    assert desk.shown() == [cover]


def test_an_answer_that_was_lost_is_read_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.file(picture("navy"))
    change = desk.client.change

    def lost(operation: str, variables: Any) -> Any:
        change(operation, variables)
        raise TransientError("no answer (ReadTimeout)")

    monkeypatch.setattr(desk.client, "change", lost)
    (shown,) = desk.run().values()
    assert (shown.as_, len(desk.made())) == (RESOURCE, 1)


def test_a_server_that_does_not_answer_is_tried_again_by_the_next_run(desk: Desk) -> None:
    desk.file(picture("navy"))
    desk.client.schema()
    desk.server.control("faults", {"consonance": {"status": 503, "times": 100}})
    with pytest.raises(TransientError):
        desk.run()
    desk.server.control("faults", {})
    assert [one.as_ for one in desk.run().values()] == [RESOURCE]


# --- the title record


def test_a_tenant_that_takes_no_pictures_is_said_plainly(poor: Desk) -> None:
    id = poor.file(picture("navy"))
    (shown,) = poor.run().values()
    assert shown.as_ == RECORD
    assert shown.why == "This Consonance does not offer Mutation.createSupportingResource: the picture is in Colophon's title record."
    assert poor.told(id)["why"] == shown.why
    assert poor.run() == {}
    assert poor.mutations() == 0


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (
            {"kind": Kind.MANUSCRIPT, "part": "", "name": "ms.docx", "media_type": "application/msword", "product_id": None},
            "createProductionFile",
        ),
        ({"kind": Kind.CONTRACT, "part": "", "name": "contract.jpg", "product_id": None}, "few eyes"),
        ({"restricted": "rights"}, "few eyes"),
        (
            {"kind": Kind.ARTWORK, "part": "smith headshot", "name": "headshot.jpg", "product_id": None},
            "no place for a picture of this sort",
        ),
    ],
)
def test_what_consonance_has_no_place_for_stays_in_the_title_record(desk: Desk, values: dict[str, Any], why: str) -> None:
    desk.file(picture("navy"), **values)
    (shown,) = desk.run().values()
    assert shown.as_ == RECORD
    assert why in shown.why
    assert desk.run() == {}
    assert desk.mutations() == 0


def test_a_wraparound_is_no_front_cover(desk: Desk) -> None:
    desk.file(picture("navy", size=(1300, 800)), part="cover")
    (shown,) = desk.run().values()
    assert (shown.as_, "wraparound" in shown.why) == (RECORD, True)


def test_without_an_address_the_rung_is_passed_over_until_there_is_one(desk: Desk) -> None:
    desk.file(picture("navy"))
    desk.address = bucket_url(desk.store)
    (shown,) = desk.run().values()
    assert (shown.as_, shown.why) == (RECORD, ladders.NO_ADDRESS)
    assert desk.run() == {}
    desk.address = desk.signer.url
    assert [one.as_ for one in desk.run().values()] == [RESOURCE]


def test_a_work_that_is_gone_is_told_and_tried_again_only_when_asked(desk: Desk) -> None:
    id = desk.file(picture("navy"), work_id=999_999, product_id=None)
    (shown,) = desk.run().values()
    assert (shown.as_, "no longer has this work" in shown.why) == (RECORD, True)
    assert desk.run() == {}
    assert set(desk.run(again=True)) == {id}


# --- signed addresses


def test_an_address_serves_one_picture_until_its_time_is_over(desk: Desk) -> None:
    cover = desk.store.put(BytesIO(picture("navy")))
    url = desk.signer.url(cover.sha256, "a cover.jpg", datetime.now(UTC))
    with httpx.Client(trust_env=False) as http:
        answer = http.get(url)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        assert answer.content == picture("navy")
        assert http.head(url).headers["content-length"] == str(cover.bytes)
        late = desk.signer.url(cover.sha256, "cover.jpg", datetime.now(UTC) - timedelta(days=1))
        strange = Signer(desk.signer.address, "another secret that is long").url(cover.sha256, "cover.jpg", datetime.now(UTC))
        papers = desk.signer.url(desk.store.put(BytesIO(b"%PDF-1.7 a contract")).sha256, "cover.jpg", datetime.now(UTC))
        missing = desk.signer.url("0" * 64, "cover.jpg", datetime.now(UTC))
        other = url.replace(url.split("/")[-2][:8], "AAAAAAAA", 1)
        for wrong in (late, strange, papers, missing, other, f"{url}x/y", f"{desk.signer.address}/colophon/signed/a.b/c.jpg"):
            assert http.get(wrong).status_code == 404, wrong


def test_a_token_tells_its_artefact_and_nothing_else_opens() -> None:
    sha256 = "ab" * 32
    text = token(SECRET, sha256, NOW + timedelta(hours=1))
    assert opened(SECRET, text, NOW) == sha256
    for wrong in (text[:-2], text + "A", "", ".", "é.é", text.replace(".", "..")):
        with pytest.raises(PermanentError, match="no such file"):
            opened(SECRET, wrong, NOW)
    with pytest.raises(PermanentError, match="run out"):
        opened(SECRET, text, NOW + timedelta(hours=2))


def test_the_key_is_long_and_never_shown() -> None:
    with pytest.raises(Exception, match="fewer than"):
        Signer("https://airflow.example", "short")
    assert SECRET not in repr(Signer("https://airflow.example", SECRET))
