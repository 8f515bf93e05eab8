# ruff: noqa: E501 - rows read best as rows
import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import html
from sqlalchemy import select

from include.ledger.models import DeliveryRow, EventRow
from include.partners import Partner, load_parties
from tests.ui.conftest import HOSTILE, ISBNS

pytestmark = pytest.mark.airflow
PLUGINS = Path(__file__).resolve().parents[2] / "plugins"


def page(answer, status=200):
    assert answer.status_code == status, answer.text[-1500:]
    return html.fromstring(answer.text)


def words(tree) -> str:
    return " ".join(tree.text_content().split())


# --- log-in


def routes():
    from fastapi.routing import APIRoute

    from colophon.ui.app import app

    found, left = [], list(app.routes)
    while left:
        route = left.pop()
        if isinstance(route, APIRoute):
            found.append(route)
        elif getattr(route, "original_router", None) is not None:
            left.extend(route.original_router.routes)
        else:
            left.extend(getattr(route, "routes", []) or [])
    return found


def test_every_route_asks_for_a_log_in(client_as, seeded) -> None:
    nobody = client_as(None)
    known = routes()
    assert len(known) >= 11
    for route in known:
        path = re.sub(r"\{partner_id\}", "northgate", route.path)
        path = re.sub(r"\{name\}", "colophon.css", path)
        path = re.sub(r"\{\w+\}", "1", path)
        for method in route.methods:
            answer = nobody.request(method, f"/colophon{path}", json={} if method == "POST" else None, follow_redirects=False)
            assert answer.status_code == 401, (method, path, answer.status_code)
            assert "LQ_" not in answer.text


def test_a_forged_or_stale_log_in_is_no_log_in(client_as, seeded) -> None:
    client = client_as(None)
    client.cookies.set("_token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEiLCJyb2xlIjoiYWRtaW4ifQ.")
    assert client.get("/colophon/deliveries").status_code in {401, 403}


def test_documentation_that_stands_outside_the_log_in_is_not_served(client_as) -> None:
    for path in ("docs", "redoc", "openapi.json"):
        assert client_as("admin").get(f"/colophon/{path}").status_code == 404


def test_the_page_without_log_in_says_so_to_people(client_as) -> None:
    assert "You are not logged in" in words(page(client_as(None).get("/colophon/deliveries"), 401))


# --- the list


def test_the_list_shows_deliveries_and_partners(client, seeded) -> None:
    tree = page(client.get("/colophon/deliveries"))
    numbers = [int(link.text) for link in tree.xpath("//tbody/tr/th/a")]
    assert numbers == [seeded.waiting, seeded.delivered, seeded.failed, seeded.answered]
    assert [link.text for link in tree.xpath("//a[@class='card-name']")] == [
        party.name for party in sorted(load_parties(), key=lambda party: not isinstance(party, Partner))
    ]
    northgate = words(tree.xpath("//li[contains(@class, 'card')][.//a[text()='Northgate Distribution']]")[0])
    assert "1 held back" in northgate
    assert "1 rejected" in northgate
    assert "awaiting approval" in northgate
    assert "overdue" in northgate
    assert {option.text for option in tree.xpath("//select[@name='state']/option")} >= {"awaiting approval", "overdue"}


@pytest.mark.parametrize(
    ("query", "want"),
    [
        ("partner=dropwell", ["delivered"]),
        ("state=failed", ["failed"]),
        ("state=overdue", ["failed"]),
        ("flow=metadata_feed&partner=northgate", ["waiting", "failed", "answered"]),
        ("isbn=978-1-915000-05-7", ["answered"]),
        ("text=LQ_after_1", ["failed"]),
        ("since=2020-01-01&until=2020-01-02", []),
        ("partner=dropwell&tz=Asia/Tokyo", ["delivered"]),
        ("partner=&flow=&state=&isbn=", ["waiting", "delivered", "failed", "answered"]),
    ],
)
def test_the_list_is_filtered(client, seeded, query: str, want: list[str]) -> None:
    tree = page(client.get(f"/colophon/deliveries?{query}"))
    assert [int(link.text) for link in tree.xpath("//tbody/tr/th/a")] == [getattr(seeded, name) for name in want]
    if not want:
        assert "No delivery fits." in words(tree)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("state=lost", "'lost' is no state of a delivery."),
        ("since=yesterday", "'yesterday' is no day: write it as 2026-11-21."),
        ("since=2026-12-01&until=2026-11-01", "The first day is after the last."),
        ("isbn=abc", "'abc' is no ISBN."),
        ("tz=Mars/Olympus", "'Mars/Olympus' is no time zone."),
        ("tz=../../etc/passwd", "is no time zone."),
        ("after=x", "The page's address was cut"),
        ("since=%3Cscript%3Ealert(1)%3C/script%3E", "is no day"),
    ],
)
def test_bad_filters_are_refused_in_words(client, query: str, says: str) -> None:
    answer = client.get(f"/colophon/deliveries?{query}")
    tree = page(answer, 400)
    assert says in words(tree.xpath("//*[@role='alert']")[0])
    assert not tree.xpath("//script[not(@src)]")


