"""Senders put files into their inboxes, each in its own way: a temporary name first, a done-file behind, a manifest last.

`Drops.drop` takes the body of `POST /sandbox/drop`; see `sandbox.control`.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
import threading
import time
import zipfile
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sandbox import sales
from sandbox.catalogue import Catalogue
from sandbox.files import zips
from sandbox.files.make import Made, make, orders_of, spoil
from sandbox.partners.roster import home_of
from sandbox.sheets import season

_OWN = {"inbox", "folder", "name", "as_zip", "unfinished", "age_seconds", "content", "text", "evil"}
_MANIFESTS = threading.Lock()
_EVIL = ("traversal", "absolute", "bomb", "duplicate", "nested")


@dataclass(frozen=True)
class Manner:
    """Where a sender's files go on its server, and how it says that one is whole."""

    home: str
    folder: str
    rule: str  # plain, done_file, manifest, rename


MANNERS = {
    "authors": Manner("authors", "incoming", "plain"),
    "agency": Manner("agency", "delivery", "done_file"),
    "rights": Manner("rights", "documents", "manifest"),
    "typesetter": Manner("compositor", "out", "rename"),
    "statements": Manner("statements", "exports", "plain"),
    "sales": Manner("sales", "reports", "plain"),
    "titles": Manner("titles", "sheets", "plain"),
}


