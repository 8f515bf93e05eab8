# ruff: noqa: E501 - rows read best as rows
"""Publishing → Licences: the horizon, filters, provenance of every term, what a person says, flags that somebody settles."""

from __future__ import annotations

import base64
import io
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from lxml import html
from openpyxl import load_workbook
from PIL import Image

from include.ledger import licence_words
from include.ledger.file_rows import TitleFileRow
from include.ledger.licence_rows import (
    CoverRow,
    CoverUseRow,
    LicenceChangeRow,
    LicenceFlagRow,
    LicenceRow,
    LicenceServesRow,
    LicenceSheetRow,
    LicenceSyncRow,
)
from tests.ui.conftest import HOSTILE

pytestmark = pytest.mark.airflow
TODAY = datetime.now(UTC).date()
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
SOON = TODAY + timedelta(days=40)
KNOWN = {"source": "agreement", "reference": "Agreement LQ-2025-118, clause 3", "checked_at": "2026-09-02", "checked_by": "rightsmanager"}


@pytest.fixture
def licensed(seeded: Any, ledger: Any) -> None:
    from include.store import ArtefactStore

    fill_licences(ledger, ArtefactStore())


def fill_licences(ledger: Any, store: Any) -> None:
    """Licence 1 ends soon and is flagged twice, 2 has an unknown end and a hostile name, 3 is perpetual, 4 is over, 5 to 60 end later."""
    picture = io.BytesIO()
    Image.new("RGB", (60, 40), (90, 120, 160)).save(picture, "JPEG")
    small = store.put(io.BytesIO(picture.getvalue())).sha256
    perpetual = {name: KNOWN | {"state": "unlimited"} for name in ("territories", "print_run", "formats")}
    perpetual["ends"] = KNOWN | {"state": "perpetual"}
    unknown = {"restrictions": {"state": "known", "value": [f"Not for {HOSTILE}."], "source": "api"}}
    problem = {"what": "not enabled", "where": "orders", "todo": "Ask."}
    with ledger.session() as session:
        session.add_all([
            _licence(1, "Lighthouse at dusk", SOON, state="review", thumbnail=small, territories=" GB IE "),
            _licence(2, HOSTILE, None, terms=unknown, state="terms required", notes=HOSTILE),
            _licence(3, "Gull over the harbour", None, terms=perpetual, state="cleared", territories="*"),
            _licence(4, "Boats", TODAY - timedelta(days=200), state="expired"),
            *(_licence(number, f"Image {number}", TODAY + timedelta(days=100 + 20 * number)) for number in range(5, 61)),
        ])
        session.flush()
        session.add_all(
            [
                LicenceServesRow(licence_id=1, work_id=1, product_id=1, role="cover", source="note"),
                LicenceServesRow(licence_id=2, work_id=1, role="interior", source="sheet"),
                LicenceServesRow(licence_id=3, campaign="spring-2027", role="promotion", source="person"),
                _flag(1, 1, "expiry", "rights", blocking=False),
                _flag(2, 1, "publication", "production", blocking=True),
                _flag(3, 2, "terms", "rights", blocking=False, message=HOSTILE),
                LicenceChangeRow(licence_id=1, at=NOW, who="sheet", field="ends", before="unknown", after=str(SOON), source="invoice 7"),
                LicenceSheetRow(
                    id=1, name=f"terms {HOSTILE}.xlsx", sha256="f" * 64, bytes=10, received_at=NOW, rows=9, bad=1, applied=7, answer=small,
                    reasons=[{"row": 4, "code": "asset-unknown", "column": "", "message": "no such asset", "todo": "Look it up."}],
                ),
                LicenceSyncRow(part="purchases", until=NOW, seen_at=NOW, counts={"problems": [problem]}),
            ]
        )  # fmt: skip
    licence_words.renew(ledger)


def _licence(number: int, name: str, ends: date | None, terms: Any = None, **values: Any) -> LicenceRow:
    terms = terms or {"ends": KNOWN | {"state": "known", "value": str(ends)}}
    values = {"state": "cleared", "territories": ""} | values
    return LicenceRow(
        id=number, asset_id=f"{5000 + number}", use=f"download {number}", name=name, ends_on=str(ends) if ends else "", terms=terms,
        model="royaltyfree", first_seen=NOW, changed_at=NOW, checked_at=NOW, **values,
    )  # fmt: skip


