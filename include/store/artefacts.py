"""Content-addressed files: what was sent is kept as sent, and tasks on different workers pass references, not bytes.

A file lies at `<root>/<first two digits>/<sha256>`. It appears there whole or not at all: on a local disk by a rename
after fsync, on an object store because an upload becomes visible when it ends. Equal content is stored once, and
writers never wait for each other.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import tempfile
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

from upath import UPath

from include.errors import ConfigurationError, PermanentError, TransientError

CHUNK = 1 << 20  # bytes
WINDOW = 4 << 20  # bytes fetched at once when fragments are read one after the other from an object store
ATOMIC = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "memory"})  # an upload shows only when it is whole
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Artefact:
    """A stored file: its name is the sha256 of its content; `bytes` is its size."""

    sha256: str
    bytes: int


class NewArtefact:
    """A file being written: hashed on the way, stored on a clean exit, forgotten on an error.

    `artefact` is set after the `with` block.
    """

    artefact: Artefact

    def __init__(self, store: ArtefactStore) -> None:
        self._store = store
        self._hash = hashlib.sha256()
        self._size = 0
        self._path = store.arriving()
        try:
            self._file = self._path.open("xb")
        except OSError as refused:
            raise _refused(refused, str(self._path.parent)) from refused
        self.name = "new artefact"

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Raises `PermanentError` when the disk is full."""
        try:
            self._file.write(data)
        except OSError as refused:
            raise _refused(refused, str(self._path.parent)) from refused
        self._hash.update(data)
        size = memoryview(data).nbytes
        self._size += size
        return size

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    @property
    def closed(self) -> bool:
        return self._file.closed

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is not None:
                return
            try:
                self._file.flush()
                os.fsync(self._file.fileno())
                written = os.fstat(self._file.fileno()).st_size
            except OSError as refused:
                raise _refused(refused, str(self._path.parent)) from refused
            if written != self._size:
                raise TransientError(f"wrote {self._size} bytes and {written} are there", where=str(self._path), todo="Look at the disk.")
            self._file.close()
            artefact = Artefact(self._hash.hexdigest(), self._size)
            self._store.keep(self._path, artefact)
            self.artefact = artefact
        finally:
            with _ignoring_full_disk():
                self._file.close()
            self._path.unlink(missing_ok=True)


