# ruff: noqa: E501 - rows read best as rows
"""The pages in Airflow, in a real browser: frame, menu, log-in, filters, the button, the dark."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.airflow_home import ROOT, environment
from tests.ui.conftest import fill

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
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Airflow's API server with our plugin, a filled ledger, the DAG `redeliver`, an admin and a viewer."""
    from include.ledger.database import Ledger
    from include.store import ArtefactStore

    home, port = tmp_path_factory.mktemp("airflow"), _free_port()
    colophon = tmp_path_factory.mktemp("colophon")
    ledger = Ledger(str(colophon / "ledger.sqlite"))
    ledger.upgrade()
    ids = fill(ledger, ArtefactStore(str(colophon / "store")))
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

    subprocess.run(run("db", "migrate"), env=env, cwd=ROOT, check=True, stdout=log, stderr=log, timeout=180)
    subprocess.run(run("dags", "reserialize"), env=env, cwd=ROOT, check=True, stdout=log, stderr=log, timeout=180)
    server = subprocess.Popen(run("api-server", "--host", "127.0.0.1", "--port", str(port)), env=env, cwd=ROOT, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _until(lambda: _answers(f"{url}/api/v2/version"), server, home / "server.log")
        yield SimpleNamespace(url=url, ids=ids, ledger=ledger)
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
    browser.get(f"{airflow.url}/auth/login")
    browser.delete_all_cookies()
    browser.get(f"{airflow.url}/auth/login")
    wait(browser, lambda b: b.find_elements("name", "username"))
    browser.find_element("name", "username").send_keys(who)
    browser.find_element("name", "password").send_keys(who)
    browser.find_element("css selector", "button[type=submit]").click()
    wait(browser, lambda b: "/auth/login" not in b.current_url)


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
    browser.set_window_size(600, 900)
    try:
        for path in ("deliveries", f"deliveries/{airflow.ids.answered}", "titles/1", "partners/northgate", "connections"):
            browser.get(f"{airflow.url}/colophon/{path}")
            assert browser.execute_script("return document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
    finally:
        browser.set_window_size(1500, 1000)
