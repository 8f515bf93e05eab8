"""Structured metadata: what fields a product environment has, and which values they take.

The publisher's own fields are `PUBLISHERS`: which cover an image is, and whose.
"""

from __future__ import annotations

import copy
import json
from datetime import date
from typing import Any

from sandbox.cloudinary.answers import RefusedError

TYPES = ("string", "integer", "date", "enum", "set")
SETTINGS = (
    "type", "external_id", "label", "mandatory", "default_value", "default_disabled", "validation", "restrictions", "datasource",
    "allow_dynamic_list_values",
)  # fmt: skip


def _listed(*values: tuple[str, str]) -> dict[str, Any]:
    return {"values": [{"external_id": id, "value": value} for id, value in values]}


PUBLISHERS: tuple[dict[str, Any], ...] = (
    {"external_id": "isbn", "type": "string", "label": "ISBN", "validation": {"type": "strlen", "min": 13, "max": 17}},
    {"external_id": "work", "type": "string", "label": "Consonance work"},
    {"external_id": "series", "type": "string", "label": "Series"},
    {
        "external_id": "kind",
        "type": "enum",
        "label": "Kind of cover",
        "datasource": _listed(("front", "Front cover"), ("back", "Back cover"), ("full", "Full jacket"), ("series", "Series branding")),
    },
    {"external_id": "edition", "type": "string", "label": "Edition"},
    {"external_id": "languages", "type": "set", "label": "Languages", "datasource": _listed(("en", "English"), ("fr", "French"))},
    {
        "external_id": "revision",
        "type": "integer",
        "label": "Revision",
        "validation": {"type": "greater_than", "value": 0, "equals": False},
    },
)


class Fields:
    """The environment's fields by external id. Raises `RefusedError` for whatever the service refuses."""

    def __init__(self) -> None:
        self._fields: dict[str, dict[str, Any]] = {}
        for field in PUBLISHERS:
            self.add(copy.deepcopy(field))

    def all(self) -> list[dict[str, Any]]:
        return [_shown(field) for field in self._fields.values()]

    def one(self, id: str) -> dict[str, Any]:
        return _shown(self._found(id))

    def _found(self, id: str) -> dict[str, Any]:
        if id not in self._fields:
            raise RefusedError(404, f"External ID {id} doesn't exist")
        return self._fields[id]

    def add(self, wanted: dict[str, Any]) -> dict[str, Any]:
        if unknown := set(wanted) - set(SETTINGS):
            raise RefusedError(400, f"Unknown setting: {', '.join(sorted(unknown))}")
        id, label = str(wanted.get("external_id") or wanted.get("label") or ""), str(wanted.get("label") or "")
        if wanted.get("type") not in TYPES or not label or max(len(id), len(label)) > 255:
            raise RefusedError(400, "A field has a type, a label and an external_id of up to 255 characters")
        if id in self._fields:
            raise RefusedError(409, f"external_id already exists: {id}")
        if wanted["type"] in {"enum", "set"} and not (wanted.get("datasource") or {}).get("values"):
            raise RefusedError(400, "A field of type enum or set needs a datasource")
        if wanted.get("mandatory") and wanted.get("default_value") is None:
            raise RefusedError(400, "A mandatory field needs a default_value")
        field = dict.fromkeys(SETTINGS) | wanted | {"external_id": id, "mandatory": bool(wanted.get("mandatory"))}
        values = (field.pop("datasource", None) or {}).get("values") or []
        field["entries"] = {}
        self._fill(field, values)
        self._fields[id] = field
        return _shown(field)

    def update(self, id: str, wanted: dict[str, Any]) -> dict[str, Any]:
        field = self._found(id)
        if wanted.get("type") not in {None, field["type"]} or wanted.get("external_id") not in {None, id}:
            raise RefusedError(400, "type and external_id of a field can't be changed")
        if unknown := set(wanted) - set(SETTINGS):
            raise RefusedError(400, f"Unknown setting: {', '.join(sorted(unknown))}")
        self._fill(field, (wanted.get("datasource") or {}).get("values") or [])
        field.update({name: value for name, value in wanted.items() if name != "datasource"})
        return _shown(field)

    def fill(self, id: str, values: Any) -> dict[str, Any]:
        """Entries that are there are renamed, others are added."""
        field = self._found(id)
        if field["type"] not in {"enum", "set"}:
            raise RefusedError(400, f"{id} has no datasource")
        self._fill(field, values if isinstance(values, list) else [])
        return {"values": _entries(field)}

    @staticmethod
    def _fill(field: dict[str, Any], values: list[Any]) -> None:
        for entry in values:
            value = str(entry.get("value") or "") if isinstance(entry, dict) else ""
            if not value:
                raise RefusedError(400, "A datasource entry has an external_id and a value")
            field["entries"][str(entry.get("external_id") or value)] = value

    def checked(self, given: dict[str, Any], *, whole: bool = False) -> dict[str, Any]:
        """The values as they are kept. An empty one clears the field (None). With `whole`, mandatory fields get their defaults."""
        found: dict[str, Any] = {}
        for id, value in given.items():
            if id not in self._fields:
                raise RefusedError(400, f"External ID {id} doesn't exist")
            found[id] = _value(self._fields[id], value)
        if whole:
            for id, field in self._fields.items():
                if field["default_value"] is not None and found.get(id) is None:
                    found[id] = field["default_value"]
        return found


