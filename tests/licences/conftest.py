from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.getty_account import Account, account_on
from tests.licences.library import Library
from tests.licences.rights_desk import Desk, desk_of


@pytest.fixture(scope="module")
def running_account() -> Iterator[Account]:
    with account_on() as account:
        yield account


@pytest.fixture
def account(running_account: Account) -> Account:
    """On its first day, without faults."""
    running_account.call("reset", {})
    running_account.waits.seconds.clear()
    return running_account


@pytest.fixture
def desk(account: Account, ledger: Any, store: Any, tmp_path: Path) -> Desk:
    return desk_of(account, ledger, store, tmp_path)


@pytest.fixture
def library(ledger: Any, store: Any) -> Library:
    return Library(ledger, store)
