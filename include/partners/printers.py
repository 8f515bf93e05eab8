"""Printers' profiles: `config/printers/<id>.toml`. A printer's party file names one in `[handoff]`."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from include.partners.profiles import PartId, Profile


class Printer(Profile):
    """How a printer names the parts of a book, which it needs for which binding, what it checks."""

    ticket: str = Field(default="jobticket", description="Name mask of the job ticket, without extension: isbn, title, job.")
    layers: dict[str, PartId] = Field(
        default_factory=dict,
        description="Words in an ordered finish or embellishment, and the part with its artwork: without it there is a warning.",
    )

    @model_validator(mode="after")
    def _layers_are_known(self) -> Self:
        if unknown := set(self.layers.values()) - {part.id for part in self.parts}:
            raise ValueError(f"layers name unknown parts: {', '.join(sorted(unknown))}")
        return self
