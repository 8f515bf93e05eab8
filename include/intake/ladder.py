"""Takes an approved file as far into Consonance as this tenant lets it: the ladders of the design.

    a picture for which Consonance has a place (front cover, back cover, full jacket, branding of a series, author's picture)
        createSupportingResource with an address that Consonance fetches ─▶ title record
    any other file
        title record                                      (createProductionFile can't be carried through: see `NO_PRODUCTION_FILE`)
        with a web link on the product that points to it, where the tenant's createWebLink can be filled in
    restricted files (contracts, statements): title record, always

Only the approved, current version is shown: a newer one unlinks it, and what lost its approval is taken out again where the tenant lets
us. What was shown, and why nothing more, stands in `TitleFileRow.consonance`. A run that was killed between Consonance's answer and our
record finds its resource by the file name, which has part of the sha256.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from typing import Any, Final

from graphql import GraphQLEnumType
from PIL import Image
from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session

from include.clients.consonance import Consonance
from include.errors import PermanentError, TransientError
from include.files import previews
from include.files.model import Kind, Sniffed
from include.intake import web_links
from include.ledger import covers, title_files
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.file_rows import RECORD, RESOURCE, UNLINKED, WITHDRAWN, Approval, TitleFileRow
from include.ledger.models import ProductRow
from include.store import ArtefactStore

Address = Callable[[str, str, datetime], str]  # sha256, name, now → an address that Consonance can fetch

PRINT_COVER = 3_600  # pixels of the longer side: a 12-inch cover at 300 dpi
WIDE = 1.15  # a picture so much wider than high is a wraparound, no front cover

NO_ADDRESS = "Consonance fetches pictures from an address, and there is none: set COLOPHON_PUBLIC_URL (docs/runbook/matching.md)."
NO_PRODUCTION_FILE = (
    "Consonance's createProductionFile does not say to which title a file belongs, nor how an upload is ended: "
    "the file is in Colophon's title record."
)
PAPERS = "It is for few eyes: it stays in Colophon's title record."

# Members of the tenant's SupportingResourceVariant that say what a picture shows. Only "front cover" is evidenced, as prose.
_VARIANTS: Final = {
    "front cover": re.compile(r"(?i)^front_?cover$"),
    "back cover": re.compile(r"(?i)^back_?cover$"),
    "full jacket": re.compile(r"(?i)^(?:full_?(?:cover|jacket)|wraparound(?:_cover)?|whole_?jacket)$"),
    "series branding": re.compile(r"(?i)^series_?(?:image|artwork|branding|logo)$"),
    "author": re.compile(r"(?i)^(?:author|contributor)_?(?:image|photo|photograph|picture)$"),
}
_FRONT = frozenset({"", "front cover", "cover", "jacket"})


@dataclass(frozen=True, slots=True)
class Shown:
    """Where a file is now: `as_` is the rung, `id` the resource's in Consonance, `why` one sentence. `new` if this run did it."""

    as_: str
    id: int | None = None
    why: str = ""
    new: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The rung that a file will take: `place` is the picture's in Consonance ("" for the title record), `why` the sentence for people."""

    as_: str
    place: str = ""
    why: str = ""


