"""The upload API: signed multipart forms. `POST /v1_1/<cloud>/<resource type>/<action>`."""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import ProxyHandler, build_opener

from sandbox.cloudinary import answers, assets, signing
from sandbox.cloudinary.answers import RefusedError, truth
from sandbox.cloudinary.assets import Held
from sandbox.cloudinary.content import Content
from sandbox.cloudinary.environment import Environment

Form = Mapping[str, str | list[str]]
TYPES = ("upload", "private", "authenticated")
VIDEO = frozenset({".mp4", ".mov", ".webm", ".m4v", ".mp3", ".m4a", ".wav", ".flac", ".ogg"})  # sound counts as video
NOT_SIGNED = frozenset({"notification_url", "batch_id"})
SHARED = frozenset({"api_key", "timestamp", "signature", "type", "notification_url", "batch_id"})
UPLOADED = SHARED | {
    "file", "public_id", "overwrite", "invalidate", "backup", "asset_folder", "display_name", "format", "allowed_formats", "tags",
    "context", "metadata", "eager", "eager_async", "eager_notification_url", "transformation", "moderation", "access_control",
    "media_metadata", "phash", "quality_analysis", "colors", "faces", "pages", "upload_preset", "folder",
    "responsive_breakpoints", "clear_invalid",
}  # fmt: skip
FIELDS: dict[str, frozenset[str]] = {
    "upload": UPLOADED,
    "upload_chunked": UPLOADED,
    "explicit": UPLOADED - {"file"},
    "rename": SHARED | {"from_public_id", "to_public_id", "to_type", "overwrite", "invalidate", "context", "metadata"},
    "destroy": SHARED | {"public_id", "invalidate"},
    "metadata": SHARED | {"metadata", "public_ids", "clear_invalid"},
    "tags": SHARED | {"tag", "tags", "command", "public_ids"},
    "context": SHARED | {"context", "command", "public_ids"},
}
ACTIONS = tuple(FIELDS)