def _flag(
    number: int, licence: int, cause: str, team: str, *, blocking: bool, message: str = "It ends before the reprint"
) -> LicenceFlagRow:
    return LicenceFlagRow(
        id=number, licence_id=licence, cause=cause, subject="product 1", threshold=60, work_id=1, product_id=1, due_on=str(SOON), team=team,
        blocking=blocking, message=message, todo="Ask for an extension.", opened_at=NOW,
    )  # fmt: skip


def fill_covers(ledger: Any, store: Any) -> None:
    """Title 1: a front cover that is attached, the one before it, a rejected and a pending one; a back cover that our checks refuse."""
    colours = ((200, 90, 60), (60, 90, 200))
    pictures = []
    for colour in colours:
        body = io.BytesIO()
        Image.new("RGB", (140, 210), colour).save(body, "JPEG")
        pictures.append(store.put(io.BytesIO(body.getvalue())).sha256)
    small = [("front", 4, "approved"), ("front", 3, "approved"), ("front", 5, "rejected"), ("front", 6, "pending"), ("back", 1, "approved")]
    shown = {"as": "supporting resource", "id": 77, "why": "Consonance took it."}
    refused = [{"code": "colour", "message": f"CMYK {HOSTILE}", "todo": "Export it as sRGB."}]
    with ledger.session() as session:
        for number, (kind, version, moderation) in enumerate(small, 1):
            sha256 = pictures[number - 1] if number < 3 else ""
            back = {"reasons": refused, "rules": "r"} if kind == "back" else {"reasons": []}
            session.add(
                CoverRow(
                    id=number, asset_id=kind, public_id=f"covers/harbour_{kind}", version=version, etag=f"{number}", kind=kind, isbn="9781915000019",
                    moderation=moderation, width=1800, height=2700, format="png", bytes=900_000, sha256=sha256, seen_at=NOW, changed_at=NOW, **back,
                )
            )  # fmt: skip
            if sha256:
                session.add(
                    TitleFileRow(
                        id=900 + number, work_id=1, product_id=1, kind="cover", sha256=sha256, name=f"harbour_{version}.jpg", bytes=9, preview=sha256,
                        source="cloudinary", attached_at=NOW, state="attached" if number == 1 else "superseded",
                        consonance=shown if number == 1 else {},
                    )
                )  # fmt: skip
        session.flush()
        session.add(
            CoverUseRow(
                product_id=1, work_id=1, kind="front", cover_id=1, etag="1", title_file_id=901, state="attached",
                consonance=shown, why="by its ISBN", at=NOW,
            )
        )  # fmt: skip


