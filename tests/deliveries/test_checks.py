"""The check of all connections: silence is no good news."""

from __future__ import annotations

from colophon.checks import Check, missing


def test_a_partner_whose_check_gave_no_row_is_named():
    rows = [Check("partner_northgate", "reach", True)]
    [row] = missing(["northgate", "meridian"], rows)
    assert (row.connection, row.ok) == ("partner_meridian", False)
