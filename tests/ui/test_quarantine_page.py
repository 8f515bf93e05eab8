# ruff: noqa: E501 - rows read best as rows
"""Publishing → Quarantine: what waits for a person, and what the person says."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import html
from sqlalchemy import select

from include.ledger.file_rows import IntakeFileRow, IntakeState, MatchRuleRow, TitleFileRow
from tests.ui.conftest import HOSTILE, ISBNS

pytestmark = pytest.mark.airflow
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def arrivals(seeded: Any, ledger: Any, store: Any) -> dict[str, int]:
    return fill_arrivals(ledger, store)


def fill_arrivals(ledger: Any, store: Any) -> dict[str, int]:
    """One proposed, one whose kind nobody knows, one unsafe, one restricted, one with a hostile name."""
    proposals = [
        {
            "work_id": 1,
            "product_id": None,
            "contract_id": None,
            "title": "The Borrowed Harbour",
            "score": 91.0,
            "why": "the name has its title",
        }
    ]
    ids = {}
    with ledger.session() as session:

        def arrive(name: str, state: IntakeState, code: str, **more: Any) -> int:
            kept = store.put(io.BytesIO(f"text of {name}".encode()))
            row = IntakeFileRow(
                inbox=more.pop("inbox", "authors"), path=f"Smith/{name}", mark="1", name=name, bytes=kept.bytes, sha256=kept.sha256, media_type="text/plain", state=state,
                reasons=[{"code": code, "message": f"because {code}", "where": name, "todo": "Look."}], seen_at=NOW, looked_at=NOW, **more,
            )  # fmt: skip
            session.add(row)
            session.flush()
            return row.id

        ids["proposed"] = arrive(
            "harbour_aq.txt",
            IntakeState.PROPOSED,
            "title-unsure",
            kind="questionnaire",
            clues={"kind": "questionnaire", "title": "harbour"},
            proposals=proposals,
        )
        ids["unknown"] = arrive("notes.txt", IntakeState.PROPOSED, "title-unknown")
        ids["unsafe"] = arrive("bomb.zip", IntakeState.QUARANTINED, "archive-bomb")
        ids["restricted"] = arrive("contract.txt", IntakeState.PROPOSED, "title-unknown", inbox="rights", restricted="rights")
        ids["hostile"] = arrive(HOSTILE.replace("/", ""), IntakeState.PROPOSED, "title-unknown")
    return ids


def page(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text[-1500:]
    return html.fromstring(answer.text)


def words(tree: Any) -> str:
    return " ".join(tree.text_content().split())


def names(tree: Any) -> set[str]:
    return set(tree.xpath("//article/@aria-label"))


def test_an_empty_quarantine_says_so(client: Any) -> None:
    assert "Nothing waits for a decision" in words(page(client.get("/colophon/quarantine")))


def test_what_waits_and_what_is_set_aside_are_apart(client: Any, arrivals: dict[str, int]) -> None:
    assert "harbour_aq.txt" in names(page(client.get("/colophon/quarantine")))
    aside = page(client.get("/colophon/quarantine?show=quarantined"))
    assert names(aside) == {"bomb.zip"}
    assert "because archive-bomb" in words(aside)
    assert not aside.xpath("//form[contains(@data-post, '/correct')]"), "what is unsafe can't be accepted"


def test_a_proposal_is_accepted_with_one_press(client: Any, ledger: Any, arrivals: dict[str, int]) -> None:
    said = client.post(f"/colophon/quarantine/{arrivals['proposed']}/accept", json={"proposal": 0})
    assert said.status_code == 200, said.text
    with ledger.read() as session:
        (file,) = session.scalars(select(TitleFileRow)).all()
        assert (file.work_id, file.kind, file.attached_by) == (1, "questionnaire", "ada")
    assert "harbour_aq.txt" not in names(page(client.get("/colophon/quarantine")))
    assert "its title" in words(page(client.get("/colophon/quarantine?show=attached")))


def test_a_person_says_title_and_kind_and_has_it_remembered(client: Any, ledger: Any, arrivals: dict[str, int]) -> None:
    wish = {"title": ISBNS[2], "kind": "manuscript", "part": "", "revision": "2", "remember": "Smith/*"}
    said = client.post(f"/colophon/quarantine/{arrivals['unknown']}/correct", json=wish)
    assert said.status_code == 200, said.text
    with ledger.read() as session:
        (file,) = session.scalars(select(TitleFileRow)).all()
        assert (file.work_id, file.product_id, file.kind, file.revision) == (1, None, "manuscript", "2")
        (rule,) = session.scalars(select(MatchRuleRow)).all()
        assert (rule.inbox, rule.pattern, rule.work_id, rule.created_by) == ("authors", "Smith/*", 1, "ada")


@pytest.mark.parametrize("title", ["9789999999991", "nothing of that name", "Borrowed"])
def test_a_title_that_is_not_one_is_not_guessed(client: Any, ledger: Any, arrivals: dict[str, int], title: str) -> None:
    said = client.post(f"/colophon/quarantine/{arrivals['unknown']}/correct", json={"title": title, "kind": "interior"})
    assert said.status_code == 400
    with ledger.read() as session:
        assert session.scalars(select(TitleFileRow)).all() == []


def test_a_refusal_wants_a_note_and_keeps_it(client: Any, ledger: Any, arrivals: dict[str, int]) -> None:
    url = f"/colophon/quarantine/{arrivals['unsafe']}/reject"
    assert client.post(url, json={"note": " "}).status_code >= 400
    assert client.post(url, json={"note": "asked for another"}).status_code == 200
    assert "asked for another" in words(page(client.get("/colophon/quarantine?show=refused")))


def test_an_acceptance_can_be_undone(client: Any, arrivals: dict[str, int]) -> None:
    client.post(f"/colophon/quarantine/{arrivals['proposed']}/accept", json={"proposal": 0})
    assert client.post(f"/colophon/quarantine/{arrivals['proposed']}/undo", json={"note": "wrong book"}).status_code == 200
    assert "harbour_aq.txt" in names(page(client.get("/colophon/quarantine")))


def test_looking_again_does_not_lose_it(client: Any, arrivals: dict[str, int]) -> None:
    assert client.post(f"/colophon/quarantine/{arrivals['unknown']}/retry", json={}).status_code == 200
    assert "notes.txt" in names(page(client.get("/colophon/quarantine"))) | names(page(client.get("/colophon/quarantine?show=quarantined")))


def test_what_is_unsafe_is_not_handed_out(client: Any, arrivals: dict[str, int]) -> None:
    assert client.get(f"/colophon/quarantine/{arrivals['unsafe']}/file").status_code == 403
    assert client.get(f"/colophon/quarantine/{arrivals['unknown']}/file").content == b"text of notes.txt"


def test_without_a_role_one_may_look_and_not_decide(client_as: Any, seeded: Any, arrivals: dict[str, int]) -> None:
    viewer = client_as("viewer")
    tree = page(viewer.get("/colophon/quarantine"))
    assert not tree.xpath("//form[@data-post]")
    assert "contract.txt" not in names(tree)
    assert viewer.post(f"/colophon/quarantine/{arrivals['proposed']}/accept", json={"proposal": 0}).status_code == 403
    assert viewer.get(f"/colophon/quarantine/{arrivals['restricted']}/file").status_code == 404


def test_a_name_that_is_markup_stays_text(client: Any, arrivals: dict[str, int]) -> None:
    assert "<script>alert" not in client.get("/colophon/quarantine").text


def test_a_post_from_another_site_is_refused(client: Any, arrivals: dict[str, int]) -> None:
    answer = client.post(f"/colophon/quarantine/{arrivals['proposed']}/accept", json={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
