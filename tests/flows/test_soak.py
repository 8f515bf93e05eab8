"""Many nights with a fault in each: in the end every partner has exactly what the mirror says it should have."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from lxml import etree
from sqlalchemy import func, select

from include.errors import ColophonError
from include.ledger.models import DeliveryRow, FeedRecordRow

pytestmark = [pytest.mark.airflow, pytest.mark.long, pytest.mark.timeout(1800)]

NIGHTS = 20
PARTNERS = ("northgate", "meridian", "librarium", "quickshelf")
SHORT = (("RecordReference", "a001"), ("NotificationType", "a002"))
FAULTS = [
    {"drop_after": {"bytes": 50_000, "times": 5}},
    {"disk_full": {"bytes": 30_000, "times": 1}},
    {"wrong_password": {"times": 3}},
    {"refuse": {"times": 3}},
    {"host_key": {"times": 1}},
    None,
]


@pytest.fixture
def night(sandbox, connections, ledger, store):
    """One night without the scheduler: sync, build, send; what fails is left for the next. Gives what failed."""
    from colophon.hooks.consonance import ConsonanceHook
    from colophon.tasks.sending import send_delivery
    from include.catalogue.mirror import synchronise
    from include.deliveries.build import FeedBuild, Run
    from include.partners import load_house, load_partner

    connections(sandbox.connections)

    def run():
        failed = []
        synchronise(ledger, ConsonanceHook().get_conn(), load_house(), datetime.now(UTC))
        for partner in PARTNERS:
            try:
                built = FeedBuild(ledger, store, load_partner(partner), load_house(), datetime.now(UTC)).build()
                if built.delivery_id:
                    send_delivery(partner, built.delivery_id, Run(who="soak"))
            except ColophonError as trouble:
                failed.append((partner, type(trouble).__name__))
        return failed

    return run


def products(root):
    """(RecordReference, NotificationType, element) of each product, in either tag style."""
    for child in root:
        if etree.QName(child).localname.lower() == "product":
            reference, kind = (child.findtext(f"{{*}}{a}") or child.findtext(f"{{*}}{b}") for a, b in SHORT)
            yield reference, kind, child


def received(sandbox, partner):
    """What the partner knows after reading all messages in their order: RecordReference → elements by place."""
    folder = sandbox.home(partner) / ("swept" if partner == "quickshelf" else "inbox")
    files = [path for path in folder.iterdir() if path.suffix in {".xml", ".COT"} and not path.name.startswith(".")]
    messages = [etree.parse(path).getroot() for path in files]
    messages.sort(key=lambda root: int(root.findtext(".//{*}MessageNumber") or root.findtext(".//{*}m180")))
    known: dict[str, dict[str, bytes]] = {}
    for root in messages:
        for reference, kind, product in products(root):
            whole = {
                f"{etree.QName(child).localname}{number}": etree.tostring(child, method="c14n") for number, child in enumerate(product)
            }
            known[reference] = _after_block_update(known[reference], product) if kind == "04" else whole
    return known


def _after_block_update(before, product):
    supply = {etree.tostring(child, method="c14n") for child in product.iterfind("{*}ProductSupply")}
    kept = {name: body for name, body in before.items() if not name.startswith("ProductSupply")}
    return kept | {f"ProductSupply{number}": body for number, body in enumerate(sorted(supply))}


def test_after_many_bad_nights_every_partner_has_what_the_mirror_says(night, sandbox, ledger):
    from include.deliveries.preview import preview
    from include.partners import load_house, load_partner

    roll, troubles = random.Random(20261121), 0
    for number in range(NIGHTS):
        sandbox.call("faults", {})
        if number:
            sandbox.call("edit", {"works": roll.randint(1, 6), "seed": number})
        if fault := roll.choice(FAULTS):
            sandbox.call("faults", {roll.choice(PARTNERS): fault})
        troubles += len(night())
    sandbox.call("faults", {})
    assert troubles > 3, "the faults did nothing"
    assert night() == []
    with ledger.read() as session:
        deliveries = session.scalar(select(func.count()).select_from(DeliveryRow))
        stuck = session.scalars(select(DeliveryRow.state).where(DeliveryRow.state.in_(["sending", "failed", "prepared"]))).all()
        held = set(session.scalars(select(FeedRecordRow.record_reference).where(FeedRecordRow.state == "held")))
    assert stuck == []
    for partner in PARTNERS:
        now = etree.fromstring(preview(ledger, load_partner(partner), load_house(), datetime.now(UTC)).message)
        wanted = {
            reference: sorted(etree.tostring(child, method="c14n") for child in product if etree.QName(child).localname not in SHORT[1])
            for reference, _, product in products(now)
        }
        there = {
            reference: sorted(body for name, body in blocks.items() if not name.startswith(SHORT[1]))
            for reference, blocks in received(sandbox, partner).items()
        }
        assert {reference: body for reference, body in there.items() if reference not in held} == wanted, partner
    assert night() == []
    with ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(DeliveryRow)) == deliveries
