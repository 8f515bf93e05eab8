"""Three vendors get their own formats and nothing else, read back from their folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from include.ledger.file_rows import PackageRow
from include.ledger.models import ProductRow, WorkRow
from tests.flows.test_handoff import Press, check_sums

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]

VENDORS = ("leafcast", "clearpage", "soundleaf")


@pytest.fixture
def titles(catalogue: None, sandbox: Any, ledger: Any, store: Any) -> dict[str, Press]:
    """An e-book and a recording of published works, with their files approved; and everything else that such works have."""
    found = {}
    with ledger.read() as session:
        for name, form in (("ebook", "ED"), ("audio", "AJ")):
            query = select(ProductRow, WorkRow).join(WorkRow, WorkRow.id == ProductRow.work_id).order_by(ProductRow.id)
            query = query.where(ProductRow.form == form, ProductRow.isbn.startswith("978"), WorkRow.stage == "Published")
            product, work = session.execute(query.limit(1)).one()
            found[name] = Press(ledger, store, sandbox, product.id, work.id, product.isbn)
    found["ebook"].brings("ebook")
    found["ebook"].brings("manuscript")
    found["audio"].brings_all("audiobook", chapters=2)
    return found


def there(sandbox: Any, vendor: str) -> dict[str, Path]:
    """What lies at the vendor, by name."""
    return {path.name: path for path in sandbox.home(vendor).rglob("*") if path.is_file()}


def test_each_vendor_gets_its_own_formats_and_nothing_else_and_only_once(titles, run_flow, sandbox, ledger, dag_bag, monkeypatch):
    ebook, audio = titles["ebook"].isbn, titles["audio"].isbn
    for vendor in VENDORS:
        for task in dag_bag.dags[f"format_delivery__{vendor}"].tasks:
            monkeypatch.setattr(task, "retries", 0)
        assert run_flow(f"format_delivery__{vendor}").state == "success"
    with ledger.read() as session:
        said = [(row.partner, row.state, row.reasons, row.findings) for row in session.scalars(select(PackageRow))]
    assert {state for _, state, *_ in said} == {"delivered"}, said
    assert set(there(sandbox, "leafcast")) == {f"{ebook}.{name}" for name in ("epub", "preflight.json", "SHA256SUMS", "manifest.json")}
    assert set(there(sandbox, "clearpage")) == {f"{ebook}.epub", "preflight.json", "SHA256SUMS", "manifest.json"}
    tracks = {f"{audio}_{number:02d}.mp3" for number in (1, 2, 3, 4)}
    assert set(there(sandbox, "soundleaf")) == {*tracks, f"{audio}_sample.mp3", "preflight.json", "SHA256SUMS", "manifest.json"}
    check_sums(sandbox.home("leafcast") / "epub", f"{ebook}.SHA256SUMS")
    check_sums(sandbox.home("clearpage") / "in" / ebook)
    check_sums(sandbox.home("soundleaf") / "masters" / audio)
    manifest = json.loads(there(sandbox, "soundleaf")["manifest.json"].read_text())
    assert [file["role"] for file in manifest["files"]] == [*["track"] * 4, "sample", "preflight"]
    before = {vendor: {str(path): path.stat().st_mtime_ns for path in there(sandbox, vendor).values()} for vendor in VENDORS}
    for vendor in VENDORS:
        ended = run_flow(f"format_delivery__{vendor}")
        assert {str(ti.state) for ti in ended.get_task_instances() if ti.task_id != "due"} == {"skipped"}
    assert {vendor: {str(path): path.stat().st_mtime_ns for path in there(sandbox, vendor).values()} for vendor in VENDORS} == before
