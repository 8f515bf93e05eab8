"""Season sheets that editorial drops, through Airflow: asked about, written, answered; and what comes again."""

from __future__ import annotations

import io
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select

from colophon.tasks.sending import send_delivery
from include.deliveries.build import Run
from include.ledger.file_rows import IntakeFileRow
from include.ledger.models import Base
from include.ledger.sales_rows import TitleImportLineRow, TitleImportRow, WorkbookRow
from tests.airflow_home import answered_by, run
from tests.flows.questions import reply, waiting

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
FLOW = "title_import__titles"


@dataclass
class Editorial:
    """The sender, the flow, and the person who is asked. `words`: what the person says, by a part of the question."""

    ledger: Any
    sandbox: Any
    bag: Any
    client: Any
    words: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def drop(self, **wanted: Any) -> dict[str, Any]:
        body = {"inbox": "titles", "kind": "sheet", "made": datetime.now(UTC).isoformat(), **wanted}
        told: dict[str, Any] = self.sandbox.call("drop", body)["files"][0]
        return told

    def run(self) -> dict[str, list[str]]:
        """States of the tasks, by task; the run must succeed."""
        ended = run(self.bag.dags[FLOW])
        found: dict[str, list[str]] = {}
        for ti in sorted(ended.get_task_instances(), key=lambda one: one.map_index):
            found.setdefault(ti.task_id, []).append(str(ti.state))
        assert str(ended.state) == "success", found
        return found

    def answer(self) -> None:
        for question in waiting(self.client):
            self.asked.append(question)
            word = next(word for name, word in self.words.items() if name in question["subject"])
            reply(self.client, question, word)

    def sheet(self, told: dict[str, Any]) -> TitleImportRow:
        with self.ledger.read() as session:
            return session.scalars(select(TitleImportRow).where(TitleImportRow.sha256 == told["sha256"])).one()

    def lines(self, told: dict[str, Any]) -> dict[int, TitleImportLineRow]:
        number = self.sheet(told).id
        with self.ledger.read() as session:
            return {line.row: line for line in session.scalars(select(TitleImportLineRow).filter_by(import_id=number))}

    def answers(self) -> dict[str, bytes]:
        folder = self.sandbox.home("titles") / "sheets" / "answers"
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    def everything(self) -> dict[str, Any]:
        with self.ledger.read() as session:
            rows = {table.name: session.scalar(select(func.count()).select_from(table)) for table in Base.metadata.sorted_tables}
        return {"rows": rows, "mutations": self.sandbox.call("stats")["mutations"], "answers": self.answers()}


@pytest.fixture(scope="module")
def editorial(running_sandbox, dag_bag, airflow_home, airflow_api, mirrored, tmp_path_factory) -> Iterator[Editorial]:
    from include.ledger.database import Ledger
    from tests.airflow_home import write_connections

    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("colophon")
        for name in ("COLOPHON_LEDGER", "COLOPHON_STORE"):
            patch.delenv(name, raising=False)
        patch.setenv("COLOPHON_HOME", str(home))
        shutil.copytree(ROOT / "config", home / "config")
        for path, before, after in (
            ("inboxes/titles", "settle_seconds = 5", "settle_seconds = 0"),
            ("mappings/season", "works = 300", "works = 3"),
        ):
            file = home / "config" / f"{path}.toml"
            assert before in file.read_text()
            file.write_text(file.read_text().replace(before, after))
        patch.setenv("COLOPHON_CONFIG", str(home / "config"))
        write_connections(airflow_home, running_sandbox.connections)
        running_sandbox.reset()
        shutil.copyfile(mirrored, home / "ledger.sqlite")
        ledger = Ledger()
        editorial = Editorial(ledger, running_sandbox, dag_bag, airflow_api("editor", "user"))
        with answered_by(editorial.answer):
            yield editorial
        ledger.dispose()
        write_connections(airflow_home, {})
        running_sandbox.reset()


