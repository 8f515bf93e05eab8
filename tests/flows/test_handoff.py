"""Approving a title ends with a complete package at its printer, over real protocols, read back from the printer's folder."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from colophon.tasks import sending
from include.deliveries.build import Run
from include.files.sniff import sniff
from include.ledger import packages, title_files
from include.ledger.file_rows import PackageRow, TitleFileRow
from include.ledger.models import Base, DeliveryRow, EventRow, ProductRow, WorkRow
from tests.flows.test_approvals import person  # noqa: F401 - a fixture

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
APPROVED = "Production approved"
FLOW = "print_handoff__pressmark"


@dataclass
class Press:
    """A book on its way to the printer: its product, the moves of editors and designers."""

    ledger: Any
    store: Any
    sandbox: Any
    product_id: int
    work_id: int
    isbn: str

    def brings(self, kind: str, *, approved: bool = True, product: bool = True, **order: Any) -> int:
        """The typesetter's file, as intake puts it on the title; gives the version's id."""
        return self.brings_all(kind, approved=approved, product=product, **order)[0]

    def brings_all(self, kind: str, *, approved: bool = True, product: bool = True, **order: Any) -> list[int]:
        told = self.sandbox.call("drop", {"inbox": "typesetter", "kind": kind, "product_id": self.product_id, **order})["files"]
        return [self._attached(one, order, approved=approved, product=product) for one in told]

    def _attached(self, told: dict[str, Any], order: dict[str, Any], *, approved: bool, product: bool) -> int:
        from datetime import UTC, datetime

        path = self.sandbox.home("compositor") / told["path"].lstrip("/")
        artefact = self.store.put(path)
        now = datetime.now(UTC)
        with self.ledger.session() as session:
            new = title_files.NewTitleFile(
                self.work_id, told["kind"], told["name"], artefact.bytes, artefact.sha256, product_id=self.product_id if product else None,
                part=told["part"], revision=str(order.get("revision", "")), rank=int(order.get("revision") or 0) * 10_000,
                media_type=sniff(path, path.name).media_type, review=("production",),
            )  # fmt: skip
            row = title_files.attach(session, new, now=now).row
            if approved:
                title_files.review(session, row.id, "production", "approved", now=now, who="producer")
            return row.id

    def says(self, file_id: int, verdict: str) -> None:
        from datetime import UTC, datetime

        with self.ledger.session() as session:
            title_files.review(session, file_id, "production", verdict, now=datetime.now(UTC), who="producer", note="see page 3")

    def stage(self, name: str) -> None:
        self.sandbox.call("edit", {"work_id": self.work_id, "set": {"stage": name}})

    @property
    def folder(self) -> Path:
        return self.sandbox.home("pressmark") / "jobs" / self.isbn

    def has(self) -> list[str]:
        """Names of what lies at the printer for this book, hidden ones too."""
        return sorted(path.name for path in self.folder.glob("*"))

    def package(self) -> PackageRow:
        with self.ledger.read() as session:
            row = session.scalars(select(PackageRow).where(PackageRow.subject == self.isbn).order_by(PackageRow.id.desc())).first()
            assert row is not None
            assert row.files is not None
            session.expunge_all()
            return row


@pytest.fixture
def press(catalogue: None, sandbox: Any, ledger: Any, store: Any) -> Press:
    """A hardback of the sandbox that no printer has yet."""
    with ledger.read() as session:
        query = select(ProductRow, WorkRow).join(WorkRow, WorkRow.id == ProductRow.work_id)
        query = query.where(ProductRow.form == "BB", ProductRow.isbn.startswith("978"), WorkRow.stage != APPROVED).order_by(ProductRow.id)
        product, work = session.execute(query.limit(1)).one()
    return Press(ledger, store, sandbox, product.id, work.id, product.isbn)


@pytest.fixture
def handoff(run_flow: Any, press: Press, dag_bag: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, set[str]]]:
    """Syncs and runs the flow; gives the states of its tasks by name."""
    for task in dag_bag.dags[FLOW].tasks:
        monkeypatch.setattr(task, "retries", 0)  # `dag.test()` waits through them

    def run(**conf: Any) -> dict[str, set[str]]:
        assert run_flow("catalogue_sync").state == "success"
        ended = run_flow(FLOW, **conf)
        states: dict[str, set[str]] = {"": {str(ended.state)}}
        for ti in ended.get_task_instances():
            states.setdefault(ti.task_id.rpartition(".")[2], set()).add(str(ti.state))
        return states

    return run


def check_sums(folder: Path, name: str = "SHA256SUMS") -> None:
    done = subprocess.run(["sha256sum", "--check", "--strict", name], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def everything(press: Press) -> dict[str, Any]:
    """Row counts, the printer's files with their times, Consonance's mutations."""
    with press.ledger.read() as session:
        rows = {table.name: session.scalar(select(func.count()).select_from(table)) for table in Base.metadata.sorted_tables}
    rows.pop("sync", None)  # each look at Consonance is one
    home = press.sandbox.home("pressmark")
    files = {str(path): path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}
    return {"rows": rows, "files": files, "mutations": press.sandbox.call("stats")["mutations"]}


def test_approving_a_title_ends_with_a_complete_package_once_and_a_revision_names_what_it_replaces(press, handoff):
    press.brings("interior", revision=1)
    press.brings("jacket")
    press.stage(APPROVED)
    states = handoff()
    row = press.package()
    assert states["deliver"] >= {"success"}, (row.state, row.reasons, row.findings)
    names = {path.name for path in press.folder.iterdir()}
    assert names == {
        f"{press.isbn}_text.pdf", f"{press.isbn}_jacket.pdf", "jobticket.json", "jobticket.csv", "jobticket.pdf", "preflight.json",
        "SHA256SUMS", "manifest.json",
    }  # fmt: skip
    check_sums(press.folder)
    manifest = json.loads((press.folder / "manifest.json").read_text())
    assert {file["name"]: file["sha256"] for file in manifest["files"]} == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in press.folder.iterdir()
        if path.name not in {"manifest.json", "SHA256SUMS"}
    }
    ticket = json.loads((press.folder / "jobticket.json").read_text())
    assert ticket["job"]["isbn"] == press.isbn
    assert ticket["run"]["bindings"]
    assert (row.state, row.revision) == ("delivered", 1)
    with press.ledger.read() as session:
        delivery = session.get(DeliveryRow, row.delivery_id)
        assert (delivery.state, delivery.business_key) == ("delivered", f"{press.isbn}:r1")
        assert {file.verified for file in delivery.files} == {"hash"}
        last = session.scalars(select(EventRow).where(EventRow.what == "file delivered").order_by(EventRow.id)).all()[-1]
        assert last.subject.endswith("manifest.json")
        assert last.host_key

    before = everything(press)
    assert handoff()["deliver"] == {"skipped"}
    assert everything(press) == before
    press.brings("interior", revision=2, seed=2)
    assert handoff()["deliver"] == {"success"}
    manifest = json.loads((press.folder / "manifest.json").read_text())
    assert (manifest["package"]["revision"], manifest["replaces"]["revision"]) == (2, 1)
    told = {file["name"]: (file.get("revision"), file.get("unchanged", False)) for file in manifest["files"] if file["role"] != "preflight"}
    assert told == {
        f"{press.isbn}_text.pdf": ("2", False), f"{press.isbn}_jacket.pdf": ("1", True), "jobticket.json": (None, True),
        "jobticket.csv": (None, True), "jobticket.pdf": (None, True),
    }  # fmt: skip
    check_sums(press.folder)


@pytest.mark.long
def test_what_is_missing_or_not_approved_waits_and_says_why(press, handoff):
    text = press.brings("interior", approved=False)
    press.stage(APPROVED)
    assert handoff()["deliver"] == {"skipped"}
    assert press.has() == []
    row = press.package()
    assert (row.state, [reason["code"] for reason in row.reasons]) == ("waiting", ["not-approved", "part-missing"])
    press.says(text, "approved")
    press.brings("jacket")
    assert handoff()["deliver"] == {"success"}


def test_an_approval_withdrawn_between_build_and_delivery_stops_it(press, handoff, monkeypatch):
    text = press.brings("interior")
    press.brings("jacket")
    press.stage(APPROVED)
    really = sending.send_delivery

    def just_before(*words: Any, **named: Any) -> Any:
        press.says(text, "pending")
        return really(*words, **named)

    with monkeypatch.context() as patch:
        patch.setattr(sending, "send_delivery", just_before)
        states = handoff()
    assert (states["build"], states["deliver"], states[""]) == ({"success"}, {"skipped"}, {"success"})
    assert press.has() == []
    assert press.package().state == "stopped"
    press.says(text, "approved")
    assert handoff()["deliver"] == {"success"}
    assert press.package().state == "delivered"


def test_a_failing_check_asks_a_person_and_a_no_sends_nothing(press, handoff, person):  # noqa: F811
    person.word = "Reject"
    press.brings("interior", defect="wrong-trim")
    press.brings("jacket")
    press.stage(APPROVED)
    states = handoff()
    assert (states["decide"], states["deliver"], states[""]) == ({"skipped"}, {"skipped"}, {"success"})
    (question,) = person.asked
    assert press.isbn in question["subject"]
    assert "trim" in question["body"]
    row = press.package()
    assert (row.state, row.decided_by, row.reasons[-1]["code"]) == ("held", "ada", "declined")
    assert press.has() == []
    assert handoff()["build"] == {"skipped"}, "it is not asked again"
    person.word = "Approve"
    press.brings("interior", defect="wrong-trim", revision=2)
    assert handoff()["deliver"] == {"success"}
    assert press.package().decided_by == "ada"
    findings = json.loads((press.folder / "preflight.json").read_text())["findings"]
    assert "trim-differs" in {finding["code"] for finding in findings}


@pytest.mark.long
def test_a_run_killed_between_sending_and_writing_it_down_sends_nothing_twice(press, handoff, monkeypatch):
    press.brings("interior")
    press.brings("jacket")
    press.stage(APPROVED)
    from include.deliveries import send
    from include.errors import PermanentError

    def dies(*_: Any, **__: Any) -> None:
        raise PermanentError("the worker is gone", where="the test")

    with monkeypatch.context() as patch:
        patch.setattr(send.Sending, "_record", dies)
        assert handoff()["deliver"] == {"failed"}
    there = {path.name: path.stat().st_mtime_ns for path in press.folder.iterdir()}
    assert "manifest.json" in there
    assert handoff()["deliver"] == {"success"}
    assert {path.name: path.stat().st_mtime_ns for path in press.folder.iterdir()} == there
    assert press.package().state == "delivered"


@pytest.mark.long
def test_by_hand_a_title_goes_in_whatever_stage_and_the_command_line_shows_it_before(press, handoff, tmp_path):
    press.brings("interior")
    words = [sys.executable, "-W", "ignore", "-m", "colophon", "package", "build", press.isbn, "--for", "pressmark", "--out", str(tmp_path)]
    waits = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (waits.returncode, "part-missing" in waits.stdout) == (1, True), waits.stderr
    press.brings("jacket")
    shown = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    check_sums(tmp_path)
    built = (tmp_path / "manifest.json").read_bytes()
    assert press.has() == []
    assert handoff(title=press.isbn)["deliver"] == {"success"}
    assert (press.folder / "manifest.json").read_bytes() == built


@pytest.mark.long
def test_a_superseded_package_can_not_be_sent_again(press, handoff):
    press.brings("interior", revision=1)
    press.brings("jacket")
    press.stage(APPROVED)
    handoff()
    first = press.package()
    press.brings("interior", revision=2, seed=2)
    with pytest.raises(packages.Stopped, match="superseded"):
        sending.send_delivery("pressmark", first.delivery_id, Run("redeliver", "by hand"), again=True)
    with press.ledger.read() as session:
        assert session.get(PackageRow, first.id).state == "delivered"
        assert session.scalar(select(TitleFileRow.state).where(TitleFileRow.revision == "1")) == "superseded"
