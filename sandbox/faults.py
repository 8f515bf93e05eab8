"""Switches for faults, shared by the stand-ins of services and the partners' servers.

A service is `consonance`, `cloudinary`, `getty` or a partner's id. A fault that was set with `times` ends after it was taken so often;
without, it stays until it is cleared. What a server makes of a kind is told beside the server (`sandbox.consonance.faulty`,
`sandbox.cloudinary.faulty`, `sandbox.getty.faulty`, `sandbox.jira.app`, `sandbox.mail.server`, `sandbox.partners.faults`).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

CONSONANCE = ("status", "slow", "drop", "errors", "stop_after_pages")
CLOUDINARY = ("status", "status_after", "slow", "drop", "drop_before", "not_json", "bad_signature")
GETTY = ("status", "throttled", "slow", "drop", "not_json", "empty")
JIRA = ("status", "drop", "lag")
MAIL = ("drop", "reply")
PARTNER = ("drop_after", "cut_after", "disk_full", "slow", "wrong_password", "host_key", "refuse")
SERVICES = {"consonance": CONSONANCE, "cloudinary": CLOUDINARY, "getty": GETTY, "jira": JIRA, "mail": MAIL}


class Faults:
    """Safe to call from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set: dict[tuple[str, str], dict[str, Any]] = {}

    def set(self, service: str, kind: str, **settings: Any) -> None:
        """Raises `ValueError` for a kind that the service does not know, or `times` that is no whole number from 1 on."""
        known = SERVICES.get(service, PARTNER)
        if kind not in known:
            raise ValueError(f"{service} has no fault {kind!r}; it has {', '.join(known)}")
        times = settings.get("times")
        if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
            raise ValueError(f"`times` of {service} {kind} must be a whole number from 1 on")
        with self._lock:
            self._set[service, kind] = dict(settings)

    def active(self, service: str, kind: str) -> Mapping[str, Any] | None:
        """The settings of a fault, without using it up; None if it is not set."""
        with self._lock:
            found = self._set.get((service, kind))
            return dict(found) if found is not None else None

    def take(self, service: str, kind: str) -> Mapping[str, Any] | None:
        """The settings of a fault, which is used up once by this."""
        with self._lock:
            found = self._set.get((service, kind))
            if found is None:
                return None
            taken = dict(found)
            if found.get("times") is not None:
                found["times"] -= 1
                if found["times"] < 1:
                    del self._set[service, kind]
            return taken

    def clear(self, service: str = "", kind: str = "") -> None:
        """All faults, those of a service, or one."""
        with self._lock:
            self._set = {key: value for key, value in self._set.items() if (service and key[0] != service) or (kind and key[1] != kind)}

    def all(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What is set now, by service and kind."""
        with self._lock:
            found: dict[str, dict[str, dict[str, Any]]] = {}
            for (service, kind), settings in self._set.items():
                found.setdefault(service, {})[kind] = dict(settings)
            return found
