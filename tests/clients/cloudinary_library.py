"""Cloudinary's stand-in on a port of its own, with two accounts."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from PIL import Image

from include.clients.cloudinary import Account, Cloudinary
from include.clients.exchange import Patience
from sandbox.catalogue import Catalogue
from sandbox.cloudinary.app import Cloudinary as StandIn
from sandbox.cloudinary.environment import Account as Opened
from sandbox.consonance.app import Consonance
from sandbox.control import Control
from sandbox.faults import Faults

TODAY = date(2026, 11, 21)
SECRET = "sEcReT-of-lantern-quill-1"
OTHER = "sEcReT-of-the-other-one-22"
KEY = "314159265358979"


@dataclass
class Library:
    """The running stand-in, and what tests ask of it."""

    stand_in: StandIn
    http: httpx.Client
    waits: list[float] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.stand_in.address

    def account(self, cloud: str = "lantern-quill", **more: Any) -> Account:
        secret = SECRET if cloud == "lantern-quill" else OTHER
        given = {"api": self.address, "delivery": f"{self.address}/{cloud}"} | more
        return Account(cloud, given.pop("key", KEY), given.pop("secret", secret), **given)

    def client(self, account: Account | None = None, **more: Any) -> Cloudinary:
        given = {"timeout": 5.0, "upload_timeout": 5.0, "patience": Patience(tries=3, first=0.01, longest=30), "reserve": 0}
        return Cloudinary(account or self.account(), sleep=self.waits.append, **(given | more))

    def switch(self, **wanted: Any) -> dict[str, Any]:
        answer = self.http.post("/sandbox/cloudinary", json=wanted)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def fault(self, **wanted: Any) -> None:
        self.http.post("/sandbox/faults", json={"cloudinary": wanted}).raise_for_status()

    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get("/sandbox/stats").json()["cloudinary"]
        return found

    def admin(self, path: str, method: str = "GET", secret: str = SECRET, **more: Any) -> httpx.Response:
        login = base64.b64encode(f"{KEY}:{secret}".encode()).decode()
        address = f"/cloudinary/v1_1/lantern-quill/{path}"
        return self.http.request(method, address, headers={"Authorization": f"Basic {login}"}, **more)

    def cover(self, status: str = "approved", kind: str = "front") -> str:
        """The public id of a planted cover."""
        return next(one.public_id for one in self.stand_in.covers if (one.status, one.kind, one.defect) == (status, kind, ""))

    def reset(self) -> None:
        self.http.post("/sandbox/reset", json={}).raise_for_status()
        self.waits.clear()


def jpeg(width: int = 60, height: int = 90, colour: tuple[int, int, int] = (200, 30, 30), mode: str = "RGB") -> bytes:
    file = BytesIO()
    Image.new("RGB", (width, height), colour).convert(mode).save(file, "JPEG")
    return file.getvalue()


@contextmanager
def served(folder: Path) -> Iterator[Library]:
    catalogue, faults = Catalogue(1, 200, TODAY), Faults()
    consonance = Consonance(catalogue, "0" * 32, faults)
    accounts = [Opened("lantern-quill", KEY, SECRET), Opened("other", KEY, OTHER)]
    stand_in = StandIn(catalogue, accounts, folder, faults)
    control = Control(consonance, faults, cloudinary=stand_in)
    app = consonance.app(control.routes())
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(12_000):
        if server.started:
            break
        time.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    stand_in.address = f"{url}/cloudinary"
    with httpx.Client(base_url=url, timeout=20, trust_env=False) as http:
        yield Library(stand_in, http)
    server.should_exit = True
    thread.join(10)
