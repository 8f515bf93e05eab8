from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include.ledger.database import Ledger
from include.store import ArtefactStore
from include.store.signed import Signer
from tests.clients.cloudinary_library import Library, served
from tests.intake.test_ladder import SECRET, public
from tests.media.studio import Studio
from tests.schema import upgraded

__all__ = ["public"]


@pytest.fixture(scope="session")
def running_library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with served(tmp_path_factory.mktemp("cloudinary")) as library:
        yield library


@pytest.fixture
def studio(library_with_covers: Studio) -> Studio:
    """Without covers: tests bring small ones."""
    return library_with_covers.emptied()


@pytest.fixture
def library_with_covers(running_library: Library, public: Any, tmp_path: Path) -> Iterator[Studio]:
    """Everything on its first day, with the covers' titles in the mirror."""
    running_library.reset()
    address, serve = public
    serve(tmp_path / "store")
    ledger = Ledger(str(tmp_path / "ledger.sqlite"))
    upgraded(ledger)
    yield Studio(running_library, ledger, ArtefactStore(str(tmp_path / "store")), Signer(address, SECRET)).mirror()
    ledger.dispose()
    running_library.reset()
