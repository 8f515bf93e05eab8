"""Reads `config/`: TOML in, checked models out, errors with file, key and what to do."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from include.errors import ConfigurationError
from include.partners.inboxes import Archive, Inbox, People
from include.partners.licensing import Agreement, Campaign, Campaigns
from include.partners.model import House, Partner, Party
from include.partners.printers import Printer
from include.partners.sources import SalesSource
from include.partners.tables import FileTable, Table
from include.partners.vendors import Vendor

M = TypeVar("M", bound=Table)
N = TypeVar("N", bound=FileTable)


def config_root() -> Path:
    """`COLOPHON_CONFIG`, or the `config/` folder beside `include/`."""
    return Path(os.environ.get("COLOPHON_CONFIG") or Path(__file__).resolve().parents[2] / "config")


def load_house(root: Path | None = None) -> House:
    return read_table((root or config_root()) / "house.toml", House)


def load_partner(partner_id: str, root: Path | None = None) -> Partner:
    """One partner with a feed. Raises `ConfigurationError` that names the known ones if there is no such file."""
    party = load_party(partner_id, root)
    if not isinstance(party, Partner):
        raise ConfigurationError(f"{partner_id!r} gets no metadata feed", where="config/partners", todo="Add a [feed] table to its file.")
    return party


def load_party(party_id: str, root: Path | None = None) -> Party:
    """One party: a `Partner` where its file has a `[feed]`. Raises `ConfigurationError` as `load_partner`."""
    path = (root or config_root()) / "partners" / f"{party_id}.toml"
    return read_named("partners", party_id, Partner if path.is_file() and "feed" in _toml(path) else Party, "partner", root)


def load_partners(root: Path | None = None) -> list[Partner]:
    """All enabled partners with a feed, by id."""
    return [party for party in load_parties(root) if isinstance(party, Partner)]


def load_parties(root: Path | None = None) -> list[Party]:
    """Everybody enabled who gets something from us, by id."""
    return [party for stem in stems("partners", root) if (party := load_party(stem, root)).enabled]


def load_inbox(inbox_id: str, root: Path | None = None) -> Inbox:
    """One inbox. Raises `ConfigurationError` that names the known ones if there is no such file."""
    return read_named("inboxes", inbox_id, Inbox, "inbox", root)


def load_inboxes(root: Path | None = None, *, flow: str = "") -> list[Inbox]:
    """All enabled inboxes, by id; those of one flow, where one is named."""
    found = (load_inbox(stem, root) for stem in stems("inboxes", root))
    return [inbox for inbox in found if inbox.enabled and (not flow or inbox.flow == flow)]


def load_recipient(flow: str, id: str, root: Path | None = None) -> Party:
    """Who gets a delivery of this flow: a party; of `title_import`, whose sheets go back, the sender of the inbox. Raises as these do."""
    if flow != "title_import":
        return load_party(id, root)
    inbox = load_inbox(id, root)
    return Party(id=inbox.id, name=inbox.sender or inbox.name, transport=inbox.transport, notify=inbox.notify)


def load_archive(archive_id: str, root: Path | None = None) -> Archive:
    """One archive. Raises `ConfigurationError` that names the known ones if there is no such file."""
    return read_named("archives", archive_id, Archive, "archive", root)


def load_archives(root: Path | None = None) -> list[Archive]:
    """All enabled archives, by id."""
    return [archive for stem in stems("archives", root) if (archive := load_archive(stem, root)).enabled]


def load_printer(profile: str, root: Path | None = None) -> Printer:
    """A printer's profile. Raises `ConfigurationError` that names the known ones if there is no such file."""
    return read_named("printers", profile, Printer, "printer's profile", root)


def load_vendor(profile: str, root: Path | None = None) -> Vendor:
    """A vendor's profile. Raises `ConfigurationError` that names the known ones if there is no such file."""
    return read_named("vendors", profile, Vendor, "vendor's profile", root)


def load_source(source_id: str, root: Path | None = None) -> SalesSource:
    """One source of sales. Raises `ConfigurationError` that names the known ones if there is no such file."""
    return read_named("sources", source_id, SalesSource, "source of sales", root)


def load_sources(root: Path | None = None) -> list[SalesSource]:
    """All enabled sources of sales, by id."""
    return [source for stem in stems("sources", root) if (source := load_source(stem, root)).enabled]


def load_agreements(root: Path | None = None) -> list[Agreement]:
    """All enabled agreements with image agencies, by id."""
    found = (read_named("agreements", stem, Agreement, "agreement", root) for stem in stems("agreements", root))
    return [one for one in found if one.enabled]


def load_campaigns(root: Path | None = None) -> tuple[Campaign, ...]:
    """Campaigns that use images; none where there is no `campaigns.toml`."""
    path = (root or config_root()) / "campaigns.toml"
    return read_table(path, Campaigns).campaigns if path.exists() else ()


def load_people(root: Path | None = None) -> People:
    """Roles and who has them; nobody has any where there is no `people.toml`."""
    path = (root or config_root()) / "people.toml"
    return read_table(path, People) if path.exists() else People()


def stems(kind: str, root: Path | None = None) -> list[str]:
    """Ids of all files of `config/<kind>`, in order."""
    return [path.stem for path in sorted(((root or config_root()) / kind).glob("*.toml"))]


def read_named(kind: str, id: str, model: type[N], what: str, root: Path | None = None) -> N:
    """`config/<kind>/<id>.toml` as this model. Raises `ConfigurationError`: no such file (the known ones are named; `what` is what it would
    be), another id in it than its name, or what `read_table` finds."""
    path = (root or config_root()) / kind / f"{id}.toml"
    if not path.is_file():
        known = ", ".join(stems(kind, root)) or "none"
        raise ConfigurationError(f"there is no {what} {id!r}", where=str(path.parent), todo=f"Known: {known}.")
    one = read_table(path, model)
    if one.id != id:
        raise ConfigurationError(f"id is {one.id!r}", where=str(path), todo="Make the id equal the file's name.")
    return one


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as missing:
        raise ConfigurationError("the file is missing", where=str(path), todo="Copy one from the repository's config/.") from missing
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as bad:
        raise ConfigurationError(
            f"not valid TOML: {bad}", where=str(path), todo="Mend the line and run `colophon partners check`."
        ) from bad


def read_table(path: Path, model: type[M]) -> M:
    """One TOML file as this model. Raises `ConfigurationError` with file, key and what to do."""
    try:
        return model.model_validate(_toml(path))
    except ValidationError as bad:
        lines = "; ".join(
            f"{'.'.join(str(part) for part in e['loc']) or 'file'}: {e['msg']}" for e in bad.errors(include_url=False, include_input=False)
        )
        raise ConfigurationError(lines, where=str(path), todo="See docs/configuration.md, then run `colophon partners check`.") from bad
