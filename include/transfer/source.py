"""The bytes of a file on their way out: hashed as they are read, so that a damaged one is noticed before it counts."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from types import TracebackType
from typing import BinaryIO, Self

from include.errors import PermanentError, TransientError
from include.transfer.model import Outgoing

CHUNK = 1 << 20  # bytes


class Source:
    """Reads one `Outgoing` from the start to the end, once. `moved` is told the number of bytes that have gone."""

    def __init__(self, file: Outgoing, moved: Callable[[int], None]) -> None:
        self.file = file
        self.moved = moved
        self._hash = hashlib.sha256()
        self._read = 0
        try:
            self._stream: BinaryIO = file.open()
        except OSError as gone:
            raise self._unreadable(gone) from gone

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; fewer only at the end. Raises `TransientError` when the store fails."""
        try:
            data = self._stream.read(size)
            while len(data) < size and (more := self._stream.read(size - len(data))):
                data += more
        except OSError as gone:
            raise self._unreadable(gone) from gone
        self._hash.update(data)
        self._read += len(data)
        if self._read > self.file.bytes:
            raise self._damaged(f"holds more than its {self.file.bytes} bytes")
        return data

    def load(self) -> None:
        """Read and check the whole content now, to be served from memory: nothing of a damaged file leaves."""
        content = self.read(self.file.bytes + 1)
        self.check()
        self.close()
        self._hash, self._read, self._stream = hashlib.sha256(), 0, io.BytesIO(content)

    def skip(self, size: int, sink: Callable[[bytes], object] = len) -> None:
        """Read `size` bytes without sending them; `sink` may look at them."""
        while size > 0:
            data = self.read(min(CHUNK, size))
            if not data:
                raise self._damaged(f"ends after {self._read} of {self.file.bytes} bytes")
            sink(data)
            size -= len(data)

    def check(self) -> None:
        """After the last byte: raises `PermanentError` unless the content is what it must be."""
        if self._read != self.file.bytes:
            raise self._damaged(f"holds {self._read} bytes instead of {self.file.bytes}")
        if self._hash.hexdigest() != self.file.sha256:
            raise self._damaged(f"has sha256 {self._hash.hexdigest()[:12]}… instead of {self.file.sha256[:12]}…")

    def _unreadable(self, error: OSError) -> TransientError:
        return TransientError(f"can't be read here: {error.strerror or error}", where=self.file.name, todo="Look at the artefact store.")

    def _damaged(self, how: str) -> PermanentError:
        return PermanentError(
            f"the stored file is damaged: it {how}; nothing was published",
            where=self.file.name,
            todo="Restore the artefact store, or build the delivery anew.",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._stream.close()
