"""From export to packages: read once, held or ready, each recipient its own, corrected ones in place of the old; killed or run again."""

from __future__ import annotations

import csv
import io
import shutil
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from include.deliveries.build import Run
from include.deliveries.send import Sending
from include.errors import ConfigurationError, RejectedData, TransientError
from include.ledger import deliveries, packages
from include.ledger.file_rows import PackageRow
from include.ledger.models import DeliveryRow
from include.ledger.packages import Stopped
from include.ledger.sales_rows import StatementRow, StatementState
from include.partners import load_party
from include.royalties import decide, leaving
from include.royalties.read import Rules
from include.royalties.send import send
from tests.royalties.department import FOUR, NOW, pdf
from tests.royalties.exports import batch

ROOT = Path(__file__).resolve().parents[2]


def test_a_run_sends_each_its_own_and_the_next_nothing(department):
    assert department.comes(*FOUR) == {"ready": 4}
    assert department.run() == {
        "countinghouse": sorted(pdf(one["of"]) for one in FOUR),
        "foxglove": [pdf("P-1001"), pdf("P-1002")],
        "merrow": [pdf("P-2001"), pdf("P-2002")],
    }
    assert department.run() == {}
    assert department.states() == {"delivered": 4}


def test_the_same_export_again_sends_nothing_also_under_another_name_or_in_other_bytes(department):
    department.comes(*FOUR)
    department.run()
    assert department.comes(*FOUR) == {"unchanged": 4}
    printed = [{"of": "P-3001", "note": f"Printed on {day} July 2026"} for day in (9, 21)]
    assert department.comes(*FOUR, printed[0]) == {"unchanged": 4, "ready": 1}
    assert department.comes(printed[1]) == {"unchanged": 1}  # the day of printing is no correction
    assert department.run() == {"countinghouse": [pdf("P-3001")]}
    assert department.comes({**printed[1], "add": "0.10"}) == {"ready": 1}


def test_whoever_is_stopped_between_recording_and_saying_so_reads_once(department):
    department.comes(*FOUR, intake_id=7)
    assert department.comes(*FOUR, intake_id=7) == {"again": 4}
    first = department.prepared()
    assert department.prepared() == first  # built and not sent: the same deliveries, once
    department.run()
    assert department.run() == {}


def test_a_corrected_statement_replaces_the_old_before_and_after_it_has_left(department):
    department.comes(*FOUR[:2])
    department.prepared()  # built, and never sent
    assert department.comes({"of": "P-1001", "add": "1.00"})["replaced"] == 1
    assert department.run()["foxglove"] == [pdf("P-1001"), pdf("P-1002")]
    assert [row.state for row in department.rows(payee="P-1001")] == ["replaced", "delivered"]
    department.comes({"of": "P-1001", "add": "2.00"})
    assert department.run() == {"countinghouse": [pdf("P-1001")], "foxglove": [pdf("P-1001")]}
    rows = department.rows(payee="P-1001")
    assert [row.state for row in rows] == ["replaced", "replaced", "delivered"]
    assert [row.replaces_id for row in rows] == [None, rows[0].id, rows[1].id]
    decide.went_wrong(department.ledger, rows[2].id, now=NOW, who="ruth")
    assert [row.state for row in department.rows(payee="P-1001")] == ["replaced", "delivered", "refused"]  # the one before stands again
    decide.give(department.ledger, department.store, Rules.load(), rows[2].id, "P-1001", now=NOW, who="ruth")
    assert department.run() == {}  # they have it
    assert [row.state for row in department.rows(payee="P-1001")] == ["replaced", "replaced", "delivered"]
    assert department.comes({"of": "P-1001"}, {"of": "P-3001"}) == {"held": 1, "ready": 1}  # an old export: somebody must say so
    assert [reason["code"] for reason in department.rows(payee="P-1001")[3].reasons] == ["older-again"]


def test_a_version_that_a_refused_one_kept_from_leaving_waits_for_a_person_again(department):
    department.comes(*FOUR[:1])
    assert department.comes({"of": "P-1001", "note": "With Siân Griffith"}) == {"held": 1, "replaced": 1}
    decide.refuse(department.ledger, 2, now=NOW, who="ruth")
    assert [row.state for row in department.rows()] == ["held", "refused"]
    decide.give(department.ledger, department.store, Rules.load(), 1, "P-1001", now=NOW, who="ruth")
    assert department.run()["foxglove"] == [pdf("P-1001")]


