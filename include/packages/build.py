"""Puts files together as one package for one party, and prepares the delivery that carries it.

Shared by every flow that sends packages (print handoff, formats, launch packs, readiness packages): they say what belongs in, this
says which revision it is, what it replaces, and gives it its manifest. Building twice is one package: it is known by its contents.
"""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from include.deliveries import openpgp
from include.deliveries.build import Run
from include.errors import ConfigurationError, RejectedData, TransientError
from include.ledger import deliveries, packages
from include.ledger.database import Ledger
from include.ledger.deliveries import NewFile
from include.ledger.file_rows import PackageFileRow, PackageRow
from include.ledger.models import DeliveryState as S
from include.packages.manifest import SUMS, Packed, manifest, sums
from include.packages.zipped import write_zip
from include.partners import Party
from include.store import Artefact, ArtefactStore
from include.transfer.naming import is_safe

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Item:
    """One file of a package.

    `name` is its path in the package, with `/` between folders. `identity` says what of it makes another package when it changes:
    None for its bytes, "" for what only accompanies the rest (a report of checks), or any text that stands for its content.
    """

    role: str  # what it is to the recipient: text, cover, ticket, ...
    name: str
    sha256: str
    bytes: int
    revision: str = ""
    title_file_id: int | None = None
    identity: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPackage:
    """What is to go. `subject` tells this party's packages apart (an ISBN; a work and a date) and holds no colon. `folder` is the
    remote folder, `zipped` the name of the one zip instead of a folder of files; both may hold `{revision}`. `about` goes into the
    manifest. `ask`: reasons why a person must look first ([{code, message, todo}]). `whole`: a changed package goes as a whole;
    else only what changed travels. `flat`: other packages lie in the same folder, so sums and manifest bear the subject in their
    names. `bare`: neither sums nor manifest travel."""

    party: Party
    flow: str
    subject: str
    items: Sequence[Item]
    folder: str
    zipped: str = ""
    work_id: int | None = None
    product_id: int | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    findings: Sequence[Mapping[str, Any]] = ()
    ticket: Mapping[str, Any] = field(default_factory=dict)
    ask: Sequence[Mapping[str, Any]] = ()
    whole: bool = True
    flat: bool = False
    bare: bool = False
    format: str = ""

    @property
    def prefix(self) -> str:
        """Of the names of what is made for the package."""
        return f"{self.subject}." if self.flat else ""


@dataclass(frozen=True, slots=True)
class Assembled:
    """A package as it travels: its parts in order, then `SHA256SUMS` and the manifest, which arrive last."""

    files: tuple[NewFile, ...]  # as the delivery holds them
    rows: tuple[Packed, ...]  # as the ledger lists them


def made(store: ArtefactStore, role: str, name: str, content: bytes, *, identity: str | None = None) -> Item:
    """A file that is made for the package: a ticket, a report."""
    artefact = store.put(io.BytesIO(content))
    return Item(role, name, artefact.sha256, artefact.bytes, identity=identity)


def digest_of(items: Sequence[Item]) -> str:
    """What makes a package this one: roles, names and contents, whatever their order."""
    facts = sorted((item.role, item.name, item.sha256 if item.identity is None else item.identity) for item in items if item.identity != "")
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def prepare(ledger: Ledger, store: ArtefactStore, new: NewPackage, *, now: datetime, run: Run | None = None) -> PackageRow:
    """The package with these contents: built and prepared for delivery, or the one that is there already.

    A new one gets the next revision and names the one it replaces; what was built before and has not left is withdrawn. One that
    was stopped, or declined with other findings, is built anew. With `ask` its delivery waits for approval. Gives the row with its
    files, outside any session; nothing is sent. Raises `RejectedData` if two files would have one name or a name is no plain path.
    """
    run = run or Run()
    check_names(new)
    digest = digest_of(new.items)
    for _ in range(_TRIES):
        with ledger.session() as session:
            packages.settle(session, new.party.id, new.flow, now=now, who=run.who, subject=new.subject)
            packages.waits_no_more(session, new.party.id, new.flow, new.subject)
            known, fresh = _known(session, new, digest, now, run)
            if known is not None:
                return _loaded(known)
            before = packages.last_delivered(session, new.party.id, new.flow, new.subject)
            if before is not None:
                _loaded(before)
            revision = packages.next_revision(session, new.party.id, new.flow, new.subject)
        assembled = assemble(store, new, revision, before, fresh)
        with ledger.session() as session:
            packages.in_turn(session, new.party.id)
            if packages.next_revision(session, new.party.id, new.flow, new.subject) == revision:
                return _loaded(_record(session, new, assembled, revision, before, fresh, now, run))
    raise TransientError(
        "another process keeps building the same package", where=f"{new.party.id}, {new.subject}", todo="It is tried again by itself."
    )