class ArtefactStore:
    """The store under one root: a local folder, or a URL that fsspec knows (`s3://…`, `gs://…`).

    The root is `COLOPHON_STORE`, else `store` under `COLOPHON_HOME`, else `.colophon/store`. Raises
    `ConfigurationError` for a URL that no installed library can open.
    """

    def __init__(self, root: str | None = None) -> None:
        where = root or os.environ.get("COLOPHON_STORE") or str(Path(os.environ.get("COLOPHON_HOME") or ".colophon") / "store")
        try:
            self._root = UPath(where).expanduser() if "://" not in where else UPath(where)
            self._local = Path(self._root.path).absolute() if self._root.protocol in {"", "file", "local"} else None
            if self._local is None:
                self._fs: Any = self._root.fs
        except (ImportError, ValueError) as unknown:
            raise ConfigurationError(
                f"the artefact store can't be opened: {unknown}",
                where=f"COLOPHON_STORE={where}",
                todo="Install the file system's library, or name a local folder.",
            ) from unknown
        self.root = str(self._local or self._root)
        self._windows: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"ArtefactStore({self.root!r})"

    # --- writing

    def create(self) -> NewArtefact:
        """A writable binary file, as a context manager; `.artefact` is set after a clean exit, nothing is kept on error.

        Raises `PermanentError` when there is no room or no permission.
        """
        return NewArtefact(self)

    def put(self, source: str | os.PathLike[str] | BinaryIO) -> Artefact:
        """Stores a file, given by path or open for reading from where it stands. The same content twice is stored once.

        Raises what reading the source raises, and `PermanentError` when there is no room or no permission.
        """
        with self.create() as out:
            if isinstance(source, str | os.PathLike):
                with Path(source).open("rb") as stream:
                    shutil.copyfileobj(stream, cast(BinaryIO, out), CHUNK)
            else:
                shutil.copyfileobj(source, cast(BinaryIO, out), CHUNK)
        return out.artefact

    def arriving(self) -> Path:
        """A fresh name for a file that is still being written: on the same disk where the store is local."""
        folder = self._local / ".arriving" if self._local else Path(tempfile.gettempdir())
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as refused:
            raise _refused(refused, str(folder)) from refused
        return folder / f"{uuid.uuid4().hex}.artefact"

    def keep(self, path: Path, artefact: Artefact) -> None:
        """Moves a finished file into its place; one that is there already, whole, stays."""
        try:
            if self._size(artefact.sha256) == artefact.bytes:
                return
            if self._local:
                target = self._local / artefact.sha256[:2] / artefact.sha256
                target.parent.mkdir(exist_ok=True)
                path.replace(target)
                _fsync_folder(target.parent)
            else:
                self._upload(path, artefact)
        except OSError as refused:
            raise _refused(refused, self.root) from refused

    def _upload(self, path: Path, artefact: Artefact) -> None:
        target = self._key(artefact.sha256)
        atomic = not ATOMIC.isdisjoint({self._root.protocol})
        landing = target if atomic else f"{self._root.path.rstrip('/')}/.arriving/{uuid.uuid4().hex}"
        try:
            self._fs.makedirs(landing.rpartition("/")[0], exist_ok=True)
            self._fs.put_file(str(path), landing)
            size = self._fs.size(landing)
            if size != artefact.bytes:
                raise TransientError(f"sent {artefact.bytes} bytes and {size} arrived", where=f"{self.root}, {artefact.sha256}")
            if not atomic:
                self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
                self._fs.mv(landing, target)
        except BaseException:
            with _ignoring_full_disk():
                if self._fs.exists(landing):
                    self._fs.rm_file(landing)
            raise

    def clear_abandoned(self, now: datetime, older_than: timedelta = timedelta(days=2)) -> int:
        """Removes files that a killed writer left half written in a local store; gives their number."""
        folder = self._local / ".arriving" if self._local else None
        if folder is None or not folder.is_dir():
            return 0
        before, gone = (now - older_than).timestamp(), 0
        for path in folder.iterdir():
            with suppress(FileNotFoundError):  # somebody else clears, too, or has just finished it
                if path.stat().st_mtime < before:
                    path.unlink()
                    gone += 1
        return gone

    # --- reading

    def exists(self, sha256: str) -> bool:
        """Whether such a file is stored. A text that is no sha256 is not."""
        return bool(_SHA256.fullmatch(sha256)) and self._size(sha256) is not None

    def size(self, sha256: str) -> int:
        """Bytes. Raises `PermanentError` if there is no such artefact."""
        size = self._size(_checked(sha256))
        if size is None:
            raise self._missing(sha256)
        return size

    def open(self, sha256: str) -> BinaryIO:
        """The file, open for reading, seekable. Raises `PermanentError` if there is no such artefact."""
        _checked(sha256)
        try:
            if self._local:
                return (self._local / sha256[:2] / sha256).open("rb")
            return cast(BinaryIO, self._fs.open(self._key(sha256), "rb"))
        except FileNotFoundError as missing:
            raise self._missing(sha256) from missing

    def read(self, sha256: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`. Raises `PermanentError` if the artefact is missing or ends before."""
        _checked(sha256)
        try:
            data = self._pread(sha256, offset, length) if offset >= 0 and length >= 0 else b""
        except FileNotFoundError as missing:
            raise self._missing(sha256) from missing
        if len(data) != length:
            raise PermanentError(
                f"bytes {offset} to {offset + length} are not all there",
                where=f"artefact {sha256}",
                todo="Restore the artefact from the archive.",
            )
        return data

    def _pread(self, sha256: str, offset: int, length: int) -> bytes:
        if self._local:
            descriptor = os.open(self._local / sha256[:2] / sha256, os.O_RDONLY)
            try:
                return os.pread(descriptor, length, offset)
            finally:
                os.close(descriptor)
        if length > WINDOW:
            return cast(bytes, self._fs.cat_file(self._key(sha256), start=offset, end=offset + length))
        parts = []
        for number in range(offset // WINDOW, (offset + max(length, 1) - 1) // WINDOW + 1):
            window = self._window(sha256, number)
            parts.append(window[max(0, offset - number * WINDOW) : max(0, offset + length - number * WINDOW)])
        return b"".join(parts)

    def _window(self, sha256: str, number: int) -> bytes:
        key = (sha256, number)
        with self._lock:
            if key in self._windows:
                self._windows.move_to_end(key)
                return self._windows[key]
        size = self._size(sha256)
        if size is None:
            raise FileNotFoundError(sha256)
        start, end = number * WINDOW, min((number + 1) * WINDOW, size)
        data = cast(bytes, self._fs.cat_file(self._key(sha256), start=start, end=end)) if start < end else b""
        with self._lock:
            self._windows[key] = data
            while len(self._windows) > 4:
                self._windows.popitem(last=False)
        return data

    @contextmanager
    def local(self, sha256: str) -> Iterator[Path]:
        """The file as a local path, to read only, while the block lasts.

        Raises `PermanentError` if the artefact is missing or not what its name says (seen when it is fetched).
        """
        _checked(sha256)
        if self._local:
            path = self._local / sha256[:2] / sha256
            if not path.is_file():
                raise self._missing(sha256)
            yield path
            return
        with tempfile.TemporaryDirectory(prefix="colophon-") as folder:
            path = Path(folder) / sha256
            digest = hashlib.sha256()
            try:
                with self.open(sha256) as stream, path.open("xb") as out:
                    while chunk := stream.read(CHUNK):
                        digest.update(chunk)
                        out.write(chunk)
            except OSError as refused:
                raise _refused(refused, folder) from refused
            if digest.hexdigest() != sha256:
                raise self._damaged(sha256)
            yield path

    def verify(self, sha256: str) -> Artefact:
        """Reads the whole file. Raises `PermanentError` if it is missing or its content is not what its name says."""
        with self.open(sha256) as stream:
            digest, size = hashlib.sha256(), 0
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
        if digest.hexdigest() != sha256:
            raise self._damaged(sha256)
        return Artefact(sha256, size)

    @property
    def signs(self) -> bool:
        """Whether the bucket gives out addresses of its own that need no log-in."""
        return self._local is None and not type(self._fs).sign.__qualname__.startswith("AbstractFileSystem.")

    def signed_url(self, sha256: str, seconds: int) -> str:
        """An address of the bucket that serves the file for so many seconds. Raises `PermanentError` where there is none."""
        if not self.signs:
            raise PermanentError("this store has no addresses", where=self.root, todo="Set COLOPHON_PUBLIC_URL.")
        return str(self._fs.sign(self._key(_checked(sha256)), expiration=seconds))

    # --- places

    def _key(self, sha256: str) -> str:
        return f"{self._root.path.rstrip('/')}/{sha256[:2]}/{sha256}"

    def _size(self, sha256: str) -> int | None:
        try:
            if self._local:
                return (self._local / sha256[:2] / sha256).stat().st_size
            return int(self._fs.size(self._key(sha256)))
        except FileNotFoundError:
            return None

    def _missing(self, sha256: str) -> PermanentError:
        return PermanentError(
            f"there is no artefact {sha256}", where=self.root, todo="Check that COLOPHON_STORE is the same for all workers."
        )

    def _damaged(self, sha256: str) -> PermanentError:
        return PermanentError(
            "the content is not what its name says", where=f"artefact {sha256} in {self.root}", todo="Restore it from the archive."
        )


def _checked(sha256: str) -> str:
    """Refuses what is no sha256: a name from outside must not become a path."""
    if not _SHA256.fullmatch(sha256):
        raise PermanentError(f"{sha256[:80]!r} is no sha256", todo="Use the sha256 from the ledger: 64 digits, a to f in lower case.")
    return sha256


def _refused(error: OSError, where: str) -> PermanentError | TransientError:
    if error.errno in _FULL:
        return PermanentError("there is no room left", where=where, todo="Make room, then run again: nothing was kept.")
    if isinstance(error, PermissionError) or error.errno in {errno.EROFS, errno.ENOTDIR, errno.EEXIST}:
        return PermanentError(f"can't write here: {error.strerror or error}", where=where, todo="Check COLOPHON_STORE and its permissions.")
    return TransientError(f"the artefact store failed: {error.strerror or error}", where=where)


@contextmanager
def _ignoring_full_disk() -> Iterator[None]:
    """While cleaning up after an error: closing a file flushes, and fails again on a full disk."""
    try:
        yield
    except OSError:
        return


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
