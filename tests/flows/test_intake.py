"""Files that senders drop, through Airflow, read back from the ledger, the store and the senders' folders."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from include.ledger.file_rows import IntakeFileRow, ReviewRow, TitleFileRow
from include.ledger.models import Base, EventRow, ProductRow
from tests.airflow_home import run

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
DAGS = {
    "authors": "partner_intake__authors", "agency": "partner_intake__agency", "typesetter": "partner_intake__typesetter",
    "rights": "rights_documents__rights",
}  # fmt: skip


@dataclass
class Post:
    """Senders, the flows, and what came of it."""

    ledger: Any
    store: Any
    sandbox: Any
    bag: Any
    states: list[str] = field(default_factory=list)

    def drop(self, inbox: str, **wanted: Any) -> dict[str, Any]:
        told: dict[str, Any] = self.sandbox.call("drop", {"inbox": inbox, **wanted})["files"][0]
        return told

    def run(self, inbox: str, **form: Any) -> str:
        state = str(run(self.bag.dags[DAGS[inbox]], **form).state)
        self.states.append(state)
        return state

    def arrivals(self, inbox: str, name: str = "") -> list[IntakeFileRow]:
        with self.ledger.read() as session:
            query = select(IntakeFileRow).where(IntakeFileRow.inbox == inbox, IntakeFileRow.path.contains(name)).order_by(IntakeFileRow.id)
            return list(session.scalars(query))

    def files(self, work_id: int, **where: Any) -> list[TitleFileRow]:
        with self.ledger.read() as session:
            query = select(TitleFileRow).filter_by(work_id=work_id, **where).order_by(TitleFileRow.id)
            return list(session.scalars(query))

    def everything(self) -> dict[str, Any]:
        """Rows of the ledger, files at the senders with their times, changes at Consonance."""
        with self.ledger.read() as session:
            rows = {table.name: session.scalar(select(func.count()).select_from(table)) for table in Base.metadata.sorted_tables}
        homes = [self.sandbox.home(name) for name in ("authors", "agency", "rights", "compositor")]
        there = {str(path): path.stat().st_mtime_ns for home in homes for path in home.rglob("*") if path.is_file()}
        return {"rows": rows, "there": there, "mutations": self.sandbox.call("stats")["mutations"]}


@pytest.fixture(scope="module")
def post(running_sandbox, dag_bag, airflow_home, mirrored, tmp_path_factory) -> Iterator[Post]:
    from include.ledger.database import Ledger
    from include.store import ArtefactStore
    from tests.airflow_home import write_connections

    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("colophon")
        for name in ("COLOPHON_LEDGER", "COLOPHON_STORE"):
            patch.delenv(name, raising=False)
        patch.setenv("COLOPHON_HOME", str(home))
        shutil.copytree(ROOT / "config", home / "config")
        authors = home / "config" / "inboxes" / "authors.toml"
        authors.write_text(authors.read_text().replace("settle_seconds = 60", "settle_seconds = 1"))
        patch.setenv("COLOPHON_CONFIG", str(home / "config"))
        write_connections(airflow_home, running_sandbox.connections)
        running_sandbox.reset()
        shutil.copyfile(mirrored, home / "ledger.sqlite")
        ledger = Ledger()
        yield Post(ledger, ArtefactStore(), running_sandbox, dag_bag)
        ledger.dispose()
        write_connections(airflow_home, {})
        running_sandbox.reset()


@pytest.fixture(scope="module")
def book(post) -> ProductRow:
    """A printed book of the mirror that has an ISBN and stands alone with it."""
    with post.ledger.read() as session:
        alone = select(ProductRow.isbn).where(ProductRow.isbn != "").group_by(ProductRow.isbn).having(func.count() == 1)
        query = select(ProductRow).where(ProductRow.isbn.in_(alone), ProductRow.form.startswith("B")).order_by(ProductRow.id)
        return session.scalars(query.offset(3).limit(1)).one()


@pytest.fixture(scope="module")
def authors_day(post, book) -> dict[str, Any]:
    """Authors drop a package and five files that nobody should take; the flow runs twice, the package comes again, a third run."""
    about = {"product_id": book.id, "work_id": book.work_id}
    package = [{"kind": "manuscript", "revision": "2"}, {"kind": "questionnaire"}, {"kind": "artwork", "part": "map"}]
    told = {
        "package": post.drop("authors", as_zip=package, **about),
        "bomb": post.drop("authors", as_zip=[{"kind": "manuscript", "seed": 2}], evil="bomb", name="bomb.zip", **about),
        "path": post.drop("authors", as_zip=[{"kind": "permission"}], evil="traversal", name="traversal.zip", **about),
        "executable": post.drop("authors", kind="permission", defect="executable", name=f"{book.isbn} permission form.pdf", **about),
        "truncated": post.drop("authors", as_zip=[{"kind": "manuscript", "seed": 3}], defect="truncated", name="truncated.zip", **about),
        "unknown": post.drop("authors", kind="manuscript", name="9780000000002_manuscript.docx", **about),
    }
    post.run("authors")
    first = post.everything()
    post.run("authors")
    told["second run"] = first == post.everything() or _different(first, post.everything())
    told["files"] = {file.kind: file for file in post.files(book.work_id)}
    again = post.drop("authors", as_zip=package, **about)
    assert again["sha256"] == told["package"]["sha256"]
    post.run("authors")
    return told


def _different(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What is not as it was, for whoever reads a failure."""
    pairs = {
        f"{part} {name}": (one[part].get(name), other[part].get(name)) for part in ("rows", "there") for name in {*one[part], *other[part]}
    }
    pairs["mutations"] = one["mutations"], other["mutations"]
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def test_every_run_of_the_authors_inbox_succeeds(post, authors_day):
    assert set(post.states) == {"success"}