def assemble(store: ArtefactStore, new: NewPackage, revision: int, before: PackageRow | None = None, digest: str = "") -> Assembled:
    """Seals, compares with what the party has, writes sums and manifest, zips where a zip is wanted. Deterministic, but for OpenPGP."""
    digest = digest or digest_of(new.items)
    had = {file.name: file.sha256 for file in before.files} if before is not None else {}
    packed = []
    for item in new.items:
        same = had.get(item.name) == item.sha256
        packed.append(_sealed(store, new, Packed(item.name, item.bytes, item.sha256, item.role, item.revision, unchanged=same)))
        if same and not new.whole:
            packed[-1] = replace(packed[-1], travels=False)
    about = {
        "from": new.about.get("from", ""), "to": new.party.id, "flow": new.flow, "subject": new.subject, "revision": revision,
        "digest": digest, **{name: value for name, value in new.about.items() if name != "from"},
    }  # fmt: skip
    gone = sorted(set(had) - {item.name for item in new.items} - _made_names(before)) if before is not None else []
    replaces = None
    if before is not None:
        replaces = {"revision": before.revision, "digest": before.digest, "delivery": before.delivery_id}
    told = manifest(about, packed, replaces=replaces, withdrawn=gone, findings=new.findings)
    folder = new.folder.replace("{revision}", str(revision))
    name = _manifest_name(new)
    sealed = _sealed(store, new, _put(store, name, told, "manifest"))
    listed = _put(store, new.prefix + SUMS, sums([*packed, sealed]), "sums")  # never sealed: whoever moves the files can check them
    rows = (*packed, listed, sealed)
    if new.zipped:
        return _as_zip(store, new, rows, folder, revision)
    files = [_new_file(folder, file, "part") for file in packed if file.travels]
    if new.bare:
        return Assembled(tuple(files), rows)
    return Assembled((*files, _new_file(folder, listed, "manifest"), _new_file(folder, sealed, "manifest")), rows)


def write(store: ArtefactStore, assembled: Assembled, folder: Path) -> list[Path]:
    """Writes a package into a local folder, as it would lie at the party; gives the paths."""
    paths = []
    for file in assembled.rows:
        path = folder / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        with store.local(file.sha256) as kept:
            shutil.copyfile(kept, path)  # the operating system copies, where it can without a detour
        paths.append(path)
    return paths


# --- known ones


def _known(session: Session, new: NewPackage, digest: str, now: datetime, run: Run) -> tuple[PackageRow | None, str]:
    """The package that these contents are already, if it may stand for them; else the digest under which to build a new one."""
    where = (new.party.id, new.flow, new.subject)
    while (row := packages.find(session, *where, digest)) is not None:
        if row.state == packages.DELIVERED and _is_last(session, row):
            why = [{"code": "unwanted", "message": f"revision {row.revision}, which has arrived, is wanted again"}]
            packages.stop_unsent(session, *where, why, now=now, who=run.who, keep=row.id)
            return row, digest
        if row.state in packages.UNSENT and _same_findings(row, new) and _same_place(session, row, new):
            if row.state == packages.STOPPED:
                _revive(session, row, new, now, run)
            return row, digest
        if row.state in packages.UNSENT:
            why = [{"code": "checked-anew", "message": "the checks find something else now, or it goes elsewhere"}]
            packages.stop(session, row, why, now=now, who=run.who, state=packages.REPLACED)
        digest = hashlib.sha256(f"{digest} again after {row.id}".encode()).hexdigest()
    return None, digest


