"""The services of docker-compose.yaml, started on this machine without Docker: same commands, same environment.

Only what Docker does is done otherwise: names of hosts become ports on the loopback, /opt/airflow becomes a folder.
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.package import compose
from tests.package.compose import ROOT

IN_IMAGE = ("dags", "plugins", "config", "include")  # what the Dockerfile copies: read here from the repository
AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer", "worker")


def postgres_programs() -> Path | None:
    """Where `initdb` and `postgres` are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def missing() -> str:
    """Why the components can't be started here; empty if they can."""
    if not shutil.which("redis-server") or not shutil.which("redis-cli"):
        return "redis-server is not installed"
    if postgres_programs() is None:
        return "PostgreSQL's server programs are not installed"
    if os.getuid() == 0 and "postgres" not in {user.pw_name for user in pwd.getpwall()}:
        return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


class Components:
    """Starts the services one after the other; `stop` ends every process that was started here, and no other."""

    def __init__(self, **given: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="colophon-components-"))
        self.folder.chmod(0o755)  # PostgreSQL's user walks through it
        self.home = self.folder / "airflow"
        for name in ("auth", "logs", "store", "gnupg", "sandbox-data"):
            (self.home / name).mkdir(parents=True)
        settings = {name: value or secrets.token_hex(32) for name, value in compose.example().items()}
        settings["AIRFLOW_FERNET_KEY"] = "Y29sb3Bob25jb2xvcGhvbmNvbG9waG9uY29sb3Bob24="
        settings["COLOPHON_STORE"] = ""
        self.settings = settings | given
        self.services = compose.loaded(self.settings)["services"]
        self.configs = compose.raw()["configs"]
        self.ports = dict(zip(("postgres", "redis", "api", "health", "worker_log", "trigger_log"), _free_ports(6), strict=True))
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    # --- what Docker would do otherwise

    def here(self, text: str) -> str:
        """The same text with this machine's paths and ports."""
        for name in IN_IMAGE:
            text = re.sub(rf"/opt/airflow/{name}\b", str(ROOT / name), text)
        text = text.replace("/opt/airflow", str(self.home)).replace("/tmp/pools.json", str(self.folder / "pools.json"))
        for name, port in (("postgres:5432", "postgres"), ("redis:6379", "redis"), ("api-server:8080", "api")):
            text = text.replace(name, f"127.0.0.1:{self.ports[port]}")
        return text.replace("localhost:8080", f"127.0.0.1:{self.ports['api']}").replace(
            "localhost:8974", f"127.0.0.1:{self.ports['health']}"
        )

    def environment(self, service: str) -> dict[str, str]:
        """The service's own environment and nothing of this process's but where programs are."""
        given: Mapping[str, Any] = self.services[service]["environment"]
        values = {name: self.here(str(value)) for name, value in given.items()}
        if "PYTHONPATH" in values:
            values["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])  # the image has `colophon` installed
        path = os.pathsep.join([str(Path(sys.executable).parent), str(self._shims()), os.environ["PATH"]])
        return values | {
            "PATH": path,
            "HOME": str(self.home),
            "AIRFLOW_HOME": str(self.home),
            "HOSTNAME": socket.gethostname(),
            "AIRFLOW__API__PORT": str(self.ports["api"]),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(self.ports["health"]),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self.ports["worker_log"]),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(self.ports["trigger_log"]),
        }

    def _shims(self) -> Path:
        """`colophon` and `python`, as the image has them, where this environment does not."""
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        for name, command in (("colophon", "-m colophon "), ("python", "")):
            shim = folder / name
            shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" {command}"$@"\n')
            shim.chmod(0o755)
        return folder

    # --- starting

    def start_databases(self) -> None:
        programs = postgres_programs()
        assert programs is not None
        postgres, redis = self.services["postgres"], self.services["redis"]
        wanted, data = postgres["environment"], self.folder / "postgres"
        password = self.folder / "password"
        password.write_text(wanted["POSTGRES_PASSWORD"])
        data.mkdir()
        if as_user := {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}:
            shutil.chown(data, "postgres", "postgres")
        name = wanted["POSTGRES_USER"]
        initdb = [programs / "initdb", "-D", data, "-U", name, "-A", "scram-sha-256", "--pwfile", password, "-E", "UTF8", "--no-sync"]
        subprocess.run(initdb, check=True, capture_output=True, cwd="/", **as_user)
        listen = ["-p", str(self.ports["postgres"]), "-k", "", "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        self._spawn("postgres", [programs / "postgres", "-D", data, *listen], {"PATH": os.environ["PATH"]}, **as_user)
        client = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.ports["postgres"]),
            "PGUSER": name,
            "PGPASSWORD": wanted["POSTGRES_PASSWORD"],
        }
        self._until("postgres", ["pg_isready", "-q"], client)
        first = [f"CREATE DATABASE {wanted['POSTGRES_DB']}", *(self.configs[config["source"]]["content"] for config in postgres["configs"])]
        for statement in first:  # what the image does with POSTGRES_DB and with the files of docker-entrypoint-initdb.d
            subprocess.run(["psql", "-q", "-d", "postgres", "-c", statement], check=True, capture_output=True, env=client)
        self._until("postgres", compose.health(postgres).split(), client)
        shell, flag, script = redis["command"]
        extra = f" --port {self.ports['redis']} --bind 127.0.0.1 --dir {self.folder}"
        values = {"PATH": os.environ["PATH"], **redis["environment"]}
        self._spawn("redis", [shell, flag, script + extra], values)
        self._until("redis", compose.health(redis).replace("redis-cli", f"redis-cli -p {self.ports['redis']}").split(), values)

    def run_to_end(self, service: str) -> str:
        """A service that ends by itself: `init`, `sandbox-connections`. Gives what it said; raises if it failed."""
        words = [self.here(word) for word in compose.command(self.services[service])]
        done = subprocess.run(words, env=self.environment(service), cwd=self.home, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode:
            raise AssertionError(f"{service} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done.stdout

    def start(self, service: str, *more: str) -> None:
        words = [*(self.here(word) for word in compose.command(self.services[service])), *more]
        self._spawn(service, words, self.environment(service), cwd=self.home)

    def healthy(self, service: str, seconds: float = 180) -> None:
        """Waits until the service's own health check of the file passes."""
        check = self.here(compose.health(self.services[service]))
        self._until(service, ["sh", "-c", check], self.environment(service), seconds)

    def log(self, service: str) -> str:
        return (self.folder / f"{service}.log").read_text(errors="replace")

    def task_logs(self, dag_id: str) -> str:
        """What the tasks of a flow said last, for the message of a test that fails."""
        found = sorted((self.home / "logs" / f"dag_id={dag_id}").rglob("*.log"), key=lambda path: path.stat().st_mtime)
        return "\n".join(f"{path}\n{path.read_text(errors='replace')[-3000:]}" for path in found[-3:])

    def stop(self) -> None:
        for process in reversed(self.running.values()):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        until = time.monotonic() + 12
        for process in self.running.values():
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # its own session: nothing of anybody else's
                process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _spawn(self, service: str, words: list[Any], environment: Mapping[str, str], **how: Any) -> None:
        with (self.folder / f"{service}.log").open("wb") as log:
            self.running[service] = subprocess.Popen(
                [str(word) for word in words],
                env=dict(environment),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **{"cwd": "/", **how},
            )

    def _until(self, service: str, check: list[str], environment: Mapping[str, str], seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        said = ""
        while time.monotonic() < until:
            if (process := self.running[service]).poll() is not None:
                raise AssertionError(f"{service} ended with {process.returncode}:\n{self.log(service)[-3000:]}")
            done = subprocess.run(check, env=dict(environment), capture_output=True, text=True, timeout=60, check=False)
            if done.returncode == 0:
                return
            said = done.stdout + done.stderr
            time.sleep(1)
        raise AssertionError(f"{service} is not healthy: {said[-1500:]}\n{self.log(service)[-3000:]}")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