def test_long_lists_turn_pages(client_as, ledger) -> None:
    from datetime import UTC, datetime

    with ledger.session() as session:
        for number in range(120):
            session.add(
                DeliveryRow(
                    partner="northgate", flow="f", business_key="k", digest=str(number), state="delivered", created_at=datetime.now(UTC)
                )
            )
    client, seen, address = client_as("admin"), [], "/colophon/deliveries?partner=northgate"
    for rows in (50, 50, 20):
        tree = page(client.get(address))
        numbers = [int(link.text) for link in tree.xpath("//tbody/tr/th/a")]
        assert len(numbers) == rows
        seen += numbers
        older = tree.xpath("//a[@rel='next']/@href")
        address = f"/colophon/deliveries{older[0]}" if older else ""
    assert (seen, address) == (list(range(120, 0, -1)), "")


def test_an_empty_ledger_says_how_to_begin(client_as) -> None:
    assert "Nothing has been delivered yet." in words(page(client_as("admin").get("/colophon/deliveries")))


def test_a_broken_partner_file_is_named_and_the_rest_is_shown(client, colophon_home, monkeypatch) -> None:
    import shutil

    config = colophon_home / "config"
    shutil.copytree(PLUGINS.parent / "config", config)
    (config / "partners" / "broken.toml").write_text("id = [")
    monkeypatch.setenv("COLOPHON_CONFIG", str(config))
    tree = page(client.get("/colophon/deliveries"))
    assert "broken.toml" in words(tree.xpath("//*[@role='alert']")[0])
    assert len(tree.xpath("//tbody/tr")) == 4


# --- a delivery


def test_a_delivery_shows_all_that_is_known_of_it(client, seeded) -> None:
    text = words(page(client.get(f"/colophon/deliveries/{seeded.answered}")))
    for part in (
        "acknowledged", "/inbox/LQ_after_0.xml", "hash", "x.1", "03 Notification confirmed", "rejected", "ack<1>.xml", "partly", "SHA256:abc",
        "file delivered", "price-missing", "Held back from this partner now", "DAG run",
    ):  # fmt: skip
        assert part in text, part


def test_the_dag_run_is_linked(client, seeded) -> None:
    tree = page(client.get(f"/colophon/deliveries/{seeded.answered}"))
    assert tree.xpath("//a[text()='DAG run']/@href") == ["/dags/metadata_feed__x/runs/scheduled__2026-11-20T01%3A30%3A00%2B00%3A00"]


def test_reasons_say_why_it_failed_and_what_waits_for_a_person(client, seeded) -> None:
    failed = words(page(client.get(f"/colophon/deliveries/{seeded.failed}")))
    assert "Why it failed" in failed
    assert "the partner's disk is full" in failed
    waiting = page(client.get(f"/colophon/deliveries/{seeded.waiting}"))
    assert "9999 records in a delta" in words(waiting)
    assert waiting.xpath("//button[@data-open='redeliver']/@disabled")
    assert "A delivery that is awaiting approval can't be sent again." in words(waiting)


def test_titles_of_a_delivery_can_be_narrowed_to_the_rejected(client, seeded) -> None:
    tree = page(client.get(f"/colophon/deliveries/{seeded.answered}?answer=rejected"))
    assert [link.get("href") for link in tree.xpath("//section[@aria-labelledby='h-titles']//tbody//th/a")] == ["/colophon/titles/2"]


