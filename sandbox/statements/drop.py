"""The royalties department puts an export into its folder: the body of `POST /sandbox/drop` with inbox `statements`."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.catalogue import Catalogue
from sandbox.files.drop import Drops
from sandbox.statements.cast import batch
from sandbox.statements.export import make


def drop(root: Path, catalogue: Catalogue, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """`kind` (pdf, csv, zip, zip-csv), `only` [payee numbers] or `statements` [{of, …}] (see `cast.statement`), `period`, `defects` (see
    `export.DEFECTS`), `name`, `age_seconds`, `unfinished`. Answers as other drops, with `statements`: what each of them says."""
    rest = {key: wanted[key] for key in ("age_seconds", "unfinished", "folder") if key in wanted}
    if "content" in wanted or "text" in wanted:
        return Drops(root, catalogue).drop(wanted)
    statements = batch(catalogue, wanted)
    name, content = make(statements, str(wanted.get("kind") or "pdf"), [str(one) for one in wanted.get("defects") or ()])
    given = {"inbox": "statements", "name": str(wanted.get("name") or name), "content": base64.b64encode(content).decode()}
    told = Drops(root, catalogue).drop(given | rest)
    return told | {"statements": [one.told() for one in statements]}