def page(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text[-1500:]
    return html.fromstring(answer.text)


def words(tree: Any) -> str:
    return " ".join(tree.text_content().split())


def shown(tree: Any) -> list[int]:
    return [int(link.rpartition("/")[2]) for link in tree.xpath("//tbody/tr/th//a/@href")]


def test_an_empty_ledger_says_who_reads_licences(client: Any) -> None:
    assert "licence_sync" in words(page(client.get("/colophon/licences")))


def test_every_licence_is_on_exactly_one_page_by_its_end(client: Any, licensed: None) -> None:
    seen, url = [], "/colophon/licences"
    while url:
        tree = page(client.get(url))
        seen += shown(tree)
        url = next(iter(tree.xpath("//a[@rel='next']/@href")), "")
    assert seen == [1, *range(5, 61), 2, 3, 4]  # to come, unknown, without end, over


def test_the_picture_hides_neither_what_is_unknown_nor_what_has_no_end(client: Any, licensed: None) -> None:
    tree = page(client.get("/colophon/licences"))
    told = tree.xpath("//figure//*[local-name()='a']/@aria-label")
    assert "Their end is unknown: a person must supply it: 1 licence, 1 with open flags, 0 of them stop deliveries" in told
    assert "They have no end: 1 licence, 0 with open flags, 0 of them stop deliveries" in told
    assert sum(int(words.split(": ")[-1].split()[0].replace(",", "")) for words in told) == 60
    assert {"today", "30 days", "60 days", "90 days", "180 days"} == set(tree.xpath("//*[@class='b-line']/*[local-name()='text']/text()"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("words=lighthouse", [1]), ("words=5002", [2]), ("words=9781915000019", [1, 2]), ("words=borrowed", []), ("words=Work", [1, 2]),
        ("territory=GB", [1, 3]), ("territory=*", [3]), ("territory=FR", [3]), ("state=expired", [4]), ("team=production", [1]),
        ("cause=terms", [2]), ("cause=publication&team=rights", []), ("ends=unknown", [2]), ("ends=perpetual", [3]), ("ends=earlier", [4]),
        (f"ends={SOON:%Y-%m}", [1]), ("words=lighthouse&ends=unknown", []), ("words=image&state=cleared&ends=later&territory=GB", []),
        ("after=3_2020-01-01_9", []), ("after=x", [1, *range(5, 44)]), ("words=%25", []),
    ],
)  # fmt: skip
def test_filters(client: Any, licensed: None, query: str, found: list[int]) -> None:
    assert shown(page(client.get(f"/colophon/licences?{query}"))) == found


def test_a_team_reads_what_it_must_do_first(client: Any, licensed: None) -> None:
    for query, cause in (("", "publication"), ("?team=rights", "expiry")):
        tree = page(client.get(f"/colophon/licences{query}"))
        assert tree.xpath("string((//tr[@data-row])[1]//ul/li[1])").split()[0] == cause


def test_a_term_shows_where_it_is_from_and_what_nobody_has_said(client: Any, licensed: None) -> None:
    ends = page(client.get("/colophon/licences/3")).get_element_by_id("term-ends")
    assert [words(cell) for cell in ends][:4] == [
        "End",
        "perpetual",
        "agreementAgreement LQ-2025-118, clause 3",
        "2026-09-02by rightsmanager",
    ]
    for name in ("ends", "territories", "print_run"):
        row = words(page(client.get("/colophon/licences/2")).get_element_by_id(f"term-{name}"))
        assert "unknown a person must supply it: Getty does not publish it" in row
        assert "nobody has said it" in row


def test_the_history_and_the_picture_of_an_asset(client: Any, licensed: None) -> None:
    tree = page(client.get("/colophon/licences/1"))
    assert f"End unknown {SOON}" in words(tree.get_element_by_id("h-changes").getparent())
    assert client.get(tree.xpath("//img/@src")[0]).headers["content-type"] == "image/jpeg"
    page(client.get("/colophon/licences/2/thumbnail"), 404)
    for nothing in (99, 0, 2**70):
        page(client.get(f"/colophon/licences/{nothing}"), 404)


def test_names_from_the_agency_are_text_and_nothing_else(client: Any, licensed: None) -> None:
    for path in ("licences?ends=unknown", "licences/2", "licences?show=sheets"):
        answer = client.get(f"/colophon/{path}")
        assert "<script>alert" not in answer.text
        assert "alert(" in answer.text


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        ({"field": "ends", "state": "known", "value": "2030-01-31", "reference": "invoice 9"}, "2030-01-31"),
        ({"field": "ends", "state": "perpetual", "value": ""}, "perpetual"),
        ({"field": "territories", "state": "known", "value": "gb, IE us"}, "GB, IE, US"),
        ({"field": "territories", "state": "unlimited"}, "no limit"),
        ({"field": "print_run", "state": "known", "value": "10 000"}, "10,000"),
        ({"field": "formats", "state": "known", "value": ["print", "ebook"]}, "ebook, print"),
        ({"field": "editorial_only", "state": "known", "value": "no"}, "no"),
        ({"field": "restrictions", "state": "known", "note": "nothing for us"}, "Not for"),
    ],
)
def test_what_a_person_says_holds_and_is_kept_with_the_name(
    client: Any, licensed: None, ledger: Any, said: dict[str, Any], holds: str
) -> None:
    answer = client.post("/colophon/licences/2/terms", json=said)
    assert answer.status_code == 200, answer.text
    told = words(page(client.get("/colophon/licences/2")).get_element_by_id(f"term-{said['field']}"))
    assert holds in told
    if said["field"] != "restrictions":
        assert "a person" in told
        assert f"by {_name(ledger)}" in told
    again = client.post("/colophon/licences/2/terms", json=said | {"state": "unknown"})
    assert "taken back" in again.json()["said"]


def _name(ledger: Any) -> str:
    with ledger.read() as session:
        return str(session.query(LicenceChangeRow).order_by(LicenceChangeRow.id.desc()).first().who)


