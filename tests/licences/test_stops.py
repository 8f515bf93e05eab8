"""Which flags stop a delivery."""

from __future__ import annotations

from include.ledger import licences
from include.ledger.licence_rows import FlagState, LicenceFlagRow
from tests.licences.library import Library


def test_only_blocking_flags_that_nobody_has_settled_stop_a_delivery(library: Library):
    library.title(1001)
    licence = library.licence((1001, 0, "cover"))
    common = {"licence_id": licence, "work_id": 1001, "team": "rights", "opened_at": library.now}
    with library.ledger.session() as session:
        session.add_all([
            LicenceFlagRow(cause="withdrawn", blocking=True, **common),
            LicenceFlagRow(cause="expiry", blocking=False, **common),
            LicenceFlagRow(cause="editorial", blocking=True, state=FlagState.RESOLVED, **common),
            LicenceFlagRow(cause="territory", blocking=True, state=FlagState.ACKNOWLEDGED, **common),
        ])
    with library.ledger.read() as session:
        found = licences.blocking(session, [1001, 1002, 0])
        assert {work: [flag.cause for flag in flags] for work, flags in found.items()} == {1001: ["withdrawn", "territory"]}
        assert len(licences.flags(session, licence)) == 4
