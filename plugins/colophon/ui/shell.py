"""What all pages share: templates, the ledger, the partners, the user."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BeforeValidator
from sqlalchemy.orm import Session

from colophon.ui import words
from include.errors import ColophonError
from include.ledger.database import Ledger
from include.partners import Partner, Party, load_party
from include.partners.registry import config_root
from include.store import ArtefactStore

HERE = Path(__file__).resolve().parent
STATIC = HERE / "static"

User = Annotated[BaseUser, Depends(get_user)]


def _writable(text: str) -> str:
    """Without what no database keeps: zero bytes, halves of characters, other control characters than line ends."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(character for character in whole if character in "\n\t" or unicodedata.category(character) != "Cc").strip()


def printable(text: object, most: int = 200) -> str:
    """What came in an address, without what can't be shown."""
    return "".join(character for character in str(text).strip()[:most] if character.isprintable())


Typed = Annotated[str, BeforeValidator(lambda value: _writable(value) if isinstance(value, str) else value)]
"""Words that a person has typed into a form."""


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters.update(words.FILTERS)
    templates.globals["code"] = words.code
    templates.globals["version"] = sha256(b"".join(path.read_bytes() for path in sorted(STATIC.iterdir()))).hexdigest()[:10]
    return templates


def render(request: Request, template: str, status_code: int = 200, **values: Any) -> HTMLResponse:
    """A page. `base` is where our pages stand, `airflow` where Airflow does: both may lie under a prefix."""
    base = str(request.scope.get("root_path", "")).rstrip("/")
    airflow = base.removesuffix("/colophon")
    now = values.pop("now", None) or datetime.now(UTC)
    page = _templates().get_template(template).render(base=base, airflow=airflow, now=now, request=request, **values)
    return HTMLResponse(page, status_code)


def wants_json(request: Request) -> bool:
    return request.method == "POST" or "application/json" in request.headers.get("accept", "")


@lru_cache(maxsize=4)
def _ledger_at(url: str | None) -> Ledger:
    return Ledger(url)


def ledger() -> Ledger:
    """The ledger of Airflow's connection, opened once per address."""
    from colophon.hooks.ledger import LedgerHook
    from include.ledger.database import default_url

    return _ledger_at(LedgerHook().url() or default_url())


def reading() -> Iterator[Session]:
    """A session for one page."""
    with ledger().read() as session:
        yield session


Reading = Annotated[Session, Depends(reading)]


def store() -> ArtefactStore:
    return ArtefactStore()


def partners() -> tuple[list[Partner], list[str]]:
    """All who get a feed, switched off ones too, and what is wrong with the files that can't be read."""
    good, bad = parties()
    return [party for party in good if isinstance(party, Partner)], bad


def parties() -> tuple[list[Party], list[str]]:
    """All who get something from us, as `partners`."""
    good, bad = [], []
    folder = config_root() / "partners"
    for path in sorted(folder.glob("*.toml")):
        try:
            good.append(_partner_at(path.stem, str(folder), path.stat().st_mtime_ns))
        except (ColophonError, OSError) as wrong:
            bad.append(str(wrong))
    return good, bad


@lru_cache(maxsize=256)
def _partner_at(partner_id: str, folder: str, changed: int) -> Party:
    return load_party(partner_id, Path(folder).parent)


def party_or_none(partner_id: str) -> Party | None:
    return next((partner for partner in parties()[0] if partner.id == partner_id), None)
