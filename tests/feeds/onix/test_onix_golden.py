"""Records as they stand in the message, by case: `tests/data/onix/<case>/{given.toml,want.xml}`.

`given.toml` holds the title ([work], [product]), what the partner wants otherwise ([partner]) and the day. To write the
wanted records anew after a deliberate change, run with COLOPHON_GOLDEN=write and read the difference.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from include.feeds import renderer_for
from tests.feeds.onix.cases import DATA, TODAY, assert_valid, house, message, partner, title_of

CASES = sorted(path.parent for path in DATA.glob("*/given.toml"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_record_stands_as_wanted(case: Path) -> None:
    given = tomllib.loads((case / "given.toml").read_text(encoding="utf-8"))
    to = partner(changes=given.get("partner", {}))
    renderer, product, today = renderer_for(to, house()), title_of(given), given.get("today", TODAY)
    blocks = tuple(given.get("blocks", ()))
    record = renderer.block_update(product, today, blocks) if blocks else renderer.render(product, today)
    assert_valid(message([record], to), to)
    want = case / "want.xml"
    if os.environ.get("COLOPHON_GOLDEN") == "write":
        want.write_bytes(record.body)
    assert record.body.decode(to.feed.encoding) == want.read_text(encoding=to.feed.encoding)