class Drops:
    """The senders of one sandbox. Safe to call from any thread."""

    def __init__(self, root: Path, catalogue: Catalogue) -> None:
        self._root, self._catalogue = root, catalogue

    def drop(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Makes what is asked for and puts it there. Gives {inbox, folder, files: [{name, path, bytes, sha256, kind, work_id,
        product_id, isbn, revision, part, members?}]}; `path` is the one on the server.

        Raises ValueError for what makes no sense, KeyError for a title that does not exist.
        """
        manner = MANNERS.get(str(wanted.get("inbox") or ""))
        if manner is None:
            raise ValueError(f"there is no inbox {wanted.get('inbox')!r}; there are {', '.join(MANNERS)}")
        if wanted.get("kind") == "report":
            wanted = {"folder": sales.folder_of(str(wanted.get("layout") or ""))} | dict(wanted)
        under = PurePosixPath(str(wanted.get("folder") or ""))
        if under.is_absolute() or ".." in under.parts:
            raise ValueError(f"{under} is no folder of the inbox")
        shown = PurePosixPath("/") / manner.folder / under
        target = home_of(self._root, manner.home) / manner.folder / under
        workshop = Path(tempfile.mkdtemp(prefix="making-", dir=self._root))  # the same disk, so that a rename is enough
        try:
            told = self._made(workshop, wanted)
            target.mkdir(parents=True, exist_ok=True)
            for one in told:
                self._age(workshop / one["name"], wanted)
                _put(workshop / one["name"], target, manner.rule, unfinished=bool(wanted.get("unfinished")))
                one["path"] = str(shown / one["name"])
            if manner.rule == "manifest" and not wanted.get("unfinished"):
                with _MANIFESTS:
                    _manifest(target, told)
        finally:
            shutil.rmtree(workshop, ignore_errors=True)
        return {"inbox": wanted["inbox"], "folder": str(shown), "files": told}

    def _made(self, workshop: Path, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        name = str(wanted.get("name") or "")
        rest = {key: value for key, value in wanted.items() if key not in _OWN}
        if "content" in wanted or "text" in wanted:
            return [_given(workshop, name, wanted)]
        if wanted.get("kind") == "report":
            made = sales.make(self._catalogue, workshop, rest | ({"name": name} if name else {}))
            return [_facts(workshop / made["name"]) | made]
        if wanted.get("kind") == "sheet":
            called, content, facts = season.sheet(self._catalogue, rest | ({"name": name} if name else {}))
            (workshop / PurePosixPath(called).name).write_bytes(content)
            return [_facts(workshop / PurePosixPath(called).name) | {"kind": "sheet", **facts}]
        if "as_zip" in wanted:
            return [self._zipped(workshop, name, wanted["as_zip"], rest, str(wanted.get("evil") or ""))]
        found = [make(order, workshop, name) for order in orders_of(self._catalogue, rest)]
        if name and len(found) > 1:
            raise ValueError("several files can't have one name")
        return [one.told() for one in found]

    def _zipped(self, workshop: Path, name: str, wanted: Any, common: Mapping[str, Any], evil: str) -> dict[str, Any]:
        """Several files in one zip; what is said outside holds for each of them."""
        if not isinstance(wanted, Sequence) or isinstance(wanted, str) or not all(isinstance(one, Mapping) for one in wanted):
            raise ValueError("`as_zip` is a list of files")
        if evil and evil not in _EVIL:
            raise ValueError(f"a zip is evil by {', '.join(_EVIL)}")
        inner = workshop / "inner"
        shared = {key: value for key, value in common.items() if key != "defect"}
        members: list[tuple[str, Made]] = []
        for one in wanted:
            own = {key: value for key, value in one.items() if key not in _OWN}
            for order in orders_of(self._catalogue, shared | own):
                made = make(order, inner / str(len(members)), str(one.get("name") or ""))
                members.append((str(PurePosixPath(str(one.get("folder") or "")) / made.path.name), made))
        lead = members[0][1] if members else None
        path = workshop / (name or f"{(lead.isbn if lead else '') or 'delivery'}_package.zip")
        stamp = (2026, 1, 5, 9, 0, 0)
        content: list[tuple[str, bytes | Path]] = [(place, made.path) for place, made in members]
        zips.write(path, content + _evil(evil), stamp)
        spoil(path, str(common.get("defect") or ""))
        told = [made.told() | {"path": place} for place, made in members]
        shutil.rmtree(inner, ignore_errors=True)
        about = {key: told[0][key] for key in ("work_id", "product_id", "isbn")} if told else {}
        return _facts(path) | about | {"kind": "zip", "revision": "", "part": "", "members": told}

    def _age(self, path: Path, wanted: Mapping[str, Any]) -> None:
        if wanted.get("age_seconds"):
            moment = time.time() - float(wanted["age_seconds"])
            os.utime(path, (moment, moment))


def _put(made: Path, folder: Path, rule: str, *, unfinished: bool) -> None:
    """As the sender would. `unfinished`: the upload is still going on, or was broken off."""
    if rule == "rename" or (unfinished and rule == "plain"):
        travelling = folder / f"{made.name}.part"
        made.replace(travelling)
        if not unfinished:
            travelling.replace(folder / made.name)
        return
    made.replace(folder / made.name)
    if rule == "done_file" and not unfinished:
        (folder / f"{made.name}.done").touch()


def _manifest(folder: Path, told: Sequence[Mapping[str, Any]]) -> None:
    """manifest.json names what came in this folder and was not taken yet; it arrives last and whole."""
    path = folder / "manifest.json"
    try:
        known = {one["name"]: one for one in json.loads(path.read_text())["files"]}
    except (OSError, ValueError, KeyError):
        known = {}
    known = {name: one for name, one in known.items() if (folder / name).is_file()}
    known |= {one["name"]: {"name": one["name"], "bytes": one["bytes"], "sha256": one["sha256"]} for one in told}
    draft = folder / ".manifest.json.part"
    draft.write_text(json.dumps({"files": list(known.values())}, indent=1, ensure_ascii=False))
    draft.replace(path)


def _given(workshop: Path, name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A file that the caller brings along: `text`, or `content` in Base64."""
    path = workshop / name
    if path.parent != workshop or path.name in {"", ".", ".."}:
        raise ValueError("a file that is brought along needs a `name`")
    path.write_bytes(str(wanted["text"]).encode() if "text" in wanted else b64decode(str(wanted["content"]), validate=True))
    about = {key: wanted.get(key) for key in ("kind", "work_id", "product_id", "isbn", "revision", "part")}
    return _facts(path) | about


def _facts(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"name": path.name, "bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _evil(how: str) -> list[tuple[str, bytes | Path]]:
    """Members that no sender means well with."""
    if how == "traversal":
        return [("../../outside.txt", b"out"), ("..\\..\\outside.txt", b"out")]
    if how == "absolute":
        return [("/etc/outside.txt", b"out")]
    if how == "bomb":
        return [("zeros.bin", b"\0" * 300_000_000)]
    if how == "duplicate":
        return [("twice.txt", b"one"), ("twice.txt", b"two")]
    if how == "nested":
        return [("inner.zip", _nested(5))]
    return []


def _nested(depth: int) -> bytes:
    content, name = b"deep", "deep.txt"
    for _ in range(depth):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 5, 9, 0, 0)), content)
        content, name = file.getvalue(), "inner.zip"
    return content