def test_nothing_of_the_ledger_becomes_markup(client, seeded) -> None:
    for path in (
        "deliveries",
        f"deliveries/{seeded.answered}",
        "titles",
        "titles/3",
        "titles/5",
        "partners/northgate",
        "titles?text=<script>",
    ):
        answer = client.get(f"/colophon/{path}")
        assert "<script>alert" not in answer.text
        assert not page(answer).xpath("//script[not(@src)]")
    assert HOSTILE in words(page(client.get("/colophon/titles/5")))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("deliveries/0", 404), ("deliveries/-1", 404), ("deliveries/987654", 404), (f"deliveries/{2**80}", 404), ("deliveries/abc", 400),
        ("deliveries/1?after=x", 400), ("titles/987654", 404), ("titles/abc", 400), (f"titles/{2**80}", 404), ("titles/1/records?left=nobody", 404),
        ("deliveries/1/records/987654", 404), ("deliveries/1/files/987654", 404), ("deliveries/987654/files/1", 404),
        ("partners/nobody", 404), ("partners/..%2f..%2fetc", 404), ("partners/northgate?show=everything", 404),
        ("partners/nobody/rejects.csv", 404), ("static/..%2fapp.py", 404), ("static/app.py", 404), ("nowhere", 404),
        ("titles?text=9789999999991", 404),
    ],
)  # fmt: skip
def test_what_is_not_there_gets_a_readable_page(client, path: str, status: int) -> None:
    answer = client.get(f"/colophon/{path}")
    tree = page(answer, status)
    assert tree.xpath("//h1")
    assert "Traceback" not in answer.text


def test_a_ledger_that_can_not_be_read_is_said_to_be(client_as, colophon_home, monkeypatch) -> None:
    monkeypatch.setenv("COLOPHON_LEDGER", f"sqlite:///{colophon_home / 'new.sqlite'}")
    assert "colophon ledger upgrade" in words(page(client_as("admin").get("/colophon/deliveries"), 503))


def test_an_unforeseen_error_shows_no_stack_trace(client, monkeypatch) -> None:
    from include.ledger import lists

    def broken(*args, **named):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(lists, "flows", broken)
    answer = client.get("/colophon/deliveries")
    assert "This page failed" in words(page(answer, 500))
    assert "secret detail" not in answer.text


# --- files


def test_the_bytes_that_were_sent_can_be_saved(client, seeded, ledger, store) -> None:
    with ledger.read() as session:
        file = session.get_one(DeliveryRow, seeded.answered).files[0]
    answer = client.get(f"/colophon/deliveries/{seeded.answered}/files/{file.id}")
    assert answer.content == store.read(file.sha256, 0, file.bytes)
    assert answer.headers["content-disposition"] == "attachment; filename=\"LQ_after_0.xml\"; filename*=UTF-8''LQ_after_0.xml"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_file_of_another_delivery_is_not_given(client, seeded, ledger) -> None:
    with ledger.read() as session:
        file = session.get_one(DeliveryRow, seeded.answered).files[0]
    assert client.get(f"/colophon/deliveries/{seeded.failed}/files/{file.id}").status_code == 404


def test_names_can_not_break_the_header() -> None:
    from colophon.ui.files import attachment

    header = attachment('a";\r\nSet-Cookie: x="ü.xml')
    assert "\r" not in header
    assert "\n" not in header
    assert header.count('"') == 2


def test_held_titles_come_as_csv(client) -> None:
    import csv

    answer = client.get("/colophon/partners/northgate/rejects.csv")
    rows = list(csv.reader(answer.content.decode("utf-8-sig").splitlines()))
    assert rows[1][:3] == ["3", ISBNS[3], "price-missing"]


def test_every_answer_forbids_foreign_scripts_and_frames(client) -> None:
    headers = client.get("/colophon/deliveries").headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["cache-control"] == "private, no-store"


# --- titles and partners


def test_a_title_says_what_each_partner_has_and_why_not(client, seeded) -> None:
    text = words(page(client.get("/colophon/titles/2")))
    assert "The Borrowed Harbour 2" in text
    assert "rejected" in text
    assert "No feed has looked at it" in text
    held = words(page(client.get("/colophon/titles/3")))
    assert "price-missing" in held
    assert "Add it." in held


