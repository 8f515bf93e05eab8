from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.royalties.department import Department

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def department(ledger, store, tmp_path, monkeypatch) -> Department:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.setenv("COLOPHON_CONFIG", str(tmp_path / "config"))
    return Department(ledger, store, tmp_path / "config")
