"""Files of rows: safe and stored by the inbox, then each read once by the flow that they are for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.files.model import Refused
from include.intake import handing
from include.intake.match import TitleIndex
from include.intake.receive import Arrival, receive
from include.intake.source import Source
from include.ledger.database import Ledger
from include.ledger.file_rows import IntakeFileRow, IntakeState
from include.partners.inboxes import Limits
from include.store import ArtefactStore

NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
REPORT = "isbn\ttitle\tunits\r\n9780306406157\tCafé\t3\r\n"
SALES = Source(id="sales", label="inbox:sales", rows=True)


def arrive(ledger: Ledger, store: ArtefactStore, path: str, content: bytes, mark: str = "") -> int:
    from io import BytesIO

    kept = store.put(BytesIO(content))
    with ledger.read() as session:
        index = TitleIndex(session)
    (outcome,) = receive(ledger, store, SALES, index, [Arrival(path, kept.sha256, kept.bytes, mark=mark)], now=NOW)
    return outcome.id


def state(ledger: Ledger, id: int) -> IntakeFileRow:
    with ledger.read() as session:
        row = session.get(IntakeFileRow, id)
    assert row is not None
    return row


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_text_behind_xls_is_taken_for_what_it_is(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "sales_compUK.xls"
    path.write_bytes(REPORT.encode(encoding))
    assert handing.examine(path, path.name, Limits()).family == "text"


@pytest.mark.parametrize("content", [b"MZ\x90\x00" + bytes(200), b"%PDF-1.4 no report", b""])
def test_what_is_no_table_is_refused_whatever_its_name_says(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sales.xls"
    path.write_bytes(content)
    with pytest.raises(Refused):
        handing.examine(path, path.name, Limits())


def test_a_file_of_rows_waits_for_its_flow_and_is_read_once(ledger: Ledger, store: ArtefactStore) -> None:
    id = arrive(ledger, store, "apple/2026-09.csv", REPORT.encode())
    with ledger.read() as session:
        assert [row.id for row in handing.taken(session, "sales")] == [id]
    handing.read(ledger, id, kind="report", about={"sales batch": 7}, now=NOW)
    handing.set_aside(ledger, id, [{"code": "late", "message": "a slower worker"}], now=NOW)
    row = state(ledger, id)
    assert (row.state, row.clues["became"], row.reasons) == (IntakeState.READ, {"sales batch": 7}, [])
    with ledger.read() as session:
        assert handing.taken(session, "sales") == []


def test_the_same_file_again_is_for_the_flow_to_tell(ledger: Ledger, store: ArtefactStore) -> None:
    first = arrive(ledger, store, "apple/2026-09.csv", REPORT.encode(), "monday")
    handing.read(ledger, first, kind="report", about={"sales batch": 7}, now=NOW)
    second = arrive(ledger, store, "apple/2026-09.csv", REPORT.encode(), "tuesday")
    assert state(ledger, second).state == IntakeState.TAKEN
    handing.duplicate(ledger, second, kind="report", about={"sales batch": 7}, now=NOW)
    assert state(ledger, second).state == IntakeState.DUPLICATE


def test_a_program_named_csv_never_reaches_the_flow(ledger: Ledger, store: ArtefactStore) -> None:
    id = arrive(ledger, store, "apple/sales.csv", b"MZ\x90\x00" + bytes(300))
    assert state(ledger, id).state == IntakeState.QUARANTINED
    with ledger.read() as session:
        assert handing.taken(session, "sales") == []
