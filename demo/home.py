"""Where the demo lives (`.demo/`), and the environment that makes Airflow and Colophon live there."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import socket
import sys
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from demo.children import DemoError

HOST = "127.0.0.1"
USER = "publisher"


@dataclass(frozen=True)
class Home:
    """Folders, ports and secrets of one demo."""

    root: Path  # the repository
    folder: Path
    port: int
    log_ports: tuple[int, int]
    secrets: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def sandbox(self) -> Path:
        return self.folder / "sandbox"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def ledger(self) -> Path:
        return self.folder / "colophon" / "ledger.sqlite"

    @property
    def connections(self) -> Path:
        return self.folder / "connections.json"

    def environment(self) -> dict[str, str]:
        """The variables of every child process. Nothing of the machine's own Airflow or Colophon comes through."""
        foreign = ("AIRFLOW_", "COLOPHON_", "_AIRFLOW")
        airflow = self.folder / "airflow"
        bin_folder = str(Path(sys.executable).parent)
        return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | {
            "PATH": os.pathsep.join([bin_folder, os.environ.get("PATH", "")]),
            "PYTHONPATH": os.pathsep.join([str(self.root), str(self.root / "plugins")]),
            "PYTHONUNBUFFERED": "1",
            "NO_PROXY": HOST,
            "no_proxy": HOST,
            "COLOPHON_HOME": str(self.folder / "colophon"),
            "COLOPHON_LEDGER": f"sqlite:///{self.ledger}",
            "COLOPHON_SANDBOX_DIR": str(self.sandbox),
            "COLOPHON_PUBLIC_URL": self.url,  # the sandbox fetches approved covers from there
            "AIRFLOW_HOME": str(airflow),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.root / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(self.root / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "3",
            "AIRFLOW__CORE__FERNET_KEY": self.secrets["fernet"],
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.folder / "passwords.json"),
            # no more: Airflow's server writes its audit log in its event loop, where a writer that waits stops the one it waits for
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{airflow / 'airflow.db'}?timeout=10",
            "AIRFLOW__API__HOST": HOST,
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": self.secrets["api"],
            "AIRFLOW__API_AUTH__JWT_SECRET": self.secrets["jwt"],
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self.log_ports[0]),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(self.log_ports[1]),
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
            "AIRFLOW__SECRETS__BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
            "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"connections_file_path": str(self.connections)}),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        }

    def write_connections(self) -> dict[str, dict[str, Any]]:
        """The sandbox's connections and the ledger's, in the file that Airflow reads; gives them."""
        connections: dict[str, dict[str, Any]] = json.loads((self.sandbox / "connections.json").read_text())
        connections["colophon_ledger"] = {"conn_type": "colophon_ledger", "schema": str(self.ledger)}
        _write_private(self.connections, json.dumps(connections, indent=1))
        return connections


def make_home(root: Path, folder: Path, *, keep: bool, port: int = 0) -> tuple[Home, IO[str]]:
    """A home for this run, empty unless `keep`, and the lock that lasts while the file stays open.

    DemoError if another demo runs in the same folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise DemoError(f"another demo runs in {folder}: end it with Ctrl-C, then start again") from None
    if not keep:
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "lock":
                path.unlink()
    for name in ("airflow", "colophon", "sandbox", "logs"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "sandbox" / "ready.json").unlink(missing_ok=True)
    kept = folder / "secrets.json"
    if kept.exists():
        known = json.loads(kept.read_text())
    else:
        known = {"fernet": urlsafe_b64encode(secrets.token_bytes(32)).decode()}
        known |= {"password": secrets.token_urlsafe(9), "api": secrets.token_hex(32), "jwt": secrets.token_hex(64)}
        _write_private(kept, json.dumps(known))
    _write_private(folder / "passwords.json", json.dumps({USER: known["password"]}))
    first, *rest = _free_ports(3)
    return Home(root, folder, port or first, (rest[0], rest[1]), known), lock


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in held]
    for sock in held:
        sock.close()
    return ports


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
