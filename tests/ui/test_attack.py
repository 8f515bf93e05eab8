# ruff: noqa: E501 - rows read best as rows
"""What people should not be able to do on the pages of files: see what is for others, break them, decide twice or too late."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import html
from sqlalchemy import select

from include.files.model import Kind
from include.ledger import deliveries, title_files
from include.ledger.file_rows import ArchiveFileRow, ContractRow, Fate, IntakeFileRow, TitleFileRow
from include.ledger.models import EventRow
from include.ledger.title_files import NewTitleFile
from tests.ui.test_quarantine_page import fill_arrivals
from tests.ui.test_record import fill_files

pytestmark = pytest.mark.airflow
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
SECRET = "Advance of 40,000 for Harbour.pdf"


@pytest.fixture
def rooms(seeded: Any, ledger: Any, store: Any) -> dict[str, Any]:
    """Files, arrivals, a contract with a telling name that also went out, a backup, an old archive with a contract in it."""
    ids: dict[str, Any] = fill_files(ledger, store) | {f"a:{name}": id for name, id in fill_arrivals(ledger, store).items()}
    kept = store.put(io.BytesIO(b"the advance is 40,000"))
    with ledger.session() as session:
        new = NewTitleFile(1, Kind.CONTRACT, SECRET, kept.bytes, kept.sha256, restricted="rights", part="2", preview=kept.sha256)
        ids["secret"] = title_files.attach(session, new, now=NOW, who="intake").row.id
        title_files.review(session, ids["secret"], "rights", "rejected", now=NOW, who="rita", note="40,000 is too much")
        for flow in ("launch_packs", "archive_backup", "royalty_statements", "rights_reports"):
            row = deliveries.prepare(
                session, partner="salesroom", flow=flow, business_key=flow, digest=flow, now=NOW, kind="", format="", records=0, held=0, due_at=None,
                files=[deliveries.NewFile("a", "/in", kept.bytes, kept.sha256), deliveries.NewFile("b", "/in", 1, ids_of_open(store))],
            )  # fmt: skip
            ids[flow] = (row.id, [file.id for file in row.files])
        session.add(
            ContractRow(id=77, work_id=1, name="Contract with Smith", digest="", content=b"{}", first_seen=NOW, changed_at=NOW, read_at=NOW)
        )
        for kind, name in ((Kind.CONTRACT, "Contracts/" + SECRET), (Kind.JACKET, "Covers/harbour.pdf")):
            session.add(
                ArchiveFileRow(
                    archive="vault",
                    path=name,
                    kind=kind,
                    fate=Fate.PROPOSED,
                    reason=f"like {name}",
                    intake_id=ids["a:restricted"],
                    seen_in=1,
                )
            )
    return ids


def ids_of_open(store: Any) -> str:
    return str(store.put(io.BytesIO(b"open")).sha256)


def words(answer: Any) -> str:
    return " ".join(html.fromstring(answer.text).text_content().split())


def test_what_is_for_a_role_is_nowhere_for_others(client_as: Any, rooms: dict[str, Any]) -> None:
    viewer = client_as("viewer")
    for path in (
        "titles/1", "titles/1?kind=contract", "titles/2", "quarantine", "quarantine?show=attached", "quarantine?inbox=rights", "migration", "migration/vault",
        "migration/vault?fate=proposed", "readiness", "deliveries",
    ):  # fmt: skip
        answer = viewer.get(f"/colophon/{path}")
        assert answer.status_code == 200, path
        for secret in (SECRET, "40,000", "contract.txt", "Contract with Smith", f"/title-files/{rooms['secret']}"):
            assert secret not in answer.text, (path, secret)
    for path in (
        f"title-files/{rooms['secret']}", f"title-files/{rooms['secret']}/preview", f"quarantine/{rooms['a:restricted']}/file",
        f"quarantine/{rooms['a:restricted']}/preview", f"quarantine?arrival={rooms['a:restricted']}",
    ):  # fmt: skip
        hidden, missing = (
            viewer.get(f"/colophon/{path}"),
            viewer.get(f"/colophon/{path.replace(str(rooms['secret']), '999').replace(str(rooms['a:restricted']), '999')}"),
        )
        assert (hidden.status_code, missing.status_code) == (404, 404), path
        assert words(hidden).replace(str(rooms["secret"]), "999").replace(str(rooms["a:restricted"]), "999") == words(missing), (
            "both say the same"
        )


def test_the_number_of_restricted_files_says_nothing_of_their_kinds(client_as: Any, rooms: dict[str, Any]) -> None:
    viewer = client_as("viewer")
    told = {
        query: "2 more files are restricted" in words(viewer.get(f"/colophon/titles/1{query}"))
        for query in ("", "?kind=contract", "?kind=jacket", "?since=2030-01-01")
    }
    assert set(told.values()) == {True}


def test_bytes_are_no_less_restricted_once_they_went_out(client_as: Any, rooms: dict[str, Any]) -> None:
    viewer, admin = client_as("viewer"), client_as("admin")
    for flow, fates in (
        ("launch_packs", (403, 200)),
        *((flow, (403, 403)) for flow in ("archive_backup", "royalty_statements", "rights_reports")),
    ):
        delivery, files = rooms[flow]
        for file, status in zip(files, fates, strict=True):
            assert viewer.get(f"/colophon/deliveries/{delivery}/files/{file}").status_code == status
            assert admin.get(f"/colophon/deliveries/{delivery}/files/{file}").status_code == 200


def test_contracts_are_listed_for_their_role_only(client_as: Any, rooms: dict[str, Any]) -> None:
    assert "Contract with Smith" in words(client_as("admin").get("/colophon/titles/1"))
    assert "Contract with Smith" not in client_as("viewer").get("/colophon/titles/1").text


def test_a_restricted_preview_stays_in_no_browser(client: Any, rooms: dict[str, Any]) -> None:
    assert client.get(f"/colophon/title-files/{rooms['secret']}/preview").headers["cache-control"] == "private, no-store"
    assert "max-age" in client.get(f"/colophon/title-files/{rooms['cover']}/preview").headers["cache-control"]


def test_a_role_that_is_not_in_the_people_file_is_nobodys(client: Any, rooms: dict[str, Any]) -> None:
    for role in ("", "nonsense", "x" * 31):
        assert client.post(f"/colophon/title-files/{rooms['cover']}/review", json={"role": role, "verdict": "approved"}).status_code == 403


POSTS = (
    "title-files/{cover}/review",
    "title-files/{cover}/remove",
    "quarantine/{a:unknown}/accept",
    "quarantine/{a:unknown}/correct",
    "quarantine/{a:unknown}/reject",
    "quarantine/{a:unknown}/retry",
    "quarantine/{a:unknown}/undo",
)


@pytest.mark.parametrize("post", POSTS)
def test_a_button_wants_our_page_a_whole_body_and_a_role(client_as: Any, rooms: dict[str, Any], ledger: Any, post: str) -> None:
    path = "/colophon/" + post.replace("{cover}", str(rooms["cover"])).replace("{a:unknown}", str(rooms["a:unknown"]))
    admin, viewer, nobody = client_as("admin"), client_as("viewer"), client_as(None)
    good = {
        "review": {"role": "production", "verdict": "approved"},
        "correct": {"title": "9781915000019", "kind": "interior"},
        "accept": {},
    }.get(path.rpartition("/")[2], {"note": "x"})
    before = state(ledger)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}):
        assert admin.post(path, json=good, headers=headers).status_code == 403
    assert admin.post(path, content="note=x", headers={"Content-Type": "text/plain"}).status_code == 415
    for body in (
        "",
        "{",
        "[]",
        "null",
        '{"note": 7}',
        '{"note": "x", "more": 1}',
        '{"role": "production"',
        '{"note": "' + "x" * 5000 + '"}',
    ):
        answer = admin.post(path, content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, bool(answer.json()["error"])) == (400, True), body[:40]
    assert viewer.post(path, json=good).status_code == 403
    assert nobody.post(path, json=good).status_code == 401
    for id in ("0", "-1", "99999999", str(2**63), str(2**80)):
        assert admin.post(path.replace(path.split("/")[3], id), json=good).status_code == 404, id
    assert admin.post(path.replace(path.split("/")[3], "x"), json=good).status_code == 400
    assert state(ledger) == before


def state(ledger: Any) -> Any:
    with ledger.read() as session:
        files = session.scalars(select(TitleFileRow).order_by(TitleFileRow.id)).all()
        arrivals = session.scalars(select(IntakeFileRow).order_by(IntakeFileRow.id)).all()
        events = len(session.scalars(select(EventRow)).all())
        return [(row.state, row.approval) for row in files], [row.state for row in arrivals], events


@pytest.mark.parametrize("note", ["a\ud800b", "a\x00b", "<b>bold</b>", "{{ 7 * 7 }}", "'; drop table review; --", "\u202egnp", "n" * 2000])
def test_a_note_may_say_anything_and_stays_text(client: Any, rooms: dict[str, Any], note: str) -> None:
    import json

    answer = client.post(
        f"/colophon/title-files/{rooms['cover']}/review",
        content=json.dumps({"role": "production", "verdict": "rejected", "note": note}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 200, answer.text
    text = client.get("/colophon/titles/1").text
    assert "<b>bold" not in text
    assert "\x00" not in text


def test_a_double_press_is_one_word(client: Any, ledger: Any, rooms: dict[str, Any]) -> None:
    for path, body, what in (
        (f"title-files/{rooms['cover']}/review", {"role": "production", "verdict": "approved"}, "file approved"),
        (f"title-files/{rooms['interior3']}/remove", {"note": "not this one"}, "file removed"),
        (f"quarantine/{rooms['a:proposed']}/accept", {"proposal": 0}, "arrival accepted"),
        (f"quarantine/{rooms['a:unsafe']}/reject", {"note": "no"}, "arrival refused"),
    ):  # fmt: skip
        for _ in range(2):
            assert client.post(f"/colophon/{path}", json=body).status_code == 200, path
        with ledger.read() as session:
            assert len(session.scalars(select(EventRow).where(EventRow.what == what)).all()) == 1, what


def test_a_page_that_is_behind_says_what_happened_meanwhile(client: Any, ledger: Any, store: Any, rooms: dict[str, Any]) -> None:
    kept = store.put(io.BytesIO(b"new cover"))
    with ledger.session() as session:
        title_files.attach(
            session, NewTitleFile(1, Kind.JACKET, "new.pdf", kept.bytes, kept.sha256, product_id=1, revision="9", rank=90_000), now=NOW
        )
    late = client.post(f"/colophon/title-files/{rooms['cover']}/review", json={"role": "production", "verdict": "approved"})
    assert (late.status_code, "superseded" in late.json()["error"]) == (400, True)
    client.post(f"/colophon/quarantine/{rooms['a:proposed']}/accept", json={"proposal": 0})
    late = client.post(f"/colophon/quarantine/{rooms['a:proposed']}/reject", json={"note": "too late"})
    assert (late.status_code, "attached" in late.json()["error"]) == (400, True)
    assert "Take it off" in late.json()["todo"]


def test_a_slip_is_answered_with_a_sentence_and_no_fault_of_ours(client: Any, rooms: dict[str, Any]) -> None:
    for path, body in (
        (f"quarantine/{rooms['a:unknown']}/accept", {"proposal": 3}),
        (f"quarantine/{rooms['a:unsafe']}/accept", {"proposal": 0}),
        (f"quarantine/{rooms['a:unsafe']}/correct", {"title": "9781915000019", "kind": "interior"}),
        (f"quarantine/{rooms['a:unknown']}/correct", {"title": "9781915000019"}),
        (f"quarantine/{rooms['a:unknown']}/undo", {"note": "x"}),
        (f"quarantine/{rooms['a:unknown']}/reject", {"note": "\x00 "}),
        (f"quarantine/{rooms['a:unknown']}/correct", {"title": "9781915000019", "kind": "interior", "remember": "*"}),
    ):  # fmt: skip
        answer = client.post(f"/colophon/{path}", json=body)
        assert answer.status_code == 400, (path, body, answer.text)
        assert len(answer.json()["error"]) > 10


@pytest.mark.parametrize(
    "path",
    [
        "titles/9223372036854775808",
        "titles/0",
        "title-files/-1",
        "title-files/9223372036854775808/preview",
        "quarantine/0/file",
        "quarantine?arrival=0",
        "quarantine?before=x",
        "migration/..%2f..%2fpeople",
        "partners/..%2fpeople",
        "readiness?after=99999999999999999999",
        "readiness?month=2026-13-99",
        "quarantine?inbox=%00%ff",
    ],
)
def test_addresses_out_of_range_are_no_errors_of_ours(client: Any, rooms: dict[str, Any], path: str) -> None:
    assert client.get(f"/colophon/{path}").status_code in {200, 400, 404}


def test_what_a_person_calls_a_contract_is_for_the_role_from_then_on(client_as: Any, rooms: dict[str, Any]) -> None:
    admin, viewer = client_as("admin"), client_as("viewer")
    assert viewer.get(f"/colophon/quarantine/{rooms['a:unknown']}/file").status_code == 200
    said = admin.post(f"/colophon/quarantine/{rooms['a:unknown']}/correct", json={"title": "9781915000019", "kind": "contract"})
    assert said.status_code == 200, said.text
    assert viewer.get(f"/colophon/quarantine/{rooms['a:unknown']}/file").status_code == 404
    for path in ("titles/1", "quarantine?show=attached"):
        assert "notes.txt" in admin.get(f"/colophon/{path}").text
        assert "notes.txt" not in viewer.get(f"/colophon/{path}").text
