"""What a cover in Cloudinary is for, by its structured metadata, and how far a person's approval of it goes."""

from __future__ import annotations

from dataclasses import dataclass

from include.clients.cloudinary import Asset, Field
from include.errors import ConfigurationError
from include.partners.covers import CoverRules
from include.titles.identifiers import isbn13

APPROVED, PENDING, REJECTED = "approved", "pending", "rejected"
LONGEST_SERIES, LONGEST_WORK = 300, 100


@dataclass(frozen=True, slots=True)
class Meaning:
    """`kind` is front, back, full or series. `isbn`, `work` and `series` as their fields say; an ISBN without hyphens."""

    kind: str
    isbn: str = ""
    work: str = ""
    series: str = ""
    revision: int = 0


def meaning_of(asset: Asset, rules: CoverRules) -> Meaning | None:
    """None for an image that no field calls a cover: it is not ours to look at."""
    kind = rules.kinds.get(_first(asset, rules.kind))
    if kind is None:
        return None
    isbn, revision = _first(asset, rules.isbn), _first(asset, rules.revision) if rules.revision else ""
    return Meaning(
        kind,
        (isbn13(isbn) or isbn)[:20],
        _first(asset, rules.work)[:LONGEST_WORK],
        _first(asset, rules.series)[:LONGEST_SERIES],
        int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 9 else 0,
    )


def status_of(asset: Asset) -> str:
    """Approved only where every queue that the asset was put into has approved it, rejected where one rejected it."""
    if asset.approved:
        return APPROVED
    return REJECTED if any(one.status == REJECTED for one in asset.moderation) else PENDING


def must_know(fields: dict[str, Field], rules: CoverRules, cloud: str) -> None:
    """Raises `ConfigurationError` where the house names a field, or a kind of cover, that Cloudinary does not have."""
    named = [rules.kind, rules.isbn, rules.work, rules.series, *([rules.revision] if rules.revision else [])]
    if missing := [name for name in named if name not in fields]:
        raise ConfigurationError(
            f"there is no structured metadata field {', '.join(missing)}",
            where=f"cloudinary {cloud}",
            todo=f"Add it there, or name it in [covers] of config/house.toml; there are {', '.join(sorted(fields)) or 'none'}.",
        )
    if several := [name for name in named if fields[name].type == "set"]:
        raise ConfigurationError(
            f"the field {', '.join(several)} holds several values, and a cover is for one title",
            where=f"cloudinary {cloud}",
            todo="Name fields of one value in [covers] of config/house.toml.",
        )
    kinds = fields[rules.kind]
    if kinds.entries and not set(rules.kinds) & set(kinds.entries):
        raise ConfigurationError(
            f"none of its values is one of kinds: {', '.join(sorted(kinds.entries))}",
            where=f"cloudinary {cloud}: field {rules.kind}",
            todo="Name them under [covers.kinds] of config/house.toml.",
        )


def _first(asset: Asset, field: str) -> str:
    return next(iter(asset.texts(field)), "").strip()
