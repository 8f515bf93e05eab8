import hashlib
import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fsspec
import pytest

from include.errors import ConfigurationError, PermanentError
from include.store import Artefact, ArtefactStore, artefacts

ONIX = b"<?xml version='1.0'?><ONIXMessage/>\n"


@pytest.fixture(params=["local", "object store"])
def store(request: pytest.FixtureRequest, tmp_path: Path):
    if request.param == "local":
        yield ArtefactStore(str(tmp_path / "store"))
    else:
        root = f"/bucket-{os.getpid()}-{id(tmp_path)}"
        yield ArtefactStore(f"memory:/{root}")
        memory = fsspec.filesystem("memory")
        if memory.exists(root):
            memory.rm(root, recursive=True)


def stored(store: ArtefactStore) -> list[str]:
    """All files of a store, whole or not."""
    fs, root = (
        (fsspec.filesystem("memory"), store.root.removeprefix("memory:/"))
        if "memory" in store.root
        else (fsspec.filesystem("file"), store.root)
    )
    return sorted(fs.find(root)) if fs.exists(root) else []


def test_content_comes_back_as_it_was_put(store: ArtefactStore) -> None:
    artefact = store.put(io.BytesIO(ONIX))
    assert artefact == Artefact(hashlib.sha256(ONIX).hexdigest(), len(ONIX))
    assert store.exists(artefact.sha256)
    assert store.size(artefact.sha256) == len(ONIX)
    assert store.read(artefact.sha256, 6, 7) == ONIX[6:13]
    with store.open(artefact.sha256) as stream:
        stream.seek(-5, io.SEEK_END)
        assert stream.read() == ONIX[-5:]
    with store.local(artefact.sha256) as path:
        assert path.read_bytes() == ONIX
    assert store.verify(artefact.sha256) == artefact


