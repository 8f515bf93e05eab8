# ruff: noqa: E501 - rows read best as rows
"""The pages in Airflow, in a real browser: frame, menu, log-in, filters, the button, the dark."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.airflow_home import ROOT, environment
from tests.ui.conftest import ISBNS, fill
from tests.ui.test_imports_page import fill_imports
from tests.ui.test_licences_page import fill_licences
from tests.ui.test_migration_page import fill_archive
from tests.ui.test_quarantine_page import fill_arrivals
from tests.ui.test_readiness_page import fill_readiness
from tests.ui.test_record import fill_files
from tests.ui.test_sales_page import fill_sales

CHROMIUM = next(
    (path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome") if Path(path).exists()), None
)
DRIVER = shutil.which("chromedriver") or ("/usr/bin/chromedriver" if Path("/usr/bin/chromedriver").exists() else None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.airflow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no Chromium with its driver here"),
]
WAIT = 60  # seconds; the machine may be busy


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def airflow(airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Airflow's API server with our plugin, a filled ledger, the DAG `redeliver`, an admin and a viewer."""
    from include.ledger.database import Ledger
    from include.store import ArtefactStore

    home, port = tmp_path_factory.mktemp("airflow"), _free_port()
    colophon = tmp_path_factory.mktemp("colophon")
    ledger = Ledger(str(colophon / "ledger.sqlite"))
    ledger.upgrade()
    store = ArtefactStore(str(colophon / "store"))
    ids = fill(ledger, store)
    ids.files, ids.arrivals = fill_files(ledger, store), fill_arrivals(ledger, store)
    fill_readiness(ledger)
    fill_archive(ledger)
    fill_sales(ledger)
    fill_imports(ledger, store)
    fill_licences(ledger, store)
    (home / "simple_auth_manager_passwords.json.generated").write_text(json.dumps({"ada": "ada", "vera": "vera"}))
    (home / "connections.json").write_text("{}")
    env = os.environ | environment(home)
    env |= {
        "COLOPHON_HOME": str(colophon),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "ada:admin,vera:viewer",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
    }
    for name in ("COLOPHON_LEDGER", "COLOPHON_STORE", "COLOPHON_CONFIG"):
        env.pop(name, None)
    log = (home / "server.log").open("wb")

    def run(*words: str) -> list[str]:
        return [sys.executable, "-m", "airflow", *words]

    with closing(sqlite3.connect(airflow_home / "airflow.db")) as made, closing(sqlite3.connect(home / "airflow.db")) as copy:
        made.backup(copy)
    subprocess.run(run("dags", "reserialize"), env=env, cwd=ROOT, check=True, stdout=log, stderr=log, timeout=180)
    server = subprocess.Popen(run("api-server", "--host", "127.0.0.1", "--port", str(port)), env=env, cwd=ROOT, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _until(lambda: _answers(f"{url}/api/v2/version"), server, home / "server.log")
        yield SimpleNamespace(url=url, ids=ids, ledger=ledger, cookies={})
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
        ledger.dispose()
        log.close()


def _answers(url: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _until(true: Any, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and server.poll() is None:
        if true():
            return
        time.sleep(0.3)
    pytest.fail(f"the API server did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--no-proxy-server",
        "--disable-dev-shm-usage", f"--user-data-dir={tmp_path_factory.mktemp('chromium')}", "--window-size=1500,1000",
    ):  # fmt: skip
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browser(airflow: SimpleNamespace, chromium: Any) -> Any:
    """The browser, logged in as ada, in light colours, with an empty log."""
    log_in(chromium, airflow, "ada")
    chromium.execute_script("localStorage.removeItem('theme'); localStorage.removeItem('timezone')")
    chromium.get_log("browser")
    return chromium


def wait(browser: Any, for_what: Any) -> Any:
    from selenium.common.exceptions import StaleElementReferenceException
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, WAIT, ignored_exceptions=[StaleElementReferenceException]).until(for_what)


def log_in(browser: Any, airflow: SimpleNamespace, who: str) -> None:
    """By the form the first time, which loads all of Airflow twice; then by the cookies that it gave."""
    browser.get(f"{airflow.url}/api/v2/version")
    browser.delete_all_cookies()
    if who in airflow.cookies:
        for cookie in airflow.cookies[who]:
            browser.add_cookie(cookie)
        return
    browser.get(f"{airflow.url}/auth/login")
    wait(browser, lambda b: b.find_elements("name", "username"))
    browser.find_element("name", "username").send_keys(who)
    browser.find_element("name", "password").send_keys(who)
    browser.find_element("css selector", "button[type=submit]").click()
    wait(browser, lambda b: "/auth/login" not in b.current_url and b.get_cookie("_token"))
    airflow.cookies[who] = browser.get_cookies()


def in_frame(browser: Any, airflow: SimpleNamespace, path: str = "") -> None:
    """Opens a page as people do: inside Airflow."""
    browser.get(f"{airflow.url}/plugin/deliveries{path}")
    wait(browser, lambda b: b.find_elements("css selector", "iframe[title=Deliveries]"))
    browser.switch_to.frame(browser.find_element("css selector", "iframe[title=Deliveries]"))
    wait(browser, lambda b: b.find_elements("css selector", "main"))


def complaints(browser: Any) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def test_the_menu_leads_to_deliveries(browser: Any, airflow: SimpleNamespace) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    browser.get(f"{airflow.url}/")
    menu = wait(browser, lambda b: b.find_elements("xpath", "//div[normalize-space(text())='Plugins']"))
    menu[0].click()
    publishing = wait(browser, lambda b: [e for e in b.find_elements("xpath", "//*[text()='Publishing']") if e.is_displayed()])
    ActionChains(browser).move_to_element(publishing[0]).click().perform()
    entry = wait(browser, lambda b: [e for e in b.find_elements("xpath", "//a[contains(@href, 'plugin/deliveries')]") if e.is_displayed()])
    for name in ("titles", "quarantine", "readiness", "licences", "migration", "connections"):
        assert browser.find_elements("css selector", f"a[href*='plugin/{name}']"), name
    entry[0].click()
    wait(browser, lambda b: "/plugin/deliveries" in b.current_url)
    browser.switch_to.frame(wait(browser, lambda b: b.find_elements("css selector", "iframe[title=Deliveries]"))[0])
    assert wait(browser, lambda b: len(b.find_elements("css selector", "tr[data-row]"))) == 4
    browser.switch_to.default_content()
    assert complaints(browser) == []


def test_filter_then_open_a_delivery_and_come_back_by_address(browser: Any, airflow: SimpleNamespace) -> None:
    in_frame(browser, airflow)
    from selenium.webdriver.support.ui import Select

    Select(browser.find_element("id", "f-state")).select_by_visible_text("failed")
    browser.find_element("css selector", "form.filters button").click()
    wait(browser, lambda b: len(b.find_elements("css selector", "tr[data-row]")) == 1)
    browser.find_element("css selector", "tr[data-row] td:nth-child(3)").click()  # anywhere in the row
    wait(browser, lambda b: b.find_elements("xpath", f"//h1[contains(., 'Delivery {airflow.ids.failed}')]"))
    browser.switch_to.default_content()
    wait(browser, lambda b: b.current_url.endswith(f"/plugin/deliveries/colophon/deliveries/{airflow.ids.failed}"))
    browser.refresh()
    browser.switch_to.frame(wait(browser, lambda b: b.find_elements("css selector", "iframe[title=Deliveries]"))[0])
    assert wait(browser, lambda b: b.find_elements("xpath", f"//h1[contains(., 'Delivery {airflow.ids.failed}')]"))


def test_redeliver_starts_a_run_and_leads_to_it(browser: Any, airflow: SimpleNamespace) -> None:
    from sqlalchemy import select

    from include.ledger.models import EventRow

    in_frame(browser, airflow, f"/colophon/deliveries/{airflow.ids.failed}")
    browser.find_element("css selector", "[data-open=redeliver]").click()
    dialog = wait(browser, lambda b: b.find_element("id", "redeliver").get_attribute("open") and b.find_element("id", "redeliver"))
    assert "Send delivery" in dialog.text
    dialog.find_element("css selector", "[name=dry_run]").click()
    dialog.find_element("css selector", "[type=submit]").click()
    outcome = wait(browser, lambda b: b.find_element("id", "outcome").is_displayed() and b.find_element("id", "outcome"))
    assert "run" in outcome.text, outcome.text
    with airflow.ledger.read() as session:
        event = session.scalars(select(EventRow).where(EventRow.what == "redelivery asked for")).one()
        assert (event.who, event.delivery_id, event.detail) == ("ada", airflow.ids.failed, {"mode": "as sent", "dry_run": True})
    outcome.find_element("tag name", "a").click()
    browser.switch_to.default_content()
    wait(browser, lambda b: "/dags/redeliver/runs/manual__" in b.current_url)


def test_a_link_to_the_dag_run_leaves_the_frame(browser: Any, airflow: SimpleNamespace) -> None:
    in_frame(browser, airflow, f"/colophon/deliveries/{airflow.ids.answered}")
    browser.find_element("link text", "DAG run").click()
    browser.switch_to.default_content()
    wait(browser, lambda b: "/dags/metadata_feed__x/runs/" in b.current_url)


def test_the_keyboard_is_enough(browser: Any, airflow: SimpleNamespace) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.get(f"{airflow.url}/colophon/deliveries/{airflow.ids.failed}")
    browser.find_element("tag name", "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to content"
    button = browser.find_element("css selector", "[data-open=redeliver]")
    for _ in range(20):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if browser.switch_to.active_element == button:
            break
    assert browser.switch_to.active_element == button
    outline = browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    button.send_keys(Keys.ENTER)
    wait(browser, lambda b: b.find_element("id", "redeliver").get_attribute("open"))
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    wait(browser, lambda b: not b.find_element("id", "redeliver").get_attribute("open"))
    assert complaints(browser) == []


def background(browser: Any) -> str:
    return str(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))


def test_the_pages_are_dark_when_airflow_or_the_system_is(browser: Any, airflow: SimpleNamespace) -> None:
    def system(scheme: str) -> None:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    browser.get(f"{airflow.url}/colophon/deliveries")
    light, dark = "rgb(255, 255, 255)", "rgb(0, 0, 0)"
    for scheme, theme, want in (
        ("light", None, light), ("dark", None, dark), ("light", "dark", dark), ("dark", "light", light), ("dark", "system", dark), ("light", "system", light),
    ):  # fmt: skip
        system(scheme)
        browser.execute_script("arguments[0] ? localStorage.setItem('theme', arguments[0]) : localStorage.removeItem('theme')", theme)
        browser.refresh()
        assert background(browser) == want, (scheme, theme)
    system("light")
    browser.execute_script("localStorage.removeItem('theme')")


def test_a_theme_chosen_in_airflow_reaches_the_open_page(browser: Any, airflow: SimpleNamespace) -> None:
    in_frame(browser, airflow)
    browser.switch_to.default_content()
    browser.execute_script("localStorage.setItem('theme', 'dark')")
    browser.switch_to.frame(browser.find_element("css selector", "iframe[title=Deliveries]"))
    wait(browser, lambda b: background(b) == "rgb(0, 0, 0)")


def test_times_are_in_the_zone_chosen_in_airflow(browser: Any, airflow: SimpleNamespace) -> None:
    browser.get(f"{airflow.url}/colophon/deliveries")
    browser.execute_script("localStorage.setItem('timezone', 'Asia/Tokyo')")
    before = browser.find_element("css selector", "tr[data-row] time").text
    browser.refresh()
    assert browser.find_element("css selector", "[data-zone-name]").text == "Asia/Tokyo"
    assert browser.find_element("css selector", "tr[data-row] time").text != before
    assert "UTC" in browser.find_element("css selector", "tr[data-row] time").get_attribute("title")


def test_a_viewer_sees_and_can_not_press(airflow: SimpleNamespace, chromium: Any) -> None:
    log_in(chromium, airflow, "vera")
    chromium.get(f"{airflow.url}/colophon/deliveries/{airflow.ids.failed}")
    assert not chromium.find_element("css selector", "[data-open=redeliver]").is_enabled()


def test_a_narrow_window_needs_no_sideways_scrolling(browser: Any, airflow: SimpleNamespace) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 400, "height": 900, "deviceScaleFactor": 1, "mobile": False})
    try:
        for path in (
            "deliveries",
            f"deliveries/{airflow.ids.answered}",
            "titles/1",
            "partners/northgate",
            "partners/pressmark",
            "quarantine",
            "readiness",
            "licences",
            "licences/1",
            "licences?show=sheets",
            "sales",
            "sales/1",
            "sales?show=unmatched",
            "imports",
            "imports/sheets/1",
            "migration",
            "migration/vault",
            "connections",
        ):
            browser.get(f"{airflow.url}/colophon/{path}")
            assert browser.execute_script("return document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


# --- files: as the people of a publishing house use the pages


def card(browser: Any, label: str) -> Any:
    return browser.find_element("css selector", f"article[aria-label='{label}']")


def said(browser: Any, words: str) -> bool:
    """Whether the line that tells what came of it is there and says so."""
    return any(words in line.text for line in browser.find_elements("css selector", "#outcome:not([hidden])"))


def press(inside: Any, words: str) -> None:
    inside.find_element("xpath", f".//button[normalize-space(.)='{words}']").click()


def test_artwork_is_looked_at_approved_and_sent_back(browser: Any, airflow: SimpleNamespace) -> None:
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import Select

    in_frame(browser, airflow, "/colophon/titles/1")
    jacket = card(browser, "jacket")
    picture = jacket.find_element("tag name", "img")
    browser.execute_script("arguments[0].scrollIntoView()", picture)
    wait(browser, lambda b: b.execute_script("return arguments[0].naturalWidth", picture) == 60)
    jacket.find_element("css selector", "a.thumb").click()
    assert wait(browser, lambda b: b.find_elements("css selector", "dialog.larger[open] img"))
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    wait(browser, lambda b: not b.find_elements("css selector", "dialog.larger"))

    Select(jacket.find_element("name", "role")).select_by_visible_text("production")
    press(jacket, "Approve")
    wait(browser, lambda b: said(b, "production: approved") and "Production: approved ada" in card(b, "jacket").text)
    jacket = card(browser, "jacket")
    Select(jacket.find_element("name", "role")).select_by_visible_text("editorial")
    press(jacket, "Reject")
    wait(browser, lambda b: said(b, "a rejection needs a note"))
    assert "Editorial: to review" in jacket.text
    jacket.find_element("name", "note").send_keys("The spine is 2 mm off")
    press(jacket, "Reject")
    wait(browser, lambda b: said(b, "editorial: rejected") and "The spine is 2 mm off" in card(b, "jacket").text)

    interior = card(browser, "interior")
    assert "revision 3" in interior.text
    interior.find_element("xpath", ".//summary[.='Review']").click()
    press(interior, "Take off the title")
    assert "revision 3" in card(browser, "interior").text, "the browser itself wants a word on why"
    interior.find_element("css selector", "[data-post$=remove] input").send_keys("another book's")
    press(interior, "Take off the title")
    wait(browser, lambda b: said(b, "is off this title") and "revision 2" in card(b, "interior").text)


def test_arrivals_are_decided_on_quarantine(browser: Any, airflow: SimpleNamespace) -> None:
    from selenium.webdriver.support.ui import Select
    from sqlalchemy import select

    from include.ledger.file_rows import TitleFileRow

    browser.get(f"{airflow.url}/colophon/quarantine")
    press(card(browser, "harbour_aq.txt"), "It is “The Borrowed Harbour”")
    wait(browser, lambda b: said(b, "attached") and not b.find_elements("css selector", "article[aria-label='harbour_aq.txt']"))

    notes = card(browser, "notes.txt")
    notes.find_element("tag name", "summary").click()
    notes.find_element("name", "title").send_keys("9789999999991")
    press(notes, "Attach")
    wait(browser, lambda b: said(b, "fits no titles"))
    notes.find_element("name", "title").clear()
    notes.find_element("name", "title").send_keys(ISBNS[2])
    Select(notes.find_element("name", "kind")).select_by_visible_text("interior")
    press(notes, "Attach")
    wait(browser, lambda b: said(b, "notes.txt: attached") and not b.find_elements("css selector", "article[aria-label='notes.txt']"))
    with airflow.ledger.read() as session:
        file = session.scalars(select(TitleFileRow).where(TitleFileRow.name == "notes.txt")).one()
        assert (file.work_id, file.product_id, file.kind, file.attached_by) == (1, 2, "interior", "ada")

    browser.find_element("partial link text", "set aside").click()
    bomb = wait(browser, lambda b: card(b, "bomb.zip"))
    assert not bomb.find_elements("name", "title")
    bomb.find_element("tag name", "summary").click()
    bomb.find_element("name", "note").send_keys("asked for another")
    press(bomb, "Refuse")
    wait(browser, lambda b: said(b, "bomb.zip: refused"))


def test_readiness_leads_from_the_season_to_a_title(browser: Any, airflow: SimpleNamespace) -> None:
    browser.get(f"{airflow.url}/colophon/readiness")
    browser.find_element("css selector", ".tally a").click()
    wait(browser, lambda b: "state=late" in b.current_url)
    assert {state.text for state in browser.find_elements("css selector", "tr[data-row] td:nth-child(6) > .badge")} == {"late"}
    month = next(bar for bar in browser.find_elements("css selector", "a.b-month") if "Apr 27" in bar.get_attribute("aria-label"))
    month.find_element("css selector", "text.b-label").click()
    wait(browser, lambda b: "month=2027-04" in b.current_url)
    rows = browser.find_elements("css selector", "tr[data-row]")
    assert rows
    assert all(row.text.startswith("2027-04") for row in rows)
    row = next(row for row in rows if "Title 3\n" in row.text)
    row.find_element("css selector", "td.wrap").click()
    wait(browser, lambda b: b.find_elements("xpath", "//h1[contains(., 'The Borrowed Harbour 3')]"))


def test_an_unbalanced_batch_is_explained_and_an_unknown_product_named(browser: Any, airflow: SimpleNamespace) -> None:
    browser.get(f"{airflow.url}/colophon/sales")
    assert len(browser.find_elements("css selector", "figure.season svg")) == 2
    next(link for link in browser.find_elements("css selector", ".tally a") if "unbalanced" in link.text).click()
    wait(browser, lambda b: "state=unbalanced" in b.current_url)
    browser.find_element("css selector", "tr[data-row] td.file").click()
    wait(browser, lambda b: b.find_elements("css selector", "h1 .badge.bad"))
    browser.find_element("name", "note").send_keys("ten pence of bank fees")
    press(browser, "Approve")
    wait(browser, lambda b: said(b, "Batch 1 is approved"))
    assert "ten pence of bank fees" in browser.find_element("tag name", "main").text

    browser.find_element("link text", "Sales").click()
    wait(browser, lambda b: b.find_elements("partial link text", "Unmatched products"))
    browser.find_element("partial link text", "Unmatched products").click()
    wait(browser, lambda b: b.find_elements("id", "product-1"))
    press(browser, "It is “The Borrowed Harbour 1”")
    wait(browser, lambda b: said(b, "Remembered.") and not b.find_elements("id", "product-1"))
    assert complaints(browser) == []


def test_what_getty_never_publishes_is_supplied_by_a_person(browser: Any, airflow: SimpleNamespace, tmp_path: Path) -> None:
    from include.ledger.licence_rows import LicenceRow

    browser.get(f"{airflow.url}/colophon/licences")
    assert len(browser.find_elements("css selector", ".b-line")) == 5
    unknown = next(one for one in browser.find_elements("css selector", "a.b-group") if "unknown" in one.get_attribute("aria-label"))
    unknown.find_element("css selector", "text.b-label").click()
    wait(browser, lambda b: "ends=unknown" in b.current_url)
    browser.find_element("css selector", "tr[data-row] td").click()
    wait(browser, lambda b: b.find_elements("id", "term-territories"))

    def say(field: str, words: str, button: str, *ticks: str) -> None:
        row = browser.find_element("id", f"term-{field}")
        row.find_element("tag name", "summary").click()
        if words:
            row.find_element("name", "value").send_keys(words)
        for tick in ticks:
            row.find_element("css selector", f"input[value={tick}]").click()
        row.find_element("name", "reference").send_keys("invoice 12")
        press(row, button)
        wait(browser, lambda b: said(b, ": written down."))
        browser.refresh()

    assert "a person must supply it: Getty does not publish it" in browser.find_element("id", "term-territories").text
    say("territories", "gb ie", "Write down")
    say("formats", "", "Write down", "print", "ebook")
    say("ends", "", "It is perpetual")
    with airflow.ledger.read() as session:
        row = session.get(LicenceRow, 2)
        assert (row.territories, row.ends_state, row.terms["formats"]["value"]) == (" GB IE ", "perpetual", ["ebook", "print"])
        assert (row.terms["ends"]["reference"], row.terms["ends"]["checked_by"]) == ("invoice 12", "ada")
    told = browser.find_element("id", "term-territories").text
    assert "GB, IE" in told
    assert "by ada" in told
    sheet = tmp_path / "march.csv"
    sheet.write_text("Image ID,Invoice,Print run\n5005,INV 12,4000\n")
    browser.get(f"{airflow.url}/colophon/licences?show=sheets")
    browser.find_element("id", "l-sheet").send_keys(str(sheet))
    press(browser, "Load it")
    wait(browser, lambda b: said(b, "One row: 1 applied"))
    assert complaints(browser) == []


def test_a_flag_is_acknowledged_and_resolved_by_who_must_act(browser: Any, airflow: SimpleNamespace) -> None:
    from selenium.webdriver.support.ui import Select

    browser.get(f"{airflow.url}/colophon/licences")
    Select(browser.find_element("id", "l-team")).select_by_visible_text("production")
    press(browser, "Filter")
    wait(browser, lambda b: "team=production" in b.current_url)
    assert "stops deliveries" in browser.find_element("css selector", "tr[data-row]").text
    browser.find_element("css selector", "tr[data-row] td").click()
    flag = wait(browser, lambda b: card(b, "publication product 1"))
    press(flag, "Acknowledge")
    assert not said(browser, "Acknowledged"), "the browser itself wants a word on it"
    flag.find_element("name", "note").send_keys("asked Getty for two more years")
    press(flag, "Acknowledge")
    wait(browser, lambda b: said(b, "Acknowledged") and "asked Getty" in card(b, "publication product 1").text)
    flag = card(browser, "publication product 1")
    flag.find_element("name", "note").send_keys("extended")
    press(flag, "Resolve")
    wait(browser, lambda b: said(b, "Resolved") and not b.find_elements("id", "flag-2"))
    assert complaints(browser) == []


def test_a_payment_is_entered_and_corrected_after_a_slip(browser: Any, airflow: SimpleNamespace) -> None:
    browser.get(f"{airflow.url}/colophon/sales?show=calendar")
    form = browser.find_element("css selector", "form.entry")
    for name, words in (("period", "2026-03"), ("amount", "much"), ("currency", "GBP"), ("reference", "R-12")):
        form.find_element("name", name).send_keys(words)
    press(form, "Write it down")
    wait(browser, lambda b: said(b, "'much' is no amount"))
    form.find_element("name", "amount").clear()
    form.find_element("name", "amount").send_keys("1,234.50")
    press(form, "Write it down")
    wait(browser, lambda b: said(b, "Written down") and "1,234.50 GBP" in b.find_element("tag name", "main").text)


def test_a_workbook_is_confirmed_and_a_sheet_approved(browser: Any, airflow: SimpleNamespace) -> None:
    from include.ledger.sales_rows import WorkbookRow

    browser.get(f"{airflow.url}/colophon/imports")
    workbook = card(browser, "consonance_1.xlsx")
    press(workbook, "Confirm")  # the browser asks for the tick first
    assert not said(browser, "Confirmed")
    workbook.find_element("name", "loaded").click()
    press(workbook, "Confirm")
    wait(browser, lambda b: said(b, "Confirmed"))
    with airflow.ledger.read() as session:
        assert (session.get(WorkbookRow, 1).state, session.get(WorkbookRow, 1).confirmed_by) == ("confirmed", "ada")

    browser.find_element("partial link text", "Sheets of titles").click()
    wait(browser, lambda b: b.find_elements("css selector", "tr[data-row] th a"))
    browser.find_element("css selector", "tr[data-row] th a").click()
    wait(browser, lambda b: b.find_elements("css selector", "ins"))
    press(browser, "Apply these changes")
    wait(browser, lambda b: said(b, "Approved"))
    assert complaints(browser) == []


def test_fates_of_an_old_archive_lead_to_their_files(browser: Any, airflow: SimpleNamespace) -> None:
    browser.get(f"{airflow.url}/colophon/migration")
    next(link for link in browser.find_elements("css selector", ".tally a") if "unreadable" in link.text).click()
    wait(browser, lambda b: "fate=unreadable" in b.current_url)
    assert len(browser.find_elements("css selector", "tbody tr")) == 40
    assert complaints(browser) == []


def test_a_viewer_sees_files_and_decides_nothing(airflow: SimpleNamespace, chromium: Any) -> None:
    log_in(chromium, airflow, "vera")
    for path, forms in (("titles/1", "[data-post]"), ("quarantine", "[data-post]")):
        chromium.get(f"{airflow.url}/colophon/{path}")
        assert chromium.find_elements("css selector", "article")
        assert not chromium.find_elements("css selector", forms)
    assert "contract.txt" not in chromium.page_source
    chromium.get(f"{airflow.url}/colophon/licences/3")
    assert chromium.find_elements("id", "term-ends")
    assert not chromium.find_elements("css selector", "[data-post]")
    chromium.get(f"{airflow.url}/colophon/imports")
    assert not chromium.find_elements("css selector", "[data-post]")
    assert "Held statements" not in chromium.page_source
