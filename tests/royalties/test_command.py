"""`colophon statements split`: by recipient into folders, what is held apart, amounts as text, and a status that tells."""

from __future__ import annotations

import json

from sandbox.statements import export
from tests.royalties.exports import batch


def test_the_command_writes_each_recipients_statements_apart_and_fails_where_one_is_held(tmp_path, capsys):
    from colophon import cli

    good, doubtful, out = tmp_path / "good.pdf", tmp_path / "doubtful.csv", tmp_path / "out"
    good.write_bytes(export.pdf(batch({"of": "P-1001"}, {"of": "P-2001"})))
    doubtful.write_bytes(export.csv_rows(batch({"of": "P-9", "payee": "Nobody"})))
    assert cli.main(["statements", "split", str(good), "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "P-1001" in told
    amounts = {one.currency: one.amount for one in batch({"of": "P-1001"}, {"of": "P-2001"})}
    assert all(
        ["ready", currency, "1", f"{amount:,}"] in [line.split() for line in told.splitlines()] for currency, amount in amounts.items()
    )
    assert cli.main(["statements", "split", str(good), str(doubtful), "--out", str(out), "--json"]) == 1
    first, second = json.loads(capsys.readouterr().out)
    assert [(one["state"], one["amount"]) for one in first["statements"]] == [("ready", format(one.amount, "f")) for one in batch()[0:3:2]]
    assert second["statements"][0]["reasons"][0]["code"] == "payee-unknown"
    written = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert [name.partition("/")[0] for name in written] == ["foxglove", "foxglove", "held", "merrow", "merrow"]  # never one over another
    assert cli.main(["statements", "split", str(tmp_path / "none.pdf"), "--out", str(out)]) == 1
