"""`python -m sandbox`: the make-believe publisher and its partners, until it is interrupted."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import uvicorn

from sandbox.catalogue import Catalogue
from sandbox.cloudinary.app import Cloudinary
from sandbox.cloudinary.environment import Account
from sandbox.consonance.app import Consonance
from sandbox.control import Control
from sandbox.faults import Faults
from sandbox.getty.app import Getty
from sandbox.jira.app import Jira
from sandbox.mail.server import Mail

HOST = "127.0.0.1"


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    root = Path(options.dir).resolve()
    root.mkdir(parents=True, exist_ok=True)
    for stale in ("ready.json", "connections.json"):
        (root / stale).unlink(missing_ok=True)
    faults = Faults()
    catalogue = Catalogue(options.seed, options.titles, options.today, options.profile)
    consonance = Consonance(catalogue, _key(root), faults)
    partners = _start_partners(root, faults)
    cloudinary = Cloudinary(catalogue, [_cloudinary_account(root)], root / "cloudinary", faults)
    getty = Getty(catalogue, _key(root, "getty"), faults)
    jira, mail = Jira(_key(root, "jira"), faults), Mail(root, _key(root, "mail"), faults)
    try:
        asyncio.run(_serve(root, consonance, faults, partners, cloudinary, getty, jira, mail))
    finally:
        if partners is not None:
            partners.stop()
        for stale in ("ready.json", "connections.json"):
            (root / stale).unlink(missing_ok=True)
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--dir", default=os.environ.get("COLOPHON_SANDBOX_DIR") or ".sandbox", help="where state lives (default: .sandbox)")
    parser.add_argument("--titles", type=_count, default=200, help="how many works (default: 200)")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another catalogue")
    parser.add_argument(
        "--profile", choices=("evidenced", "full"), default="full", help="evidenced: only what was seen of Consonance's schema"
    )
    parser.add_argument("--today", type=date.fromisoformat, help="the catalogue as it stands on this day (default: today)")
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 500_000:  # beyond that the ISBNs would leave their registration group
        raise argparse.ArgumentTypeError("from 1 to 500,000 titles")
    return count


def _cloudinary_account(root: Path) -> Account:
    """The publisher's product environment: a key of digits and a secret, as Cloudinary gives them."""
    return Account("lantern-quill", "314159265358979", _key(root, "cloudinary")[:27])


def _key(root: Path, service: str = "consonance") -> str:
    """Thirty-two characters, the same as long as the folder lives."""
    file = root / "keys" / service
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(hashlib.sha256(os.urandom(32)).hexdigest()[:32])
    return file.read_text().strip()


def _start_partners(root: Path, faults: Faults) -> Any:
    try:
        from sandbox.partners import start_partners
    except ImportError as error:
        print(f"partners are not served: {error}", file=sys.stderr)
        return None
    return start_partners(root, faults)


class _Senders:
    """Whoever sends files. What makes them is loaded when somebody does: it is not worth the wait at the start."""

    def __init__(self, root: Path, catalogue: Catalogue) -> None:
        self._root, self._catalogue = root, catalogue

    def drop(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        from sandbox.files.drop import Drops

        if wanted.get("inbox") == "statements":
            from sandbox.statements.drop import drop

            return drop(self._root, self._catalogue, wanted)
        return Drops(self._root, self._catalogue).drop(wanted)

    def archive(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        from sandbox.files.tree import fill

        return fill(self._root / "partners" / "vault" / "archive", self._catalogue, wanted)


async def _serve(
    root: Path, consonance: Consonance, faults: Faults, partners: Any, cloudinary: Cloudinary, getty: Getty, jira: Jira, mail: Mail
) -> None:
    listener = _listen(root / "consonance-port")
    port = listener.getsockname()[1]
    url = consonance.base_url = f"http://{HOST}:{port}"
    cloudinary.address, getty.base_url, jira.base_url = f"{url}/cloudinary", url, url
    await mail.start()
    names = frozenset(profile.id for profile in partners.profiles) if partners else frozenset()
    senders = _Senders(root, consonance.catalogue)
    control = Control(
        consonance,
        faults,
        names,
        partners.answer if partners else None,
        *((senders.drop, senders.archive) if partners else ()),
        cloudinary=cloudinary,
        getty=getty,
        jira=jira,
        mail=mail,
    )
    config = uvicorn.Config(
        consonance.app(control.routes()), log_level="critical", lifespan="off", timeout_graceful_shutdown=3, access_log=False
    )
    server = uvicorn.Server(config)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.should_exit = True

    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.02)
    # After the start, since the server sets its own on starting and would raise the signal again on its way out.
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop)
    connections: dict[str, Any] = {"consonance": {"conn_type": "consonance", "host": url, "password": consonance.key}}
    connections["cloudinary_default"] = cloudinary.connection(cloudinary.accounts[0])
    connections["getty_default"] = getty.connection
    connections |= partners.connections if partners else {}
    _write(root / "defects.json", control.defects())
    _write(root / "connections.json", connections)
    # Beside the others: whoever has these is told of everything by mail and in Jira, and that is for the tests to choose.
    _write(root / "telling.json", {"jira_default": jira.connection, "smtp_default": mail.connection})
    addresses = {name: f"{one.get('conn_type')}://{one['host']}:{one['port']}" for name, one in connections.items() if "port" in one}
    _write(
        root / "ready.json",
        {
            "consonance": url,
            "cloudinary": cloudinary.address,
            "getty": getty.connection["host"],
            "profile": consonance.catalogue.tenant,
            "titles": consonance.catalogue.titles,
            "pid": os.getpid(),
            "partners": addresses,
        },
    )
    _print_table(root, consonance, url, addresses, cloudinary, getty)
    await serving
    await mail.stop()


def _listen(remembered: Path) -> socket.socket:
    """The port of the last time if it is free, so that what was sent then still points here."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, int(remembered.read_text())))
    except (OSError, ValueError, OverflowError):
        listener.bind((HOST, 0))
    listener.listen(512)
    remembered.write_text(str(listener.getsockname()[1]))
    return listener


def _write(path: Path, content: Any) -> None:
    """Whole or not at all: somebody may be waiting for the file."""
    temporary = path.with_name(f".{path.name}.part")
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
    temporary.replace(path)


def _print_table(root: Path, consonance: Consonance, url: str, addresses: dict[str, str], cloudinary: Cloudinary, getty: Getty) -> None:
    catalogue = consonance.catalogue
    rows = [("consonance", url, f"{catalogue.titles} titles, seed {catalogue.seed}, {catalogue.today}, tenant {catalogue.tenant}")]
    rows.append(("cloudinary", cloudinary.address, f"cloud {cloudinary.accounts[0].cloud}, {len(cloudinary.covers)} covers"))
    rows.append(("getty", getty.connection["host"], f"key {getty.key}"))
    rows += [(name, address, f"{root.name}/partners/{name.split('_', 1)[1]}") for name, address in addresses.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for name, address, note in rows:
        print(f"{name:<{widths[0]}}  {address:<{widths[1]}}  {note}")
    print(f"connections: {root / 'connections.json'}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
