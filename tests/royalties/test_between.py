"""What happens between two steps, two runs, or two edits of the payee list: whose it was stays so, and nothing goes to somebody else."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError

from include.errors import ConfigurationError, RejectedData
from include.ledger import deliveries, packages
from include.ledger.packages import Stopped
from include.ledger.sales_rows import StatementRow
from include.royalties import decide
from include.royalties.payees import COLUMNS, parse
from include.royalties.read import Rules
from sandbox.statements import export
from tests.royalties.department import FOUR, NOW, pdf
from tests.royalties.exports import PERIOD, batch


def arrived_and_killed(department, party: str, delivery_id: int) -> None:
    """The files have arrived, and the worker dies before it can say whose statements they were."""
    with department.ledger.session() as session:
        deliveries.start(session, delivery_id, now=department.now)
        packages.settle_delivery(session, deliveries.mark_delivered(session, delivery_id, department.now), now=department.now)


def test_what_arrived_before_a_worker_died_stays_with_whom_it_went_to(department):
    department.comes(*FOUR[:1])
    [built] = department.prepared()["foxglove"]
    arrived_and_killed(department, "foxglove", built)
    department.moved("P-1001", "foxglove", "merrow")
    assert department.run() == {"countinghouse": [pdf("P-1001")]}
    [row] = department.rows()
    assert (row.recipient, row.state) == ("foxglove", "delivered")


def test_what_arrived_before_a_worker_died_is_delivered_whoever_refuses_it_on_its_way_or_after(department):
    department.comes(*FOUR[:2])
    [built] = department.prepared()["foxglove"]
    decide.refuse(department.ledger, 1, now=NOW, who="ruth")  # it has been looked into, and is on its way
    arrived_and_killed(department, "foxglove", built)
    with pytest.raises(RejectedData, match="has left"):
        decide.refuse(department.ledger, 2, now=NOW, who="ruth")
    department.prepared()
    assert [(row.recipient, row.state) for row in department.rows()] == [("foxglove", "delivered")] * 2


def changed_mask(department, party: str, *lines: str) -> None:
    path = department.payees.parent / "partners" / f"{party}.toml"
    path.write_text(path.read_text().replace('folder = "statements/{period}"', "\n".join(lines)))


def test_other_names_do_not_send_a_statement_again_to_an_agent_who_has_lost_the_payee(department):
    department.comes(*FOUR[:2])
    department.run()
    department.moved("P-1001", "foxglove", "merrow")
    changed_mask(department, "foxglove", 'folder = "statements/{period}"', 'file_name = "{period}_{payee}"')
    department.comes({"of": "P-1002", "add": "1.00"})
    assert department.run()["foxglove"] == [f"{PERIOD}_P-1002.pdf"]
    assert department.run() == {}


def test_folders_whose_names_end_alike_are_told_apart(department):
    department.listed("P-1001,Adaeze Okonkwo,,foxglove,", "XP-1001,Zoë Müller-Offley,,foxglove,")
    changed_mask(department, "foxglove", 'folder = "statements/{payee}"', 'file_name = "{period}"')
    department.comes({"of": "P-1001"}, {"of": "P-1002", "payee_number": "XP-1001"})
    assert department.run()["foxglove"] == [f"{PERIOD}.pdf"] * 2


def test_finance_gets_its_table_whatever_has_become_of_a_payee_since(department):
    department.comes(*FOUR)
    department.run()
    department.moved("P-1001", "501001;501004", "501004")
    department.payees.write_text(department.payees.read_text() + "P-7,Estate of Okonkwo,,merrow,501001\n")
    department.comes({"of": "P-2002", "add": "1.00"})
    assert department.run() == {"countinghouse": [pdf("P-2002")], "merrow": [pdf("P-2002")]}


def test_an_error_of_the_ledger_shows_no_row(department):
    assert department.comes(*FOUR[:1]) == {"ready": 1}
    [row] = department.rows()
    again = {name: getattr(row, name) for name in StatementRow.__table__.columns.keys() if name != "id"}  # noqa: SIM118

    def twice() -> None:
        with department.ledger.session() as session:
            session.add(StatementRow(**again))

    with pytest.raises(IntegrityError) as refused:
        twice()
    assert "Okonkwo" not in str(refused.value)


def test_rows_in_another_order_are_the_same_statement_and_no_cell_of_it_is_a_formula(department):
    header, *lines = export.csv_rows(batch({"of": "P-1001", "add": "-900"})).decode("utf-8-sig").replace("Export", "=1+1").splitlines()
    assert department.reads("a.csv", "\r\n".join([header, *lines]).encode()) == {"ready": 1}
    assert department.reads("b.csv", "\n".join([header, *reversed(lines)]).encode("utf-16")) == {"unchanged": 1}
    with department.store.open(department.rows()[0].sha256) as file:
        rows = list(csv.DictReader(io.TextIOWrapper(file, "utf-8")))
    assert [row["Channel"] for row in rows] == ["Home trade", "'=1+1", "E-book", "Audio"]
    assert min(Decimal(row["Payable"]) for row in rows) < 0
    assert department.reads("c.csv", "\n".join([header, *lines[1:]]).encode()) == {"ready": 1, "replaced": 1}


def test_of_two_that_say_different_things_in_one_file_a_person_may_choose_either(department):
    twice = {"of": "P-1001", "payee_number": "P1001", "add": "9.00"}
    assert department.comes(FOUR[0], twice, kind="csv") == {"held": 2}
    first, second = department.rows()
    assert (first.state, second.state) == ("held", "held")
    decide.give(department.ledger, department.store, Rules.load(), first.id, "P-1001", now=NOW, who="ruth")
    decide.refuse(department.ledger, second.id, now=NOW, who="ruth")
    department.run()
    assert [row.state for row in department.rows()] == ["delivered", "refused"]


def test_a_number_that_is_somebody_elses_now_does_not_take_a_statement_along(department):
    department.comes({"of": "P-1001"}, {"of": "P-9", "payee": "Nobody Known", "payee_number": "", "contracts": [509999]})
    [held] = [row for row in department.rows() if row.state == "held"]
    decide.give(department.ledger, department.store, Rules.load(), held.id, "P-1001", now=NOW, who="ruth")
    built = department.prepared()
    department.moved("P-1001", "Adaeze Okonkwo,,foxglove", "Benedict Cole,,merrow")
    with pytest.raises(Stopped, match="name-differs"):
        department.arrives("countinghouse", built["countinghouse"][0])
    assert department.run() == {}
    assert [(row.state, row.reasons[0]["code"]) for row in department.rows()] == [("held", "name-differs")] * 2
    department.moved("P-1001", "Benedict Cole,,merrow", "Adaeze Okonkwo,,foxglove")
    assert department.run()["foxglove"] == [pdf("P-1001")]  # what a person has said is asked again


def test_a_payee_who_is_written_otherwise_is_still_the_payee(department):
    department.comes({"of": "P-1002"}, {"of": "P-9", "payee": "Nobody Known", "payee_number": "", "contracts": [509999]})
    decide.give(department.ledger, department.store, Rules.load(), department.rows(state="held")[0].id, "P-1001", now=NOW, who="ruth")
    department.moved("P-1002", "Zoë Müller-Offley,Zoë Müller", "Zoe Offley,Zoe Muller-Offley")
    assert department.run()["foxglove"] == [pdf("P-1001", "S-26H1-9"), pdf("P-1002")]


@pytest.mark.parametrize("line", ["P-1001,Adaeze Okonkwo,,foxglove,", ",".join(COLUMNS) + "\nAdaeze Okonkwo,P-1001,,foxglove,"])
def test_a_payee_list_that_is_wrong_names_nobody_in_the_log(line):
    with pytest.raises(ConfigurationError, match="line") as wrong:
        parse(line)
    assert "okonkwo" not in str(wrong.value).lower()
