"""Publishing → Licences → Invoice terms: a sheet comes from the page and goes back marked, as `colophon licences terms` does it."""

from __future__ import annotations

import base64
import binascii
import io
import tempfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from colophon.ui import roles, runs, shell
from colophon.ui.files import attachment, saved
from colophon.ui.shell import Reading, Typed, User
from include.errors import PermanentError, RejectedData
from include.intake import handing
from include.ledger.licence_rows import LicenceSheetRow
from include.licences import invoices, open_sheet
from include.licences.invoice_cells import load_terms_sheet
from include.partners.inboxes import Limits
from include.partners.registry import load_campaigns

ROLE = "rights"
LARGEST = 8_000_000  # bytes: a hundred thousand rows
LIMITS = Limits(file_bytes=LARGEST, unpacked_bytes=40 * LARGEST)
router = APIRouter()


class Sheet(BaseModel):
    """A file as the page sends it: its bytes in base64."""

    model_config = ConfigDict(extra="forbid")
    name: Typed = Field(min_length=1, max_length=255)
    content: str = Field(max_length=LARGEST * 4 // 3 + 4)


@router.post("/licences/sheets", dependencies=[Depends(runs.from_our_page)])
def load(user: User, sheet: Sheet) -> dict[str, Any]:
    """Good rows count at once; the marked sheet says of every row what became of it."""
    roles.must(user, ROLE)
    name = PurePosixPath(sheet.name.replace("\\", "/")).name or "sheet"
    try:
        content = base64.b64decode(sheet.content, validate=True)
    except (binascii.Error, ValueError) as bad:
        raise RejectedData("the file did not come whole", where=name, todo="Choose it again.") from bad
    with tempfile.TemporaryDirectory(prefix="colophon-terms-") as folder:
        path = Path(folder) / "sheet"
        path.write_bytes(content)
        handing.examine(path, name, LIMITS)
        done = invoices.load(
            shell.ledger(), shell.store(), path, name, mapping=load_terms_sheet(), campaigns=[one.id for one in load_campaigns()],
            now=datetime.now(UTC), who=user.get_name(),
        )  # fmt: skip
    refused = f"{done.bad:,} refused: the marked sheet says why" if done.bad else "none refused"
    rows = "One row" if done.rows == 1 else f"{done.rows:,} rows"
    return {"said": f"{rows}: {done.applied:,} applied, {done.unchanged:,} without anything new, {refused}."}


@router.get("/licences/sheets/open")
def to_fill_in(user: User) -> Response:
    """A sheet with a row for each licence that lacks terms."""
    roles.must(user, ROLE)
    out = io.BytesIO()
    open_sheet.write(shell.ledger(), load_terms_sheet(), out)
    headers = {"Content-Disposition": attachment(f"licences to fill in {datetime.now(UTC):%Y-%m-%d}.xlsx")}
    return Response(out.getvalue(), media_type="application/octet-stream", headers=headers)


@router.get("/licences/sheets/{sheet_id}/answer")
def answer(session: Reading, user: User, sheet_id: int) -> Response:
    """The sheet of invoice terms as it was given back, row by row."""
    roles.must(user, ROLE)
    sheet = session.get(LicenceSheetRow, sheet_id) if 0 < sheet_id < 2**63 else None
    if sheet is None or not sheet.answer:
        raise PermanentError(f"there is no sheet {sheet_id} to fetch", todo="Look at the list of sheets.")
    return saved(f"{PurePosixPath(sheet.name).stem} (answer).xlsx", sheet.answer)
