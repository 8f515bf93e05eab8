"""Getty's stand-in on a port of its own, and clients of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import httpx
import uvicorn

from include.clients.exchange import Patience
from include.clients.getty import Credentials, Getty, Wire
from sandbox.catalogue import Catalogue
from sandbox.consonance.app import Consonance
from sandbox.control import Control
from sandbox.faults import Faults
from sandbox.getty.app import Getty as StandIn
from tests.clients.tenant import Waits

TODAY = date(2026, 11, 21)
THREE_YEARS = TODAY - timedelta(days=1095)
TOMORROW = TODAY + timedelta(days=1)
SECRET = "s" * 31 + "9"
DOWNLOAD = "POST /v3/downloads/images/{id}"
Row = dict[str, Any]


@dataclass
class Account:
    """The stand-in, its switches, and what reached it."""

    url: str
    stand_in: StandIn
    http: httpx.Client
    waits: Waits = field(default_factory=Waits)

    def call(self, path: str, body: Any = None) -> Any:
        answer = self.http.get(f"/sandbox/{path}") if body is None else self.http.post(f"/sandbox/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, **fault: Any) -> None:
        self.call("faults", {"getty": fault})

    def turn(self, **switches: Any) -> Row:
        told: Row = self.call("getty", switches)
        return told

    @property
    def stats(self) -> Row:
        told: Row = self.call("stats")["getty"]
        return told

    def asked(self, operation: str) -> int:
        return int(self.stats["requests"].get(operation, 0))

    def wire(self, **settings: Any) -> Wire:
        credentials = settings.pop("credentials", Credentials(self.stand_in.key, self.stand_in.secret))
        settings = {"patience": Patience(tries=3, first=0.5), "sleep": self.waits, "timeout": 10.0} | settings
        return Wire(credentials, address=f"{self.url}/getty", tokens=f"{self.url}/getty/oauth2/token", **settings)

    def client(self, *, company: bool = True, **settings: Any) -> Getty:
        return Getty(self.wire(**settings), company=company)


@contextmanager
def account_on(port: int = 0) -> Iterator[Account]:
    catalogue, faults = Catalogue(1, 60, TODAY, "full"), Faults()
    stand_in = StandIn(catalogue, SECRET, faults)
    control = Control(Consonance(catalogue, "k" * 32, faults), faults, getty=stand_in)
    config = uvicorn.Config(control.consonance.app(control.routes()), port=port, log_level="critical", lifespan="off", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(12_000):
        if server.started:
            break
        time.sleep(0.01)
    url = stand_in.base_url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    with httpx.Client(base_url=url, timeout=20, trust_env=False) as http:
        yield Account(url, stand_in, http)
    server.should_exit = True
    thread.join(10)
