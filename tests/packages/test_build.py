"""A package is known by its contents, gets its revision, its manifest last, and never leaves with what may not leave."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from include.errors import RejectedData
from include.ledger import deliveries, packages, title_files
from include.ledger.file_rows import PackageRow
from include.ledger.models import DeliveryRow, EventRow, ProductRow
from include.packages.build import Item, NewPackage, assemble, made, prepare
from include.partners import Party

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ISBN = "9781402000010"


def party(**transport) -> Party:
    return Party.model_validate({
        "id": "press", "name": "Press", "kind": "printer",
        "transport": {"protocol": "sftp", "connection": "press", "folder": "/jobs", **transport},
    })  # fmt: skip


def package(items, **changes) -> NewPackage:
    whole = {"party": party(), "flow": "print_handoff", "subject": ISBN, "folder": f"/jobs/{ISBN}", "about": {"isbn": ISBN}}
    return NewPackage(**(whole | {"items": items} | changes))


@pytest.fixture
def part(store, ledger):
    """An approved, current version on work 1: `part("text", b"...")`; gives the item."""

    def make(role: str, content: bytes, *, approved: bool = True) -> Item:
        artefact = store.put(io.BytesIO(content))
        with ledger.session() as session:
            new = title_files.NewTitleFile(1, "interior", f"{role}.pdf", artefact.bytes, artefact.sha256, part=role, review=("production",))
            row = title_files.attach(session, new, now=NOW).row
            if approved:
                title_files.review(session, row.id, "production", "approved", now=NOW, who="ada")
            return Item(role, f"{ISBN}_{role}.pdf", artefact.sha256, artefact.bytes, "1", row.id)

    return make


def arrive(ledger, row, when=NOW):
    with ledger.session() as session:
        deliveries.start(session, row.delivery_id, now=when)
        deliveries.mark_delivered(session, row.delivery_id, when)
        packages.settle(session, row.partner, row.flow, now=when)


def count(ledger, table) -> int:
    with ledger.read() as session:
        return session.scalar(select(func.count()).select_from(table))


def delivery(ledger, row) -> DeliveryRow:
    with ledger.read() as session:
        found = deliveries.get(session, row.delivery_id)
        assert found.files
        session.expunge_all()
        return found


def read(store, row, name) -> bytes:
    return store.open(next(file.sha256 for file in row.files if file.name == name)).read()


def test_the_same_contents_are_one_package(ledger, store, part):
    items = [part("text", b"pages"), part("cover", b"cover")]
    first = prepare(ledger, store, package(items), now=NOW)
    events = count(ledger, EventRow)
    again = prepare(ledger, store, package(list(reversed(items))), now=NOW + timedelta(days=1))
    assert (again.id, again.revision, again.state) == (first.id, 1, "built")
    assert count(ledger, EventRow) == events


def test_sums_and_manifest_come_last_and_say_what_is_there(ledger, store, part):
    row = prepare(ledger, store, package([part("text", b"pages"), part("cover", b"cover")]), now=NOW)
    files = delivery(ledger, row).files
    assert [(file.role, file.name) for file in files] == [
        ("part", f"{ISBN}_text.pdf"), ("part", f"{ISBN}_cover.pdf"), ("manifest", "SHA256SUMS"), ("manifest", "manifest.json"),
    ]  # fmt: skip
    told = json.loads(read(store, row, "manifest.json"))
    assert told["package"] | {"digest": ""} == {
        "from": "", "to": "press", "flow": "print_handoff", "subject": ISBN, "revision": 1, "digest": "", "isbn": ISBN,
    }  # fmt: skip
    assert told["replaces"] is None
    assert told["files"][0] == {
        "name": f"{ISBN}_text.pdf", "bytes": 5, "sha256": hashlib.sha256(b"pages").hexdigest(), "role": "text", "revision": "1",
    }  # fmt: skip
    listed = dict(reversed(line.split("  ")) for line in read(store, row, "SHA256SUMS").decode().splitlines())
    assert listed == {file.name: file.sha256 for file in files if file.name != "SHA256SUMS"}


def test_a_revision_after_delivery_names_what_it_replaces_and_what_changed(ledger, store, part):
    text, flap = part("text", b"pages"), part("flap", b"flap")
    first = prepare(ledger, store, package([text, part("cover", b"cover"), flap]), now=NOW)
    arrive(ledger, first)
    second = prepare(ledger, store, package([text, part("cover", b"new cover")]), now=NOW)
    told = json.loads(read(store, second, "manifest.json"))
    assert (second.revision, second.replaces_id) == (2, first.id)
    assert told["replaces"] == {"revision": 1, "digest": first.digest, "delivery": first.delivery_id}
    assert told["withdrawn"] == [f"{ISBN}_flap.pdf"]
    assert [file.get("unchanged", False) for file in told["files"]] == [True, False]
    assert delivery(ledger, second).replaces_id == first.delivery_id
    arrive(ledger, second)
    with ledger.read() as session:
        assert packages.get(session, first.id).state == "replaced"


def test_where_the_printer_wants_changed_files_only_these_travel(ledger, store, part):
    text = part("text", b"pages")
    arrive(ledger, prepare(ledger, store, package([text, part("cover", b"cover")]), now=NOW))
    second = prepare(ledger, store, package([text, part("cover", b"new cover")], whole=False), now=NOW)
    assert [file.name for file in delivery(ledger, second).files] == [f"{ISBN}_cover.pdf", "SHA256SUMS", "manifest.json"]
    assert json.loads(read(store, second, "manifest.json"))["files"][0]["sent"] is False
    assert b"_text" not in read(store, second, "SHA256SUMS")


def test_a_new_version_takes_the_place_of_what_has_not_left(ledger, store, part):
    first = prepare(ledger, store, package([part("text", b"one")]), now=NOW)
    second = prepare(ledger, store, package([part("text", b"two")]), now=NOW)
    assert delivery(ledger, first).state == "withdrawn"
    with ledger.read() as session:
        assert packages.get(session, first.id).state == "replaced"
    assert (second.revision, second.replaces_id) == (2, None)


def test_going_back_to_earlier_contents_is_a_package_of_its_own(ledger, store, part):
    one, two = part("text", b"one"), part("text", b"two")
    first = prepare(ledger, store, package([one]), now=NOW)
    arrive(ledger, first)
    second = prepare(ledger, store, package([two]), now=NOW)
    arrive(ledger, second)
    third = prepare(ledger, store, package([one]), now=NOW)
    assert (third.revision, third.replaces_id, third.state) == (3, second.id, "built")
    assert third.digest not in {first.digest, second.digest}
    assert prepare(ledger, store, package([one]), now=NOW).id == third.id


def test_what_has_arrived_and_is_wanted_again_withdraws_what_was_to_follow(ledger, store, part):
    one, two = part("text", b"one"), part("text", b"two")
    first = prepare(ledger, store, package([one]), now=NOW)
    arrive(ledger, first)
    second = prepare(ledger, store, package([two]), now=NOW)
    assert prepare(ledger, store, package([one]), now=NOW).id == first.id
    assert delivery(ledger, second).state == "withdrawn"


def test_an_approval_withdrawn_stops_it_and_given_again_lets_it_go(ledger, store, part):
    text = part("text", b"pages")
    row = prepare(ledger, store, package([text]), now=NOW)
    with ledger.session() as session:
        title_files.review(session, text.title_file_id, "production", "pending", now=NOW, who="ada")
        stopped = packages.refuse_unfit(session, deliveries.get(session, row.delivery_id), now=NOW)
    assert "pending" in str(stopped)
    with ledger.read() as session:
        kept = packages.get(session, row.id)
        assert (kept.state, kept.reasons[0]["code"]) == ("stopped", "not-approved")
    assert delivery(ledger, row).state == "withdrawn"
    with ledger.session() as session:
        title_files.review(session, text.title_file_id, "production", "approved", now=NOW, who="ada")
    again = prepare(ledger, store, package([text]), now=NOW)
    assert (again.id, again.state) == (row.id, "built")
    assert delivery(ledger, again).state == "prepared"


def test_a_superseded_version_is_unfit_and_what_left_with_it_stays_delivered(ledger, store, part):
    text = part("text", b"one")
    row = prepare(ledger, store, package([text]), now=NOW)
    arrive(ledger, row)
    part("text", b"two")
    with ledger.session() as session:
        stopped = packages.refuse_unfit(session, deliveries.get(session, row.delivery_id), now=NOW)
    assert stopped is not None
    assert stopped.reasons[0]["code"] == "not-current"
    with ledger.read() as session:
        assert packages.get(session, row.id).state == "delivered"


def refused(ledger, row) -> list[str]:
    with ledger.session() as session:
        stopped = packages.refuse_unfit(session, deliveries.get(session, row.delivery_id), now=NOW)
    return [reason["code"] for reason in stopped.reasons] if stopped else []


def test_sending_an_old_revision_again_does_not_undo_a_newer_one(ledger, store, part):
    """The files are the same approved ones: only the ticket changed."""
    text = part("text", b"pages")
    one, two = (made(store, "ticket", "ticket.json", order) for order in (b"1000 copies", b"2000 copies"))
    first = prepare(ledger, store, package([text, one]), now=NOW)
    arrive(ledger, first)
    assert refused(ledger, first) == []
    second = prepare(ledger, store, package([text, two]), now=NOW)
    arrive(ledger, second)
    assert refused(ledger, first) == ["replaced"]
    assert refused(ledger, second) == []


@pytest.mark.parametrize(("change", "code"), [({"deleted_at": NOW}, "product-gone"), ({"isbn": "9781402000027"}, "isbn-changed")])
def test_nothing_leaves_for_a_product_that_is_gone_or_has_another_number(ledger, store, part, change, code):
    product = {"id": 7, "work_id": 1, "isbn": ISBN, "digest": "", "content": b"{}", "first_seen": NOW, "changed_at": NOW}
    with ledger.session() as session:
        session.add(ProductRow(**product))
    row = prepare(ledger, store, package([part("text", b"pages")], product_id=7), now=NOW)
    assert refused(ledger, row) == []
    with ledger.session() as session:
        session.merge(ProductRow(**(product | change)))
    assert refused(ledger, row) == [code]
    assert delivery(ledger, row).state == "withdrawn"


def test_a_file_that_became_restricted_does_not_leave(ledger, store, part):
    text = part("text", b"pages")
    row = prepare(ledger, store, package([text]), now=NOW)
    with ledger.session() as session:
        title_files.get(session, text.title_file_id).restricted = "rights"
    assert refused(ledger, row) == ["restricted"]


def test_what_asks_a_person_waits_and_other_findings_ask_anew(ledger, store, part):
    ask = [{"code": "pages", "message": "two pages too many"}]
    item = part("text", b"pages")
    held = prepare(ledger, store, package([item], ask=ask, findings=ask), now=NOW)
    assert (held.state, delivery(ledger, held).state) == ("held", "awaiting approval")
    with ledger.session() as session:
        deliveries.decline(session, held.delivery_id, now=NOW, who="ada")
    assert prepare(ledger, store, package([item], ask=ask, findings=ask), now=NOW).id == held.id
    mended = prepare(ledger, store, package([item]), now=NOW)
    assert (mended.revision, mended.state) == (2, "built")


def test_what_was_declined_stays_declined_also_after_it_had_to_wait(ledger, store, part):
    ask = [{"code": "pages", "message": "two pages too many"}]
    item = part("text", b"pages")
    held = prepare(ledger, store, package([item], ask=ask, findings=ask), now=NOW)
    with ledger.session() as session:
        packages.decide(session, held.id, approved=False, now=NOW)
        packages.wait(session, "press", "print_handoff", ISBN, [{"code": "part-missing", "message": "no cover"}], now=NOW)
    again = prepare(ledger, store, package([item], ask=ask, findings=ask), now=NOW)
    assert (again.id, again.state, delivery(ledger, again).state) == (held.id, "held", "declined")


def test_what_was_stopped_while_it_asked_asks_again(ledger, store, part):
    ask = [{"code": "pages", "message": "two pages too many"}]
    item = part("text", b"pages")
    held = prepare(ledger, store, package([item], ask=ask, findings=ask), now=NOW)
    with ledger.session() as session:
        packages.decide(session, held.id, approved=True, now=NOW, who="ada")
        packages.wait(session, "press", "print_handoff", ISBN, [{"code": "part-missing", "message": "no cover"}], now=NOW)
    again = prepare(ledger, store, package([item], ask=ask, findings=ask), now=NOW)
    assert (again.id, again.state, delivery(ledger, again).state) == (held.id, "held", "awaiting approval")
    assert again.reasons == ask


def test_waiting_is_noted_once_and_stops_what_was_built(ledger, store, part):
    row = prepare(ledger, store, package([part("text", b"one")]), now=NOW)
    reasons = [{"code": "part-missing", "message": "there is no cover"}]
    for _ in range(2):
        with ledger.session() as session:
            packages.wait(session, "press", "print_handoff", ISBN, reasons, now=NOW)
    assert delivery(ledger, row).state == "withdrawn"
    with ledger.read() as session:
        assert [one.state for one in packages.of_subject(session, "press", "print_handoff", ISBN)] == ["stopped", "waiting"]
        assert session.scalar(select(func.count()).select_from(EventRow).where(EventRow.what == "package waits")) == 1
    prepare(ledger, store, package([part("text", b"two")]), now=NOW)
    with ledger.read() as session:
        assert packages.find(session, "press", "print_handoff", ISBN, "waiting") is None


def test_two_files_of_one_name_are_refused_whatever_the_case(ledger, store, part):
    text = part("text", b"one")
    with pytest.raises(RejectedData, match="both text and other"):
        prepare(ledger, store, package([text, Item("other", text.name.upper(), text.sha256, text.bytes)]), now=NOW)
    with pytest.raises(RejectedData, match="manifest"):
        prepare(ledger, store, package([Item("other", "Manifest.json", text.sha256, text.bytes)]), now=NOW)
    with pytest.raises(RejectedData, match="no file name"):
        prepare(ledger, store, package([Item("other", "../up.pdf", text.sha256, text.bytes)]), now=NOW)
    assert count(ledger, PackageRow) == 0


def test_what_only_accompanies_makes_no_new_package(ledger, store, part):
    text = part("text", b"one")
    first = prepare(ledger, store, package([text, made(store, "preflight", "preflight.json", b"{1}", identity="")]), now=NOW)
    again = prepare(ledger, store, package([text, made(store, "preflight", "preflight.json", b"{2}", identity="")]), now=NOW)
    assert again.id == first.id


@pytest.mark.parametrize("rule", ["rename", "manifest_last"])
def test_a_zip_is_the_same_each_time_and_has_one_manifest(store, part, rule):
    import zipfile

    new = package([part("text", b"pages")], zipped=f"{ISBN}_r{{revision}}.zip", party=party(commit={"rule": rule}))
    one, two = assemble(store, new, 3), assemble(store, new, 3)
    assert one == two
    zipped = one.files[0]
    assert zipped.name == f"{ISBN}_r3.zip"
    with zipfile.ZipFile(store.open(zipped.sha256)) as archive:
        assert archive.testzip() is None
        inside = archive.namelist()
    beside = [file.name for file in one.files[1:]]
    assert ([*inside, *beside]).count("manifest.json") == 1
    assert beside == (["manifest.json"] if rule == "manifest_last" else [])


def test_a_place_that_was_mended_is_where_it_goes(ledger, store, part):
    text = part("text", b"pages")
    first = prepare(ledger, store, package([text], folder="/wrong"), now=NOW)
    second = prepare(ledger, store, package([text], folder="/jobs/r{revision}"), now=NOW)
    assert delivery(ledger, first).state == "withdrawn"
    assert {file.folder for file in delivery(ledger, second).files} == {"/jobs/r2"}
