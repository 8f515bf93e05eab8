"""`python -m sandbox.files --dir D --work 1002 --kind interior`: makes one file of a title and says what it is."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from pathlib import Path

from sandbox.catalogue import Catalogue
from sandbox.files.make import SORTS, make, orders_of


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.files", description=__doc__)
    parser.add_argument("--dir", type=Path, default=Path(), help="where the file goes (default: here)")
    parser.add_argument("--kind", required=True, choices=["audiobook", *SORTS])
    parser.add_argument("--work", dest="work_id", type=int, help="work id, from 1001 on")
    parser.add_argument("--product", dest="product_id", type=int)
    parser.add_argument("--isbn")
    for name in ("name", "format", "part", "revision", "defect", "naming", "colour", "pdfx"):
        parser.add_argument(f"--{name}")
    for name in ("size", "seed", "pages", "chapters"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--titles", type=int, default=200, help="of the catalogue (default: 200)")
    parser.add_argument("--catalogue", type=int, default=1, metavar="SEED", help="the catalogue's seed")
    parser.add_argument("--today", type=date.fromisoformat)
    options = parser.parse_args(arguments)
    catalogue = Catalogue(options.catalogue, options.titles, options.today)
    apart = {"dir", "name", "titles", "catalogue", "today"}
    wanted = {name: value for name, value in vars(options).items() if name not in apart and value is not None}
    try:
        for order in orders_of(catalogue, wanted):
            print(json.dumps(make(order, options.dir, options.name or "").told()))
    except (ValueError, KeyError) as error:
        print(error.args[0], file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