def test_a_package_of_an_author_is_on_the_right_title(post, authors_day):
    members, files = {member["kind"]: member for member in authors_day["package"]["members"]}, authors_day["files"]
    assert {"manuscript", "questionnaire", "artwork"} <= set(files)
    for kind, member in members.items():
        assert files[kind].sha256 == member["sha256"]
        assert hashlib.sha256(post.store.open(files[kind].sha256).read()).hexdigest() == member["sha256"]
        assert files[kind].source == "inbox:authors"
    assert files["manuscript"].revision == "2"
    assert post.store.exists(files["artwork"].preview)


def test_what_is_hostile_broken_or_unknown_is_set_aside_with_its_reason(post, book, authors_day):
    def codes(name: str) -> set[str]:
        return {reason["code"] for row in post.arrivals("authors", name) if row.state == "quarantined" for reason in row.reasons}

    assert codes("bomb.zip") == {"archive-bomb"}
    assert "path-traversal" in codes("traversal.zip")
    assert codes("permission form.pdf") == {"executable"}
    assert codes("truncated.zip") == {"archive-broken"}
    assert codes("9780000000002") == {"isbn-unknown"}, [(row.state, row.reasons, row.clues) for row in post.arrivals("authors", "97800")]
    for row in post.arrivals("authors"):
        assert all(reason["message"] and reason["todo"] for reason in row.reasons), row.path
    taken = {file.source_path for file in post.files(book.work_id)}
    assert not any(name in path for path in taken for name in ("bomb", "truncated", "outside"))


def test_originals_are_moved_away_whatever_became_of_them(post, authors_day):
    assert [name for name in post.sandbox.files("authors", "incoming") if not name.startswith("processed/")] == []


def test_the_same_package_again_is_taken_once(post, book, authors_day):
    first, second = (row for row in post.arrivals("authors", authors_day["package"]["name"]) if row.parent_id is None)
    assert (first.state, second.state, second.duplicate_of_id) == ("unpacked", "duplicate", first.id)
    assert len(post.files(book.work_id, kind="manuscript")) == 1


