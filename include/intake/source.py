"""What a place that files come from says of them: expected kinds, folders that say the kind, limits, who must review, who may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from unicodedata import normalize

from include.files.model import Kind
from include.partners import Archive, Inbox, load_archive, load_inbox
from include.partners.inboxes import Limits

ROWS = frozenset({"sales_load", "title_import", "royalty_statements"})  # flows that read rows
RIGHTS = "rights"  # the role of config/people.toml for contracts and statements, wherever they come from


@dataclass(frozen=True, slots=True)
class Source:
    """`id` is what the ledger's rows of arrivals bear: the inbox's id, or `archive:<id>`. `kinds`: expected ones, empty: all."""

    id: str
    label: str  # what the title's versions bear: `inbox:authors`, `archive:vault`
    name: str = ""
    kinds: frozenset[Kind] = frozenset()
    folders: Mapping[str, Kind] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    review: tuple[str, ...] = ()
    restricted: str = ""
    documents: bool = False  # what belongs to a contract is expected, also a letter that says no more of itself
    rows: bool = False  # files of rows, which a flow of their own reads: they are no versions of a title

    @classmethod
    def of_inbox(cls, inbox: Inbox) -> Source:
        return cls(
            id=inbox.id,
            label=f"inbox:{inbox.id}",
            name=inbox.name,
            kinds=frozenset(Kind(kind) for kind in inbox.kinds),
            folders=_kinds(inbox.folders),
            limits=inbox.limits,
            review=inbox.review,
            restricted=inbox.restricted,
            documents=inbox.flow == "rights_documents",
            rows=inbox.flow in ROWS,
        )

    @classmethod
    def of_archive(cls, archive: Archive) -> Source:
        return cls(
            id=f"archive:{archive.id}",
            label=f"archive:{archive.id}",
            name=archive.name,
            folders=_kinds(archive.folders),
            limits=archive.limits,
            restricted=archive.restricted,
        )

    @classmethod
    def named(cls, id: str) -> Source:
        """By the id that rows of arrivals bear. Raises `ConfigurationError` if its file is gone."""
        archive = id.removeprefix("archive:")
        return cls.of_archive(load_archive(archive)) if archive != id else cls.of_inbox(load_inbox(id))

    def restricted_for(self, kind: str) -> str:
        """The role that may see a file of this kind from here: a contract or a statement that lay in an open folder is no less secret."""
        return self.restricted or (RIGHTS if kind in {Kind.CONTRACT, Kind.STATEMENT} else "")

    def kind_of_folder(self, path: str) -> Kind:
        """Of the deepest folder in the path that says a kind; its name is compared without regard to case."""
        if self.folders:
            for folder in reversed(PurePosixPath(path.replace("!", "/")).parts[:-1]):
                if kind := self.folders.get(_folder(folder)):
                    return kind
        return Kind.UNKNOWN

    def expects(self, kind: Kind) -> bool:
        return not self.kinds or kind in self.kinds


def _kinds(folders: Mapping[str, str]) -> dict[str, Kind]:
    return {_folder(name.strip("/")): Kind(kind) for name, kind in folders.items()}


def _folder(name: str) -> str:
    """A Mac writes `ä` as two characters."""
    return normalize("NFC", name.casefold())
