"""Package building: a book's files made into a package (hashes, names, manifest, delivery in the ledger), against a plain copy of them.

What is built stands in the store already, as intake put it there; so a package is made without copying a byte, and a zip copies each
once. `--files=N`, `--megabytes=N` (each), `--rounds=N`.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from include.ledger.database import Ledger
from include.packages.build import Item, NewPackage, assemble, prepare, write
from include.packages.zipped import write_zip
from include.partners import Party
from include.store import ArtefactStore

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PARTY = Party.model_validate({
    "id": "bench", "name": "Bench", "transport": {"protocol": "sftp", "connection": "bench", "folder": "/jobs"},
})  # fmt: skip


def main(argv: Sequence[str] = ()) -> None:
    files, megabytes, rounds = _option(argv, "--files", 8), _option(argv, "--megabytes", 64), _option(argv, "--rounds", 3)
    with tempfile.TemporaryDirectory() as home:
        root = Path(home)
        store = ArtefactStore(str(root / "store"))
        ledger = Ledger(f"sqlite:///{root / 'ledger.sqlite'}")
        ledger.upgrade()
        source = root / "source"
        source.mkdir()
        items = []
        for number in range(files):
            path = source / f"9781402000010_{number:02d}.pdf"
            with path.open("wb") as out:
                for _ in range(megabytes):
                    out.write(os.urandom(1 << 20))
            artefact = store.put(path)
            items.append(Item("text", path.name, artefact.sha256, artefact.bytes))
        total = files * megabytes * (1 << 20) / 1e6
        print(f"{files} files, {total:.0f} MB; medians of {rounds} rounds\n")

        def package(subject: str) -> NewPackage:
            return NewPackage(party=PARTY, flow="print_handoff", subject=subject, items=items, folder=f"/jobs/{subject}")

        counter = iter(range(10_000))
        work: dict[str, Callable[[], object]] = {
            "cp -r (plain copy)": lambda: subprocess.run(["cp", "-r", str(source), str(root / f"cp{next(counter)}")], check=True),
            "shutil.copytree": lambda: shutil.copytree(source, root / f"tree{next(counter)}"),
            "package, ready to send": lambda: prepare(ledger, store, package(f"book {next(counter)}"), now=NOW),
            "package into a folder": lambda: write(store, assemble(store, package("book"), 1), root / f"out{next(counter)}"),
            "package as one zip": lambda: write_zip(store, [(item.name, item.sha256) for item in items]),
        }
        print(f"{'':<26} {'seconds':>9} {'MB/s':>10}   against cp")
        base = 0.0
        for name, run in work.items():
            seconds = []
            for _ in range(rounds):
                began = perf_counter()
                run()
                seconds.append(perf_counter() - began)
                for made in [*root.glob("cp*"), *root.glob("tree*"), *root.glob("out*")]:
                    shutil.rmtree(made)
            middle = statistics.median(seconds)
            base = base or middle
            print(f"{name:<26} {middle:>9.3f} {total / middle:>10,.0f}   {middle / base:>9.2f}×")
        print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
        ledger.dispose()


def _option(argv: Sequence[str], name: str, default: int) -> int:
    return next((int(value.split("=", 1)[1]) for value in argv if value.startswith(f"{name}=")), default)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