def test_a_second_run_changed_nothing(authors_day):
    assert authors_day["second run"] is True


def test_revisions_out_of_order_leave_the_newest_current(post, book):
    for revision, age in (("1", 300), ("3", 200), ("2", 100)):
        post.drop("typesetter", kind="interior", product_id=book.id, revision=revision, age_seconds=age)
    assert post.run("typesetter") == "success"
    found = post.files(book.work_id, kind="interior")
    assert [(file.revision, file.state) for file in found] == [("1", "superseded"), ("3", "attached"), ("2", "superseded")]
    assert {file.product_id for file in found} == {book.id}
    assert {file.approval for file in found} == {"pending"}


def test_documents_of_a_contract_are_listed_on_its_title_for_those_who_may_see_them(post, book):
    told = [post.drop("rights", kind=kind, work_id=book.work_id, naming="contract") for kind in ("contract", "statement", "letter")]
    assert post.run("rights") == "success"
    files = {file.sha256: file for file in post.files(book.work_id, restricted="rights")}
    problems = {row.path: (row.state, row.kind, row.reasons, row.clues) for row in post.arrivals("rights")}
    assert {one["sha256"] for one in told} == set(files), problems
    assert len({file.contract_id for file in files.values()}) == 1
    assert None not in {file.contract_id for file in files.values()}
    assert files[told[0]["sha256"]].kind == "contract"
    assert files[told[1]["sha256"]].kind == "statement"
    assert {file.state for file in files.values()} == {"attached"}
    assert {row.restricted for row in post.arrivals("rights")} == {"rights"}
    assert post.sandbox.files("rights", "documents") == sorted([*(f"processed/{one['name']}" for one in told), "processed/manifest.json"])


def test_a_large_picture_whose_line_breaks_and_a_trailer_wait_for_both_reviews(post, book):
    picture = post.drop("agency", kind="artwork", product_id=book.id, size=24_000_000, part="frontispiece")
    trailer = post.drop("agency", kind="promotional", product_id=book.id)
    post.sandbox.call("faults", {"agency": {"cut_after": {"bytes": 12_000_000, "times": 1}}})
    assert post.run("agency") == "success"
    assert post.sandbox.call("faults").get("agency", {}) == {}
    found = {file.sha256: file for file in post.files(book.work_id)}
    for told in (picture, trailer):
        file = found[told["sha256"]]
        assert file.approval == "pending"
        assert post.store.exists(file.preview)
        with post.ledger.read() as session:
            asked = session.scalars(select(ReviewRow).where(ReviewRow.title_file_id == file.id)).all()
            assert {(one.role, one.verdict) for one in asked} == {("editorial", "pending"), ("production", "pending")}
    assert [name for name in post.sandbox.files("agency", "delivery") if not name.startswith("processed/")] == []
    with post.ledger.read() as session:
        fetched = session.scalars(select(EventRow).where(EventRow.what == "file fetched", EventRow.sha256 == picture["sha256"])).one()
    assert fetched.bytes == picture["bytes"]
    assert fetched.host_key


@pytest.mark.long
@pytest.mark.timeout(900)
def test_300_megabytes_over_a_line_that_breaks_three_times(post, book):
    told = post.drop("agency", kind="artwork", product_id=book.id, size=300_000_000, part="panorama")
    post.sandbox.call("faults", {"agency": {"cut_after": {"bytes": 90_000_000, "times": 3}}})
    assert post.run("agency") == "success"
    (file,) = (file for file in post.files(book.work_id) if file.sha256 == told["sha256"])
    assert file.bytes == told["bytes"] >= 300_000_000
    assert post.store.verify(file.sha256).bytes == told["bytes"]
    assert post.store.exists(file.preview)


def test_all_inboxes_again_change_nothing(post, book, authors_day):
    before = post.everything()
    for inbox in DAGS:
        assert post.run(inbox) == "success"
    assert post.everything() == before
