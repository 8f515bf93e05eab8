"""Cloudinary's stand-in offers what the notes on the service show, and where the vendor's own file is at hand, nothing that it lacks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from cloudinary import api, uploader
from cloudinary.search import Search

from sandbox.cloudinary.operations import ADMIN, ANSWERS, OF_THE_SDK, Operation
from sandbox.cloudinary.upload_api import FIELDS
from tests.clients.cloudinary_library import KEY, SECRET, jpeg, served

ROWS = {"resources", "metadata_fields", "folders", "transformations"}
# In the SDK's and real answers (live tests, examples), though the file's schemas do not name them.
BESIDE = {"moderation", "image_metadata", "access_control", "existing", "pages", "credits", "media_limits"}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """One real answer of every operation, asked through the SDK."""
    with served(tmp_path_factory.mktemp("cloudinary")) as library:
        with_us: dict[str, Any] = {"cloud_name": "lantern-quill", "api_key": KEY, "api_secret": SECRET, "upload_prefix": library.address}
        return dict(_asked(library.cover(), with_us | {"timeout": 10}))


def _asked(cover: str, us: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    everything = {"tags": True, "context": True, "metadata": True, "moderations": True}
    yield "upload", uploader.upload(
        jpeg(), public_id="a/b", tags=["t"], context={"k": "v"}, moderation="manual", eager=["c_fill,w_9"], asset_folder="a",
        access_control=[{"access_type": "anonymous"}], **us,
    )  # fmt: skip
    yield "explicit", uploader.explicit("a/b", type="upload", tags=["u"], **us)
    yield "metadata_update", uploader.update_metadata({"revision": 2}, ["a/b"], **us)
    yield "tags_update", uploader.add_tag("u", ["a/b"], **us)
    yield "context_update", uploader.add_context({"k": "w"}, ["a/b"], **us)
    yield "ping", api.ping(**us)
    yield "usage", api.usage(**us)
    yield "resource", (found := api.resource("a/b", versions=True, media_metadata=True, **us))
    yield "resource_by_asset_id", api.resource_by_asset_id(found["asset_id"], **us)
    yield "update", api.update(cover, moderation_status="approved", **us)
    yield "resources", api.resources(type="upload", max_results=2, **everything, **us)
    yield "resources_by_moderation", api.resources_by_moderation("manual", "pending", **everything, **us)
    yield "resources_by_tag", api.resources_by_tag("u", **everything, **us)
    yield "resources_by_context", api.resources_by_context("k", **us)
    yield "resources_by_asset_ids", api.resources_by_asset_ids([found["asset_id"]], **us)
    yield "resources_by_asset_folder", api.resources_by_asset_folder("a", **us)
    yield "search", Search().expression("tags=u").with_field("metadata").with_field("tags").with_field("context").execute(**us)
    yield "tags", api.tags(**us)
    yield "create_transformation", api.create_transformation("thumb", {"width": 9, "height": 9, "crop": "fill"}, **us)
    yield "update_transformation", api.update_transformation("thumb", unsafe_update={"width": 8, "crop": "scale"}, **us)
    yield "transformations", api.transformations(named=True, **us)
    yield "transformation", api.transformation("t_thumb", **us)
    yield "delete_transformation", api.delete_transformation("thumb", **us)
    yield "list_metadata_fields", api.list_metadata_fields(**us)
    new = {"external_id": "x", "type": "enum", "label": "X", "datasource": {"values": [{"external_id": "a", "value": "A"}]}}
    yield "add_metadata_field", api.add_metadata_field(new, **us)
    yield "metadata_field", api.metadata_field_by_field_id("x", **us)
    yield "update_metadata_field", api.update_metadata_field("x", {"label": "Y"}, **us)
    yield "update_datasource", api.update_metadata_field_datasource("x", [{"external_id": "b", "value": "B"}], **us)
    yield "folders", api.root_folders(**us)
    yield "subfolders", api.subfolders("a", **us)
    yield "create_folder", api.create_folder("a/c", **us)
    yield "rename", uploader.rename("a/b", "a/d", **us)
    yield "destroy", uploader.destroy("a/d", **us)


def _members(answers: Mapping[str, dict[str, Any]]) -> Iterator[tuple[str, set[str]]]:
    for name, answer in answers.items():
        yield name, set(answer) - {"request_id"}  # the SDK puts it there
        if name.startswith(("resources", "search")):
            assert answer["resources"]
            yield ("search[]" if name == "search" else "resources[]"), set().union(*answer["resources"])


def test_every_operation_is_asked(answers: dict[str, dict[str, Any]]) -> None:
    uploads = {"upload", "explicit", "rename", "destroy", "metadata_update", "tags_update", "context_update"}
    assert set(answers) == {operation.name for operation in ADMIN} | uploads


def test_answers_hold_only_what_the_notes_show(answers: dict[str, dict[str, Any]]) -> None:
    assert {name: more for name, members in _members(answers) if (more := members - ANSWERS[name])} == {}


def test_what_is_not_in_the_vendors_file_says_why() -> None:
    assert all(operation.because for operation in ADMIN if "/{date}" in operation.path or operation.name == "ping")


# --- the vendor's own file

CONTRACT = Path(os.environ.get("COLOPHON_CONTRACTS", "")) / "cloudinary-api-v1_1-openapi.yml"
vendors_file = pytest.mark.skipif(
    "COLOPHON_CONTRACTS" not in os.environ or not CONTRACT.exists(), reason="COLOPHON_CONTRACTS does not point at Cloudinary's own file"
)


class Published:
    """Cloudinary's OpenAPI file: operations by path, members of schemas with all that they refer to."""

    def __init__(self) -> None:
        self.document = yaml.load(CONTRACT.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self.paths = {re.sub(r"\{\w+\}", "{}", path): item for path, item in self.document["paths"].items()}

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        return self.paths.get("/v1_1/{}/" + re.sub(r"\{\w+\}", "{}", path), {}).get(method.lower())

    def resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            found: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def members(self, schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
        schema = self.resolved(schema)
        found = dict(schema.get("properties", {}))
        for several in ("allOf", "oneOf", "anyOf"):
            for one in schema.get(several, []):
                found |= self.members(one)
        return found

    def asked(self, operation: dict[str, Any]) -> set[str]:
        names = {self.resolved(one)["name"] for one in operation.get("parameters", [])}
        for content in self.resolved(operation.get("requestBody") or {}).get("content", {}).values():
            names |= set(self.members(content["schema"]))
        return {name.removesuffix("[]") for name in names}

    def answered(self, operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for status in ("200", "201"):
            for content in self.resolved(operation["responses"].get(status, {})).get("content", {}).values():
                found |= self.members(content.get("schema", {}))
        return found


@pytest.fixture(scope="module")
def published() -> Published:
    return Published()


@vendors_file
@pytest.mark.parametrize("operation", ADMIN, ids=lambda one: f"{one.method} {one.path}")
def test_admin_operations_are_published_with_their_parameters(published: Published, operation: Operation) -> None:
    found = published.operation(operation.method, operation.published or operation.path)
    assert (found is None) == bool(operation.because)
    if found is not None:
        assert {name.removesuffix("[]") for name in operation.parameters} - published.asked(found) - OF_THE_SDK == set()


@vendors_file
@pytest.mark.parametrize("action", FIELDS)
def test_upload_operations_are_published_with_their_fields(published: Published, action: str) -> None:
    found = published.operation("POST", "{resource_type}/" + action)
    assert found is not None
    assert FIELDS[action] - published.asked(found) - OF_THE_SDK == set()


@vendors_file
def test_answers_hold_only_what_is_published(published: Published, answers: dict[str, dict[str, Any]]) -> None:
    more: dict[str, set[str]] = {}
    every = {one.name: (one.method, one.published or one.path) for one in ADMIN if not one.because}
    every |= {
        name: ("POST", f"{{resource_type}}/{name.removesuffix('_update')}") for name in answers if name not in {o.name for o in ADMIN}
    }
    every |= {"tags": ("GET", "tags/{resource_type}")}
    for name, (method, path) in every.items():
        operation = published.operation(method, path)
        assert operation is not None
        members = published.answered(operation)
        more[name] = set(answers[name]) - {"request_id"} - set(members) - BESIDE
        for part in ROWS & set(members) & set(answers[name]):
            rows = published.members(published.resolved(members[part]).get("items", {}))
            if rows and isinstance(answers[name][part], list):
                more[f"{name}.{part}"] = set().union(*answers[name][part]) - set(rows) - BESIDE
    assert {name: extra for name, extra in more.items() if extra} == {}
