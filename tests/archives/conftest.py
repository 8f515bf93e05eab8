from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.archives.vault import Vault, serving, stock
from tests.transfer.conftest import _servers, partners

__all__ = ["_servers", "partners"]  # fixtures


@pytest.fixture
def vault(tmp_path: Path, ledger: Any, store: Any) -> Iterator[Vault]:
    """An empty archive behind SFTP; the mirror has its titles."""
    root = tmp_path / "archive"
    root.mkdir()
    stock(ledger)
    with serving(root) as (port, host_key):
        yield Vault(root, port, host_key, ledger, store)