def test_a_file_is_put_by_its_path(store: ArtefactStore, tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    path.write_bytes(ONIX)
    assert store.put(path) == store.put(str(path)) == store.put(io.BytesIO(ONIX))
    assert len(stored(store)) == 1


def test_an_empty_file_is_a_file(store: ArtefactStore) -> None:
    artefact = store.put(io.BytesIO(b""))
    assert artefact == Artefact(hashlib.sha256(b"").hexdigest(), 0)
    assert store.read(artefact.sha256, 0, 0) == b""
    with store.local(artefact.sha256) as path:
        assert path.stat().st_size == 0


def test_a_written_file_is_known_after_the_block(store: ArtefactStore) -> None:
    with store.create() as out:
        assert out.write(b"one ") == 4
        out.write(memoryview(b"two"))
        assert out.tell() == 7
    assert out.artefact.bytes == 7
    assert store.read(out.artefact.sha256, 0, 7) == b"one two"


def test_nothing_is_kept_of_a_file_that_failed(store: ArtefactStore) -> None:
    with pytest.raises(ZeroDivisionError), store.create() as out:  # noqa: PT012
        out.write(b"half a feed")
        raise ZeroDivisionError
    assert stored(store) == []
    assert not hasattr(out, "artefact")


def test_nothing_is_kept_of_a_source_that_breaks(store: ArtefactStore) -> None:
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            raise ConnectionResetError("the partner went away")

    with pytest.raises(ConnectionResetError):
        store.put(Broken())  # type: ignore[arg-type]
    assert stored(store) == []


@pytest.mark.parametrize("name", ["", "abc", "../../etc/passwd", "A" * 64, "/etc/passwd".ljust(64, "a"), "0" * 63 + "\n"])
def test_a_name_that_is_no_sha256_is_refused(store: ArtefactStore, name: str) -> None:
    assert not store.exists(name)
    for use in (store.open, store.size, store.verify, lambda n: store.read(n, 0, 1), lambda n: store.local(n).__enter__()):
        with pytest.raises(PermanentError, match="is no sha256"):
            use(name)


def test_a_missing_artefact_is_named(store: ArtefactStore) -> None:
    for use in (store.open, store.size, store.verify, lambda n: store.read(n, 0, 1), lambda n: store.local(n).__enter__()):
        with pytest.raises(PermanentError, match="there is no artefact 000"):
            use("0" * 64)


@pytest.mark.parametrize(("offset", "length"), [(0, 9999), (9999, 1), (-1, 2), (0, -1)])
def test_a_fragment_beyond_the_file_is_refused(store: ArtefactStore, offset: int, length: int) -> None:
    sha256 = store.put(io.BytesIO(ONIX)).sha256
    with pytest.raises(PermanentError, match="not all there"):
        store.read(sha256, offset, length)


def test_fragments_across_windows_are_read_whole(store: ArtefactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artefacts, "WINDOW", 16)
    content = bytes(range(256))
    sha256 = store.put(io.BytesIO(content)).sha256
    for offset in range(0, 256, 5):
        for length in (0, 1, 15, 16, 17, 60):
            if offset + length <= 256:
                assert store.read(sha256, offset, length) == content[offset : offset + length]


def test_many_writers_of_the_same_content_store_it_once(store: ArtefactStore) -> None:
    if "://" in store.root:
        pytest.skip("fsspec's memory file system shows half-written files to other threads; an object store does not")
    start = threading.Barrier(8)

    def put(number: int) -> Artefact:
        start.wait()
        return store.put(io.BytesIO(ONIX * 1000 + bytes([number % 2])))

    with ThreadPoolExecutor(8) as pool:
        artefacts_ = set(pool.map(put, range(8)))
    assert len(artefacts_) == 2
    assert len(stored(store)) == 2
    for artefact in artefacts_:
        store.verify(artefact.sha256)


def test_a_file_that_was_cut_short_is_healed_by_the_next_put(tmp_path: Path) -> None:
    store = ArtefactStore(str(tmp_path))
    artefact = store.put(io.BytesIO(ONIX))
    path = tmp_path / artefact.sha256[:2] / artefact.sha256
    path.write_bytes(ONIX[:5])
    store.put(io.BytesIO(ONIX))
    assert store.verify(artefact.sha256) == artefact


def test_damage_is_seen(store: ArtefactStore) -> None:
    artefact = store.put(io.BytesIO(ONIX))
    (path,) = stored(store)
    fs = fsspec.filesystem("memory" if "memory" in store.root else "file")
    fs.pipe_file(path, b"x" * len(ONIX))
    with pytest.raises(PermanentError, match="not what its name says"):
        store.verify(artefact.sha256)


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    store = ArtefactStore(str(tmp_path))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    try:
        with pytest.raises(PermanentError, match="no room left"):
            store.put(io.BytesIO(b"x" * (1 << 20)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert stored(store) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_disk_that_fills_when_the_file_is_closed_leaves_nothing(tmp_path: Path) -> None:
    store = ArtefactStore(str(tmp_path))
    out = store.create()
    out._file.close()
    out._file = Path("/dev/full").open("wb")  # noqa: SIM115
    with pytest.raises(PermanentError, match="no room left"), out:
        out.write(b"small: stays in the buffer until the flush")
    assert stored(store) == []


def test_a_folder_without_permission_says_so(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        blocked = tmp_path / "file"
        blocked.write_text("not a folder")
    else:
        blocked = tmp_path / "locked"
        blocked.mkdir(mode=0o500)
    with pytest.raises(PermanentError, match="COLOPHON_STORE"):
        ArtefactStore(str(blocked / "store")).put(io.BytesIO(ONIX))


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    import tracemalloc

    class Zeros(io.RawIOBase):
        left = 200 << 20

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            taken = min(size, self.left)
            self.left -= taken
            return bytes(taken)

    tracemalloc.start()
    try:
        artefact = ArtefactStore(str(tmp_path)).put(Zeros())  # type: ignore[arg-type]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert artefact.bytes == 200 << 20
    assert peak < 8 << 20


def test_what_a_killed_writer_left_is_cleared_after_two_days(tmp_path: Path) -> None:
    store = ArtefactStore(str(tmp_path))
    left = store.arriving()
    left.write_bytes(b"half")
    now = datetime.now(UTC)
    assert store.clear_abandoned(now) == 0
    assert store.clear_abandoned(now + timedelta(days=3)) == 1
    assert stored(store) == []


def test_the_root_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLOPHON_STORE", raising=False)
    monkeypatch.setenv("COLOPHON_HOME", str(tmp_path / "home"))
    assert ArtefactStore().root == str(tmp_path / "home" / "store")
    monkeypatch.setenv("COLOPHON_STORE", str(tmp_path / "elsewhere"))
    assert ArtefactStore().root == str(tmp_path / "elsewhere")
    assert ArtefactStore(f"file://{tmp_path}/url").root == f"{tmp_path}/url"


def test_an_unknown_file_system_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="COLOPHON_STORE=teapot://x"):
        ArtefactStore("teapot://x")


def test_a_file_system_that_is_not_atomic_is_written_under_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artefacts, "ATOMIC", frozenset())
    store = ArtefactStore(f"memory://not-atomic-{os.getpid()}")
    artefact = store.put(io.BytesIO(ONIX))
    assert [path.rpartition("/")[2] for path in stored(store)] == [artefact.sha256]
