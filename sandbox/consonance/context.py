"""What resolvers share: the catalogue, where files are found, and a part together with its work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import GraphQLResolveInfo

from sandbox.catalogue import Catalogue, Product, Work
from sandbox.catalogue.facts import Cover

Resolver = Callable[..., Any]
Info: TypeAlias = "GraphQLResolveInfo[Any]"
# A field's resolver, or the name of the attribute that it shows.
Table = Mapping[str, Resolver | str]


@dataclass
class Context:
    """What a resolver may ask. `base_url` is where the sandbox's own files (covers) are found, `uploads` their bytes where somebody
    brought them."""

    catalogue: Catalogue
    base_url: str
    uploads: dict[int, bytes] = field(default_factory=dict)

    def work_of(self, product: Product) -> Work:
        work = self.catalogue.work(product.work_id)
        assert work is not None
        return work


@dataclass(frozen=True, slots=True)
class Within:
    """A part of a work, with the work it is part of."""

    part: Any
    work: Work


def cover_url(base_url: str, cover: Cover, style: str = "original") -> str:
    """Where the image is; one that was given by its address and could not be fetched stays there."""
    return cover.remote_url if cover.remote_url and not cover.height else f"{base_url}/covers/{cover.id}/{style}.jpg"
