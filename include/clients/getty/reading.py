"""Getty's JSON into `include.clients.getty.model`. A row without an id gives None: nothing can be told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from include.clients.getty.model import (
    AllowedUse,
    AssetChange,
    ChangeSet,
    Channel,
    Country,
    Customer,
    DisplaySize,
    Download,
    DownloadOption,
    GettyImage,
    Order,
    Product,
    PurchasedAsset,
    Row,
    TerritoryRestriction,
    each,
    flag,
    moment_of,
    part,
    text,
    texts,
    whole,
)

_T = TypeVar("_T")


def rows_as(rows: Iterable[Any], make: Callable[[Row], _T | None]) -> tuple[_T, ...]:
    """Those rows that can be read."""
    return tuple(one for row in rows if isinstance(row, dict) and (one := make(row)) is not None)


def image(row: Row, *, searched: bool) -> GettyImage | None:
    id = text(row, "id")
    if id is None:
        return None
    dimensions, uris = part(row, "max_dimensions"), each(row, "referral_destinations", lambda one: text(one, "uri"))
    return GettyImage(
        id=id,
        searched=searched,
        title=text(row, "title"),
        caption=text(row, "caption"),
        artist=text(row, "artist"),
        copyright=text(row, "copyright"),
        credit_line=text(row, "credit_line"),
        asset_family=text(row, "asset_family"),
        license_model=text(row, "license_model"),
        collection_code=text(row, "collection_code"),
        collection_name=text(row, "collection_name"),
        orientation=text(row, "orientation"),
        allowed_use=_allowed_use(row),
        territory_restrictions=each(row, "territory_restrictions", _territory),
        call_for_image=flag(row, "call_for_image"),
        date_created=moment_of(row, "date_created"),
        date_submitted=moment_of(row, "date_submitted"),
        width=whole(dimensions, "width"),
        height=whole(dimensions, "height"),
        keywords=_keywords(row),
        people=texts(row, "people"),
        product_types=texts(row, "product_types"),
        download_product=text(row, "download_product"),
        largest_downloads=_options(row, "largest_downloads"),
        display_sizes=each(row, "display_sizes", lambda one: DisplaySize(text(one, "name"), text(one, "uri"), flag(one, "is_watermarked"))),
        page_uri=next((uri for uri in uris or () if uri), None),
    )


def _allowed_use(row: Row) -> AllowedUse | None:
    given = row.get("allowed_use")
    if not isinstance(given, dict):
        return None
    restrictions = texts(given, "usage_restrictions")
    return AllowedUse(text(given, "how_can_i_use_it"), text(given, "release_info"), restrictions, flag(given, "editorial_use_only"))


def _territory(row: Row) -> TerritoryRestriction:
    return TerritoryRestriction(text(row, "country_code"), text(row, "type"), text(row, "description"))


def _keywords(row: Row) -> tuple[str, ...] | None:
    found = each(row, "keywords", lambda one: text(one, "text"))
    return None if found is None else tuple(one for one in found if one)


def _options(row: Row, name: str) -> tuple[DownloadOption, ...] | None:
    """A search tells options flat, an image read by its id tells sizes with options within."""
    given = row.get(name)
    if not isinstance(given, list):
        return None
    found = []
    for size in (one for one in given if isinstance(one, dict)):
        within = [one for one in size["downloads"] if isinstance(one, dict)] if isinstance(size.get("downloads"), list) else [size]
        for one in within:
            terms = text(one, "product_id"), text(one, "product_type"), text(one, "agreement_name")
            found.append(DownloadOption(*terms, text(size, "name"), whole(size, "bytes"), whole(size, "width"), whole(size, "height")))
    return tuple(found)


def download(row: Row) -> Download | None:
    """A row of `/v3/downloads`."""
    id = text(row, "id")
    return None if id is None else _download(id, row, part(row, "download_details"))


def download_of(asset_id: str) -> Callable[[Row], Download | None]:
    """For rows of one image's history: they leave its id out, and have notes and project code beside the rest."""
    return lambda row: _download(asset_id, row, row)


