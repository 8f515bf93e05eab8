"""`colophon licences flags`: what somebody must do, from a terminal."""

from __future__ import annotations

import json

import pytest

from tests.licences.library import Library

pytestmark = pytest.mark.airflow


@pytest.fixture
def colophon(library: Library, connections, capsys):
    """A house with two flags, one of which stops deliveries. Runs the command; gives its exit status and what it printed."""
    connections({})
    library.title(1)
    library.title(2)
    library.licence((1, 0, "cover"), asset="4711", ends="2026-12-31")
    library.licence((2, 0, "cover"), asset="4712", ends="2026-11-01")
    library.check()

    def run(*arguments: str) -> tuple[int, str]:
        from colophon.cli import main

        return main(["licences", "flags", *arguments]), capsys.readouterr().out

    return run


def test_flags_are_listed_with_what_to_do_and_say_by_the_exit_status_whether_any_stops_deliveries(colophon):
    status, told = colophon()
    assert status == 1
    assert "STOPS 4712" in told
    assert "Its use ends on 2026-12-31. Renew it, or replace the image by then." in told
    assert told.splitlines()[-1] == "2 flags"
    status, told = colophon("--cause", "expiry", "--json")
    assert (status, [one["asset_id"] for one in json.loads(told)]) == (0, ["4711"])
    assert colophon("--work", "2")[1].splitlines()[-1] == "1 flags"
    assert colophon("--team", "marketing") == (0, "0 flags\n")
    assert colophon("--cause", "boredom")[0] == 1