def _is_last(session: Session, row: PackageRow) -> bool:
    last = packages.last_delivered(session, row.partner, row.flow, row.subject)
    return last is not None and last.id == row.id


def _same_findings(row: PackageRow, new: NewPackage) -> bool:
    return row.findings == [dict(finding) for finding in new.findings]


def _same_place(session: Session, row: PackageRow, new: NewPackage) -> bool:
    if row.delivery_id is None:
        return False
    last = deliveries.get(session, row.delivery_id).files[-1]
    wish = new.party.transport.openpgp
    if wish is not None and not new.zipped and not last.name.endswith((wish.suffix, SUMS)):  # built before the party wanted it sealed
        return False
    return last.folder == new.folder.replace("{revision}", str(row.revision))


def _revive(session: Session, row: PackageRow, new: NewPackage, now: datetime, run: Run) -> None:
    """What stopped it is mended, and it is still what the partner should get next. What a person declined stays declined."""
    delivery = deliveries.get(session, row.delivery_id or 0, lock=True)
    row.state = packages.HELD if new.ask else packages.BUILT
    if delivery.state == S.DECLINED:
        row.state = packages.HELD
        return
    state = S.AWAITING_APPROVAL if new.ask else S.PREPARED
    deliveries.move(session, delivery, state, now=now, who=run.who, detail={"why": "wanted again"})
    delivery.reasons = row.reasons = [dict(reason) for reason in new.ask]
    deliveries.supersede(session, row.partner, row.flow, delivery.id, now=now, who=run.who)


# --- new ones