def test_an_unknown_payee_waits_until_a_person_says_whose_it_is(department):
    stranger = {"of": "P-9", "payee": "Jonathan B. Bright", "payee_number": "", "contracts": [501003]}
    assert department.comes(stranger) == {"held": 1}
    assert department.run() == {}
    [row] = department.rows()
    with pytest.raises(RejectedData, match="no payee"):
        decide.give(department.ledger, department.store, Rules.load(), row.id, "P-404", now=NOW, who="ruth")
    decide.give(department.ledger, department.store, Rules.load(), row.id, "P-2001", now=NOW, who="ruth")
    with pytest.raises(RejectedData, match="not held"):
        decide.give(department.ledger, department.store, Rules.load(), row.id, "P-1001", now=NOW, who="ruth")
    built = department.prepared()
    decide.take_back(department.ledger, row.id, now=NOW, who="rita")
    with pytest.raises(Stopped, match="not-current"):  # what was built while it was let go does not leave
        department.arrives("merrow", built["merrow"][0])
    assert department.run() == {}
    decide.give(department.ledger, department.store, Rules.load(), row.id, "P-2001", now=NOW, who="ruth")
    assert department.run() == {"countinghouse": [pdf("P-2001", "S-26H1-9")], "merrow": [pdf("P-2001", "S-26H1-9")]}
    with pytest.raises(RejectedData, match="it is delivered"):
        decide.take_back(department.ledger, row.id, now=NOW, who="rita")
    assert department.comes(stranger, {"of": "P-1001"}) == {"unchanged": 1, "ready": 1}


def test_a_better_export_of_what_was_held_goes(department):
    long = ({"of": "P-1001", "lines": 20}, {"of": "P-2001", "lines": 20})
    assert department.comes(*long, defects=["interleaved"]) == {"held": 2}
    assert department.run() == {}
    assert department.comes(*long, defects=["interleaved", "bookmarks"]) == {"unchanged": 2}
    assert department.comes(*long) == {"ready": 2, "replaced": 2}
    assert department.run()["merrow"] == [pdf("P-2001")]
    assert department.states() == {"delivered": 2, "replaced": 2}


def test_a_name_that_is_put_into_the_list_lets_what_was_held_for_it_go(department):
    department.comes({"of": "P-2001", "payee": "Jonathan Bright-Smith"}, {"of": "P-2002", "payee": "Sian Jones"})
    department.comes({"of": "P-2002", "add": "5.00"})  # exported again under the right name
    assert department.run() == {"countinghouse": [pdf("P-2002")], "merrow": [pdf("P-2002")]}
    with pytest.raises(RejectedData, match="statement 3 of the same payee, period and number came later"):
        decide.give(department.ledger, department.store, Rules.load(), 2, "P-2002", now=NOW, who="ruth")
    department.moved("P-2001", "Jon Bright", "Jon Bright;Jonathan Bright-Smith")
    department.moved("P-2002", "Griffith,", "Griffith,Sian Jones")
    assert department.run() == {"countinghouse": [pdf("P-2001")], "merrow": [pdf("P-2001")]}
    assert [row.state for row in department.rows()] == ["delivered", "replaced", "delivered"]  # no amount stands twice


def test_a_person_decides_whose_it_is_not_whether_it_is_checked(department):
    department.comes({"of": "P-1002", "note": "Jointly with Siân Griffith"})
    [row] = department.rows()
    for payee in ("P-1002", "P-2001"):
        with pytest.raises(RejectedData, match="payee P-2002"):
            decide.give(department.ledger, department.store, Rules.load(), row.id, payee, now=NOW, who="ruth")
    assert department.run() == {}
    decide.give(department.ledger, department.store, Rules.load(), row.id, "P-1002", now=NOW, who="ruth", may_name=["P-2002"])
    assert department.run() == {"countinghouse": [pdf("P-1002")], "foxglove": [pdf("P-1002")]}


def test_a_statement_is_not_given_to_somebody_whom_it_does_not_name_while_it_names_another(department):
    department.comes({"of": "P-2002", "payee_number": "P-2001"})
    [row] = department.rows()
    assert [reason["code"] for reason in row.reasons][:1] == ["name-differs"]
    with pytest.raises(RejectedData, match="payee P-2002"):
        decide.give(department.ledger, department.store, Rules.load(), row.id, "P-1001", now=NOW, who="ruth")


def test_a_refused_statement_goes_to_nobody_also_when_it_comes_again(department):
    department.comes({"of": "P-1001"}, {"of": "P-9", "payee": "Nobody"})
    [row] = department.rows(state=StatementState.HELD)
    decide.refuse(department.ledger, row.id, now=NOW, who="ruth")
    assert department.comes({"of": "P-9", "payee": "Nobody"}, {"of": "P-1001"})["unchanged"] == 2
    department.run()
    assert department.states() == {"delivered": 1, "refused": 1}
    decide.give(department.ledger, department.store, Rules.load(), row.id, "P-1001", now=NOW, who="rita")  # somebody thinks again
    assert department.run()["foxglove"] == [pdf("P-1001", "S-26H1-9")]


