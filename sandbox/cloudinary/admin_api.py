"""The admin API and search: JSON behind HTTP Basic. What is asked by path is told in `sandbox.cloudinary.operations`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.cloudinary import answers, assets, searching
from sandbox.cloudinary.answers import RefusedError, missing, truth
from sandbox.cloudinary.assets import Held
from sandbox.cloudinary.environment import Environment, in_queue
from sandbox.cloudinary.operations import Found

Query = Mapping[str, list[str]]
STATUSES = ("queued", "pending", "approved", "rejected", "aborted")


class AdminApi:
    """Answers one request at a time, under the environment's lock. Raises `RefusedError`."""

    def __init__(self, environment: Environment, delivery: Callable[[], str]) -> None:
        self.environment, self._delivery = environment, delivery

    def answer(self, found: Found, query: Query, body: dict[str, Any]) -> Any:
        operation = found.operation
        if unknown := (set(query) | set(body)) - set(operation.parameters):
            raise RefusedError(400, f"Unsupported parameter: {', '.join(sorted(unknown))}")
        with self.environment.lock:
            answer = getattr(self, f"_{operation.name}")(found.values, query, body)
            if operation.method != "GET" and operation.name != "search":
                self.environment.mutations[operation.name] += 1
            return answer

    # --- reading

    def _ping(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        return {"status": "ok"}

    def _usage(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        day = values.get("date") or _one(query, "date")
        if turned := re.fullmatch(r"(\d\d)-(\d\d)-(\d{4})", day):
            day = f"{turned[3]}-{turned[2]}-{turned[1]}"
        if day and not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
            raise RefusedError(400, "Invalid date")
        return self.environment.usage(day)

    def _page(self, rows: list[Held], query: Query) -> Any:
        page, cursor = self.environment.cursor(rows, _one(query, "next_cursor"), answers.count(_one(query, "max_results"), 10) or 10)
        return self._rows(page, query) | ({"next_cursor": cursor} if cursor else {})

    def _rows(self, rows: list[Held], query: Query) -> dict[str, Any]:
        wanted = {name for name in ("tags", "context", "metadata", "moderations") if truth(_one(query, name))}
        fields = answers.tags_of(_one(query, "fields"))
        return {"resources": [assets.listed(held, self._delivery(), wanted, fields) for held in rows]}

    def _sorted(self, values: dict[str, str], query: Query, type: str = "") -> list[Held]:
        direction = _one(query, "direction") or "desc"
        if direction not in {"asc", "desc", "1", "-1"}:
            raise RefusedError(400, "direction is asc or desc")
        return self.environment.sorted(values.get("resource_type", "image"), type, direction)

    def _resources(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        rows = self._sorted(values, query, values.get("type") or _one(query, "type"))
        if ids := query.get("public_ids[]"):
            if len(ids) > 100:
                raise RefusedError(400, "public_ids are up to 100")
            return self._rows([held for held in rows if held.public_id in ids], query)
        return self._page([held for held in rows if held.public_id.startswith(_one(query, "prefix"))], query)

    def _resources_by_moderation(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        if values["moderation_status"] not in STATUSES:
            raise RefusedError(400, f"Invalid moderation status {values['moderation_status']}")
        return self._page(in_queue(self._sorted(values, query), values["moderation_kind"], values["moderation_status"]), query)

    def _resources_by_tag(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        return self._page([held for held in self._sorted(values, query) if values["tag"] in held.tags], query)

    def _resources_by_context(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        key, value = _one(query, "key"), _one(query, "value")
        rows = [held for held in self._sorted(values, query) if key in held.context and value in {"", held.context[key]}]
        return self._page(rows, query)

    def _resources_by_asset_ids(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        ids = query.get("asset_ids[]", [])
        return self._rows([held for held in self.environment.assets.values() if held.asset_id in ids], query)

    def _resources_by_asset_folder(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        every = [held for type in ("image", "video", "raw") for held in self.environment.sorted(type)]
        return self._page([held for held in every if held.folder == _one(query, "asset_folder")], query)

    def _resource(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        return self._details(self.environment.find((values["resource_type"], values["type"], values["public_id"])), query)

    def _resource_by_asset_id(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        return self._details(self.environment.by_id(values["asset_id"]), query)

    def _details(self, held: Held, query: Query) -> dict[str, Any]:
        found = assets.shown(held, self._delivery())
        most, after = answers.count(_one(query, "max_results"), 10) or 10, _one(query, "derived_next_cursor")
        start = int(after) if after.isdigit() else 0
        derived = list(held.derived.values())
        found["derived"] = [self._derived(held, one) for one in derived[start : start + most]]
        if start + most < len(derived):
            found["next_cursor"] = str(start + most)
        if truth(_one(query, "versions")):
            found["versions"] = assets.versions_of(held)
        if truth(_one(query, "media_metadata")):
            found["image_metadata"] = assets.image_metadata(held)
        return found

    def _derived(self, held: Held, one: assets.Derived) -> dict[str, Any]:
        address = (
            f"{self._delivery()}/{held.resource_type}/{held.type}/{one.transformation}/v{held.now.version}/{held.public_id}.{one.format}"
        )
        return {"id": one.id, "transformation": one.transformation, "format": one.format, "bytes": one.bytes} | {
            "url": address,
            "secure_url": address,
        }

    def _search(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        rows = sorted(self.environment.assets.values(), key=lambda held: (held.now.at, held.public_id), reverse=True)
        for order in reversed(body.get("sort_by") or []):
            for name, direction in order.items():
                rows.sort(key=lambda held, name=name: searching.sort_key(held, name), reverse=direction == "desc")
        test = searching.compiled(str(body.get("expression") or ""))
        rows = [held for held in rows if test(held)]
        most = answers.count(body.get("max_results"), 50)
        page, cursor = self.environment.cursor(rows, str(body.get("next_cursor") or ""), most) if most else ([], "")
        wanted = set(body.get("with_field") or [])
        found: dict[str, Any] = {"total_count": len(rows), "time": 1, "resources": [self._found(held, wanted) for held in page]}
        return found | ({"next_cursor": cursor} if cursor else {})

    def _found(self, held: Held, wanted: set[str]) -> dict[str, Any]:
        whole = assets.shown(held, self._delivery())
        never = {"moderation", "moderation_kind", "moderation_status", "last_updated", "backup", "pages"}
        row = {name: value for name, value in whole.items() if name not in never | ({"tags", "context", "metadata"} - wanted)}
        row["context"] = held.context if "context" in wanted else row.get("context")  # search shows it without "custom"
        if "image_metadata" in wanted:
            row["image_metadata"] = assets.image_metadata(held)
        return {name: value for name, value in row.items() if value is not None} | {"filename": held.public_id.rpartition("/")[2]}

    def _tags(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        used = {tag for held in self.environment.sorted(values["resource_type"]) for tag in held.tags}
        return {
            "tags": sorted(tag for tag in used if tag.startswith(_one(query, "prefix")))[: answers.count(_one(query, "max_results"), 10)]
        }

    # --- changing

    def _update(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        environment = self.environment
        held = environment.find((values["resource_type"], values["type"], values["public_id"]))
        metadata = environment.fields.checked(answers.structured(body["metadata"])) if "metadata" in body else {}
        access = answers.access_rules(body["access_control"]) if "access_control" in body else held.access
        moment = assets.now()
        if status := body.get("moderation_status"):
            if status not in STATUSES:
                raise RefusedError(400, f"Invalid moderation status {status}")
            held.moderate(str(status), moment)
        if "tags" in body:
            held.tags = answers.tags_of(body["tags"])
            held.touch("tags_updated_at", moment)
        if "context" in body:
            held.context = answers.pairs(str(body["context"] or ""))
            held.touch("context_updated_at", moment)
        if metadata:
            held.metadata = {id: kept for id, kept in (held.metadata | metadata).items() if kept is not None}
            held.touch("metadata_updated_at", moment)
        if "access_control" in body:
            held.access = access
            held.touch("access_control_updated_at", moment)
        if "asset_folder" in body:
            held.folder = str(body["asset_folder"] or "")
            environment.note_folder(held.folder)
        if "display_name" in body:
            held.display_name = str(body["display_name"] or "")
        held.touch("updated_at", moment)
        return self._details(held, {})

    def _transformations(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        if asked := _one(query, "transformation"):
            return self._transformation({"transformation": asked}, query, body)
        rows = [{"name": f"t_{name}", "allowed_for_strict": True, "used": True, "named": True} for name in self.environment.named]
        if not truth(_one(query, "named")):
            used = {one.transformation for held in self.environment.assets.values() for one in held.derived.values()}
            rows += [{"name": name, "allowed_for_strict": False, "used": True, "named": False} for name in sorted(used)]
        return {"transformations": rows}

    def _transformation(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        name = values["transformation"].removeprefix("t_")
        if name not in self.environment.named:
            raise missing(values["transformation"])
        steps = self.environment.named[name]
        info = [dict(part.split("_", 1) for part in step.split(",")) for step in steps.split("/")]
        names = {"w": "width", "h": "height", "c": "crop", "g": "gravity"}
        return {
            "name": f"t_{name}", "allowed_for_strict": True, "used": True, "named": True,
            "info": [{names.get(key, key): int(value) if value.isdigit() else value for key, value in step.items()} for step in info],
        }  # fmt: skip

    def _create_transformation(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        name = str(body.get("name") or values.get("transformation") or "").removeprefix("t_")
        if not name or not body.get("transformation"):
            raise RefusedError(400, "Missing required parameter - transformation")
        if name in self.environment.named:
            raise RefusedError(409, f"Transformation {name} already exists")
        self.environment.named[name] = str(body["transformation"])
        return {"message": "created"}

    def _update_transformation(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        name = str(body.get("transformation") or "").removeprefix("t_")
        if name not in self.environment.named:
            raise missing(name)
        if body.get("unsafe_update"):
            self.environment.named[name] = str(body["unsafe_update"])
        return {"message": "updated"}

    def _delete_transformation(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        name = str(body.get("transformation") or _one(query, "transformation")).removeprefix("t_")
        if self.environment.named.pop(name, None) is None:
            raise missing(name)
        return {"message": "deleted"}

    # --- fields and folders

    def _list_metadata_fields(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        return {"metadata_fields": self.environment.fields.all()}

    def _metadata_field(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        return self.environment.fields.one(values["external_id"])

    def _add_metadata_field(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        return self.environment.fields.add(body)

    def _update_metadata_field(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        return self.environment.fields.update(values["external_id"], body)

    def _update_datasource(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        return self.environment.fields.fill(values["external_id"], body.get("values"))

    def _folders(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        return self._children("")

    def _subfolders(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        if values["folder"] not in self.environment.folders:
            raise RefusedError(404, f"Can't find folder with path {values['folder']}")
        return self._children(values["folder"] + "/")

    def _children(self, under: str) -> dict[str, Any]:
        rest = sorted(path for path in self.environment.folders if path.startswith(under) and "/" not in path[len(under) :])
        rows = [_folder(path) for path in rest]
        return {"folders": rows, "next_cursor": None, "total_count": len(rows)}

    def _create_folder(self, values: dict[str, str], query: Query, body: dict[str, Any]) -> Any:
        if values["folder"] in self.environment.folders:
            raise RefusedError(409, f"Folder {values['folder']} already exists")
        self.environment.note_folder(values["folder"])
        return {"success": True} | _folder(values["folder"])


def _folder(path: str) -> dict[str, str]:
    return {"name": path.rpartition("/")[2], "path": path, "external_id": path.encode().hex()[-32:]}


def _one(query: Query, name: str) -> str:
    found = query.get(name) or [""]
    return found[0]