def _value(field: dict[str, Any], value: Any) -> Any:
    id, kind = field["external_id"], field["type"]
    if value in ("", None, []):
        if field["mandatory"]:
            raise RefusedError(400, f"Value is mandatory for field {id}")
        return None
    if kind == "set":
        return [_entry(field, str(one)) for one in dict.fromkeys(_chosen(value))] or None
    if kind == "enum":
        return _entry(field, str(value))
    if kind == "integer":
        if not str(value).lstrip("-").isdigit():
            raise RefusedError(400, f"Value {value!r} is invalid for field {id} of type integer")
        value = int(value)
    elif kind == "date":
        try:
            value = date.fromisoformat(str(value)).isoformat()
        except ValueError:
            raise RefusedError(400, f"Value {value!r} is invalid for field {id} of type date") from None
    else:
        value = str(value)
    if not _passes(field["validation"], value):
        raise RefusedError(400, f"Value {value!r} is invalid for field {id}")
    return value


def _chosen(value: Any) -> list[Any]:
    """A list, also as JSON inside the pairs, or one value alone."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return [value]
    return value if isinstance(value, list) else [value]


def _entry(field: dict[str, Any], chosen: str) -> str:
    if chosen in field["entries"]:
        return chosen
    if field["allow_dynamic_list_values"]:
        field["entries"][chosen] = chosen
        return chosen
    raise RefusedError(400, f"Value {chosen!r} is invalid for field {field['external_id']}: not in its datasource")


def _passes(rule: dict[str, Any] | None, value: Any) -> bool:
    if not rule:
        return True
    if rule.get("type") == "and":
        return all(_passes(one, value) for one in rule.get("rules", []))
    if rule.get("type") == "strlen":
        return int(rule.get("min", 0)) <= len(str(value)) <= int(rule.get("max", 10**6))
    bound = rule.get("value")
    if bound is None:
        return True
    if rule.get("equals") and value == bound:
        return True
    return bool(value > bound) if rule.get("type") == "greater_than" else bool(value < bound) if rule.get("type") == "less_than" else True


def _entries(field: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"external_id": id, "value": value, "state": "active", "position": place}
        for place, (id, value) in enumerate(field["entries"].items())
    ]


def _shown(field: dict[str, Any]) -> dict[str, Any]:
    shown = {name: copy.deepcopy(field[name]) for name in SETTINGS if name != "datasource" and field.get(name) is not None}
    shown["restrictions"] = {"readonly_ui": False, "hidden_ui": False, "excluded_from_search": False} | (field["restrictions"] or {})
    if field["type"] in {"enum", "set"}:
        shown["datasource"] = {"values": _entries(field)}
    return shown
