"""`archive_backup__strongroom` and `colophon restore` in Airflow: everything goes, comes back from the archive alone, and goes once."""

from __future__ import annotations

import hashlib
import json

import pytest
from sqlalchemy import select

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]


def test_a_backup_of_the_catalogue_comes_back_into_an_empty_folder(run_flow, sandbox, ledger, catalogue, store, tmp_path):
    from colophon.cli import main
    from include.ledger import dumping, title_files
    from include.ledger.database import Ledger
    from include.ledger.file_rows import BackupRow
    from include.ledger.models import ProductRow, WorkRow
    from sandbox.catalogue import Catalogue
    from sandbox.files.make import make, order_of
    from tests.conftest import TITLES

    catalogue = Catalogue(1, TITLES)
    with ledger.session() as session:
        now = session.scalars(select(WorkRow.changed_at).limit(1)).one()
        products = list(session.scalars(select(ProductRow).where(ProductRow.form == "BC").limit(3)))
        for product in products:
            for kind, restricted in (("manuscript", ""), ("jacket", ""), ("contract", "rights")):
                made = make(order_of(catalogue, {"kind": kind, "product_id": product.id, "pages": 1}), tmp_path / "made")
                artefact = store.put(made.path)
                new = title_files.NewTitleFile(
                    product.work_id, kind, made.path.name, artefact.bytes, artefact.sha256, product_id=product.id, restricted=restricted
                )
                title_files.attach(session, new, now=now)
    assert run_flow("archive_backup__strongroom").state == "success"
    home = sandbox.home("strongroom") / "backup"
    seen = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}
    objects = [path for path in seen if path.parent.parent.name == "objects"]
    assert all(path.name == hashlib.sha256(path.read_bytes()).hexdigest() for path in objects)
    assert run_flow("archive_backup__strongroom").state == "success"
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()} == seen
    with ledger.read() as session:
        (row,) = session.scalars(select(BackupRow)).all()
        assert (row.problems, row.objects) == ([], len(objects))
        wanted = {name: [(one.key, one.sha256) for one in dumping.records(session, name)] for name in dumping.TABLES}

    back = tmp_path / "back"
    day = row.made_at.isoformat()
    assert main(["restore", day, "--to", str(back)]) == 0
    restored = Ledger(f"sqlite:///{back / 'ledger.sqlite'}")
    with restored.read() as session:
        assert {name: [(one.key, one.sha256) for one in dumping.records(session, name)] for name in dumping.TABLES} == wanted
    restored.dispose()
    files = [path for path in (back / "files").rglob("*") if path.is_file()]
    assert len(files) == 6
    hashes = {entry["sha256"] for entry in json.loads((back / "manifest.json").read_bytes())["files"]}
    assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in files} == hashes
    report = json.loads((back / "report.json").read_bytes())
    assert [entry["why"] for entry in report["left_out"]] == ["restricted"] * 3

    victim = next(path for path in objects if path.stat().st_size > 20_000)
    victim.write_bytes(victim.read_bytes()[:-1] + b"~")
    assert main(["restore", day, "--to", str(tmp_path / "damaged")]) == 1
