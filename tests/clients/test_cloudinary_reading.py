"""What is made of Cloudinary's answers, however odd; and that words survive the encoding."""

from __future__ import annotations

from datetime import UTC, datetime

import cloudinary.exceptions
import pytest
import urllib3
from cloudinary.utils import encode_context
from hypothesis import given
from hypothesis import strategies as st

from include.clients.cloudinary.errors import classified, scrubbed
from include.clients.cloudinary.model import Access, Moderation, asset_of, field_of
from include.clients.cloudinary.uploads import settings_of
from include.errors import ConfigurationError, RejectedData, TransientError
from sandbox.cloudinary.answers import pairs

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=5), one, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([
    "public_id", "version", "bytes", "width", "tags", "metadata", "context", "moderation", "moderation_status", "access_control", "etag",
    "created_at", "last_updated", "image_metadata", "pages", "backup", "datasource",
])  # fmt: skip


@given(st.dictionaries(NAMES, JSON))
def test_no_answer_is_too_odd_to_be_read(row):
    asset_of(row)
    field_of(row)


def test_an_empty_answer_is_an_asset_that_nobody_approved():
    found = asset_of({})
    assert (found.version, found.bytes, found.moderation_status, found.approved) == (0, None, "", False)


@pytest.mark.parametrize(
    ("moderation", "approved", "status"),
    [
        ([{"kind": "manual", "status": "approved"}], True, "approved"),
        ([{"kind": "manual", "status": "APPROVED"}], True, "approved"),
        ([{"kind": "aws_rek", "status": "approved"}, {"kind": "manual", "status": "pending"}], False, "pending"),
        ([{"kind": "aws_rek", "status": "rejected"}, {"kind": "manual", "status": "approved"}], False, "approved"),
        ([{"kind": "manual"}], False, ""),
        ([], False, ""),
        (None, False, ""),
        ("approved", False, ""),
    ],
)
def test_only_what_every_queue_approved_is_approved(moderation, approved, status):
    found = asset_of({"moderation": moderation})
    assert (found.approved, found.moderation_status) == (approved, status)


def test_a_listing_that_tells_the_status_alone_is_enough():
    found = asset_of({"moderation_kind": "manual", "moderation_status": "approved"})
    assert found.moderation == (Moderation("manual", "approved"),)
    assert found.approved


def test_context_and_times_in_all_their_forms():
    assert asset_of({"context": {"custom": {"a": "b"}}}).context == asset_of({"context": {"a": "b"}}).context == {"a": "b"}
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    for value in ("2026-11-21T12:00:00Z", "2026-11-21T13:00:00+01:00", "2026-11-21T12:00:00", int(noon.timestamp())):
        assert asset_of({"created_at": value}).created == noon
    assert asset_of({"access_control": [{"access_type": "anonymous", "start": int(noon.timestamp())}, {}]}).access == (
        Access("anonymous", noon),
    )


def test_values_of_metadata_keep_their_kind():
    found = asset_of({"metadata": {"a": "x", "b": 3, "c": ["p", "q"], "d": [{"external_id": "r", "value": "R"}], "e": None, "f": ""}})
    assert found.metadata == {"a": "x", "b": 3, "c": ("p", "q"), "d": ("r",)}
    assert (found.texts("b"), found.texts("c"), found.texts("e")) == (("3",), ("p", "q"), ())


def test_a_field_shows_what_may_be_chosen_now():
    rows = [{"external_id": "a", "value": "A", "state": "active"}, {"external_id": "b", "value": "B", "state": "inactive"}]
    found = field_of({"external_id": "x", "type": "enum", "label": "X", "datasource": {"values": rows}})
    assert found.entries == {"a": "A"}


@given(st.dictionaries(st.text("abc", min_size=1), st.text() | st.tuples(st.text(min_size=1)), max_size=4))
def test_words_that_are_taken_survive_the_encoding(metadata):
    try:
        said = settings_of("here", metadata=metadata)["metadata"]
    except RejectedData:
        return
    found = pairs(encode_context(said))
    assert {name: value for name, value in found.items() if isinstance(metadata[name], str)} == {
        name: value for name, value in metadata.items() if isinstance(value, str)
    }
    assert set(found) == set(metadata)


def test_tags_with_a_comma_are_refused():
    with pytest.raises(RejectedData, match="comma"):
        settings_of("here", tags=("a,b",))


def test_the_servers_words_lose_what_is_secret():
    words = "Invalid Signature 0123456789abcdef0123456789abcdef01234567. String to sign - 'public_id=a&timestamp=1'. \x1b[31m s3cret"
    assert scrubbed(words, ["s3cret"]) == "Invalid Signature ***."
    assert scrubbed("see s3cret\nand 12345", ["s3cret", "12345"]) == "see *** and ***"
    assert len(scrubbed("x" * 5000, [])) == 300


def test_an_answer_that_the_sdk_stumbles_over_passes_and_tells_its_kind_alone():
    found = classified(TypeError("api_secret=s3cret"), "here", record=True, secrets=["s3cret"], seconds=1)
    assert isinstance(found, TransientError)
    assert str(found) == "here: no answer that can be read (TypeError)"


@pytest.mark.parametrize(
    ("cause", "kind", "words"),
    [
        (urllib3.exceptions.SSLError("s3cret"), ConfigurationError, "certificate is not trusted"),
        (urllib3.exceptions.LocationParseError("s3cret"), ConfigurationError, "the API host is no address"),
        (ConnectionRefusedError("s3cret"), TransientError, "nobody listens"),
        (urllib3.exceptions.ReadTimeoutError(None, "/s3cret", "slow"), TransientError, "no full answer within 7 seconds"),
        (ConnectionResetError("s3cret"), TransientError, "no answer (ConnectionResetError)"),
    ],
)
def test_what_is_behind_the_sdks_exception_is_told_without_its_words(cause, kind, words):
    """The SDK wraps them in GeneralError, Error or a bare Exception, without a status."""
    for wrapped in (Exception("s3cret"), cloudinary.exceptions.Error("s3cret"), cloudinary.exceptions.GeneralError("s3cret")):
        wrapped.__context__ = cause
        found = classified(wrapped, "here", record=True, secrets=["s3cret"], seconds=7)
        assert type(found) is kind
        assert words in str(found)
        assert "s3cret" not in str(found)
