"""The demo's second act: files come in for one book, people approve them, and the book goes to press."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import select

from demo.children import DemoError
from demo.outcome import ARRIVED, File, lies_at
from include.ledger.database import Ledger
from include.ledger.file_rows import Approval, IntakeFileRow, PackageRow, TitleFileRow
from include.ledger.models import DeliveryRow, ProductRow, WorkRow

PRINTER = "pressmark"
HANDOFF = f"print_handoff__{PRINTER}"
INTAKES = ("partner_intake__typesetter", "partner_intake__authors", "rights_documents__rights")
STAGE = "Production approved"
TIMEOUT = 30


@dataclass(frozen=True)
class Arrival:
    """One file that came in: its inbox, name, what became of it and why."""

    inbox: str
    name: str
    state: str
    kind: str
    why: str


@dataclass
class Book:
    """The book that goes to press. `arrivals` and `files` are read back once all is done; `problem` says what is wrong."""

    work_id: int
    product_id: int
    isbn: str
    title: str
    arrivals: list[Arrival] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    delivery: int | None = None
    revision: int = 0
    problem: str = ""


class Sandbox:
    """The control API of the make-believe publisher. Raises `requests.RequestException`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def call(self, what: str, body: dict[str, Any]) -> Any:
        answer = self._session.post(f"{self._url}/sandbox/{what}", json=body, timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()


def choose(ledger: Ledger) -> Book | None:
    """The first hardback that is being edited; after an earlier demo the one that went to press then. None in a catalogue without."""
    with ledger.read() as session:
        query = select(ProductRow, WorkRow).join(WorkRow, WorkRow.id == ProductRow.work_id).order_by(ProductRow.id).limit(1)
        hardback = query.where(ProductRow.form == "BB", ProductRow.isbn.startswith("978"), ProductRow.deleted_at.is_(None))
        went = select(PackageRow.product_id).where(PackageRow.partner == PRINTER)
        found = session.execute(hardback.where(ProductRow.id.in_(went))).first() or session.execute(
            hardback.where(WorkRow.stage == "Editorial")
        ).first()  # fmt: skip
        return Book(found[1].id, found[0].id, found[0].isbn, found[1].title) if found else None


def drop(sandbox: Sandbox, book: Book) -> None:
    """What typesetter, author and agent bring on this day; some of it is not what it seems."""
    for kind in ("interior", "jacket"):
        sandbox.call("drop", {"inbox": "typesetter", "kind": kind, "product_id": book.product_id, "revision": 1})
    package = [{"kind": "manuscript"}, {"kind": "questionnaire"}, {"kind": "artwork", "format": "tif"}]
    author = {"inbox": "authors", "work_id": book.work_id, "product_id": book.product_id}
    sandbox.call("drop", author | {"as_zip": package})
    sandbox.call("drop", author | {"as_zip": package[:1], "evil": "bomb", "name": "photos.zip"})
    program = b64encode(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00" + bytes(108)).decode()
    sandbox.call("drop", author | {"name": "final manuscript.pdf", "content": program})
    sandbox.call("drop", author | {"kind": "questionnaire", "naming": "title"})
    sandbox.call("drop", {"inbox": "rights", "kind": "contract", "work_id": book.work_id})


def approve(ledger: Ledger, book: Book, post: Callable[[str, dict[str, Any]], Any]) -> int:
    """Says yes to what waits for production's word, as the button on the title's page does; gives the number of files."""
    with ledger.read() as session:
        query = select(TitleFileRow.id).where(
            TitleFileRow.work_id == book.work_id, TitleFileRow.approval == Approval.PENDING, TitleFileRow.state == "attached"
        )
        waiting = list(session.scalars(query))
    for file_id in waiting:
        post(f"colophon/title-files/{file_id}/review", {"role": "production", "verdict": "approved"})
    return len(waiting)


def wait_for_press(ledger: Ledger, book: Book, alive: Callable[[], None], seconds: float = 240) -> None:
    """Until the package has arrived at the printer: nobody starts that flow, the stage does. DemoError after `seconds`."""
    until = time.monotonic() + seconds
    while True:
        with ledger.read() as session:
            row = session.scalars(_packages(book)).first()
            delivery = session.get(DeliveryRow, row.delivery_id) if row and row.delivery_id else None
            state = str(delivery.state) if delivery else (row.state if row else "not begun")
            why = "; ".join(str(reason.get("message", "")) for reason in row.reasons) if row else ""
        if delivery is not None and state in ARRIVED:
            return
        alive()
        if time.monotonic() > until:
            raise DemoError(f"{book.title} is not at the printer after {seconds:.0f} s: {state} {why}".rstrip())
        time.sleep(1)


def read_back(ledger: Ledger, book: Book, sandbox: Path) -> None:
    """Fills in what came in, and what lies at the printer."""
    with ledger.read() as session:
        inboxes = [dag_id.partition("__")[2] for dag_id in INTAKES]
        rows = session.scalars(select(IntakeFileRow).where(IntakeFileRow.inbox.in_(inboxes)).order_by(IntakeFileRow.id))
        book.arrivals = [
            Arrival(row.inbox, row.name, row.state, row.kind, "; ".join(str(reason.get("message", "")) for reason in row.reasons))
            for row in rows
        ]
        package = session.scalars(_packages(book)).first()
        delivery = session.get(DeliveryRow, package.delivery_id) if package and package.delivery_id else None
        if package is None or delivery is None:
            book.problem = "no package was made"
            return
        home = sandbox / "partners" / PRINTER
        book.delivery, book.revision = delivery.id, package.revision
        book.files = [
            File(file.name, file.remote_path, file.role, file.bytes, file.sha256, lies_at(home, file.remote_path, file.sha256))
            for file in delivery.files
        ]
    lost = [file.name for file in book.files if not file.found]
    if lost:
        book.problem = f"{len(lost)} files are not in the printer's folder as they were sent, {lost[0]} for one"


def _packages(book: Book) -> Any:
    return (
        select(PackageRow)
        .where(PackageRow.partner == PRINTER, PackageRow.product_id == book.product_id)
        .order_by(PackageRow.id.desc())
        .limit(1)
    )