def test_after_a_change_of_agents_the_old_stay_with_the_old_and_new_ones_go_to_the_new(department):
    department.comes(*FOUR[:2])
    department.run()
    department.moved("P-1001", "foxglove", "merrow")
    assert department.run() == {}
    assert department.rows(payee="P-1001")[0].recipient == "foxglove"
    decide.went_wrong(department.ledger, 2, now=NOW, who="ruth")  # the list had been wrong about this one
    department.moved("P-1002", "foxglove", "merrow")
    decide.give(department.ledger, department.store, Rules.load(), 2, "P-1002", now=NOW, who="ruth")
    assert department.comes({"of": "P-1002", "note": "With Siân Griffith"}) == {"held": 1, "replaced": 1}
    decide.refuse(department.ledger, 3, now=NOW, who="ruth")  # what had not left to its new recipient is not lost with it
    decide.give(department.ledger, department.store, Rules.load(), 2, "P-1002", now=NOW, who="ruth")
    assert department.run() == {"countinghouse": [], "merrow": [pdf("P-1002")]}  # finance has it; its table says who else
    assert department.rows(payee="P-1002")[0].recipient == "merrow"
    department.moved("P-1002", "merrow", "foxglove")
    department.comes({"of": "P-1001", "add": "2.00"})  # corrected once more before it leaves: finance counts one of the three
    department.comes({"of": "P-1001", "add": "3.00"}, {"of": "P-1002", "number": "S-2"})
    assert department.run() == {
        "countinghouse": [pdf("P-1001"), pdf("P-1002", "S-2")],
        "foxglove": [pdf("P-1002", "S-2")],
        "merrow": [pdf("P-1001")],
    }
    rows = [(row.recipient, row.state) for row in department.rows(payee="P-1001")]
    assert rows == [("foxglove", "delivered"), ("merrow", "replaced"), ("merrow", "delivered")]


def test_what_was_built_for_the_old_agent_does_not_leave_once_the_payee_has_another(department):
    department.comes(*FOUR[:1])
    [built] = department.prepared()["foxglove"]
    department.moved("P-1001", "foxglove", "merrow")
    with pytest.raises(Stopped, match="not-theirs"):
        department.arrives("foxglove", built)
    assert department.run() == {"countinghouse": [pdf("P-1001")], "merrow": [pdf("P-1001")]}
    with department.ledger.read() as session:
        assert deliveries.get(session, built).state == "withdrawn"


def test_a_redelivery_to_the_old_agent_is_refused(department):
    department.comes(*FOUR[:1])
    [built] = department.prepared()["foxglove"]
    department.arrives("foxglove", built)
    leaving.refuse(department.ledger, department.store, load_party("foxglove"), built, now=NOW, again=True)
    department.moved("P-1001", "foxglove", "merrow")
    with pytest.raises(Stopped, match="not-theirs"):
        leaving.refuse(department.ledger, department.store, load_party("foxglove"), built, now=NOW, again=True)


@pytest.mark.parametrize("crossed", ["a file", "a file and its record", "the recipient", "a new payee's name"])
def test_a_delivery_in_which_something_is_crossed_does_not_leave(department, crossed):
    department.comes(*FOUR)
    [built] = department.prepared()["foxglove"]
    mine, other = department.rows(payee="P-1001")[0], department.rows(payee="P-2001")[0]
    if crossed == "a new payee's name":  # known since: the owner of the words that stand on every page
        department.listed("P-1001,Adaeze Okonkwo,,foxglove,", "P-1002,Zoë Müller-Offley,,foxglove,", "P-7,Amount Payable,,merrow,")
    else:
        with department.ledger.session() as session:
            row, delivery = packages.of_delivery(session, built), session.get(DeliveryRow, built)
            if crossed == "the recipient":
                session.get(StatementRow, mine.id).payee = "P-2001"
            else:
                delivery.files[0].sha256 = other.sha256
                if crossed != "a file":
                    row.files[0].sha256 = other.sha256
                    row.ticket = {
                        "statements": [one | ({"sha256": other.sha256} if one["id"] == mine.id else {}) for one in row.ticket["statements"]]
                    }
                    session.get(StatementRow, mine.id).sha256 = other.sha256
    with pytest.raises(Stopped):
        department.arrives("foxglove", built)
    with department.ledger.read() as session:
        assert deliveries.get(session, built).state == "withdrawn"
        assert session.scalars(select(PackageRow).where(PackageRow.delivery_id == built)).one().state == "stopped"


