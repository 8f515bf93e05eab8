"""What publishing asks of a protocol.

A lane carries one file at a time through a few primitive requests. They are coroutines, so that the rules of publishing
are written once: over SFTP many lanes share one connection and one event loop; over FTP each lane is a control
connection in a thread of its own, whose coroutines never wait and run straight through.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from include.transfer.model import Listed, RemoteEntry
from include.transfer.source import Source

T = TypeVar("T")

LISTED_MOST = 20_000  # names; a fuller folder is not listed before a delivery, its files are asked for one by one


class Lane(Protocol):
    """One file's way to the partner. Errors are those of `include.errors`; a lost connection is opened again when next needed."""

    @property
    def where(self) -> str: ...

    @property
    def host_key(self) -> str: ...

    @property
    def resumes(self) -> bool: ...

    @property
    def window(self) -> int:
        """Bytes that may be on their way at once: only the last so many of a broken upload can have holes."""
        ...

    async def mkdirs(self, folder: str) -> None: ...

    async def list(self, folder: str, most: int | None = None) -> list[RemoteEntry] | None:
        """Names in a folder; None if there are more than `most`. Raises `PermanentError` if there is no such folder."""
        ...

    async def scan(self, folder: str, take: Callable[[Sequence[Listed]], object]) -> None:
        """Every name of a folder, whatever it is, in batches as they come: a folder of a million names needs no more memory
        than one of a thousand. Links are not followed. After an error some batches may have been taken. Raises as `list`."""
        ...

    async def stat(self, path: str) -> RemoteEntry | None:
        """None if there is nothing of that name."""
        ...

    async def send(self, path: str, source: Source, offset: int, *, then_renamed: bool, to_disk: bool = True) -> int | None:
        """Write the rest of `source` from `offset` on (0: from scratch). Gives the size that the server then
        reports, None if it can't. `then_renamed`: a rename of this file is the next request, if the size is right.
        `to_disk`: have the server write it to its disk now, where it can be asked to."""
        ...

    async def read(self, path: str, sink: Callable[[bytes], object], offset: int = 0, size: int | None = None) -> int | None:
        """Read from `offset` to the end (or to `size`, where the caller knows it) into `sink`, in order.

        Gives the number of bytes, more than asked for if the file has grown beyond `size`; None if there is nothing of that name.
        """
        ...

    async def rename(self, old: str, new: str, *, replace: bool) -> bool:
        """Give a file another name. Gives False if that had to be done in two steps: remove, then rename."""
        ...

    async def remove(self, path: str) -> None: ...

    async def pause(self, seconds: float) -> None: ...

    def tell(self, call: Callable[[], None]) -> None:
        """Run `call` in the thread that started the work."""
        ...


Job = Callable[[Lane], Coroutine[Any, Any, T]]


class Driver(Protocol):
    """Runs jobs over one partner's connections."""

    @property
    def where(self) -> str: ...

    def run(self, jobs: Sequence[Job[T]], parallel: int) -> list[T]:
        """The jobs' results, in their order, at most `parallel` at once. An exception of a job ends all of them."""
        ...

    def close(self) -> None: ...