@dataclass(slots=True)
class Ladder:
    """One tenant and what it offers. `address` gives addresses that Consonance can fetch; None where nobody outside can reach us."""

    ledger: Ledger
    store: ArtefactStore
    client: Consonance
    address: Address | None = None
    page: Callable[[int], str] | None = None  # product id → address of its page with us, for people

    # --- what is to do

    def waiting(self, *, again: bool = False, source: str = "") -> list[int]:
        """Ids of files to show or to take back, oldest first. `again`: also those that got no further than the title record.

        Covers that a flow brings by itself (`source`) are shown by that flow alone: two flows at one file would make it twice.
        """
        approved = (TitleFileRow.state == title_files.ATTACHED) & (TitleFileRow.approval == Approval.APPROVED)
        told = func.length(cast(TitleFileRow.consonance, String)) > 2
        mine = TitleFileRow.source == source if source else TitleFileRow.source != covers.SOURCE
        query = select(TitleFileRow).where(approved | told, mine).order_by(TitleFileRow.id).execution_options(yield_per=1000)
        with self.ledger.read() as session:
            return [row.id for row in session.scalars(query) if self._due(session, row, again)]

    def _due(self, session: Session, row: TitleFileRow, again: bool) -> bool:
        told = row.consonance or {}
        if told.get("as") == UNLINKED and _still_in_its_place(session, row, told.get("by")):
            return False
        if _current(row):
            return (again and told.get("as") == RECORD) or told.get("digest") != _digest(row, self.plan(row))
        return told.get("as") == RESOURCE and not _kept(row)

    def plan(self, row: TitleFileRow) -> Plan:
        """The highest rung for this file at this tenant, by what is known without opening it."""
        if row.restricted or row.kind in {Kind.CONTRACT, Kind.STATEMENT}:
            return Plan(RECORD, why=PAPERS)
        place = _place(row)
        if not place:
            return Plan(RECORD, why=NO_PRODUCTION_FILE)
        if self.client.rest == "only":
            return Plan(RECORD, why="REST v4 takes no pictures: the file is in Colophon's title record.")
        for operation in ("supporting_resources", "create_supporting_resource"):
            capability = self.client.capability(operation)
            if not capability.ok:
                missing = ", ".join(capability.missing)
                return Plan(RECORD, why=f"This Consonance does not offer {missing}: the picture is in Colophon's title record.")
        if place != "front cover" and not self._member("SupportingResourceVariant", _VARIANTS[place]):
            return Plan(
                RECORD, why=f"This Consonance names no place for a picture of this sort ({place}); it would pass for a front cover."
            )
        return Plan(RESOURCE, place) if self.address is not None else Plan(RECORD, why=NO_ADDRESS)

    # --- doing it

    def settle(self, file_id: int, now: datetime, *, again: bool = False) -> Shown:
        """Shows one file, or takes it back; does nothing where that was done. Raises as `Consonance` and the store do."""
        with self.ledger.read() as session:
            row = title_files.get(session, file_id)
            session.expunge_all()
        if not _current(row):
            return self._take_back(row, now)
        plan = self.plan(row)
        digest = _digest(row, plan)
        told = row.consonance or {}
        if told.get("digest") == digest and not (again and told.get("as") == RECORD and plan.as_ == RESOURCE):
            return Shown(str(told.get("as")), told.get("id"), str(told.get("why", "")))
        if plan.as_ == RECORD:
            return self._record(row, Shown(RECORD, why=self._pointed_at(row, plan), new=True), digest, now)
        jpeg, why = self._jpeg(row, plan)
        if not jpeg:
            return self._record(row, Shown(RECORD, why=why, new=True), digest, now)
        try:
            shown = self._picture(row, plan, jpeg, now)
        except PermanentError as refused:
            return self._record(row, Shown(RECORD, why=f"Consonance did not take the picture: {refused.what}.", new=True), digest, now)
        if left := self._left_behind(row, shown):
            shown = replace(shown, why=f"{shown.why} {left}")
        return self._record(row, shown, digest, now, jpeg=jpeg)

    def _left_behind(self, row: TitleFileRow, shown: Shown) -> str:
        """An edition that went over to another work leaves its resource with the work before: that is taken out, too."""
        told = row.consonance or {}
        id, work = told.get("id"), told.get("work", row.work_id)
        if told.get("as") != RESOURCE or id is None or id == shown.id or work == row.work_id:
            return ""
        with suppress(PermanentError):  # that work may be gone, and its resources with it
            return self._delete(row, f"the edition belongs to work {row.work_id} now")[1]
        return ""

    def _picture(self, row: TitleFileRow, plan: Plan, jpeg: str, now: datetime) -> Shown:
        name = self._name(row, row.work_id, jpeg)
        if id := self._there(row, name):
            return Shown(RESOURCE, id, f"Consonance has it as {name}.", new=True)
        try:
            answer = self.client.change("create_supporting_resource", {"input": self._input(row, plan, jpeg, name, now)})
        except TransientError:
            if id := self._there(row, name):  # done, and the answer was lost
                return Shown(RESOURCE, id, f"Consonance took it as {name}.", new=True)
            raise
        created = (answer.get("createSupportingResource") or {}).get("supportingResource") or {}
        id = self._there(row, name) or created.get("id")
        if not id:
            raise PermanentError("it answered the creation of a resource and does not show it", where=f"work {row.work_id}")
        return Shown(RESOURCE, id, f"Consonance took it as {name}.", new=True)

    def _name(self, row: TitleFileRow, work: int, jpeg: str) -> str:
        with self.ledger.read() as session:
            product = session.get(ProductRow, row.product_id) if row.product_id else None
        return f"{product.isbn if product is not None and product.isbn else f'work-{work}'}-{jpeg[:16]}.jpg"

    def _input(self, row: TitleFileRow, plan: Plan, jpeg: str, name: str, now: datetime) -> dict[str, Any]:
        """`CreateSupportingResourceInput`, every member of which is evidenced; of its enumerations only members that this tenant has."""
        assert self.address is not None  # noqa: S101 - `plan` looked
        given: dict[str, Any] = {
            "workId": row.work_id,
            "imageRemoteUrl": self.address(jpeg, name, now),
            "caption": f"{plan.place.capitalize()}{f', revision {row.revision}' if row.revision else ''}",
            "unlinkPrevious": True,
        }
        given |= {"productIds": [row.product_id]} if row.product_id is not None else {"linkToAllProducts": True}
        for member, type_, pattern in (
            ("resourceVariant", "SupportingResourceVariant", _VARIANTS[plan.place]),
            ("status", "SupportingResourceStatus", re.compile(r"(?i)^approved$")),
        ):
            if value := self._member(type_, pattern):
                given[member] = value
        return given

    def _member(self, enumeration: str, pattern: re.Pattern[str]) -> str:
        kind = self.client.schema().type_map.get(enumeration)
        return next((name for name in kind.values if pattern.match(name)), "") if isinstance(kind, GraphQLEnumType) else ""

    def _there(self, row: TitleFileRow, name: str) -> int | None:
        """The id of the resource that shows this very file on this very title now, if Consonance has one."""
        return next(iter(reversed(_named(self._resources(row.work_id), row, name))), None)

    def _resources(self, work_id: int) -> list[dict[str, Any]]:
        work = self.client.run("supporting_resources", {"id": work_id}).get("work")
        if work is None:
            raise PermanentError("it no longer has this work", where=f"work {work_id}", todo="Look at the title in Consonance.")
        found = [one for one in work.get("supportingResources") or () if isinstance(one, dict) and isinstance(one.get("id"), int)]
        return sorted(found, key=lambda one: int(one["id"]))

    def _jpeg(self, row: TitleFileRow, plan: Plan) -> tuple[str, str]:
        """The picture as JPEG in sRGB in the store, or "" and why not. A JPEG that every program can show goes as it is."""
        with self.store.local(row.sha256) as local:
            if row.media_type == "image/jpeg" and (size := _plain_jpeg(local)):
                width, height, sha256 = *size, row.sha256
            else:
                extension = f".{row.name.rpartition('.')[2].lower()}"
                family = "pdf" if row.media_type == "application/pdf" else "image"
                made = previews.preview(local, Sniffed(row.media_type, extension, family), longest=PRINT_COVER)
                if made is None:
                    return "", "No JPEG can be made of it: the file is in Colophon's title record."
                with Image.open(BytesIO(made)) as picture:
                    width, height = picture.size
                sha256 = self.store.put(BytesIO(made)).sha256
        if plan.place == "front cover" and width > height * WIDE:
            return "", "It is wider than high, so it is no front cover but a wraparound: the file is in Colophon's title record."
        return sha256, ""

    def _pointed_at(self, row: TitleFileRow, plan: Plan) -> str:
        """The plan's sentence, with one on the web link that now points to the title record."""
        if self.page is None or plan.why == PAPERS:
            return plan.why
        with self.ledger.read() as session:
            first = select(func.min(ProductRow.id)).where(ProductRow.work_id == row.work_id, ProductRow.deleted_at.is_(None))
            product = row.product_id or session.scalar(first)
        if product is None or not web_links.point(self.client, product, self.page(product)):
            return plan.why
        return f"{plan.why} A web link on the product in Consonance points to it."

    # --- taking back

    def _take_back(self, row: TitleFileRow, now: datetime) -> Shown:
        """What is no longer approved, or was removed: deleted in Consonance where the tenant lets us, else a person is told to."""
        told = row.consonance or {}
        if told.get("as") != RESOURCE or _kept(row):
            return Shown(str(told.get("as", "")), told.get("id"), str(told.get("why", "")))
        left, why = self._delete(row, "it is not approved any more")
        return self._record(row, Shown(WITHDRAWN, left, why or "Consonance does not have it any more.", new=True), "", now)

    def _delete(self, row: TitleFileRow, because: str) -> tuple[int | None, str]:
        """Deletes what shows a file where the tenant lets us: also a second resource, which two runs at once may have made of it. The id
        where a person must, and what became of it: nothing where it is gone."""
        told = row.consonance
        id, work, jpeg = told["id"], told.get("work", row.work_id), told.get("jpeg", "")
        there = self._resources(work)
        doomed = {one["id"] for one in there if one["id"] == id} | set(_named(there, row, self._name(row, work, jpeg)) if jpeg else ())
        if not doomed:
            return None, ""
        ids = f"supporting resource {', '.join(str(one) for one in sorted(doomed))}"
        if not self.client.capability("delete_supporting_resource").ok:
            return id, f"Delete {ids} of work {work} in Consonance: {because}, and this tenant does not let Colophon do it."
        for one in sorted(doomed):
            self.client.change("delete_supporting_resource", {"input": {"id": one}})
        return None, f"{ids.capitalize()} was deleted in Consonance."

    def _record(self, row: TitleFileRow, shown: Shown, digest: str, now: datetime, *, jpeg: str = "") -> Shown:
        told = {"as": shown.as_, "id": shown.id, "why": shown.why, "digest": digest, "jpeg": jpeg, "at": now.isoformat()}
        told |= {"work": row.work_id} if shown.id else {}
        with self.ledger.session() as session:
            mine = title_files.get(session, row.id, lock=True)
            mine.consonance = {key: value for key, value in told.items() if value not in {None, ""}}
            if shown.as_ == RESOURCE:
                self._unlink_others(session, mine)
            if shown.new:
                about = {"title_file": row.id, "work": row.work_id, "product": row.product_id, "as": shown.as_, "id": shown.id}
                record_event(session, what="file shown", now=now, subject=row.name, sha256=row.sha256, detail=about | {"why": shown.why})
        return shown

    def _unlink_others(self, session: Session, row: TitleFileRow) -> None:
        """`unlinkPrevious` took the picture that was there before off these editions: should it be current again, it is shown anew."""
        for other in title_files.files_of(session, row.work_id, kinds=[Kind.JACKET, Kind.ARTWORK]):
            same = row.product_id in {None, other.product_id}  # one edition's own leaves the work's on all the others
            if other.id != row.id and same and (other.consonance or {}).get("as") == RESOURCE and _place(other) == _place(row):
                other.consonance = {"as": UNLINKED, "by": row.id, "why": f"{row.name} took its place."}