def test_nothing_sends_statements_that_nobody_has_looked_into(department, monkeypatch):
    department.comes(*FOUR[:1])
    [built] = department.prepared()["foxglove"]
    party, asked = load_party("foxglove"), []

    def connect():
        asked.append("connection")
        raise TransientError("nobody answers", where=pdf("P-1001"))

    with pytest.raises(ConfigurationError, match="nobody has looked into"):
        Sending(department.ledger, department.store, party).send(built, connect)
    assert asked == []
    looks = {path.name for path in (ROOT / "include").rglob("*.py") if "look=look" in path.read_text()}
    assert looks == {"send.py"}
    with pytest.raises(TransientError) as lost:  # after the look; and what is told names no file
        send(department.ledger, department.store, party, built, connect, run=Run())
    assert asked == ["connection"]
    assert "P-1001" not in str(lost.value)

    @contextmanager
    def turn(*_, **__):
        decide.refuse(department.ledger, 1, now=NOW, who="ruth")  # while another run had the turn
        yield

    monkeypatch.setattr("include.deliveries.send.turn", turn)
    with pytest.raises(Stopped, match="not-current"):
        send(department.ledger, department.store, party, built, connect, run=Run())
    assert asked == ["connection"]


@pytest.mark.skipif(shutil.which("gpg") is None, reason="GnuPG is not installed")
def test_what_is_sealed_is_the_recipients_own_and_was_looked_into_before(department, tmp_path, monkeypatch):
    import gnupg

    for name in ("theirs", "ours"):
        (tmp_path / name).mkdir(mode=0o700)
    ring = gnupg.GPG(gnupghome=str(tmp_path / "theirs"))
    asked = ring.gen_key_input(key_type="eddsa", key_curve="ed25519", subkey_type="ecdh", subkey_curve="cv25519", name_real="Merrow",
                               name_email="post@merrow.example", no_protection=True)  # fmt: skip
    key = ring.gen_key(asked).fingerprint
    (tmp_path / "config" / "merrow.asc").write_text(ring.export_keys(key))
    party = tmp_path / "config" / "partners" / "merrow.toml"
    party.write_text(party.read_text() + f'\n[transport.openpgp]\nrecipient = "{key}"\nkey_file = "merrow.asc"\n')
    sealing = party.read_text()
    monkeypatch.setenv("COLOPHON_GNUPGHOME", str(tmp_path / "ours"))
    department.comes(*FOUR)
    party.write_text(party.read_text().partition("[transport.openpgp]")[0])
    [plain] = department.prepared()["merrow"]
    party.write_text(sealing)
    with pytest.raises(Stopped, match="not-sealed"):  # the key came after it was built
        leaving.refuse(department.ledger, department.store, load_party("merrow"), plain, now=NOW)
    [built] = department.prepared()["merrow"]
    with department.ledger.read() as session:
        files = {file.name: file.sha256 for file in deliveries.get(session, built).files}
    assert set(files) == {pdf("P-2001") + ".gpg", pdf("P-2002") + ".gpg", "SHA256SUMS", "manifest.json.gpg"}
    leaving.refuse(department.ledger, department.store, load_party("merrow"), built, now=NOW)
    with department.store.open(files[pdf("P-2001") + ".gpg"]) as sealed:
        assert ring.decrypt(sealed.read()).data.startswith(b"%PDF-")
    with department.ledger.session() as session:  # the name and number of another payee, sealed as it may be
        packages.of_delivery(session, built).files[0].sha256 = department.rows(payee="P-1001")[0].sha256
    with pytest.raises(Stopped, match="other-bytes"):
        leaving.refuse(department.ledger, department.store, load_party("merrow"), built, now=NOW)


def test_finance_gets_one_table_that_re_adds_to_its_statements(department):
    department.comes(*FOUR, {"of": "P-3001"})
    [built] = department.prepared()["countinghouse"]
    with department.ledger.read() as session:
        [table] = [file for file in deliveries.get(session, built).files if file.name.endswith(".csv")]
    with department.store.open(table.sha256) as file:
        rows = list(csv.DictReader(io.TextIOWrapper(file, "utf-8-sig")))
    wanted = {one.number: one.amount for one in batch(*FOUR, {"of": "P-3001"})}
    assert {row["statement"]: Decimal(row["amount"]) for row in rows} == wanted
    assert [row["recipient"] for row in rows] == ["foxglove", "foxglove", "merrow", "merrow", "countinghouse"]


def test_a_recipient_without_a_statements_table_holds_the_statement(department):
    department.moved("P-1001", "foxglove", "northgate")
    assert department.comes(*FOUR[:2]) == {"held": 1, "ready": 1}
    assert [row.reasons[0]["code"] for row in department.rows(state=StatementState.HELD)] == ["recipient"]