@pytest.fixture(scope="module")
def first(editorial: Editorial) -> dict[str, Any]:
    """Two sheets that would change more than three titles each, of which the person approves one; one that changes two; and no sheet."""
    editorial.words = {"season sheet 1": "Approve", "declined": "Reject"}
    told = {
        "large": editorial.drop(rows=26, updates=5, new=2, bad=3),
        "small": editorial.drop(rows=14, updates=2, new=0, bad=0, skip=26, name="a small one.csv", format="csv", fields=["subtitle"]),
        "declined": editorial.drop(rows=26, updates=6, new=2, bad=0, skip=42, seed=3, name="declined.xlsx"),
        "broken": editorial.drop(name="holiday plans.csv", text="no,headings\n1,2\n"),
    }
    told["states"] = editorial.run()
    before = editorial.everything()
    editorial.run()
    told["second run"] = [before, editorial.everything()]
    return told


def test_what_a_person_approved_and_what_nobody_had_to_is_in_consonance(editorial, first):
    for name in ("large", "small"):
        lines = editorial.lines(first[name])
        assert {lines[update["row"]].state for update in first[name]["updates"]} == {"verified"}, [line.problems for line in lines.values()]
    assert {editorial.lines(first["large"])[bad["row"]].state for bad in first["large"]["bad"]} == {"bad"}
    assert editorial.sheet(first["large"]).state == "handed over"
    assert editorial.sheet(first["large"]).decided_by == "editor"
    assert editorial.sheet(first["small"]).state == "done"
    assert editorial.sandbox.call("stats")["mutations"]["updateWork"] == 5 + 2
    assert Counter(first["states"]["sheet.approve"]) == {"success": 2, "skipped": 1}
    assert "more than 3" in editorial.asked[0]["body"]


def test_new_titles_are_in_a_workbook_for_a_person(editorial, first):
    with editorial.ledger.read() as session:
        (book,) = session.scalars(select(WorkbookRow))
    assert (book.kind, book.rows, [one["isbn"] for one in book.expects]) == ("titles", 2, [one["isbn"] for one in first["large"]["new"]])


def test_the_sender_finds_the_marked_sheets_in_its_folder(editorial, first):
    found = editorial.answers()
    numbers = {name: editorial.sheet(first[name]).id for name in ("large", "small", "declined")}
    assert set(found) == {
        f"season sheet 1 (sheet {numbers['large']}).xlsx", f"a small one (sheet {numbers['small']}).xlsx",
        f"declined (sheet {numbers['declined']}).xlsx",
    }  # fmt: skip
    page = openpyxl.load_workbook(io.BytesIO(found[f"season sheet 1 (sheet {numbers['large']}).xlsx"])).active
    assert {page.cell(bad["row"], page.max_column - 1).value for bad in first["large"]["bad"]} == {"Not accepted"}
    assert "workbook" in page.cell(first["large"]["new"][0]["row"], page.max_column).value


def test_a_marked_sheet_that_got_lost_is_sent_again_as_it_was(editorial, first):
    sheet, before = editorial.sheet(first["small"]), editorial.answers()
    (name,) = [name for name in before if name.startswith("a small one")]
    (editorial.sandbox.home("titles") / "sheets" / "answers" / name).unlink()
    told = send_delivery("titles", sheet.delivery_id, Run("redeliver", "by hand"), again=True)
    assert (told["state"], editorial.answers()) == ("delivered", before)


def test_a_second_run_changes_nothing(first):
    before, after = first["second run"]
    assert before == after


def test_nothing_of_a_declined_sheet_is_written(editorial, first):
    assert editorial.sheet(first["declined"]).state == "declined"
    assert {line.state for line in editorial.lines(first["declined"]).values()} <= {"declined", "unchanged", "conflict"}


def test_what_is_no_sheet_is_set_aside_with_its_reason(editorial, first):
    with editorial.ledger.read() as session:
        row = session.scalars(select(IntakeFileRow).where(IntakeFileRow.sha256 == first["broken"]["sha256"])).one()
    assert (row.state, [reason["code"] for reason in row.reasons]) == ("quarantined", ["no-headings"])
