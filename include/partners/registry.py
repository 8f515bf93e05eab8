"""Reads `config/`: TOML in, checked models out, errors with file, key and what to do."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from include.errors import ConfigurationError
from include.partners.model import House, Partner, Table

M = TypeVar("M", bound=Table)


def config_root() -> Path:
    """`COLOPHON_CONFIG`, or the `config/` folder beside `include/`."""
    return Path(os.environ.get("COLOPHON_CONFIG") or Path(__file__).resolve().parents[2] / "config")


def load_house(root: Path | None = None) -> House:
    return _read((root or config_root()) / "house.toml", House)


def load_partner(partner_id: str, root: Path | None = None) -> Partner:
    """One partner. Raises `ConfigurationError` that names the known ones if there is no such file."""
    folder = (root or config_root()) / "partners"
    path = folder / f"{partner_id}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.toml"))) or "none"
        raise ConfigurationError(f"there is no partner {partner_id!r}", where=str(folder), todo=f"Known partners: {known}.")
    partner = _read(path, Partner)
    if partner.id != path.stem:
        raise ConfigurationError(f"id is {partner.id!r}", where=str(path), todo="Make the id equal the file's name.")
    return partner


def load_partners(root: Path | None = None) -> list[Partner]:
    """All enabled partners, by id."""
    folder = (root or config_root()) / "partners"
    partners = [load_partner(path.stem, root) for path in sorted(folder.glob("*.toml"))]
    return [partner for partner in partners if partner.enabled]


def _read(path: Path, model: type[M]) -> M:
    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as missing:
        raise ConfigurationError("the file is missing", where=str(path), todo="Copy one from the repository's config/.") from missing
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as bad:
        raise ConfigurationError(
            f"not valid TOML: {bad}", where=str(path), todo="Mend the line and run `colophon partners check`."
        ) from bad
    except ValidationError as bad:
        lines = "; ".join(
            f"{'.'.join(str(part) for part in e['loc']) or 'file'}: {e['msg']}" for e in bad.errors(include_url=False, include_input=False)
        )
        raise ConfigurationError(lines, where=str(path), todo="See docs/configuration.md, then run `colophon partners check`.") from bad