@pytest.mark.parametrize(
    "said",
    [
        {"field": "ends", "state": "known", "value": "next year"}, {"field": "territories", "state": "known", "value": "XX"},
        {"field": "print_run", "state": "known", "value": "many"}, {"field": "print_run", "state": "known", "value": "1,5"}, {"field": "availability", "state": "known", "value": "listed"},
        {"field": "nonsense", "state": "known", "value": "x"}, {"field": "editorial_only", "state": "known", "value": "perhaps"},
        {"field": "starts", "state": "perpetual"}, {"field": "formats", "state": "known", "value": []},
    ],
)  # fmt: skip
def test_what_can_be_no_term_is_refused_with_what_would(client: Any, licensed: None, said: dict[str, Any]) -> None:
    answer = client.post("/colophon/licences/2/terms", json=said)
    assert answer.status_code == 400
    assert answer.json()["todo"]


def test_a_licence_is_tied_and_untied(client: Any, licensed: None, ledger: Any) -> None:
    assert client.post("/colophon/licences/4/serves", json={"title": "9781915000026", "role": "cover"}).json()["said"] == "Tied."
    assert client.post("/colophon/licences/4/serves", json={"title": "9781915000026", "whole": True}).json()["said"] == "Tied."
    with ledger.read() as session:
        rows = session.get(LicenceRow, 4).serves
        assert [(row.work_id, row.product_id, row.role, row.source) for row in rows] == [(1, 2, "cover", "person"), (1, 0, "", "person")]
        first = rows[0].id
    tree = page(client.get("/colophon/licences/4"))
    assert "/colophon/titles/2" in tree.xpath("//ul[@class='plain']//a/@href")
    assert client.post(f"/colophon/licences/4/serves/{first}/untie", json={}).json()["said"] == "Untied."
    assert client.post(f"/colophon/licences/4/serves/{first}/untie", json={}).json()["said"] == "It was untied already."
    assert client.post("/colophon/licences/4/serves", json={"campaign": "nowhere"}).status_code == 404
    assert client.post("/colophon/licences/4/serves", json={}).status_code == 400


def test_flags_are_acknowledged_and_resolved_with_a_note(client: Any, licensed: None, ledger: Any) -> None:
    assert client.post("/colophon/licences/flags/2/acknowledge", json={"note": ""}).status_code == 400
    assert client.post("/colophon/licences/flags/2/acknowledge", json={"note": "asked Getty"}).status_code == 200
    assert "asked Getty" in words(page(client.get("/colophon/licences/1")).get_element_by_id("flag-2"))
    assert client.post("/colophon/licences/flags/2/resolve", json={"note": "new cover"}).status_code == 200
    with ledger.read() as session:
        flag = session.get(LicenceFlagRow, 2)
        assert (flag.state, flag.note, bool(flag.decided_by)) == ("resolved", "new cover", True)
    told = words(page(client.get("/colophon/licences/1")))
    assert "1 settled" in told
    assert client.post("/colophon/licences/flags/77/resolve", json={"note": "x"}).status_code == 404


def test_a_sheet_of_invoice_terms_is_loaded_on_the_page_and_goes_back_marked(client: Any, licensed: None) -> None:
    def sent(name: str, content: bytes) -> Any:
        return client.post("/colophon/licences/sheets", json={"name": name, "content": base64.b64encode(content).decode()})

    empty = load_workbook(io.BytesIO(client.get("/colophon/licences/sheets/open").content)).active
    assert [(row[0], row[-3], row[-2]) for row in empty.iter_rows(min_row=2, values_only=True)] == [("5002", HOSTILE, "Work")]
    rows = b"Image ID,Invoice,Valid until\n5002,INV 9,2031-09-30\n99,INV 9,perpetual\n"
    assert sent("../march.csv", rows).json()["said"].startswith("2 rows: 1 applied, 0 without anything new, 1 refused")
    assert "applied, 0 without" not in sent("march.csv", rows).json()["said"]
    tree = page(client.get("/colophon/licences?show=sheets"))
    assert "march.csv" in words(tree)
    assert "row 3: there is no licence of asset 99. Compare the number" in words(tree)
    assert words(page(client.get("/colophon/licences/2")).get_element_by_id("term-ends")).startswith("End 2031-09-30 invoice")
    marked = client.get(tree.xpath("(//td//a[@download])[1]/@href")[0])
    assert load_workbook(io.BytesIO(marked.content)).active.max_row == 3
    assert "march%20%28answer%29.xlsx" in marked.headers["content-disposition"]
    for name, content in (("evil.xlsx", b"MZ\x90"), ("page.csv", b"<html>"), ("empty.csv", b"")):
        refused = sent(name, content)
        assert (refused.status_code, bool(refused.json()["todo"])) == (400, True), (name, refused.text)
    assert client.post("/colophon/licences/sheets", json={"name": "a.csv", "content": "%%%"}).status_code == 400