class UploadApi:
    """Answers signed forms. `file` is where the form's file was spooled, `named` how the sender called it."""

    def __init__(self, environment: Environment, delivery: Callable[[], str]) -> None:
        self.environment, self._delivery = environment, delivery

    def answer(self, resource_type: str, action: str, form: Form, file: Path | None, named: str, headers: Mapping[str, str]) -> Any:
        """The JSON answer. Raises `RefusedError`."""
        account = self.environment.account
        if unknown := set(form) - FIELDS[action]:
            raise RefusedError(400, f"Unsupported parameter: {', '.join(sorted(unknown))}")
        apart = NOT_SIGNED if action in {"tags", "context", "metadata"} else frozenset()
        signing.check(form, account.key, account.secret, also_unsigned=apart)
        if str(form.get("type", "upload")) not in TYPES:
            raise RefusedError(400, f"Invalid type {form.get('type')}")
        if action in {"upload", "upload_chunked"}:
            return self._upload(resource_type, form, file, named, headers)
        with self.environment.lock:
            answer = getattr(self, f"_{action}")(resource_type, form)
            self.environment.mutations[action] += 1
            return answer

    # --- upload

    def _upload(self, resource_type: str, form: Form, file: Path | None, named: str, headers: Mapping[str, str]) -> Any:
        whole: Path | None
        if "content-range" in headers:
            if file is None:
                raise RefusedError(400, "Missing required parameter - file")
            whole, done = self._joined(headers["content-range"], headers.get("x-unique-upload-id", ""), file)
            if whole is None:
                return {"done": False, "bytes": done, "kind": _text(form, "type") or "upload", "resource_type": resource_type} | (
                    {"public_id": form["public_id"]} if form.get("public_id") else {}
                )
        else:
            whole = file or self._fetched(_text(form, "file"))
        with self.environment.lock:
            answer = self._stored(resource_type, form, whole, named)
            self.environment.mutations["upload"] += 0 if answer.get("existing") else 1
            return answer

    def _joined(self, range: str, id: str, file: Path) -> tuple[Path | None, int]:
        """The whole file once its last part is there, else None and the bytes so far. A part may come twice."""
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", range)
        if not found or not id:
            raise RefusedError(400, "Chunked uploads need Content-Range and X-Unique-Upload-Id")
        first, last, total = map(int, found.groups())
        if file.stat().st_size != last - first + 1:
            raise RefusedError(400, "The chunk is not as long as Content-Range says")
        with self.environment.lock:
            whole = self.environment.parts.setdefault(id, self.environment.folder / f"{uuid.uuid4().hex}.part")
            so_far = whole.stat().st_size if whole.exists() else 0
            if first > so_far:
                raise RefusedError(400, f"Bytes {so_far} to {first} are missing")
            with whole.open("r+b" if whole.exists() else "wb") as out, file.open("rb") as part:
                out.seek(first)
                shutil.copyfileobj(part, out, 1 << 20)
            if last + 1 < total:
                return None, max(so_far, last + 1)
            del self.environment.parts[id]
            return whole, total

    def _fetched(self, address: str) -> Path:
        """The file at an address of this machine: the sandbox asks nobody outside. Data URIs are taken, too."""
        from base64 import b64decode

        if not address:
            raise RefusedError(400, "Missing required parameter - file")
        whole = self.environment.folder / uuid.uuid4().hex
        if address.startswith("data:"):
            whole.write_bytes(b64decode(address.partition("base64,")[2]))
            return whole
        if not re.match(r"http://(127\.0\.0\.1|localhost)[:/]", address):
            raise RefusedError(400, f"Error in loading {address} - the sandbox fetches from this machine only")
        try:
            with build_opener(ProxyHandler({})).open(address, timeout=20) as answer, whole.open("wb") as out:
                shutil.copyfileobj(answer, out, 1 << 20)
        except OSError as error:
            raise RefusedError(400, f"Error in loading {address} - {type(error).__name__}") from None
        return whole

    def _stored(self, resource_type: str, form: Form, file: Path, named: str) -> Any:
        environment = self.environment
        content = Content(_kept(file, environment.folder), name=named)
        if content.size == 0:
            raise RefusedError(400, "Empty file")
        suffix = Path(named).suffix.lower()
        if resource_type == "auto":
            resource_type = "image" if _is_image(content) else "video" if suffix in VIDEO else "raw"
        if resource_type == "image" and not _is_image(content):
            raise RefusedError(400, "Invalid image file")
        if (formats := answers.tags_of(form.get("allowed_formats"))) and content.facts[0] not in formats:
            raise RefusedError(400, f"Image file format {content.facts[0]} not allowed")
        public_id = _text(form, "public_id").strip("/") or uuid.uuid4().hex[:20]
        if re.search(r"[?&#\\%<>]", public_id):
            raise RefusedError(400, f"public_id ({public_id}) is invalid")
        key = (resource_type, _text(form, "type") or "upload", public_id)
        if key in environment.assets and "overwrite" in form and not truth(form["overwrite"]):
            return self._answered(environment.assets[key], existing=True)
        settings = self._settings(form, new=key not in environment.assets)
        held, was_there = environment.keep(key, content, backup=truth(form.get("backup", "0")))
        held.extension = suffix.removeprefix(".")
        held.moderation = []
        if not was_there:
            held.metadata = {}
        self._set(held, settings)
        return self._answered(held, eager=self._eager(held, _text(form, "eager"))) | {"original_filename": Path(named).stem or "file"}

    def _settings(self, form: Form, *, new: bool) -> dict[str, Any]:
        """Everything that a form says of an asset, checked before anything is changed."""
        found: dict[str, Any] = {}
        if "tags" in form:
            found["tags"] = answers.tags_of(form["tags"])
        if "context" in form:
            found["context"] = answers.pairs(_text(form, "context"))
        if "metadata" in form or new:
            found["metadata"] = self.environment.fields.checked(answers.structured(form.get("metadata", "")), whole=new)
        if "access_control" in form:
            found["access"] = answers.access_rules(form["access_control"])
        if kinds := _text(form, "moderation"):
            found["moderation"] = [{"kind": kind, "status": "pending" if kind == "manual" else "approved"} for kind in kinds.split("|")]
        for name, attribute in (("asset_folder", "folder"), ("display_name", "display_name")):
            if name in form:
                found[attribute] = _text(form, name)
        return found

    def _set(self, held: Held, settings: dict[str, Any]) -> None:
        moment = assets.now()
        for name, value in settings.items():
            if name == "metadata":
                held.metadata = {id: kept for id, kept in (held.metadata | value).items() if kept is not None}
                held.touch("metadata_updated_at", moment)
                continue
            setattr(held, name, value)
            if name in {"tags", "context"}:
                held.touch(f"{name}_updated_at", moment)
            elif name == "access":
                held.touch("access_control_updated_at", moment)
            elif name == "folder":
                self.environment.note_folder(str(value))

    def _eager(self, held: Held, text: str) -> list[dict[str, Any]]:
        found = []
        for wanted in filter(None, text.split("|")):
            steps, _, last = wanted.rpartition("/")
            extension = last if steps and re.fullmatch(r"[a-z]{2,4}", last) else ""
            derived, _ = self.environment.derive(held, steps if extension else wanted.rstrip("/"), extension)
            found.append(_derived(held, derived, self._delivery()))
        return found

    def _answered(self, held: Held, *, eager: list[dict[str, Any]] | None = None, existing: bool = False) -> dict[str, Any]:
        shown = assets.shown(held, self._delivery())
        version = held.now.version
        unasked = ("backup", "status", "uploaded_at", "last_updated", "pixels", "aspect_ratio", "moderation_kind", "moderation_status")
        found = {name: value for name, value in shown.items() if name not in unasked}
        found |= {
            "version_id": held.now.version_id,
            "signature": signing.of_answer(held.public_id, version, self.environment.account.secret),
            "placeholder": False,
            "api_key": self.environment.account.key,
        }
        return found | ({"eager": eager} if eager else {}) | ({"existing": True} if existing else {})

    # --- everything else

    def _explicit(self, resource_type: str, form: Form) -> Any:
        if not form.get("type"):
            raise RefusedError(400, "Missing required parameter - type")
        held = self.environment.find((resource_type, _text(form, "type"), _text(form, "public_id")))
        settings = self._settings(form, new=False)
        eager = self._eager(held, _text(form, "eager"))
        self._set(held, settings)
        return self._answered(held, eager=eager)

    def _rename(self, resource_type: str, form: Form) -> Any:
        type = _text(form, "type") or "upload"
        held = self.environment.find((resource_type, type, _text(form, "from_public_id")))
        to, to_type = _text(form, "to_public_id"), _text(form, "to_type") or type
        if not to or to_type not in TYPES:
            raise RefusedError(400, "Missing required parameter - to_public_id")
        if held.key != (resource_type, to_type, to):
            self.environment.moved(held, to, to_type, overwrite=truth(form.get("overwrite", "0")))
        return self._answered(held)

    def _destroy(self, resource_type: str, form: Form) -> Any:
        key = (resource_type, _text(form, "type") or "upload", _text(form, "public_id"))
        return {"result": "ok" if self.environment.assets.pop(key, None) else "not found"}

    def _all(self, resource_type: str, form: Form) -> list[Held]:
        ids = form.get("public_ids", [])
        ids = [ids] if isinstance(ids, str) else ids
        if not ids or len(ids) > 1000:
            raise RefusedError(400, "public_ids are 1 to 1000")
        type = _text(form, "type") or "upload"
        return [self.environment.assets[key] for id in ids if (key := (resource_type, type, id)) in self.environment.assets]

    def _metadata(self, resource_type: str, form: Form) -> Any:
        values = self.environment.fields.checked(answers.structured(form.get("metadata", "")))
        found = self._all(resource_type, form)
        for held in found:
            self._set(held, {"metadata": values})
        return {"public_ids": [held.public_id for held in found]}

    def _tags(self, resource_type: str, form: Form) -> Any:
        tags, command = answers.tags_of(form.get("tag") or form.get("tags")), _text(form, "command")
        if command not in {"add", "remove", "replace", "remove_all", "set_exclusive"}:
            raise RefusedError(400, f"Invalid command {command}")
        found = self._all(resource_type, form)
        for held in found:
            kept = [] if command in {"replace", "remove_all"} else [tag for tag in held.tags if tag not in tags]
            self._set(held, {"tags": kept + (tags if command in {"add", "replace", "set_exclusive"} else [])})
        return {"public_ids": [held.public_id for held in found]}

    def _context(self, resource_type: str, form: Form) -> Any:
        found = self._all(resource_type, form)
        for held in found:
            self._set(
                held, {"context": {} if form.get("command") == "remove_all" else held.context | answers.pairs(_text(form, "context"))}
            )
        return {"public_ids": [held.public_id for held in found]}


def _derived(held: Held, derived: assets.Derived, delivery: str) -> dict[str, Any]:
    steps = derived.transformation
    address = f"{delivery}/{held.resource_type}/{held.type}/{steps}/v{held.now.version}/{quote(held.public_id)}.{derived.format}"
    sizes = {"width": derived.width, "height": derived.height, "bytes": derived.bytes, "format": derived.format}
    return {"transformation": steps, **sizes, "url": address, "secure_url": address}


def _text(form: Form, name: str) -> str:
    value = form.get(name, "")
    return ",".join(value) if isinstance(value, list) else value


def _is_image(content: Content) -> bool:
    try:
        return bool(content.facts)
    except ValueError:
        return False


def _kept(file: Path, folder: Path) -> Path:
    """The file under a name of its own: a request's temporary file goes with the request."""
    target = folder / uuid.uuid4().hex
    shutil.move(file, target)
    return target
