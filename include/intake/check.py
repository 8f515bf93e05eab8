"""What would become of local files if they lay in an inbox: the same safety, the same matching; nothing is moved or recorded."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.errors import ConfigurationError
from include.files.model import Kind
from include.intake.examine import Examined, Examiner, Thing
from include.intake.match import TitleIndex
from include.intake.source import Source
from include.ledger import intake as rows
from include.ledger.file_rows import IntakeState
from include.store import ArtefactStore
from include.transfer.naming import is_travelling


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One file, or one member of an archive: its fate, kind, the title it would be on (or is proposed for), and why."""

    file: str
    fate: str
    kind: str
    match: str
    work_id: int | None
    product_id: int | None
    contract_id: int | None
    revision: str
    part: str
    why: str
    reasons: tuple[dict[str, str], ...]

    @property
    def ok(self) -> bool:
        """Whether it would be on a title without a person."""
        return self.fate in {IntakeState.ATTACHED, IntakeState.UNPACKED}

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__} | {"reasons": [dict(reason) for reason in self.reasons]}


def check(path: Path, source: Source, index: TitleIndex, rules: Any = ()) -> Iterator[Foreseen]:
    """Each file under `path` (a file or a folder), by name; an archive, then its members. Raises `ConfigurationError` if there is none.

    Copies each file into a store of its own that is gone afterwards: the disk for temporary files must have room.
    """
    if not path.exists():
        raise ConfigurationError("there is no such file or folder", where=str(path), todo="Check the path.")
    base = path if path.is_dir() else path.parent
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    with tempfile.TemporaryDirectory(prefix="colophon-check-") as folder:
        store = ArtefactStore(folder)
        examiner = Examiner(store, source, index, rules)
        things = []
        for file in files:
            if not any(is_travelling(part) for part in file.relative_to(base).parts):
                kept = store.put(file)
                shown = rows.shown_path(rows.escaped(file.relative_to(base).as_posix()))  # as an inbox reads names of old systems
                things.append(Thing(shown, kept.sha256, kept.bytes))
        for found in examiner.several(things):
            yield _line(found)
            members = [member for member in found.members if isinstance(member, Thing)]
            looks = examiner.several(members)
            for member in found.members:
                yield _line(next(looks) if isinstance(member, Thing) else member)


def _line(found: Examined) -> Foreseen:
    target = found.target or (found.proposals[0].target if found.proposals else None)
    return Foreseen(
        file=found.thing.path,
        fate=str(found.state),
        kind=str(found.kind) if found.kind is not Kind.UNKNOWN else "",
        match=target.title if target else "",
        work_id=target.work_id if target else None,
        product_id=target.product_id if target else None,
        contract_id=target.contract_id if target else None,
        revision=found.clues.revision,
        part=found.part,
        why=found.why,
        reasons=found.reasons,
    )