def _download(id: str, row: Row, details: Row) -> Download:
    dimensions = part(row, "dimensions")
    return Download(
        asset_id=id,
        downloaded_at=moment_of(row, "date_downloaded"),
        asset_type=text(row, "asset_type"),
        product_type=text(row, "product_type"),
        product_id=text(row, "product_id"),
        agreement_name=text(row, "agreement_name"),
        license_model=text(row, "license_model"),
        source=text(row, "download_source"),
        size_name=text(row, "size_name"),
        width=whole(dimensions, "width"),
        height=whole(dimensions, "height"),
        notes=text(details, "download_notes"),
        project_code=text(details, "project_code"),
        by=text(part(row, "user"), "username"),
    )


def purchase(row: Row) -> PurchasedAsset | None:
    id = text(row, "asset_id")
    if id is None:
        return None
    return PurchasedAsset(
        asset_id=id,
        purchased_at=moment_of(row, "date_purchased"),
        order_id=text(row, "order_id"),
        asset_type=text(row, "asset_type"),
        license_model=text(row, "license_model"),
        size_name=text(row, "size_name"),
        bytes=whole(row, "file_size_in_bytes"),
        by=text(row, "purchased_by"),
    )


def order(row: Row) -> Order | None:
    id = text(row, "id")
    if id is None:
        return None
    told, assets = part(row, "notes"), each(row, "assets", lambda one: text(one, "id"))
    return Order(
        id=id,
        invoice_number=text(row, "invoice_number"),
        ordered_at=moment_of(row, "order_date"),
        end_client=text(row, "end_client"),
        licensee_name=text(told, "licensee_name"),
        purchase_order_number=text(told, "purchase_order_number"),
        project_title=text(told, "project_title"),
        ordered_by=text(told, "ordered_by"),
        asset_ids=None if assets is None else tuple(one for one in assets if one),
    )


def product(row: Row) -> Product | None:
    id = text(row, "id")
    if id is None:
        return None
    wanted, overage = part(row, "download_requirements"), part(row, "overage")
    return Product(
        id=id,
        type=text(row, "type"),
        name=text(row, "name"),
        status=text(row, "status"),
        agreement_name=text(row, "agreement_name"),
        expires_at=moment_of(row, "expiration_utc_date"),
        download_limit=whole(row, "download_limit"),
        download_limit_duration=text(row, "download_limit_duration"),
        download_limit_resets_at=moment_of(row, "download_limit_reset_utc_date"),
        downloads_remaining=whole(row, "downloads_remaining"),
        credits_remaining=whole(row, "credits_remaining"),
        note_required=flag(wanted, "is_note_required"),
        project_code_required=flag(wanted, "is_project_code_required"),
        project_codes=texts(wanted, "project_codes"),
        overage_limit=whole(overage, "limit"),
        overage_remaining=whole(overage, "remaining"),
        overages_reached=flag(overage, "overages_reached"),
    )


def country(row: Row) -> Country:
    return Country(text(row, "name"), text(row, "iso_alpha_2"), text(row, "iso_alpha_3"))


def customer(row: Row) -> Customer:
    return Customer(text(row, "first_name"), text(row, "last_name"))


def _plain(row: Row) -> Row:
    """Members by name without case and underscores: `changeSetId`, `change_set_id` and `ChangeSetId` are all in use."""
    return {str(name).replace("_", "").lower(): value for name, value in row.items()}


def channel(row: Row) -> Channel | None:
    plain = _plain(row)
    id = whole(plain, "channelid")
    if id is None:
        return None
    kind = text(plain, "channeltype") or text(plain, "assetchangetype")
    return Channel(id, text(plain, "assetfamily"), kind, text(plain, "assettype"), whole(plain, "notificationcount"))


def change_set(row: Row) -> ChangeSet | None:
    plain = _plain(row)
    id = text(plain, "changesetid")
    given = plain.get("changedassetlist", plain.get("changedassets"))
    if id is None or not isinstance(given, list):
        return None
    changes = rows_as(given, _change)
    return ChangeSet(id, changes, len(given) - len(changes))


def _change(row: Row) -> AssetChange | None:
    plain = _plain(row)
    id, lifecycle = text(plain, "id"), text(plain, "assetlifecycle")
    if id is None or lifecycle is None:
        return None
    return AssetChange(id, lifecycle.lower(), text(plain, "assettype"), moment_of(plain, "assetchangedutcdatetime"))
