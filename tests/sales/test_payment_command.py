"""`colophon sales payment` and `due`."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from colophon.cli import main
from include.errors import RejectedData
from include.sales.payments import amount_of
from tests.sales import shelf


def test_a_payment_is_compared_and_an_explained_one_is_well(ledger, capsys):
    number = shelf.batch(ledger)
    words = ["sales", "payment", "kobo", "2026-10", "gbp", "11.40", "--reference", "R-1", "--json"]
    assert main(words) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["reported"], told["paid"], told["difference"], told["batches"]) == ("12.00", "11.40", "-0.60", [number])
    assert told["reasons"][0]["code"] == "payment-differs"
    assert main([*words, "--note", "withheld tax"]) == 0
    assert main(["sales", "payment", "kobo", "2026-10", "GBP", "eleven", "--reference", "R-2"]) != 0
    assert "Digits and a point" in capsys.readouterr().err


def test_what_is_due_is_listed_with_its_batches(ledger, capsys):
    number = shelf.batch(ledger, period="2026-01")
    assert main(["sales", "due", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert rows[0] == {"source": "kobo", "period": "2026-01", "currency": "", "due": "2026-02-20", "state": "there", "batches": [number]}
    assert rows[1]["state"] == "late"
    assert main(["sales", "due", "--late"]) == 1
    assert "2026-01 " not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("1,230.50", "GBP", "1230.50"), ("1.230,50", "EUR", "1230.50"), ("12,50", "EUR", "12.50"), ("1 230.5", "GBP", "1230.5"),
        ("-3.00", "GBP", "-3.00"), ("1,234,567", "GBP", "1234567"), ("1,234", "JPY", "1234"), ("1.234", "JPY", "1234"),
        ("1.234", "KWD", "1.234"), ("0.125", "USD", "0.125"),
    ],
)  # fmt: skip
def test_an_amount_is_understood_as_people_write_it(text, currency, amount):
    assert amount_of(text, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "currency", "why"),
    [("1,234", "GBP", "thousands"), ("1.234", "EUR", "thousands"), ("1,234", "KWD", "thousands"), ("much", "GBP", "no amount"),
     ("NaN", "GBP", "no amount"), ("1e30", "GBP", "no amount"), ("", "GBP", "no amount")],
)  # fmt: skip
def test_an_amount_that_may_mean_two_things_is_asked_about(text, currency, why):
    with pytest.raises(RejectedData, match=why):
        amount_of(text, currency)
