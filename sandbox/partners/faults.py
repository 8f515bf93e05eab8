"""Which faults a partner's server asks for, and how.

| kind | fields | what happens |
| --- | --- | --- |
| `drop_after` | `bytes` | the connection breaks in an upload once it has taken more than that many bytes |
| `cut_after` | `bytes` | the connection breaks in a download once that many bytes of one file have been asked for in it |
| `disk_full` | `bytes` | an upload that reaches that many bytes is refused: SFTP failure "No space left on device", FTP 552 |
| `slow` | `bytes` | each upload and download is held to that many bytes per second |
| `wrong_password` | | the log-in is refused, whatever is presented |
| `host_key` | | another SSH host key, or a certificate of an unknown authority, is presented |
| `refuse` | | the connection is reset as soon as it is made |

`times` says how often; without it the fault stays until it is cleared. The service is the partner's id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

KINDS = ("drop_after", "cut_after", "disk_full", "slow", "wrong_password", "host_key", "refuse")


class Faults(Protocol):
    """What a server asks; safe to call from any thread."""

    def active(self, service: str, kind: str) -> Mapping[str, Any] | None:
        """The fault's fields if it is set, without counting it down."""

    def take(self, service: str, kind: str) -> Mapping[str, Any] | None:
        """The fault's fields if it is set, counted down once."""


class NoFaults:
    """A good day."""

    def active(self, service: str, kind: str) -> Mapping[str, Any] | None:
        return None

    def take(self, service: str, kind: str) -> Mapping[str, Any] | None:
        return None


def limit(faults: Faults, service: str, kind: str) -> int | None:
    """The `bytes` of a fault that is set, else None."""
    fault = faults.active(service, kind)
    return None if fault is None else int(fault.get("bytes") or 0)