def test_who_has_no_role_sees_everything_and_says_nothing(client_as: Any, licensed: None) -> None:
    viewer = client_as("viewer")
    tree = page(viewer.get("/colophon/licences/1"))
    assert not tree.xpath("//form[@data-post]")
    assert "The role rights supplies what is unknown" in words(tree)
    for path, body in (
        ("1/terms", {"field": "ends", "state": "perpetual"}), ("1/serves", {"title": "1"}), ("1/serves/1/untie", {}),
        ("sheets", {"name": "a.csv", "content": ""}), ("flags/1/resolve", {"note": "x"}), ("flags/1/acknowledge", {"note": "x"}),
    ):  # fmt: skip
        assert viewer.post(f"/colophon/licences/{path}", json=body).status_code == 403, path
    assert [viewer.get(f"/colophon/licences/sheets/{path}").status_code for path in ("1/answer", "open")] == [403, 403]


def test_the_team_of_a_flag_settles_it_without_the_role_rights(client_as: Any, licensed: None, people: Any) -> None:
    people(production=["ada"])
    member = client_as("viewer")
    assert len(page(member.get("/colophon/licences/1")).xpath("//form[@data-post]")) == 1
    assert member.post("/colophon/licences/flags/2/resolve", json={"note": "reprint moved"}).status_code == 200
    assert member.post("/colophon/licences/flags/1/resolve", json={"note": "x"}).status_code == 403


@pytest.fixture
def people(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes who has which role, beside the rest of the configuration."""
    import shutil

    from include.partners.registry import config_root

    shutil.copytree(config_root(), tmp_path / "config")
    monkeypatch.setenv("COLOPHON_CONFIG", str(tmp_path / "config"))

    def write(**roles: list[str]) -> None:
        lines = [f"{role} = {json.dumps(names)}" for role, names in ({"rights": []} | roles).items()]
        (tmp_path / "config" / "people.toml").write_text("[roles]\n" + "\n".join(lines) + "\n")

    return write


def test_sheets_of_invoice_terms_and_what_could_not_be_read(client: Any, licensed: None) -> None:
    tree = page(client.get("/colophon/licences?show=sheets"))
    told = words(tree)
    assert "row 4: no such asset. Look it up." in told
    assert "orders: not enabled Ask." in told
    assert client.get(tree.xpath("//a[@download]/@href")[0]).headers["content-disposition"].startswith("attachment")


def test_what_another_site_sends_is_refused(client: Any, licensed: None) -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}
    body = json.dumps({"field": "ends", "state": "perpetual"})
    assert client.post("/colophon/licences/2/terms", content=body, headers=headers).status_code == 403


def test_a_title_shows_licences_of_its_images_with_their_flags(client_as: Any, licensed: None) -> None:
    told = words(page(client_as("viewer").get("/colophon/titles/1")).get_element_by_id("h-licences").getparent())
    assert "Lighthouse at dusk" in told
    assert "publication It ends before the reprint production stops deliveries" in told
    assert HOSTILE in told  # one that serves every edition
    assert "Gull over the harbour" not in told
    other = client_as("viewer").get("/colophon/titles/2")
    assert "no title known" not in other.text


def test_a_title_shows_its_covers_with_every_version_and_why_not(client: Any, seeded: Any, ledger: Any) -> None:
    from include.store import ArtefactStore

    fill_covers(ledger, ArtefactStore())
    tree = page(client.get("/colophon/titles/1"))
    front, back = (tree.xpath(f"//article[@aria-label='{name}']")[0] for name in ("Front cover", "Back cover"))
    assert "Front cover live in Consonance" in words(front)
    assert "Supporting resource 77. Consonance took it." in words(front)
    assert front.xpath(".//li/span/text()") == ["waits for approval", "rejected", "earlier"]
    assert front.xpath(".//details//li/span/text()") == ["rejected", "earlier"], "what waits is not hidden"
    assert client.get(front.xpath(".//img/@src")[0]).headers["content-type"] == "image/jpeg"
    assert len(front.xpath(".//li//img")) == 1  # the earlier one; the others were never fetched
    assert "none from Cloudinary" in words(back)
    assert "refused covers/harbour_back" in words(back).replace("refusedcovers", "refused covers")
    assert f"CMYK {HOSTILE}. Export it as sRGB." in words(back)
    assert "Front cover" not in client.get("/colophon/titles/3").text
