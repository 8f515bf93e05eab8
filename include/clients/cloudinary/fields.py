"""Structured metadata: the environment's fields and what they may hold. Definitions are for good: a type can't be changed."""

from __future__ import annotations

from collections.abc import Mapping

from include.clients.cloudinary.calls import Caller
from include.clients.cloudinary.errors import AlreadyExists
from include.clients.cloudinary.model import Field, entries_to_wire, field_of
from include.errors import PermanentError, TransientError


class Fields:
    """Of one environment. Two changes of one field at once are told as a `TransientError` that passes in seconds."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def all(self) -> dict[str, Field]:
        """By external id."""
        from cloudinary import api

        answer = self._caller.admin("metadata fields", api.list_metadata_fields)
        rows = answer.get("metadata_fields") if isinstance(answer, Mapping) else None
        found = [field_of(row) for row in rows or () if isinstance(row, Mapping)]
        return {field.external_id: field for field in found}

    def add(self, field: Field) -> Field:
        """Raises `AlreadyExists`."""
        from cloudinary import api

        return field_of(self._caller.admin(f"metadata field {field.external_id}", api.add_metadata_field, field.to_wire(), repeat=False))

    def update(self, field: Field) -> Field:
        """Label, default, validation; entries are added and renamed, none is taken away."""
        from cloudinary import api

        wire = {name: value for name, value in field.to_wire().items() if name not in {"external_id", "type"}}
        return field_of(self._caller.admin(f"metadata field {field.external_id}", api.update_metadata_field, field.external_id, wire))

    def add_entries(self, field_id: str, entries: Mapping[str, str]) -> None:
        """External id → label, for an enum or a set; before values that need them are written."""
        from cloudinary import api

        self._caller.admin(f"entries of {field_id}", api.update_metadata_field_datasource, field_id, entries_to_wire(entries))

    def ensure(self, field: Field) -> bool:
        """Adds the field, or the entries that it lacks; true if anything was changed. Raises `PermanentError` if it is of another type."""
        there = self.all().get(field.external_id)
        if there is None:
            try:
                self.add(field)
            except (AlreadyExists, TransientError):
                there = self.all().get(field.external_id)  # somebody else was faster, or our answer got lost
                if there is None:
                    raise
            else:
                return True
        if there.type != field.type:
            raise PermanentError(
                f"it is of type {there.type}, and Colophon needs {field.type}",
                where=self._caller.where(f"metadata field {field.external_id}"),
                todo="Name another field in the configuration.",
            )
        lacking = {id: value for id, value in field.entries.items() if id not in there.entries}
        if lacking:
            self.add_entries(field.external_id, lacking)
        return bool(lacking)