def test_an_isbn_leads_to_its_title(client) -> None:
    answer = client.get("/colophon/titles?isbn=978-1-915000-03-3", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/colophon/titles/3")


def test_titles_are_found_by_their_words_and_the_start_of_an_isbn(client) -> None:
    def found(text: str) -> list[str]:
        return page(client.get("/colophon/titles", params={"text": text})).xpath("//tbody//th/a/@href")

    assert found("BORROWED  harbour 2") == ["/colophon/titles/2"]
    assert found("978191500003") == ["/colophon/titles/3"]
    assert found("%") == []
    assert found("_") == []
    assert len(found("")) == 5


def test_flavours_are_compared_side_by_side(client) -> None:
    tree = page(client.get("/colophon/titles/1/records"))
    assert [words(side) for side in tree.xpath("//section[@class='side']/h2")] == ["Dropwell Trade", "Northgate Distribution"]
    assert "<!-- northgate -->" in words(tree)
    swapped = page(client.get("/colophon/titles/1/records?left=northgate&right=dropwell"))
    assert [words(side) for side in swapped.xpath("//section[@class='side']/h2")] == ["Northgate Distribution", "Dropwell Trade"]
    assert "No partner has received this title." in words(page(client.get("/colophon/titles/4/records")))


def test_one_record_of_one_delivery_is_shown(client, seeded) -> None:
    assert "<RecordReference>x.5</RecordReference>" in words(page(client.get(f"/colophon/deliveries/{seeded.answered}/records/5")))


@pytest.mark.parametrize(
    ("show", "want"), [("held", [3]), ("rejected", [2]), ("not-selected", [4]), ("not-sent", [2, 3, 4]), ("received", [1, 5])]
)
def test_a_partner_page_lists_titles_by_how_they_stand(client, show: str, want: list[int]) -> None:
    tree = page(client.get(f"/colophon/partners/northgate?show={show}"))
    assert tree.xpath("//tbody//th/a/@href") == [f"/colophon/titles/{number}" for number in want]


# --- for everybody


def test_pages_are_built_for_keyboards_and_screen_readers(client, seeded) -> None:
    for path in (
        "deliveries",
        f"deliveries/{seeded.answered}",
        "titles",
        "titles/1",
        "titles/1/records",
        "partners/northgate",
        "deliveries/987654",
    ):
        tree = html.fromstring(client.get(f"/colophon/{path}").text)
        assert tree.get("lang") == "en"
        assert len(tree.xpath("//h1")) == 1, path
        assert tree.xpath("//main[@id='content']")
        assert tree.xpath("//a[@class='skip'][@href='#content']")
        assert tree.xpath("//title/text()")[0].endswith("· Colophon")
        for table in tree.xpath("//table"):
            assert table.xpath("thead//th[@scope='col']")
            assert not table.xpath("thead//th[not(@scope)]")
        for field in tree.xpath("//input[not(@type='hidden')] | //select"):
            assert field.xpath("ancestor::label") or tree.xpath(f"//label[@for='{field.get('id')}']"), field.get("name")
        for button in tree.xpath("//button | //a[@href]"):
            assert words(button) or button.get("aria-label"), html.tostring(button)
        ids = tree.xpath("//@id")
        assert len(ids) == len(set(ids))
        assert not tree.xpath("//@style | //@onclick")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_have_enough_contrast(theme: str) -> None:
    css = (PLUGINS / "colophon/ui/static/colophon.css").read_text()
    block = css.split(':root[data-theme="dark"]')[0 if theme == "light" else 1].split("}")[0]
    colours = {
        name: tuple(int(value.ljust(6, "0") if len(value) == 6 else "".join(c * 2 for c in value), 16).to_bytes(3))
        for name, value in re.findall(r"--([\w-]+): #([0-9a-f]{3,6})", block)
    }

    def light(colour) -> float:
        parts = [value / 255 for value in colour]
        return sum(
            weight * (v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4)
            for weight, v in zip((0.2126, 0.7152, 0.0722), parts, strict=True)
        )

    pairs = [("ink", "page"), ("dim", "page"), ("dim", "panel"), ("link", "page"), ("accent-ink", "accent"), ("dim", "off-page")]
    pairs += [(name, f"{name}-page") for name in ("good", "busy", "ask", "bad", "off")] + [
        ("bad", "panel"),
        ("x-name", "panel"),
        ("x-attr", "panel"),
    ]
    for front, back in pairs:
        one, two = sorted((light(colours[front]), light(colours[back])), reverse=True)
        assert (one + 0.05) / (two + 0.05) >= (4.0 if front == "accent-ink" else 4.5), (theme, front, back)


# --- the plugin


def test_the_plugin_is_what_airflow_loads_and_nothing_else(airflow_home) -> None:
    from airflow import plugins_manager

    plugins_manager._get_plugins.cache_clear()
    plugins, errors = plugins_manager._get_plugins()
    assert errors == {}
    ours = [plugin for plugin in plugins if plugin.name == "colophon"]
    assert [(view["name"], view["category"], view["url_route"]) for view in ours[0].external_views] == [
        (name, "Publishing", name.lower()) for name in ("Deliveries", "Titles", "Quarantine", "Readiness", "Licences", "Sales", "Imports", "Migration", "Connections")
    ]  # fmt: skip
    ran = [
        Path(module.__file__)
        for module in list(sys.modules.values())
        if getattr(module, "__file__", None) and module.__name__ == Path(module.__file__).stem
    ]
    assert [path.name for path in ran if path.is_relative_to(PLUGINS)] in (["colophon_plugin.py"], [])


def test_loading_the_plugin_imports_no_pages() -> None:
    code = "import sys, colophon_plugin; print([name for name in ('colophon.ui.app', 'include.ledger.database', 'jinja2') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "colophon.ui.app" not in done.stdout
    assert "include.ledger.database" not in done.stdout


def test_only_plugins_are_run_by_the_loader() -> None:
    lines = [line for line in (PLUGINS / ".airflowignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ["*.py", "!*_plugin.py"]
    assert [path.name for path in PLUGINS.rglob("*_plugin.py")] == ["colophon_plugin.py"]
    tree = ast.parse((PLUGINS / "colophon_plugin.py").read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and str(node.module).startswith("include")]


# --- redeliver


JSON = {"Origin": "http://airflow.example", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def redeliver_dag(airflow_home) -> None:
    """The DAG, known to Airflow's database."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

    DagBundlesManager().sync_bundles_to_db()
    bag = DagBag(str(PLUGINS.parent / "dags" / "redeliver.py"), bundle_name="dags-folder")
    sync_bag_to_db(bag, "dags-folder", None)


def test_the_button_starts_the_dag_with_the_users_name(client, seeded, ledger, redeliver_dag) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    answer = client.post(f"/colophon/deliveries/{seeded.failed}/redeliver", json={"mode": "as sent"}, headers=JSON)
    assert answer.status_code == 202, answer.text
    said = answer.json()
    assert said["url"].startswith("/dags/redeliver/runs/manual__")
    with create_session() as session:
        run = session.scalars(select(DagRun).where(DagRun.run_id == said["run_id"])).one()
        assert run.conf == {"delivery_id": seeded.failed, "mode": "as sent", "dry_run": False}
        assert run.triggering_user_name == "ada"
    with ledger.read() as session:
        event = session.scalars(select(EventRow).where(EventRow.what == "redelivery asked for")).one()
        assert (event.who, event.delivery_id, event.subject) == ("ada", seeded.failed, said["run_id"])


def test_a_viewer_may_look_but_not_redeliver(client_as, seeded) -> None:
    viewer = client_as("viewer")
    tree = page(viewer.get(f"/colophon/deliveries/{seeded.failed}"))
    assert tree.xpath("//button[@data-open='redeliver']/@disabled")
    assert "Your role may not start the DAG redeliver." in words(tree)
    answer = viewer.post(f"/colophon/deliveries/{seeded.failed}/redeliver", json={}, headers=JSON)
    assert (answer.status_code, "error" in answer.json()) == (403, True)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://airflow.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
def test_another_site_can_not_press_the_button(client, seeded, headers) -> None:
    answer = client.post(f"/colophon/deliveries/{seeded.failed}/redeliver", json={}, headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.json()["error"]


def test_a_form_can_not_press_the_button(client, seeded) -> None:
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"):
        answer = client.post(
            f"/colophon/deliveries/{seeded.failed}/redeliver", content='{"mode":"as sent"}', headers=JSON | {"Content-Type": kind}
        )
        assert answer.status_code in {400, 415}, kind
    assert client.get(f"/colophon/deliveries/{seeded.failed}/redeliver").status_code in {404, 405}


@pytest.mark.parametrize(
    ("body", "status"),
    [({"mode": "twice"}, 400), ({"mode": "as sent", "who": "eve"}, 400), ([], 400), ({"dry_run": "perhaps"}, 400)],
)
def test_a_wish_that_makes_no_sense_is_refused(client, seeded, body, status: int) -> None:
    answer = client.post(f"/colophon/deliveries/{seeded.failed}/redeliver", json=body, headers=JSON)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_what_can_not_go_again_is_refused(client, seeded) -> None:
    answer = client.post(f"/colophon/deliveries/{seeded.waiting}/redeliver", json={}, headers=JSON)
    assert (answer.status_code, answer.json()["error"]) == (409, f"Delivery {seeded.waiting} is awaiting approval.")
    assert client.post("/colophon/deliveries/987654/redeliver", json={}, headers=JSON).status_code == 404
