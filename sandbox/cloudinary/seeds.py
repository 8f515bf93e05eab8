"""What lies in the publisher's image library on the first day, and covers that somebody brings later.

Twelve titles have covers: most a front that is approved; some a back and a full jacket, some that are pending or were rejected. One
front is CMYK, one has no colour profile, one is too small, one has no ISBN but its work. A banner stands for a whole series.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import Any

from sandbox.catalogue import Catalogue, Work
from sandbox.cloudinary.answers import RefusedError
from sandbox.cloudinary.assets import Held
from sandbox.cloudinary.content import Content, Drawing
from sandbox.cloudinary.environment import Environment

TITLES = 12
_FOLDER = "covers"
_SIZES = {"front": (1200, 1800), "back": (1200, 1800), "full": (2640, 1800), "series": (1600, 900)}
_SIDE = {"front": "", "back": "_back", "full": "_jacket"}
_PLAN: tuple[tuple[tuple[str, str], ...], ...] = (  # kind and state of the covers, by title
    (("front", "approved"), ("back", "approved"), ("full", "approved")),
    (("front", "approved"), ("back", "pending"), ("full", "approved")),
    (("front", "approved"), ("full", "pending")),
    (("front", "approved"), ("back", "approved")),
    (("front", "pending"),),
    (("front", "pending"), ("back", "pending"), ("full", "pending")),
    (("front", "rejected"),),
    (("front", "rejected"), ("back", "approved")),
    (("front", "approved"),),  # CMYK
    (("front", "approved"),),  # no profile
    (("front", "approved"),),  # small
    (("front", "approved"), ("full", "rejected")),  # known by its work alone
)


@dataclass(frozen=True, slots=True)
class Cover:
    """A cover in the library, as `GET /sandbox/cloudinary` tells it."""

    public_id: str
    kind: str
    status: str
    work: int
    isbn: str
    series: str
    defect: str = ""


def plant(environment: Environment, catalogue: Catalogue) -> list[Cover]:
    """The covers of the first day, always the same for one catalogue."""
    found = []
    works = list(islice((work for work in catalogue.works() if not catalogue.is_planted(work.id) and _isbn(work)), TITLES))
    for place, (work, plan) in enumerate(zip(works, _PLAN, strict=False)):
        defect = {8: "cmyk", 9: "no-profile", 10: "small"}.get(place, "")
        for kind, status in plan:
            isbn = "" if place == 11 else _isbn(work)
            found.append(_planted(environment, catalogue, work, isbn, kind, status, defect, place))
    for work in catalogue.works():
        if work.memberships and not catalogue.is_planted(work.id):
            found.append(_branding(environment, catalogue, work))
            break
    return found


def _planted(
    environment: Environment, catalogue: Catalogue, work: Work, isbn: str, kind: str, status: str, defect: str, place: int
) -> Cover:
    width, height = (400, 600) if defect == "small" else _SIZES[kind]
    colour = "cmyk" if defect == "cmyk" else "rgb"
    drawing = Drawing(work.title or "Untitled", kind, width, height, colour, defect != "no-profile", catalogue.seed)
    public_id = f"{_FOLDER}/{isbn or f'work-{work.id}'}{_SIDE[kind]}"
    metadata = {"work": str(work.id), "kind": kind} | ({"isbn": isbn} if isbn else {})
    _put(environment, public_id, Content(drawing=drawing), metadata, status, ["cover"], _day(catalogue, place))
    return Cover(public_id, kind, status, work.id, isbn, "", defect)


def _branding(environment: Environment, catalogue: Catalogue, work: Work) -> Cover:
    series = work.memberships[0].series
    slug = re.sub(r"[^a-z0-9]+", "-", series.name.lower()).strip("-")
    drawing = Drawing(series.name, "series", *_SIZES["series"], seed=catalogue.seed)
    public_id = f"series/{slug}"
    metadata = {"series": series.name, "kind": "series"}
    _put(environment, public_id, Content(drawing=drawing), metadata, "approved", ["series"], _day(catalogue, 20))
    return Cover(public_id, "series", "approved", 0, "", series.name)


def _day(catalogue: Catalogue, place: int) -> datetime:
    return datetime.combine(catalogue.today, time(9, place), UTC) - timedelta(days=40 - place)


def _put(
    environment: Environment, public_id: str, content: Content, metadata: dict[str, Any], status: str, tags: list[str], at: datetime
) -> Held:
    held, _ = environment.keep(("image", "upload", public_id), content, backup=True, at=at, version=int(at.timestamp()))
    held.metadata, held.tags, held.folder = environment.fields.checked(metadata, whole=True), tags, public_id.rpartition("/")[0]
    environment.note_folder(held.folder)
    held.moderation = [{"kind": "manual", "status": "pending"}]
    if status != "pending":
        held.moderate(status, at)
    return held


def bring(environment: Environment, catalogue: Catalogue, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A person's upload: `isbn` or `work`, or `series` (a name); `kind` front, back, full or series; `width`, `height`, `colour` (rgb,
    cmyk, gray), `profile`, `seed` (another picture), `status` (pending), `public_id`, `metadata` (instead of ours), `tags`, `file` (JPEG in
    Base64 instead of a drawn one). Raises `ValueError`."""
    known = {
        "isbn", "work", "series", "kind", "width", "height", "colour", "profile", "seed", "status", "public_id", "metadata", "tags",
        "file",
    }  # fmt: skip
    if set(wanted) - known:
        raise ValueError(f"an upload has {', '.join(sorted(known))}")
    kind, status = str(wanted.get("kind") or ("series" if wanted.get("series") else "front")), str(wanted.get("status") or "pending")
    if kind not in _SIZES or status not in {"pending", "approved", "rejected", "none"}:
        raise ValueError("kind is front, back, full or series; status pending, approved, rejected or none")
    isbn, series = str(wanted.get("isbn") or ""), str(wanted.get("series") or "")
    work = _work(catalogue, isbn, wanted.get("work"))
    title = series or (work.title if work else "") or "Untitled"
    width, height = _SIZES[kind]
    drawing = Drawing(
        title, kind, int(wanted.get("width") or width), int(wanted.get("height") or height), str(wanted.get("colour") or "rgb"),
        wanted.get("profile") is not False, int(wanted.get("seed") or 2),
    )  # fmt: skip
    if drawing.colour not in {"rgb", "cmyk", "gray"} or not (0 < drawing.width <= 8000 and 0 < drawing.height <= 8000):
        raise ValueError("colour is rgb, cmyk or gray; sides are up to 8000 pixels")
    slug = re.sub(r"[^a-z0-9]+", "-", series.lower()).strip("-")
    default = f"series/{slug}" if kind == "series" else f"{_FOLDER}/{isbn or f'work-{work.id if work else 0}'}{_SIDE[kind]}"
    public_id = str(wanted.get("public_id") or default)
    ours = {"kind": kind} | ({"isbn": isbn} if isbn else {}) | ({"series": series} if series else {})
    ours |= {"work": str(work.id)} if work and (not isbn or wanted.get("work")) else {}
    content = _file(environment, wanted["file"]) if wanted.get("file") else Content(drawing=drawing)
    with environment.lock:
        metadata = environment.fields.checked(dict(wanted.get("metadata") or ours), whole=True)
        held, _ = environment.keep(("image", "upload", public_id), content, backup=True)
        held.metadata, held.tags = metadata, [str(tag) for tag in wanted.get("tags") or ["cover"]]
        held.folder = public_id.rpartition("/")[0]
        environment.note_folder(held.folder)
        held.moderation = [] if status == "none" else [{"kind": "manual", "status": "pending"}]
        if status in {"approved", "rejected"}:
            held.moderate(status, held.now.at)
        return told(held)