def _record(
    session: Session, new: NewPackage, assembled: Assembled, revision: int, before: PackageRow | None, digest: str, now: datetime, run: Run
) -> PackageRow:
    why = [{"code": "newer", "message": f"revision {revision} takes its place"}]
    for older in packages.of_subject(session, new.party.id, new.flow, new.subject):
        if older.state in packages.UNSENT:
            packages.stop(session, older, why, now=now, who=run.who, state=packages.REPLACED)
    ask = [dict(reason) for reason in new.ask]
    delivery = deliveries.prepare(
        session, partner=new.party.id, flow=new.flow, business_key=f"{new.subject}:r{revision}", digest=digest,
        files=assembled.files, now=now, who=run.who, state=S.AWAITING_APPROVAL if ask else S.PREPARED, kind="package",
        format=new.format[:40], dag_id=run.dag_id, run_id=run.run_id, reasons=ask,
        replaces_id=before.delivery_id if before is not None else None,
    )  # fmt: skip
    versions = {item.name: item for item in new.items}
    row = PackageRow(
        partner=new.party.id, flow=new.flow, subject=new.subject, revision=revision, digest=digest, work_id=new.work_id,
        product_id=new.product_id, state=packages.HELD if ask else packages.BUILT, reasons=ask,
        findings=[dict(finding) for finding in new.findings], ticket=dict(new.ticket), delivery_id=delivery.id,
        replaces_id=before.id if before is not None else None, built_at=now,
        files=[_file_row(position, file, versions) for position, file in enumerate(assembled.rows)],
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def _file_row(position: int, file: Packed, versions: Mapping[str, Item]) -> PackageFileRow:
    """The ledger keeps what a file is, not how it was sealed: so it can be compared with the next one."""
    plain = dict(file.plain or {"name": file.name, "bytes": file.bytes, "sha256": file.sha256})
    item = versions.get(plain["name"])
    return PackageFileRow(
        position=position, role=file.role, revision=file.revision, title_file_id=item.title_file_id if item else None, **plain
    )


def _loaded(row: PackageRow) -> PackageRow:
    """With its files in memory, so that it can be read outside its session."""
    list(row.files)
    return row


def _made_names(before: PackageRow | None) -> set[str]:
    return {file.name for file in before.files if file.role in {"manifest", "sums"}} if before is not None else set()


def shares_folder(party: Party, mask: str, *, zipped: bool) -> bool:
    """Whether packages of several titles lie in one folder, so that their manifests need names of their own. Of zips only the manifest
    beside them would lie there."""
    return "{isbn" not in mask and (not zipped or party.transport.commit.rule == "manifest_last")


def check_names(new: NewPackage) -> None:
    """Raises `RejectedData` if two files would have one name, on whatever system, or a name is no plain path."""
    where = f"{new.party.id}, {new.subject}"
    if ":" in new.subject:
        raise ConfigurationError(f"{new.subject!r} holds a colon", where=where, todo="Name the package without one.")
    taken: dict[str, str] = {_manifest_name(new).casefold(): "the manifest", (new.prefix + SUMS).casefold(): "the sums"}
    for item in new.items:
        if not all(is_safe(part) for part in item.name.split("/")) or len(item.name) > 255:
            raise RejectedData(f"{item.name!r} is no file name", where=where, todo="Mend the name mask in the profile.")
        if (other := taken.get(item.name.casefold())) is not None:
            raise RejectedData(
                f"{item.name} would be the name of both {other} and {item.role}",
                where=where,
                todo="Remove one of the two files from the title, or tell them apart in the profile's masks.",
            )
        taken[item.name.casefold()] = item.role


def _manifest_name(new: NewPackage) -> str:
    """As the partner's commit rule calls it, so that the transport adds none of its own."""
    commit = new.party.transport.commit
    if commit.rule != "manifest_last":
        return new.prefix + "manifest.json"
    name = commit.manifest.format(name=new.subject, stem=new.subject, sha8="")
    return new.prefix + name if name == commit.manifest else name


def _sealed(store: ArtefactStore, new: NewPackage, file: Packed) -> Packed:
    wish = new.party.transport.openpgp
    if wish is None or new.zipped:  # the zip is sealed as one
        return file
    sealed = openpgp.seal(new.party, store, Artefact(file.sha256, file.bytes))
    plain = {"name": file.name, "bytes": file.bytes, "sha256": file.sha256}
    return replace(file, name=file.name + wish.suffix, bytes=sealed.bytes, sha256=sealed.sha256, plain=plain)


def _put(store: ArtefactStore, name: str, content: bytes, role: str) -> Packed:
    artefact = store.put(io.BytesIO(content))
    return Packed(name, artefact.bytes, artefact.sha256, role)


def _new_file(folder: str, file: Packed, role: str) -> NewFile:
    inner, name = posixpath.split(file.name)
    return NewFile(name, posixpath.join(folder, inner) if inner else folder, file.bytes, file.sha256, role)


def _as_zip(store: ArtefactStore, new: NewPackage, rows: tuple[Packed, ...], folder: str, revision: int) -> Assembled:
    """One zip; the manifest lies in it, last, or beside it where the commit rule says that a manifest arrives last."""
    beside = new.party.transport.commit.rule == "manifest_last"
    inside = rows[:-1] if beside else rows
    artefact = openpgp.seal(new.party, store, write_zip(store, [(file.name, file.sha256) for file in inside if file.travels]))
    suffix = new.party.transport.openpgp.suffix if new.party.transport.openpgp else ""
    zipped = NewFile(new.zipped.replace("{revision}", str(revision)) + suffix, folder, artefact.bytes, artefact.sha256, "message")
    return Assembled((zipped, _new_file(folder, rows[-1], "manifest")) if beside else (zipped,), rows)