def _named(resources: list[dict[str, Any]], row: TitleFileRow, name: str) -> list[int]:
    """Ids of the resources of this file name that show something on this file's title."""
    found = []
    for one in resources:
        linked = one.get("productIds")
        if name in {str(one.get("filename")), str(one.get("imageRemoteUrl") or "").partition("?")[0].rpartition("/")[2]} and (
            linked is None or (row.product_id in linked if row.product_id is not None else bool(linked))
        ):
            found.append(int(one["id"]))
    return found


def _current(row: TitleFileRow) -> bool:
    return row.state == title_files.ATTACHED and row.approval == Approval.APPROVED


def _still_in_its_place(session: Session, row: TitleFileRow, by: int | None) -> bool:
    """Whether what took its place is approved and shown for the same editions: two that are, must not take turns for ever."""
    other = session.get(TitleFileRow, by) if by is not None else None
    shown = other is not None and _current(other) and (other.consonance or {}).get("as") == RESOURCE
    return shown and other is not None and other.product_id == row.product_id


def _kept(row: TitleFileRow) -> bool:
    """An approved version stays where it is while its successor waits for approval."""
    return row.state == title_files.SUPERSEDED and row.approval == Approval.APPROVED


def _place(row: TitleFileRow) -> str:
    if not row.media_type.startswith("image/"):
        return ""
    if row.kind == Kind.JACKET:
        return "front cover" if row.part in _FRONT else row.part if row.part in {"back cover", "full jacket"} else ""
    if row.kind == Kind.ARTWORK and row.part == "series branding":
        return row.part
    return "author" if row.kind == Kind.ARTWORK and re.search(r"author|headshot|portrait", f"{row.part} {row.name}".lower()) else ""


def _digest(row: TitleFileRow, plan: Plan) -> str:
    """Of what is shown and how: the same file is shown anew when its title, its place or what the tenant offers is another."""
    told = [row.sha256, row.work_id, row.product_id, plan.as_, plan.place, plan.why]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def _plain_jpeg(local: Any) -> tuple[int, int] | None:
    """Width and height of a JPEG that is shown alike everywhere: RGB or grey, upright."""
    with Image.open(local) as picture:
        upright = picture.getexif().get(0x0112, 1) == 1
        return picture.size if upright and picture.format == "JPEG" and picture.mode in {"RGB", "L"} else None
