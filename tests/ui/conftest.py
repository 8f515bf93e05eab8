# ruff: noqa: E501 - rows read best as rows
"""Pages with a small ledger behind them: two partners, four deliveries, five titles."""

from __future__ import annotations

import io
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from include.ledger import deliveries
from include.ledger.answers import RecordAnswer, answer
from include.ledger.models import DeliveryRecordRow, DeliveryState, FeedRecordRow, ProductRow, WorkRow

ISBNS = {1: "9781915000019", 2: "9781915000026", 3: "9781915000033", 4: "9781915000040", 5: "9781915000057"}
HOSTILE = "<script>alert('x')</script> & \"co\""


def fill(ledger: Any, store: Any) -> SimpleNamespace:
    """Fills a ledger; gives the deliveries' ids by name."""
    now = datetime.now(UTC).replace(microsecond=0)
    ids = SimpleNamespace()
    with ledger.session() as session:
        session.add(
            WorkRow(id=1, title="Work", imprint="Ember & Oak", stage="Published", digest="", content=b"{}", first_seen=now, changed_at=now)
        )
        for number, isbn in ISBNS.items():
            title = HOSTILE if number == 5 else f"The Borrowed Harbour {number}"
            session.add(
                ProductRow(
                    id=number, work_id=1, isbn=isbn, title=title, form="BC", digest="", content=b"{}", first_seen=now, changed_at=now
                )
            )
        session.flush()

        def prepare(partner: str, key: str, products: tuple[int, ...], ago: timedelta, **more: Any) -> Any:
            bodies = [f"<Product><RecordReference>x.{n}</RecordReference><!-- {partner} --></Product>\n".encode() for n in products]
            message = store.put(io.BytesIO(b"".join(bodies)))
            row = deliveries.prepare(
                session, partner=partner, flow="metadata_feed", business_key=key, digest=key, now=now - ago, kind="delta",
                format="ONIX 3.0 reference", records=len(products), held=1, due_at=now - ago + timedelta(hours=4),
                files=[deliveries.NewFile(f"LQ_{key.replace(':', '_')}.xml", "/inbox", message.bytes, message.sha256)], **more,
            )  # fmt: skip
            offset = 0
            for number, body in zip(products, bodies, strict=True):
                session.add(
                    DeliveryRecordRow(
                        delivery_id=row.id, product_id=number, isbn=ISBNS[number], record_reference=f"x.{number}", notification="03", digest=f"d{number}",
                        source_digest="s", artefact=message.sha256, offset=offset, length=len(body),
                    )
                )  # fmt: skip
                offset += len(body)
            session.flush()
            return row

        def send(row: Any) -> int:
            deliveries.start(
                session, row, now=row.created_at, who="airflow", dag_id="metadata_feed__x", run_id="scheduled__2026-11-20T01:30:00+00:00"
            )
            for file in row.files:
                deliveries.file_delivered(
                    session,
                    file,
                    now=row.created_at,
                    remote_path=f"/inbox/{file.name}",
                    verified="hash",
                    host_key="SHA256:abc",
                    seconds=0.4,
                )
            deliveries.mark_delivered(session, row, row.created_at, seconds=1.2)
            return int(row.id)

        ids.answered = send(prepare("northgate", "after:0", (1, 2, 5), timedelta(days=2), message_number=1))
        answer(
            session, partner="northgate", kind="onix", name="ack<1>.xml", status="partly", now=now - timedelta(days=1), sha256="e" * 64,
            delivery_id=ids.answered, records=[RecordAnswer("rejected", "x.2", text=HOSTILE)],
        )  # fmt: skip
        ids.delivered = send(prepare("dropwell", "after:0", (1,), timedelta(hours=3), message_number=1))
        failed = prepare("northgate", "after:1", (1,), timedelta(hours=9), message_number=2)
        deliveries.start(session, failed, now=failed.created_at)
        deliveries.file_failed(session, failed.files[0], now=failed.created_at, reason="the partner's disk is full")
        deliveries.mark_failed(
            session, failed, now=failed.created_at, reasons=[{"code": "PermanentError", "message": "disk full", "todo": "Ask them."}]
        )
        ids.failed = failed.id
        waiting = prepare(
            "northgate", "after:2", (1,), timedelta(hours=1), message_number=3, state=DeliveryState.AWAITING_APPROVAL,
            reasons=[{"code": "limit", "message": "9999 records in a delta; the limit is 2000"}],
        )  # fmt: skip
        ids.waiting = waiting.id
        for number, state in ((3, "held"), (4, "not selected")):
            reasons = [{"code": "price-missing", "message": f"no price {HOSTILE}", "todo": "Add it.", "path": ""}]
            session.add(
                FeedRecordRow(partner="northgate", product_id=number, isbn=ISBNS[number], state=state, looked_at=now, reasons=reasons)
            )
    return ids


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Two homes to copy from: one with an empty ledger, one filled; and the filled one's ids."""
    from include.ledger.database import Ledger
    from include.store import ArtefactStore

    made = SimpleNamespace(empty=tmp_path_factory.mktemp("empty"), filled=tmp_path_factory.mktemp("filled"))
    for home in (made.empty, made.filled):
        ledger = Ledger(str(home / "ledger.sqlite"))
        ledger.upgrade()
        if home == made.filled:
            made.ids = fill(ledger, ArtefactStore(str(home / "store")))
        ledger.dispose()
        raw = sqlite3.connect(home / "ledger.sqlite")  # one file, without its log, can be copied
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        raw.close()
    return made


@pytest.fixture
def ledger(colophon_home: Path, templates: SimpleNamespace) -> Iterator[Any]:
    """An empty ledger, or the filled one once `seeded` is asked for."""
    from include.ledger.database import Ledger

    if not (colophon_home / "ledger.sqlite").exists():
        shutil.copytree(templates.empty, colophon_home, dirs_exist_ok=True)
    ledger = Ledger()
    yield ledger
    ledger.dispose()


@pytest.fixture
def seeded(colophon_home: Path, templates: SimpleNamespace) -> SimpleNamespace:
    """Fills this test's ledger and store; gives the deliveries' ids by name."""
    for name in ("ledger.sqlite-wal", "ledger.sqlite-shm"):
        (colophon_home / name).unlink(missing_ok=True)
    shutil.copytree(templates.filled, colophon_home, dirs_exist_ok=True)
    return templates.ids  # type: ignore[no-any-return]


@pytest.fixture
def client_as(airflow_home: Path, colophon_home: Path, ledger: Any) -> Iterator[Callable[[str | None], Any]]:
    """A test client of the pages, mounted as Airflow does it, logged in with this role (or not at all)."""
    from airflow.api_fastapi.app import init_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from colophon_plugin import PREFIX, Pages

    manager = init_auth_manager()
    root = FastAPI()
    root.mount(PREFIX, Pages())
    clients: list[TestClient] = []

    def client(role: str | None = "admin") -> TestClient:
        made = TestClient(root, base_url="http://airflow.example", raise_server_exceptions=False)
        if role:
            made.cookies.set("_token", manager.generate_jwt(SimpleAuthManagerUser(username="ada", role=role)))
        clients.append(made)
        return made

    yield client
    for made in clients:
        made.close()


@pytest.fixture
def client(client_as: Callable[[str | None], Any], seeded: SimpleNamespace) -> Any:
    return client_as("admin")
