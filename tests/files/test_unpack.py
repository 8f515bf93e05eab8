"""Unpacking: what comes out is what went in, in the store, and nowhere else."""

from __future__ import annotations

import hashlib
import resource
import struct
import zlib
from pathlib import Path
from typing import Any

import py7zr
import pytest

from include.files import bounds, safety, sevenzip, tarred, unpack, zipped
from include.files.model import Refused
from include.partners.inboxes import Limits
from include.store import ArtefactStore
from tests.files import good
from tests.files.hostile import _repeat, bomb_zip


def unpacked(tmp_path: Path, content: bytes, name: str, store: ArtefactStore, **limits: int) -> list[unpack.Member]:
    local = tmp_path / name
    local.write_bytes(content)
    return list(unpack.members(local, name, Limits(**limits), store))


@pytest.mark.parametrize(
    "filters",
    [
        [{"id": py7zr.FILTER_LZMA2, "preset": 6}],
        [{"id": py7zr.FILTER_LZMA}],
        [{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_LZMA2, "preset": 6}],
        [{"id": py7zr.FILTER_DELTA}, {"id": py7zr.FILTER_LZMA2, "preset": 6}],
        [{"id": py7zr.FILTER_BZIP2}],
        [{"id": py7zr.FILTER_DEFLATE}],
        [{"id": py7zr.FILTER_PPMD, "order": 6, "mem": 24}],
        [{"id": py7zr.FILTER_ZSTD}],
        [{"id": py7zr.FILTER_BROTLI, "level": 4}],
        [{"id": py7zr.FILTER_COPY}],
    ],
)
def test_every_method_of_7z_gives_back_the_same_bytes(filters: list[dict[str, int]], tmp_path: Path, store: Any) -> None:
    """Larger than one piece (1 MiB), so that pieces and members do not end together."""
    members = {"a.txt": bytes(range(256)) * 9000, "b/empty.txt": b"", "b/ü.txt": good.PROSE.encode() * 20_000, "c.txt": b"x"}
    got = unpacked(tmp_path, good.sevenzip(members, filters=filters), "a.7z", store)
    assert {member.path: member.artefact.sha256 for member in got if member.artefact} == {
        name: hashlib.sha256(content).hexdigest() for name, content in members.items()
    }


def test_members_of_7z_may_be_left_unread(tmp_path: Path) -> None:
    members = {"a.txt": b"a" * 3_000_000, "b.txt": b"b" * 3_000_000, "c.txt": b"c" * 10}
    local = tmp_path / "a.7z"
    local.write_bytes(good.sevenzip(members))
    budget = bounds.Budget(Limits())
    with local.open("rb") as stream:
        found = sevenzip.directory(stream, most=10)
        read = [b"".join(one.data) for one in sevenzip.members(stream, found, budget.count) if one.name != "b.txt"]
    assert read == [members["a.txt"], members["c.txt"]]


def test_same_archive_twice_gives_the_same_members(tmp_path: Path, store: Any) -> None:
    content = good.zipped(good.MEMBERS | {"in.zip": good.zipped(good.MEMBERS)})
    first = unpacked(tmp_path, content, "a.zip", store)
    assert first == unpacked(tmp_path, content, "a.zip", store)
    assert [member.path for member in first][-1] == "in.zip/chapter 1.txt"


def test_documents_inside_an_archive_stay_whole(tmp_path: Path, store: Any) -> None:
    got = unpacked(tmp_path, good.zipped({"a.docx": good.docx(), "b.epub": good.epub(), "c.pdf": good.pdf()}), "a.zip", store)
    assert [member.path for member in got] == ["a.docx", "b.epub", "c.pdf"]
    for member in got:
        assert member.artefact is not None
        with store.local(member.artefact.sha256) as local:
            assert safety.examine(local, member.path, Limits()).extension == f".{member.path[2:]}"


def test_depth_nought_keeps_archives_within_out(tmp_path: Path, store: Any) -> None:
    (inner, text) = unpacked(tmp_path, good.zipped({"in.zip": good.zipped(good.MEMBERS), "a.txt": b"x"}), "a.zip", store, depth=0)
    assert inner.refused is not None
    assert inner.refused.code == "archive-depth"
    assert inner.artefact is not None
    assert text.refused is None


def test_nothing_is_left_of_a_bomb(tmp_path: Path, store: Any) -> None:
    local = tmp_path / "a.zip"
    local.write_bytes(bomb_zip("a.bin", 1 << 30))
    with pytest.raises(Refused) as refused:
        list(unpack.members(local, "a.zip", Limits(), store))
    assert refused.value.code == "archive-bomb"
    assert not [path for path in Path(store.root).rglob("*") if path.is_file()]


def test_blank_pages_are_no_bomb(tmp_path: Path, store: Any) -> None:
    """30 MB of white shrink a thousandfold: below 32 MB that is nobody's attack."""
    (member,) = unpacked(tmp_path, good.zipped({"white.tif": b"\xff" * 30_000_000}), "a.zip", store)
    assert member.artefact is not None
    assert member.artefact.bytes == 30_000_000


def test_large_zip_directory_is_not_read(tmp_path: Path) -> None:
    """An end record that tells of a directory of 3 GB, in a sparse file."""
    local = tmp_path / "a.zip"
    with local.open("wb") as out:
        out.truncate(3 << 30)
        out.seek(3 << 30)
        out.write(b"PK\x05\x06\0\0\0\0" + (60_000).to_bytes(2, "little") * 2 + (3 << 30).to_bytes(4, "little") + bytes(6))
    with local.open("rb") as stream, pytest.raises(Refused) as refused:
        zipped.directory(stream, most=100_000)
    assert refused.value.code == "archive-members"


@pytest.mark.long
@pytest.mark.parametrize("kind", ["zip", "gzip"])
def test_ten_gigabytes_pass_in_flat_memory(kind: str, tmp_path: Path) -> None:
    """With limits that allow it, all of it is unpacked and counted."""
    limits = Limits(unpacked_bytes=1 << 40, file_bytes=1 << 40, ratio=100_000)
    budget, size, local = bounds.Budget(limits), 10 << 30, tmp_path / "a"
    local.write_bytes(_repeat(size, 31))
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with local.open("rb") as stream:
        if kind == "gzip":
            with pytest.raises(Refused, match="damaged"):  # its checksum was left out
                for _ in tarred.unpacked(stream, budget.count):
                    pass
        else:
            stream.seek(0)
            entry = zipped.Entry("a", 8, False, 0, local.stat().st_size - 18, size, 10, 0)
            with pytest.raises(zipped.DamagedMember, match="checksum"):
                for _ in zipped.data(stream, entry, budget.count):
                    pass
    assert size - budget.unpacked <= 1 << 20  # zlib finds a wrong checksum together with the last piece
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start < 30_000


def test_deflate64_of_windows_is_read(tmp_path: Path, store: Any) -> None:
    import inflate64

    content = good.PROSE.encode() * 5000
    packer = inflate64.Deflater()
    packed = packer.deflate(content) + packer.flush()
    name = b"a.txt"
    head = struct.pack("<HHHHHIIIHH", 21, 0, 9, 0, 0, zlib.crc32(content), len(packed), len(content), len(name), 0)
    local = b"PK\x03\x04" + head + name + packed
    central = b"PK\x01\x02\x15\0" + head + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    archive = local + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)
    (member,) = unpacked(tmp_path, archive, "a.zip", store)
    assert member.artefact is not None
    assert member.artefact.sha256 == hashlib.sha256(content).hexdigest()
