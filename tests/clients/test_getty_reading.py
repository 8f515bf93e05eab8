"""Getty's JSON as ours: what is absent stays unknown, whatever the casing, whatever the date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from include.clients.getty import parameters, reading
from include.clients.getty.dates import moment, windows
from include.clients.getty.model import DownloadOption
from include.errors import ConfigurationError

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-11-21T12:00:00Z", NOON),
        ("2026-11-21T12:00:00", NOON),
        ("2026-11-21T07:00:00-05:00", NOON),
        ("2026-11-21T12:00:00.0000000Z", NOON),
        (" 2026-11-21T12:00:00+00:00 ", NOON),
        ("2026-11-21", NOON.replace(hour=0)),
        ("0001-01-01T00:00:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (1795000000, None),
    ],
)
def test_moments_as_getty_writes_them(text, wanted):
    assert moment(text) == wanted


@pytest.mark.parametrize(("days", "count"), [(0, 0), (1, 1), (30, 1), (31, 2), (400, 14), (1095, 37)])
def test_windows_are_at_most_thirty_days_and_leave_no_gap(days, count):
    since = date(2025, 1, 1)
    found = list(windows(since, since + timedelta(days=days)))
    assert len(found) == count
    assert all(timedelta(0) < last - first <= timedelta(days=30) for first, last in found)
    assert all(one[1] == other[0] for one, other in pairwise(found))
    if found:
        assert (found[0][0], found[-1][1]) == (since, since + timedelta(days=days))


def test_what_getty_leaves_out_is_unknown_not_unrestricted():
    image = reading.image({"id": 7}, searched=False)
    assert image is not None
    assert image.id == "7"
    assert (image.allowed_use, image.territory_restrictions, image.largest_downloads, image.license_model) == (None, None, None, None)
    image = reading.image({"id": "7", "allowed_use": {}, "territory_restrictions": [], "largest_downloads": []}, searched=True)
    assert image is not None
    assert image.allowed_use is not None
    assert (image.allowed_use.usage_restrictions, image.allowed_use.editorial_use_only) == (None, None)
    assert (image.territory_restrictions, image.largest_downloads) == ((), ())


def test_options_of_searches_and_of_images_by_id_read_alike():
    option = {"product_id": "5", "product_type": "premiumaccess", "agreement_name": "A", "uri": "https://x.example/"}
    flat = reading.image({"id": "1", "largest_downloads": [option]}, searched=True)
    size = {"name": "large", "bytes": 9, "width": 3, "height": 2, "downloads": [option, option | {"product_id": 6}, "junk"]}
    within = reading.image({"id": "1", "largest_downloads": [size, None]}, searched=False)
    assert flat is not None
    assert within is not None
    assert flat.largest_downloads == (DownloadOption("5", "premiumaccess", "A"),)
    assert within.largest_downloads == (
        DownloadOption("5", "premiumaccess", "A", "large", 9, 3, 2),
        DownloadOption("6", "premiumaccess", "A", "large", 9, 3, 2),
    )


@pytest.mark.parametrize(
    "broken",
    [
        {"title": 5.5, "allowed_use": "all", "keywords": "sea", "max_dimensions": [1], "largest_downloads": {}, "call_for_image": "yes"},
        {"title": None, "allowed_use": None, "keywords": [None, 3, {}], "referral_destinations": [{}], "display_sizes": [[]]},
    ],
)
def test_members_of_the_wrong_kind_count_as_absent(broken):
    image = reading.image({"id": "1", **broken}, searched=True)
    assert image is not None
    assert (image.title, image.allowed_use, image.largest_downloads, image.call_for_image, image.page_uri) in {
        (None, None, None, None, None),
    }


def test_rows_without_an_id_are_left_out_and_the_others_stay():
    rows = [{"id": ""}, {}, None, "x", {"id": True}, {"id": "9", "date_downloaded": "soon", "product_id": 5101}]
    [found] = reading.rows_as(rows, reading.download)
    assert (found.asset_id, found.downloaded_at, found.product_id, found.notes) == ("9", None, "5101", None)


CHANGE = {"id": "9", "lifecycle": "Delete", "type": None, "at": "2026-11-21T12:00:00Z"}


@pytest.mark.parametrize(
    "names",
    [
        ("changeSetId", "changedAssetList", "id", "assetLifecycle", "assetType", "assetChangedUtcDateTime"),
        ("change_set_id", "changed_assets", "id", "asset_lifecycle", "asset_type", "asset_changed_utc_datetime"),
        ("ChangeSetId", "ChangedAssets", "Id", "AssetLifecycle", "AssetType", "AssetChangedUtcDateTime"),
    ],
)
def test_three_casings_of_changes(names):
    set_id, rows, *inside = names
    found = reading.change_set({set_id: 77, rows: [dict(zip(inside, CHANGE.values(), strict=True)), {"uri": "x"}, None]})
    assert found is not None
    assert (found.id, found.unreadable) == ("77", 2)
    [change] = found.changes
    assert (change.asset_id, change.lifecycle, change.asset_type, change.changed_at) == ("9", "delete", None, NOON)


@pytest.mark.parametrize("names", [("channelId", "channelType"), ("channel_id", "channel_type"), ("ChannelId", "AssetChangeType")])
def test_three_casings_of_channels(names):
    found = reading.channel({names[0]: "301", names[1]: "AgreementChanges"})
    assert found is not None
    assert (found.id, found.kind) == (301, "AgreementChanges")


def test_filters_are_sent_as_getty_wants_them():
    given = {"orientations": ["vertical", "square"], "safe_search": True, "minimum_size": "x_large", "color": None, "page": 1}
    with pytest.raises(ConfigurationError, match="has no page"):
        parameters.checked(given, parameters.CREATIVE)
    del given["page"]
    assert parameters.checked(given, parameters.CREATIVE) == {
        "orientations": "vertical,square",
        "safe_search": "true",
        "minimum_size": "x_large",
    }
    with pytest.raises(ConfigurationError, match="can't be sent as a list"):
        parameters.checked({"artists": ["Quill, Ada"]}, parameters.CREATIVE)
    assert parameters.checked({"date_from": date(2026, 1, 2)}, parameters.EDITORIAL) == {"date_from": "2026-01-02"}
