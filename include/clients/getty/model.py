"""Getty's records as frozen values. What Getty left out is None, what it gave as empty is an empty tuple.

None never means "unrestricted": a search item without `territory_restrictions` says nothing about territories, and an image
read by its id never has the field. Getty gives no expiry, territory, print run or price of a single licence at all.
Unknown members are passed over; values of the wrong kind count as absent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from include.clients.getty.dates import moment

Row = dict[str, Any]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class AllowedUse:
    """What may be done with an image, in prose of the language asked for, but for one flag."""

    how_can_i_use_it: str | None
    release_info: str | None
    usage_restrictions: tuple[str, ...] | None
    editorial_use_only: bool | None


@dataclass(frozen=True, slots=True)
class TerritoryRestriction:
    """As Getty gives it: whether codes have two letters or three, and which types there are, is not published."""

    country_code: str | None
    type: str | None
    description: str | None


@dataclass(frozen=True, slots=True)
class DownloadOption:
    """One way to download an image under an agreement of ours; sizes are estimates, and told for images read by id only."""

    product_id: str | None
    product_type: str | None
    agreement_name: str | None
    size_name: str | None = None
    bytes: int | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class DisplaySize:
    """A picture to look at (`thumb`, `comp`, `preview`)."""

    name: str | None
    uri: str | None
    is_watermarked: bool | None


@dataclass(frozen=True, slots=True)
class GettyImage:
    """An image, found by a search (`searched`) or read by its id.

    `largest_downloads` empty, and asked for with a token: no agreement of ours covers the image. `call_for_image`: the
    file comes from a sales representative alone.
    """

    id: str
    searched: bool
    title: str | None = None
    caption: str | None = None
    artist: str | None = None
    copyright: str | None = None
    credit_line: str | None = None
    asset_family: str | None = None  # creative, editorial
    license_model: str | None = None  # royaltyfree, rightsmanaged, rightsready
    collection_code: str | None = None
    collection_name: str | None = None
    orientation: str | None = None
    allowed_use: AllowedUse | None = None
    territory_restrictions: tuple[TerritoryRestriction, ...] | None = None
    call_for_image: bool | None = None
    date_created: datetime | None = None
    date_submitted: datetime | None = None
    width: int | None = None
    height: int | None = None
    keywords: tuple[str, ...] | None = None
    people: tuple[str, ...] | None = None
    product_types: tuple[str, ...] | None = None
    download_product: str | None = None
    largest_downloads: tuple[DownloadOption, ...] | None = None
    display_sizes: tuple[DisplaySize, ...] | None = None
    page_uri: str | None = None  # the image's page on Getty's site

    def size(self, name: str) -> str | None:
        """The address of a picture to look at."""
        return next((one.uri for one in self.display_sizes or () if one.name == name), None)


@dataclass(frozen=True, slots=True)
class SearchPage:
    """`total` is of the whole search, as the service counted it at this page."""

    total: int | None
    images: tuple[GettyImage, ...]


@dataclass(frozen=True, slots=True)
class Images:
    """The answer for up to 100 ids. `unanswered`: asked for, and told neither as found nor as missing: nothing follows from that."""

    images: tuple[GettyImage, ...]
    not_found: tuple[str, ...]
    unanswered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Download:
    """One row of the download history: a licence under `agreement_name`, with our note. `by` is who downloaded (user name)."""

    asset_id: str
    downloaded_at: datetime | None
    asset_type: str | None = None
    product_type: str | None = None
    product_id: str | None = None
    agreement_name: str | None = None
    license_model: str | None = None
    source: str | None = None
    size_name: str | None = None
    width: int | None = None
    height: int | None = None
    notes: str | None = None
    project_code: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class PurchasedAsset:
    """One image bought on Getty's site. `order_id` leads to the order; neither tells terms, territory, duration or price."""

    asset_id: str
    purchased_at: datetime | None
    order_id: str | None = None
    asset_type: str | None = None
    license_model: str | None = None
    size_name: str | None = None
    bytes: int | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What Getty tells of an order; the terms themselves are on its invoice."""

    id: str
    invoice_number: str | None = None
    ordered_at: datetime | None = None
    end_client: str | None = None
    licensee_name: str | None = None
    purchase_order_number: str | None = None
    project_title: str | None = None
    ordered_by: str | None = None
    asset_ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """A product of an agreement: the only allowance and the only expiry that Getty tells.

    `expires_at` is the agreement's end, not that of a licence taken under it.
    """

    id: str
    type: str | None = None
    name: str | None = None
    status: str | None = None  # active, inactive
    agreement_name: str | None = None
    expires_at: datetime | None = None
    download_limit: int | None = None
    download_limit_duration: str | None = None
    download_limit_resets_at: datetime | None = None
    downloads_remaining: int | None = None
    credits_remaining: int | None = None
    note_required: bool | None = None
    project_code_required: bool | None = None
    project_codes: tuple[str, ...] | None = None
    overage_limit: int | None = None
    overage_remaining: int | None = None
    overages_reached: bool | None = None


@dataclass(frozen=True, slots=True)
class Country:
    name: str | None
    alpha_2: str | None
    alpha_3: str | None


@dataclass(frozen=True, slots=True)
class Customer:
    """Whose token it is."""

    first_name: str | None
    last_name: str | None

    @property
    def name(self) -> str:
        return " ".join(part for part in (self.first_name, self.last_name) if part)


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of asset changes that Getty set up for the key."""

    id: int
    asset_family: str | None = None
    kind: str | None = None
    asset_type: str | None = None
    waiting: int | None = None


@dataclass(frozen=True, slots=True)
class AssetChange:
    """`lifecycle` in lower case: new, update, delete. Delete: no longer available for use; it may name an asset never seen."""

    asset_id: str
    lifecycle: str
    asset_type: str | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Notifications that come again until they are confirmed. `unreadable` rows had no id or no lifecycle."""

    id: str
    changes: tuple[AssetChange, ...]
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class DownloadLink:
    """Where the file of one licensed download is, for 24 hours. Whoever has the address can fetch it: it is never shown."""

    asset_id: str
    uri: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that was written. `bytes_promised` is None where the host did not tell a length to check it by."""

    filename: str
    media_type: str
    bytes: int
    bytes_promised: int | None
    sha256: str


def text(row: Row, name: str) -> str | None:
    """A member as text; numbers become text, since ids come as both."""
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() or None if isinstance(value, str) else None


def whole(row: Row, name: str) -> int | None:
    """A whole number, also one written as text."""
    value = row.get(name)
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def flag(row: Row, name: str) -> bool | None:
    value = row.get(name)
    return value if isinstance(value, bool) else None


def part(row: Row, name: str) -> Row:
    """An inner object, or an empty one."""
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def texts(row: Row, name: str) -> tuple[str, ...] | None:
    value = row.get(name)
    return tuple(str(one).strip() for one in value if isinstance(one, str | int) and str(one).strip()) if isinstance(value, list) else None


def each(row: Row, name: str, make: Callable[[Row], _T]) -> tuple[_T, ...] | None:
    """A list of objects, each made into ours; None where there is no list."""
    value = row.get(name)
    return tuple(make(one) for one in value if isinstance(one, dict)) if isinstance(value, list) else None


def moment_of(row: Row, name: str) -> datetime | None:
    return moment(row.get(name))