def fill(environment: Environment, catalogue: Catalogue, titles: int, status: str = "approved") -> int:
    """Fronts for so many more titles, one picture with a number of its own each; how many there were works for."""
    made = 0
    for work in catalogue.works():
        isbn = _isbn(work)
        public_id = f"{_FOLDER}/{isbn}"
        if made >= titles:
            break
        if not isbn or ("image", "upload", public_id) in environment.assets:
            continue
        drawing = Drawing("Lantern & Quill", seed=catalogue.seed, note=public_id)
        metadata = {"work": str(work.id), "kind": "front", "isbn": isbn}
        _put(environment, public_id, Content(drawing=drawing), metadata, status, ["cover"], _day(catalogue, 30))
        made += 1
    return made


def _file(environment: Environment, text: str) -> Content:
    from base64 import b64decode

    path = environment.folder / uuid.uuid4().hex
    path.write_bytes(b64decode(text))
    return Content(path)


def told(held: Held) -> dict[str, Any]:
    return {
        "public_id": held.public_id,
        "asset_id": held.asset_id,
        "version": held.now.version,
        "etag": held.now.content.etag,
        "bytes": held.now.content.size,
        "status": held.moderation_status,
        "metadata": held.metadata,
    }


def shown(covers: list[Cover]) -> list[dict[str, Any]]:
    return [asdict(cover) for cover in covers]


def _isbn(work: Work) -> str:
    return next((product.isbn for product in work.products if product.isbn and len(product.isbn) == 13), "")


def _work(catalogue: Catalogue, isbn: str, id: Any) -> Work | None:
    if id is not None:
        work = catalogue.work(int(id))
        if work is None:
            raise ValueError(f"no work {id}")
        return work
    found = catalogue.products_by_isbn([isbn]) if isbn else []
    return catalogue.work(found[0].work_id) if found else None


def decided(environment: Environment, public_id: str, status: str) -> dict[str, Any]:
    """A person's decision in the moderation queue. Raises `KeyError` for an unknown asset."""
    with environment.lock:
        try:
            held = environment.any_of(public_id)
        except RefusedError as unknown:
            raise KeyError(unknown.message) from None
        if not held.moderation:
            held.moderation = [{"kind": "manual", "status": "pending"}]
        held.moderate(status, datetime.now(UTC))
        return told(held)
